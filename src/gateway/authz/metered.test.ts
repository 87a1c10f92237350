import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { serveForTest, type TestServer } from "../../../test/gateway/server.ts";

/** Metrics of tenants: to each its own, and the sums of the server are the sums of all. */

const schema =
  "definition user {}\ndefinition document {\nrelation owner: user\npermission view = owner\n}";
const question = { resource: "document:1", permission: "view", subject: "user:ada" };
const grant = (tenant: string) => ({
  name: tenant,
  token: tenant,
  rights: [{ tenant, operations: ["read", "check", "write"] as const }],
});

let server: TestServer;

before(async () => {
  const blind = { tenant: "acme", operations: ["check"] as const };
  server = await serveForTest({
    tokens: [
      { name: "root", token: "root" },
      grant("acme"),
      grant("zeta"),
      { name: "blind", token: "blind", rights: [blind] },
    ],
  });
});
after(() => server.close());

async function ask(token: string, path: string, body?: unknown): Promise<Response> {
  return fetch(server.url + path, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function addTenant(id: string): Promise<void> {
  assert.equal((await ask("root", "/authz/tenants", { id })).status, 201);
  await server.authz.tenant(id).writeSchema({ dialect: "native", text: schema });
}

async function check(token: string, tenant: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await (await ask(token, `/authz/tenants/${tenant}/check`, question)).text();
  }
}

type Counted = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** By metric, then by tenant. */
async function read(token: string, path = "/metrics"): Promise<Counted> {
  const response = await ask(token, path);
  assert.equal(response.status, 200, path);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain/);
  const counted: Record<string, Record<string, number>> = {};
  for (const line of (await response.text()).split("\n")) {
    const found = /^holdfast_authz_(\w+)_total\{tenant="([^"]+)"\} (\d+)$/.exec(line);
    if (found === null) continue;
    const [, name = "", tenant = "", value] = found;
    counted[name] = { ...counted[name], [tenant]: Number(value) };
  }
  return counted;
}

const total = (of: Readonly<Record<string, number>> = {}): number =>
  Object.values(of).reduce((sum, value) => sum + value, 0);

test("who may read a tenant sees its counts, and nothing of the others", async () => {
  await addTenant("acme");
  await addTenant("zeta");
  await check("acme", "acme", 3);
  await check("zeta", "zeta", 5);
  const refused = await ask("acme", "/authz/tenants/acme/check", { ...question, permission: "x" });
  assert.equal(refused.status, 400);
  await refused.text();
  assert.deepEqual(await read("acme", "/authz/tenants/acme/metrics"), {
    checks: { acme: 3 },
    lookups: { acme: 0 },
    writes: { acme: 0 },
    errors: { acme: 1 },
    cache_hits: { acme: 0 },
    cache_misses: { acme: 0 },
  });
  assert.deepEqual((await read("zeta", "/authz/tenants/zeta/metrics"))["checks"], { zeta: 5 });
  for (const [token, path] of [
    ["acme", "/authz/tenants/zeta/metrics"],
    ["acme", "/authz/tenants/nobody/metrics"],
    ["acme", "/metrics"],
    ["blind", "/authz/tenants/acme/metrics"],
  ] as const) {
    const response = await ask(token, path);
    assert.equal(response.status, 403, path);
    const text = await response.text();
    assert.doesNotMatch(text, /holdfast_authz/);
  }
  assert.equal((await ask("root", "/authz/tenants/nobody/metrics")).status, 404);
});

test("how long it took is told by operation, refusals by code, and what a tenant holds", async () => {
  await ask("root", "/authz/tenants", { id: "slow", limits: { authzBudget: 5 } });
  await server.authz.tenant("slow").writeSchema({ dialect: "native", text: schema });
  const updates = [{ operation: "touch", relationship: "document:1#owner@user:ada" }];
  await (await ask("root", "/authz/tenants/slow/relationships", { updates })).text();
  const items = Array.from({ length: 20 }, () => question);
  const bulk = await ask("root", "/authz/tenants/slow/check-many", { items });
  const { items: answers } = (await bulk.json()) as { items: object[] };
  const refused = answers.filter((item) => "error" in item).length;
  assert.ok(refused > 0);
  const metrics = await (await ask("root", "/metrics")).text();
  const value = (name: string) =>
    Number(
      metrics
        .split("\n")
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length),
    );
  assert.equal(value('holdfast_authz_refusals_total{code="rate-exceeded"}'), refused);
  assert.equal(value('holdfast_authz_relationships{tenant="slow"}'), 1);
  assert.ok(value('holdfast_authz_cache_misses_total{tenant="slow"}') > 0);
  assert.ok(value('holdfast_authz_cache_hits_total{tenant="slow"}') > 0);
  for (const operation of ["check-many", "write"]) {
    const of = `operation="${operation}"`;
    assert.ok(value(`holdfast_authz_duration_seconds_count{${of}}`) >= 1);
    const last = value(`holdfast_authz_duration_seconds_bucket{${of},le="+Inf"}`);
    assert.equal(last, value(`holdfast_authz_duration_seconds_count{${of}}`));
  }
  // One tenant is told nothing of what is of all.
  const own = await (await ask("root", "/authz/tenants/slow/metrics")).text();
  assert.match(own, /holdfast_authz_relationships\{tenant="slow"\} 1/);
  assert.doesNotMatch(own, /duration|refusals/);
});

test("what a tenant that was just created is refused is its own", async () => {
  await ask("root", "/authz/tenants", { id: "bare" });
  await check("root", "bare", 2);
  assert.deepEqual((await read("root", "/authz/tenants/bare/metrics"))["errors"], { bare: 2 });
});

test("the metrics of the server are the sums of all tenants, beyond the first hundred too", async () => {
  const before = await read("root");
  const ids = Array.from({ length: 110 }, (_, i) => `t${i}`);
  for (const id of ids) await addTenant(id);
  for (const id of ids) await check("root", id, 2);
  await check("root", "stranger", 4);
  const all = await read("root");
  assert.equal(total(all["checks"]) - total(before["checks"]), 220);
  assert.equal(total(all["errors"]) - total(before["errors"]), 4);
  assert.equal(Object.keys(all["checks"] ?? {}).length, 101);
  assert.equal(all["checks"]?.["stranger"], undefined);
  // Those without a name among them have their own counts all the same.
  let sum = 0;
  for (const id of [...ids, "acme", "zeta", "bare", "slow"]) {
    sum += total((await read("root", `/authz/tenants/${id}/metrics`))["checks"]);
  }
  assert.equal(sum, total(all["checks"]));
});

test("what a deleted tenant was asked stays in the sums, and is not told to its successor", async () => {
  const before = total((await read("root"))["checks"]);
  await fetch(`${server.url}/authz/tenants/acme`, {
    method: "DELETE",
    headers: { authorization: "Bearer root" },
  });
  assert.equal((await ask("root", "/authz/tenants/acme/metrics")).status, 404);
  assert.equal(total((await read("root"))["checks"]), before);
  await addTenant("acme");
  assert.deepEqual((await read("acme", "/authz/tenants/acme/metrics"))["checks"], { acme: 0 });
  assert.equal(total((await read("root"))["checks"]), before);
});
