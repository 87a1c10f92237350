import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import type { Ground } from "../../../test/authz/ground.ts";
import {
  canBeContextual,
  readOpenfgaTests,
  runOpenfgaTest,
} from "../../../test/authz/openfga-suite.ts";
import { runSpicedbFile } from "../../../test/authz/spicedb-suite.ts";
import { SuiteReport } from "../../../test/authz/suite-report.ts";
import { serveForTest, type TestServer } from "../../../test/gateway/server.ts";
import { suiteFolder } from "../../../test/suites.ts";
import {
  parseCheckItem,
  parseObject,
  parseRelationship,
  parseSubject,
} from "../../authz/relationship-text.ts";
import { connectAuthz } from "../../client/authz-client.ts";
import type { AuthzPort, TenantPort, WatchEvent } from "../../model/authz.ts";
import type { Relationship } from "../../model/relationship.ts";
import { Prng } from "../../std/prng.ts";
import { readRelationship } from "./read.ts";

/** The client of our own API against a real server: what it says is what the port itself says. */

let server: TestServer;
let client: AuthzPort;

const schema = `
definition user {}

definition group {
  relation member: user | group#member
}

caveat in_office(hour int) { hour >= 9 }

definition document {
  relation viewer: user | user:* | group#member | user with in_office
  relation banned: user
  permission view = viewer - banned
}`;

before(async () => {
  server = await serveForTest();
  client = connectAuthz({ url: server.url });
  await client.createTenant({ id: "acme", name: "Acme" });
  const tenant = client.tenant("acme");
  await tenant.writeSchema({ dialect: "native", text: schema });
  await tenant.write({
    updates: [
      "document:1#viewer@group:eng#member",
      "group:eng#member@user:ada",
      "document:2#viewer@user:*",
      "document:2#banned@user:eve",
      { ...relationship("document:3#viewer@user:bob"), caveat: { name: "in_office" } },
    ].map((each) => ({ operation: "touch", relationship: readRelationship(each, "it") })),
  });
});
after(() => server.close());

function relationship(text: string): Relationship {
  return readRelationship(text, "it");
}

const user = (id: string) => ({ type: "user", id });
const document = (id: string) => ({ type: "document", id });

test("every question and every reading gives over HTTP what it gives in the process", async () => {
  const here = server.authz.tenant("acme");
  const there = client.tenant("acme");
  const consistency = { kind: "fully-consistent" } as const;
  const item = { permission: "view", subject: user("ada"), consistency };
  const contextual = [relationship("document:9#viewer@user:ada")];
  const asks: readonly ((tenant: TenantPort) => Promise<unknown>)[] = [
    (tenant) => tenant.describe(),
    (tenant) => tenant.readSchema(),
    (tenant) => tenant.schemas({ limit: 1 }),
    (tenant) => tenant.read({}),
    (tenant) => tenant.read({ filter: { subjectType: "user", subjectRelation: null }, limit: 2 }),
    (tenant) => tenant.changes({ limit: 1, resourceTypes: ["document"] }),
    (tenant) => tenant.check({ ...item, resource: document("1") }),
    (tenant) => tenant.check({ ...item, resource: document("9"), contextual }),
    (tenant) => tenant.check({ ...item, resource: document("3"), subject: user("bob") }),
    (tenant) => tenant.check({ ...item, resource: document("3"), subject: user("bob"), context: { hour: 10 } }),
    (tenant) => tenant.expand({ resource: document("1"), permission: "view", deep: true }),
    (tenant) => tenant.lookupResources({ ...item, resourceType: "document", limit: 1 }),
    (tenant) => tenant.lookupSubjects({ resource: document("2"), permission: "view", subjectType: "user" }),
    (tenant) => tenant.lookupSubjects({ resource: document("1"), permission: "view", subjectType: "group", subjectRelation: "member" }),
    (tenant) => tenant.permissions({ resource: document("1"), subject: user("ada") }),
    (tenant) => tenant.readDocument("none"),
  ]; // biome-ignore format: a list of questions
  for (const ask of asks) assert.deepEqual(await ask(there), await ask(here), String(ask));
});

test("an error arrives as it was thrown, in a bulk as well as alone", async () => {
  const tenant = client.tenant("acme");
  const items = [
    { resource: document("1"), permission: "view", subject: user("ada") },
    { resource: document("1"), permission: "fly", subject: user("ada") },
  ];
  const { items: answers } = await tenant.checkMany({ items });
  assert.deepEqual(answers[0], { verdict: "yes", missing: [] });
  assert.ok(answers[1] !== undefined && "error" in answers[1]);
  const expected = {
    name: "HoldfastError",
    code: "unknown-relation",
    message: /has no relation or permission fly/,
  };
  assert.throws(() => {
    throw (answers[1] as { error: Error }).error;
  }, expected);
  await assert.rejects(tenant.check(items[1]!), expected);
  await assert.rejects(client.tenant("nobody").describe(), { code: "unknown-tenant" });
  await assert.rejects(client.createTenant({ id: "acme" }), { code: "tenant-exists" });
  await assert.rejects(
    tenant.write({
      updates: [{ operation: "create", relationship: relationship("group:eng#member@user:ada") }],
    }),
    { code: "relationship-exists" },
  );
});

test("tenants, documents and deletions go over HTTP", async () => {
  const { id } = await client.createTenant();
  const found = await client.tenants({ limit: 1000 });
  assert.ok(found.items.some((tenant) => tenant.id === id));
  const tenant = client.tenant(id);
  await tenant.writeDocument("a/b c", "text");
  assert.equal(await tenant.readDocument("a/b c"), "text");
  await tenant.writeDocument("a/b c", null);
  assert.equal(await tenant.readDocument("a/b c"), null);
  await tenant.writeSchema({ dialect: "native", text: schema });
  const updates = [
    "document:x#viewer@user:a",
    "document:x#viewer@user:b",
    "document:y/z#viewer@user:c",
  ].map((text) => ({ operation: "create" as const, relationship: relationship(text) }));
  await tenant.write({ updates, metadata: { by: "test" } });
  const some = await tenant.deleteRelationships({ filter: { resourceId: "x" }, limit: 1 });
  assert.deepEqual([some.deleted, some.complete], [1, false]);
  const object = await tenant.deleteObject({ type: "document", id: "y/z" });
  assert.equal(object.deleted, 1);
  await client.deleteTenant(id);
  await assert.rejects(tenant.describe(), { code: "unknown-tenant" });
});

test("a watch goes on where it was when the connection is cut", async () => {
  const first = await serveForTest();
  await first.authz.createTenant({ id: "w" });
  const tenant = first.authz.tenant("w");
  await tenant.writeSchema({ dialect: "native", text: schema });
  const write = (text: string): Promise<unknown> =>
    tenant.write({ updates: [{ operation: "create", relationship: relationship(text) }] });
  const controller = new AbortController();
  const seen: WatchEvent[] = [];
  const watching = (async () => {
    const watch = connectAuthz({ url: first.url })
      .tenant("w")
      .watch({ heartbeatMs: 100, signal: controller.signal });
    for await (const event of watch) seen.push(event);
  })();
  const changes = async (count: number): Promise<void> => {
    while (seen.filter(({ kind }) => kind === "change").length < count) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await write("document:1#viewer@user:a");
  await changes(1);
  await write("document:2#viewer@user:a");
  await changes(2);
  controller.abort();
  await watching;
  assert.equal(seen[0]?.kind, "heartbeat");
  await first.close();
});

test("a watch of what is not there, or from too long ago, is refused", async () => {
  const next = (tenant: string, after: string): Promise<unknown> =>
    client.tenant(tenant).watch({ after })[Symbol.asyncIterator]().next();
  await assert.rejects(next("nobody", "x"), { code: "unknown-tenant" });
  await assert.rejects(next("acme", "x"), { code: "zookie-invalid" });
});

async function onHttp(): Promise<Ground> {
  return { authz: client, now: () => Date.now(), close: async () => {} };
}

const openfga = suiteFolder("openfga");
const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);

for (const passing of ["stored", "contextual"] as const) {
  const skip = openfga === undefined && "the suites are not beside this checkout";
  test(`the tests of OpenFGA with ${passing} tuples, over HTTP`, { skip }, async (t) => {
    const ground = await onHttp();
    const report = new SuiteReport();
    for (const file of ["consolidated_1_1_tests.yaml", "abac_tests.yaml"]) {
      for (const one of readOpenfgaTests(path.join(openfga!, file))) {
        if (passing === "contextual" && !canBeContextual(one)) continue;
        // Where OpenFGA's ListUsers asks another question: see the same test in test/authz.
        const own = one.name === "relation_through_ttu_with_condition" ? new SuiteReport() : report;
        await runOpenfgaTest(one, { ground, report: own, random: new Prng(seed), passing });
      }
    }
    t.diagnostic(report.summary);
    assert.deepEqual(report.disagreements, []);
  });
}

const spicedb = suiteFolder("spicedb/testconfigs");

test("the cases of SpiceDB, over HTTP", { skip: spicedb === undefined }, async (t) => {
  const ground = await onHttp();
  const report = new SuiteReport();
  for (const file of readdirSync(spicedb!)) {
    await runSpicedbFile(path.join(spicedb!, file), { ground, report });
  }
  t.diagnostic(report.summary);
  assert.deepEqual(report.disagreements, []);
});

test("text is read in the process as it is over HTTP", async () => {
  for (const port of [client, server.authz]) {
    const tenant = port.tenant("acme");
    const given = (request: object) => request as never; // the types know the parts only
    const update = { operation: "touch", relationship: "document:text#viewer@user:ada" };
    await tenant.write(given({ updates: [update] }));
    const item = { resource: "document:text", permission: "view", subject: "user:ada" };
    assert.equal((await tenant.check(given(item))).verdict, "yes");
    const question = "document:text#view@user:ada";
    const { items } = await tenant.checkMany(given({ items: [question, item] }));
    assert.deepEqual(items, Array(2).fill({ verdict: "yes", missing: [] }));
    const contextual = ["document:brought#viewer@user:bob"];
    const brought = { ...item, resource: "document:brought", subject: "user:bob", contextual };
    assert.equal((await tenant.check(given(brought))).verdict, "yes");
    const found = await tenant.lookupResources(
      given({ resourceType: "document", permission: "view", subject: "user:ada" }),
    );
    assert.ok(found.items.some(({ id }) => id === "text"));
    const { deleted } = await tenant.write(
      given({ updates: [{ ...update, operation: "delete" }] }),
    );
    assert.equal(deleted, 1);
  }
});

test("what is no question, and no text, is a coded error in the process too", async () => {
  const tenant = server.authz.tenant("acme");
  const some = { resource: { type: "document", id: "1" }, permission: "view" };
  for (const item of [{}, some, null, 5, { ...some, subject: { type: "user", id: 5 } }]) {
    assert.throws(() => tenant.checkNow(item as never), { code: "invalid-argument" });
  }
  const asText = { resource: "document:1", permission: "view", subject: "user:ada" };
  assert.equal(tenant.checkNow(asText as never), "yes");
  for (const value of [5, undefined, null, {}]) {
    for (const parse of [parseRelationship, parseCheckItem]) {
      assert.throws(() => parse(value as never), { code: "invalid-relationship" });
    }
    for (const parse of [parseObject, parseSubject]) {
      assert.throws(() => parse(value as never), { code: "invalid-object" });
    }
  }
});
