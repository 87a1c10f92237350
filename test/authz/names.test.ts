/** Tenants that have had more types and relations over the years than a graph has numbers for. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { AuthzSettings } from "../../src/authz/authz.ts";
import { type Holdfast, open } from "../../src/server/open.ts";

/** With 24,000 names, of which one graph has room for two sets and not for three. */
function wide(year: number): string {
  const types = Array.from({ length: 60 }, (_, type) => {
    const relations = Array.from(
      { length: 400 },
      (_, at) => `relation r${year}y${type}z${at}: user`,
    );
    return `definition t${year}x${type} {\n${relations.join("\n")}\n}`;
  });
  return `definition user {}
definition group { relation member: user | group#member }
definition document {
  relation viewer: user | group#member
  relation parent: document
  permission view = viewer + parent->view
}
${types.join("\n")}`;
}

const settings: Readonly<Record<string, Partial<AuthzSettings>>> = {
  "in memory": { cacheBytes: 65_536 },
  "in windows": { residentMax: 0 },
};

/** A store with a tenant that has a relationship already, opened again. */
async function opened(t: TestContext, authz: Partial<AuthzSettings>) {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-names-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const store = path.join(folder, "holdfast.db");
  const before = await open({ services: [], store });
  await before.authz.createTenant({ id: "t" });
  await before.authz.tenant("t").writeSchema({ dialect: "native", text: wide(0) });
  await touch(before, [
    ["document:child", "parent", "document:1"],
    ["document:1", "viewer", "group:outer#member"],
    ["group:outer", "member", "group:inner#member"],
    ["group:inner", "member", "user:ada"],
  ]);
  await before.close();
  const again = async (options: Partial<AuthzSettings>): Promise<Holdfast> => {
    const app = await open({ services: [], store, authz: options });
    t.after(() => app.close());
    return app;
  };
  return { app: await again(authz), again };
}

type Triple = readonly [resource: string, relation: string, subject: string];

function touch(app: Holdfast, triples: readonly Triple[], schema?: string) {
  const ref = (text: string) => {
    const [, type = "", id = "", relation] = /^(\w+):(\w+)(?:#(\w+))?$/.exec(text) ?? [];
    return { type, id, ...(relation === undefined ? {} : { relation }) };
  };
  const updates = triples.map(([resource, relation, subject]) => ({
    operation: "touch" as const,
    relationship: { resource: ref(resource), relation, subject: ref(subject) },
  }));
  return app.authz.tenant("t").write({ updates, ...(schema === undefined ? {} : { schema }) });
}

async function can(app: Holdfast, user: string, schema?: string): Promise<string> {
  const item = {
    resource: { type: "document", id: "child" },
    permission: "view",
    subject: { type: "user", id: user },
  };
  const tenant = app.authz.tenant("t");
  const { verdict } = await tenant.check({ ...item, ...(schema === undefined ? {} : { schema }) });
  if (schema === undefined) assert.equal(await tenant.checkNow(item), verdict);
  return verdict;
}

for (const [name, authz] of Object.entries(settings)) {
  test(`a tenant goes on, however many names its schemas had: ${name}`, async (t) => {
    const { app } = await opened(t, authz);
    const tenant = app.authz.tenant("t");
    const schemas: string[] = [];
    for (let year = 0; year < 5; year++) {
      const { id } = await tenant.writeSchema({
        dialect: "native",
        text: wide(year),
        orphans: "keep",
      });
      schemas.push(id);
      // What is new is named first by a write, or by a question.
      const written: Triple = [`t${year}x59:a`, `r${year}y59z399`, "user:ada"];
      if (year % 2 === 0) await touch(app, [written]);
      assert.equal(await can(app, "ada"), "yes");
      assert.equal(await can(app, "bob"), "no");
      if (year % 2 === 1) await touch(app, [written]);
    }
    // Old ones can still be asked, and changes are seen by all of them.
    for (const schema of schemas) assert.equal(await can(app, "ada", schema), "yes");
    await touch(app, [["group:inner", "member", "user:bob"]]);
    for (const schema of schemas) assert.equal(await can(app, "bob", schema), "yes");
    assert.equal(await can(app, "bob"), "yes");
    const { deleted } = await tenant.deleteRelationships({
      filter: { subjectId: "bob", subjectType: "user" },
    });
    assert.equal(deleted, 1);
    for (const schema of schemas) assert.equal(await can(app, "bob", schema), "no");
    assert.equal(await can(app, "bob"), "no");
    const left = await tenant.deleteObject({ type: "user", id: "ada" });
    assert.equal(left.deleted, 6);
  });
}

test("what is written under old schemas is refused before there is no room for the current one", async (t) => {
  const { app, again } = await opened(t, settings["in windows"] ?? {});
  const tenant = app.authz.tenant("t");
  const schemas: string[] = [];
  for (let year = 0; year < 3; year++) {
    const { id } = await tenant.writeSchema({
      dialect: "native",
      text: wide(year),
      orphans: "keep",
    });
    schemas.push(id);
  }
  const ofYear = (year: number, type: number): Triple[] =>
    Array.from({ length: 400 }, (_, at) => [
      `t${year}x${type}:a`,
      `r${year}y${type}z${at}`,
      "user:ada",
    ]);
  const write = async (to: Holdfast, year: number): Promise<void> => {
    for (let type = 0; type < 60; type++) await touch(to, ofYear(year, type), schemas[year]);
  };
  await write(app, 0);
  await app.close();
  const resident = await again(settings["in memory"] ?? {});
  assert.equal(await can(resident, "ada"), "yes");
  await assert.rejects(write(resident, 1), { code: "limit-exceeded" });
  assert.equal(await can(resident, "ada"), "yes");
  // Under the current one all can be written that it has.
  await touch(resident, ofYear(2, 0));
  const next = { dialect: "native", text: wide(3), orphans: "keep" } as const;
  await assert.rejects(resident.authz.tenant("t").writeSchema(next), { code: "limit-exceeded" });
  await resident.close();
  // A window has room for what is asked. What is stored has room in a graph without the current
  // schema, and then not even by itself: the tenant stays in windows.
  for (const [year, loadedFirstMax] of [
    [1, 0],
    [2, 1_000_000],
  ] as const) {
    const windows = await again(settings["in windows"] ?? {});
    await write(windows, year);
    assert.equal(await can(windows, "ada"), "yes");
    await windows.close();
    const last = await again({ loadedFirstMax });
    await last.relations.loaded();
    assert.notEqual(last.relations.tenant("t").view.residency, null);
    assert.equal(await can(last, "ada"), "yes");
    assert.equal(await can(last, "bob"), "no");
    await last.close();
  }
});
