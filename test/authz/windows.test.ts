/** Tenants that are larger than memory, and those that become it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRelationship } from "../../src/authz/relationship-text.ts";
import { makeNodeHost } from "../../src/host/node-host.ts";
import { type Holdfast, open } from "../../src/server/open.ts";

const schema = `definition user {}
definition group { relation member: user | group#member }
definition document {
  relation viewer: user | group#member
  permission view = viewer
}`;

async function opened(told: string[]): Promise<Holdfast> {
  const host = { ...makeNodeHost(), log: (_: string, message: string) => void told.push(message) };
  const app = await open({ services: [], store: ":memory:", host, authz: { residentMax: 10 } });
  await app.authz.createTenant({ id: "t" });
  await app.authz.tenant("t").writeSchema({ dialect: "native", text: schema });
  return app;
}

function touch(app: Holdfast, texts: readonly string[]) {
  const updates = texts.map(parseRelationship).map((relationship) => ({
    operation: "touch" as const,
    relationship,
  }));
  return app.authz.tenant("t").write({ updates });
}

async function viewers(app: Holdfast, document: number, users: number): Promise<string> {
  const resource = { type: "document", id: String(document) };
  const verdicts = Array.from({ length: users }, async (_, user) => {
    const subject = { type: "user", id: String(user) };
    const { verdict } = await app.authz
      .tenant("t")
      .check({ resource, permission: "view", subject });
    return verdict === "yes" ? "1" : "0";
  });
  return (await Promise.all(verdicts)).join("");
}

test("a tenant that outgrows memory goes on in a window, and answers as before", async (t) => {
  const told: string[] = [];
  const app = await opened(told);
  t.after(() => app.close());
  const isResident = (): boolean => app.relations.tenant("t").view.residency === null;
  await touch(app, ["document:0#viewer@group:a#member", "group:a#member@user:1"]);
  await touch(app, ["document:0#viewer@user:3"]);
  assert.equal(await viewers(app, 0, 5), "01010");
  assert.ok(isResident());
  assert.deepEqual(told, []);
  await touch(
    app,
    Array.from({ length: 9 }, (_, at) => `document:${at}#viewer@user:4`),
  );
  assert.ok(!isResident());
  assert.deepEqual(told, ["a tenant has outgrown memory"]);
  assert.equal(await viewers(app, 0, 5), "01011");
  assert.equal(await viewers(app, 8, 5), "00001");
  await touch(app, ["group:a#member@user:2"]);
  assert.equal(await viewers(app, 0, 5), "01111");
});

test("a relationship of a question leads on to stored ones that were not in memory", async (t) => {
  const app = await opened([]);
  t.after(() => app.close());
  const many = Array.from({ length: 10 }, (_, at) => `document:${at}#viewer@user:9`);
  await touch(app, [...many, "group:a#member@user:1"]);
  const { verdict } = await app.authz.tenant("t").check({
    resource: { type: "document", id: "1" },
    permission: "view",
    subject: { type: "user", id: "1" },
    contextual: [parseRelationship("document:1#viewer@group:a#member")],
  });
  assert.equal(verdict, "yes");
});
