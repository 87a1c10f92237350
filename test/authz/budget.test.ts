/** What the questions of one tenant over HTTP take does not take from those of another. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FgaApiRateLimitExceededError, OpenFgaClient } from "@openfga/sdk";
import { connectAuthz } from "../../src/client/authz-client.ts";
import { AdjustableClock } from "../../src/host/adjustable-clock.ts";
import type { CheckItem, TenantPort } from "../../src/model/authz.ts";
import { HoldfastError } from "../../src/model/errors.ts";
import { serveForTest, type TestServer } from "../gateway/server.ts";

const schema = `definition user {}
definition folder { relation reader: user }
definition document {
  relation parent: folder
  permission view = parent->reader
}`;

/** So little that no test takes as long as it takes to fill again what one question takes. */
const perSecond = 20;
const folders = 3_000;
const ids = ["busy", "calm", "01HVMMBCMGZNT3SED4Z17ECXCA"] as const;
const [busy, calm, store] = ids;

let server: TestServer;
let clock: AdjustableClock;

before(async () => {
  clock = new AdjustableClock(() => {});
  // Without kept answers, so that the same question takes the same work every time.
  const authz = { cacheBytes: 0, indexPairs: 0 };
  server = await serveForTest({ host: clock.host, authz, limits: { authzBudget: perSecond } });
  for (const id of ids) await makeTenant(id);
});
after(() => server.close());

async function makeTenant(id: string): Promise<void> {
  await server.authz.createTenant({ id });
  const tenant = server.authz.tenant(id);
  await tenant.writeSchema({ dialect: "native", text: schema });
  for (let from = 0; from < folders; from += 1_000) {
    const updates = Array.from({ length: 1_000 }, (_, at) => ({
      operation: "touch" as const,
      relationship: {
        resource: { type: "document", id: "wide" },
        relation: "parent",
        subject: { type: "folder", id: String(from + at) },
      },
    }));
    await tenant.write({ updates });
  }
}

const user = { type: "user", id: "nobody" };
const expensive: CheckItem = {
  resource: { type: "document", id: "wide" },
  permission: "view",
  subject: user,
};
const cheap: CheckItem = { ...expensive, resource: { type: "document", id: "none" } };

/** After whatever was before: all budgets are full. */
async function rest(): Promise<void> {
  await clock.advance(3_600_000, async () => {});
}

const remote = (id: string): TenantPort => connectAuthz({ url: server.url }).tenant(id);

async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "answered";
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error));
    return error.code;
  }
}

/** How much the last question looked at: all share one evaluation. */
const lastWork = (): number => server.relations.tenant(calm).evaluation.work;

test("a tenant that floods is refused, and the questions of another take what they took", async () => {
  await rest();
  assert.equal(await outcome(remote(calm).check(cheap)), "answered");
  const before = lastWork();
  const flood: string[] = [];
  const meanwhile: string[] = [];
  for (let round = 0; round < 10; round++) {
    flood.push(await outcome(remote(busy).check(expensive)));
    meanwhile.push(await outcome(remote(calm).check(cheap)));
    assert.equal(lastWork(), before);
  }
  assert.deepEqual(flood, ["answered", ...Array.from({ length: 9 }, () => "rate-exceeded")]);
  assert.deepEqual(
    meanwhile,
    Array.from({ length: 10 }, () => "answered"),
  );
});

test("every kind of question pays, and none is answered while nothing is left", async () => {
  const { resource } = expensive;
  const kinds: Readonly<Record<string, (tenant: TenantPort) => Promise<unknown>>> = {
    check: (tenant) => tenant.check(expensive),
    permissions: (tenant) => tenant.permissions({ resource, subject: user }),
    expand: (tenant) => tenant.expand({ resource, permission: "parent" }),
    "lookup of subjects": (tenant) =>
      tenant.lookupSubjects({ resource, permission: "parent", subjectType: "folder" }),
    "lookup of resources": (tenant) =>
      tenant.lookupResources({
        resourceType: "document",
        permission: "parent",
        subject: { type: "folder", id: "1" },
        contextual: Array.from({ length: 100 }, (_, at) => ({
          resource: { type: "document", id: `c${at}` },
          relation: "parent",
          subject: { type: "folder", id: "1" },
        })),
      }),
    "bulk check": (tenant) => tenant.checkMany({ items: [expensive] }),
  };
  for (const [name, ask] of Object.entries(kinds)) {
    await rest();
    assert.equal(await outcome(ask(remote(busy))), "answered", name);
    for (const [other, next] of Object.entries(kinds)) {
      const found = await outcome(next(remote(busy)));
      assert.equal(found, "rate-exceeded", `${other} after ${name}`);
    }
  }
});

test("within a bulk check the items for which nothing is left are refused", async () => {
  await rest();
  const { items } = await remote(busy).checkMany({ items: [cheap, expensive, cheap, expensive] });
  const codes = items.map((item) => ("error" in item ? (item.error as HoldfastError).code : "ok"));
  assert.deepEqual(codes, ["ok", "ok", "rate-exceeded", "rate-exceeded"]);
});

test("writes, reads and changes go on, and so do questions within the process", async () => {
  await rest();
  await outcome(remote(busy).check(expensive));
  assert.equal(await outcome(remote(busy).check(cheap)), "rate-exceeded");
  const relationship = {
    resource: { type: "document", id: "other" },
    relation: "parent",
    subject: { type: "folder", id: "1" },
  };
  await remote(busy).write({ updates: [{ operation: "touch", relationship }] });
  await remote(busy).read({ limit: 10 });
  await remote(busy).changes({ limit: 1 });
  const inside = server.authz.tenant(busy);
  for (let at = 0; at < 10; at++) assert.equal((await inside.check(expensive)).verdict, "no");
  assert.equal(await inside.checkNow(cheap), "no");
});

test("questions within the process leave the budget alone", async () => {
  await rest();
  for (let at = 0; at < 10; at++) await server.authz.tenant(busy).check(expensive);
  assert.equal(await outcome(remote(busy).check(cheap)), "answered");
});

test("it is answered again when the time that Retry-After says is over", async () => {
  await rest();
  await post(`/authz/tenants/${busy}/check`, expensive);
  const refused = await post(`/authz/tenants/${busy}/check`, cheap);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("content-type"), "application/problem+json");
  const { code } = (await refused.json()) as { code: string };
  assert.equal(code, "rate-exceeded");
  const seconds = Number(refused.headers.get("retry-after"));
  assert.ok(seconds > folders / perSecond - 60 && seconds <= folders / perSecond + 1);
  await clock.advance((seconds - 60) * 1_000, async () => {});
  assert.equal((await post(`/authz/tenants/${busy}/check`, cheap)).status, 429);
  await clock.advance(61_000, async () => {});
  assert.equal((await post(`/authz/tenants/${busy}/check`, cheap)).status, 200);
});

test("SpiceDB's interface: RESOURCE_EXHAUSTED, 8", async () => {
  await rest();
  const body = {
    resource: { objectType: "document", objectId: "wide" },
    permission: "view",
    subject: { object: { objectType: "user", objectId: "nobody" } },
  };
  const ask = () => post("/v1/permissions/check", body, { "x-holdfast-tenant": busy });
  assert.equal((await ask()).status, 200);
  const refused = await ask();
  assert.equal(refused.status, 429);
  assert.equal(((await refused.json()) as { code: number }).code, 8);
  assert.ok(Number(refused.headers.get("retry-after")) > 1);
});

test("AuthZEN: 429, with the code first in its message", async () => {
  await rest();
  const body = {
    subject: { type: "user", id: "nobody" },
    action: { name: "view" },
    resource: { type: "document", id: "wide" },
  };
  const ask = () => post("/access/v1/evaluation", body, { "x-holdfast-tenant": busy });
  assert.equal((await ask()).status, 200);
  const refused = await ask();
  assert.equal(refused.status, 429);
  assert.match(await refused.text(), /^rate-exceeded: /);
  assert.ok(Number(refused.headers.get("retry-after")) > 1);
});

test("OpenFGA's SDK takes it for what it is", async () => {
  await rest();
  const retryParams = { maxRetry: 0 };
  const client = new OpenFgaClient({ apiUrl: server.url, storeId: store, retryParams });
  const question = { user: "user:nobody", relation: "view", object: "document:wide" };
  assert.equal((await client.check(question)).allowed, false);
  await assert.rejects(client.check(question), (error) => {
    assert.ok(error instanceof FgaApiRateLimitExceededError);
    assert.equal(error.statusCode, 429);
    assert.equal(error.apiErrorCode, "rate_limit_exceeded");
    return true;
  });
  const body = { tuple_key: question };
  const refused = await post(`/stores/${store}/check`, body);
  assert.ok(Number(refused.headers.get("retry-after")) > 1);
});

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(server.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}
