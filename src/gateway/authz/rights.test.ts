import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { calls } from "../../../test/gateway/authz-calls.ts";
import { serveForTest, type TestServer } from "../../../test/gateway/server.ts";
import { makeNodeHost } from "../../host/node-host.ts";
import type { AuthzPort } from "../../model/authz.ts";
import { defaultLimits } from "../../model/limits.ts";
import type { AccessToken } from "../door.ts";
import { operations } from "../rights.ts";
import { authzRoutes } from "./front.ts";

/** Keys with rights: each operation of each API takes the one that it says, and no other. */

/** Those that have tests of their own below. */
const others = [
  "POST /authz/tenants",
  "GET /authz/tenants",
  "DELETE /authz/tenants/{tenant}",
  "POST /stores",
  "GET /stores",
  "DELETE /stores/{store_id}",
  "GET /.well-known/authzen-configuration",
];

const tokens: readonly AccessToken[] = [
  { name: "root", token: "root" },
  { name: "none", token: "none", rights: [] },
  ...operations.map((operation) => ({
    name: operation,
    token: operation,
    rights: [{ tenant: "acme", operations: [operation] }],
  })),
  {
    name: "reader",
    token: "reader",
    rights: [{ tenant: "acme", operations: ["check", "read"] }],
  },
  { name: "everywhere", token: "everywhere", rights: [{ tenant: "*", operations: ["admin"] }] },
];

let server: TestServer;

before(async () => {
  server = await serveForTest({ tokens });
  await server.authz.createTenant({ id: "acme" });
  await server.authz.createTenant({ id: "other" });
  await server.authz.tenant("acme").writeSchema({
    dialect: "native",
    text: "definition user {}\ndefinition document {\nrelation owner: user\npermission view = owner\n}",
  });
});
after(() => server.close());

async function ask(token: string | undefined, call: string, body?: unknown): Promise<Response> {
  const [method = "", template = ""] = call.split(" ");
  const path = template.replace(/\{(?:tenant|store_id)\}/, "acme").replace(/\{\w+\}/g, "x");
  // Some answers never end: what counts is how they begin.
  const signal = AbortSignal.timeout(5000);
  const response = await fetch(server.url + path, {
    method,
    signal,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      "x-holdfast-tenant": "acme",
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  if (/watch$/.test(path) && response.ok) await response.body?.cancel();
  return response;
}

/** The code that a refusal has, in the shape of its API. */
async function codeOf(response: Response, call: string): Promise<unknown> {
  const text = await response.text();
  if (call.includes(" /access/")) return /^([a-z-]+): /.exec(text)?.[1];
  const told = JSON.parse(text) as { code?: unknown; error?: { code: unknown } };
  // Of SpiceDB's streams it is a piece.
  return told.code ?? told.error?.code;
}

function denied(call: string): unknown {
  if (call.includes(" /stores")) return "forbidden";
  return call.includes(" /v1/") ? 7 : "permission-denied";
}

function unauthorized(call: string): unknown {
  if (call.includes(" /stores")) return "unauthenticated";
  return call.includes(" /v1/") ? 16 : "unauthorized";
}

test("every route is in the table", () => {
  const routes = authzRoutes({
    authz: {} as AuthzPort,
    host: makeNodeHost(),
    limits: defaultLimits,
    measure: async () => [],
    publicUrl: () => "",
  });
  assert.deepEqual(
    routes.map(({ method, path }) => `${method} ${path}`).sort(),
    [...calls.map(({ route }) => route), ...others].sort(),
  );
});

for (const operation of operations) {
  describe(`a key with the right ${operation}`, () => {
    for (const { route, body, needs } of calls) {
      const may = needs === operation || operation === "admin";
      test(`${may ? "may" : "may not"}: ${route}`, async () => {
        const response = await ask(operation, route, body);
        if (may) return assert.ok(response.status !== 401 && response.status !== 403);
        assert.equal(response.status, 403);
        assert.equal(await codeOf(response, route), denied(route));
      });
    }
  });
}

test("a key without any right, and no key at all, may nothing", async () => {
  for (const { route, body } of calls) {
    assert.equal((await ask("none", route, body)).status, 403, route);
    for (const token of [undefined, "wrong"]) {
      const response = await ask(token, route, body);
      assert.equal(response.status, 401, route);
      assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer/);
      assert.equal(await codeOf(response, route), unauthorized(route));
    }
  }
});

test("why an answer is as it is takes the right to read as well", async () => {
  const own = "POST /authz/tenants/acme/check";
  const question = { resource: "document:1", permission: "view", subject: "user:a" };
  const ref = (type: string) => ({ objectType: type, objectId: "1" });
  const item = { resource: ref("document"), permission: "view", subject: { object: ref("user") } };
  const asks: readonly (readonly [string, object])[] = [
    [own, { ...question, explain: true }],
    ["POST /v1/permissions/check", { ...item, withTracing: true }],
    ["POST /v1/permissions/checkbulk", { items: [item], withTracing: true }],
  ];
  for (const [call, body] of asks) {
    const refused = await ask("check", call, body);
    assert.equal(refused.status, 403, call);
    assert.equal(await codeOf(refused, call), denied(call));
    assert.equal((await ask("reader", call, body)).status, 200, call);
  }
  assert.equal((await ask("check", own, { ...question, explain: false })).status, 200);
});

test("a right on one tenant is none on another", async () => {
  for (const path of ["/authz/tenants/other/schemas/current", "/stores/other"]) {
    assert.equal((await ask("admin", `GET ${path}`)).status, 403);
    assert.notEqual((await ask("everywhere", `GET ${path}`)).status, 403);
  }
});

test("tenants are created and deleted by those who may it with all of them, or with that one", async () => {
  const create = async (token: string, body: unknown): Promise<number> =>
    (await ask(token, "POST /authz/tenants", body)).status;
  assert.equal(await create("write", {}), 403);
  assert.equal(await create("admin", {}), 403);
  assert.equal(await create("admin", { id: "acme" }), 409);
  assert.equal(await create("everywhere", { id: "made" }), 201);
  assert.equal((await ask("admin", "POST /stores", { name: "a store" })).status, 403);
  assert.equal((await ask("everywhere", "POST /stores", { name: "a store" })).status, 201);
  assert.equal((await ask("admin", "DELETE /authz/tenants/made")).status, 403);
  assert.equal((await ask("admin", "DELETE /stores/made")).status, 403);
  assert.equal((await ask("everywhere", "DELETE /authz/tenants/made")).status, 204);
});

test("lists of tenants show those that the key is for", async () => {
  const shown = async (token: string, path: string): Promise<string[]> => {
    const body = (await (await ask(token, `GET ${path}`)).json()) as Record<
      string,
      { id: string }[]
    >;
    return (body["items"] ?? body["stores"] ?? []).map(({ id }) => id);
  };
  for (const path of ["/authz/tenants", "/stores"]) {
    assert.deepEqual(await shown("check", path), ["acme"]);
    assert.deepEqual(await shown("none", path), []);
    assert.ok((await shown("everywhere", path)).includes("other"));
  }
});

test("a key with rights has no business outside of authorization; one without limits has", async () => {
  for (const path of ["/invocations", "/metrics", "/openapi.json", "/call/a/b"]) {
    const method = path.startsWith("/call") ? "POST" : "GET";
    assert.equal((await ask("everywhere", `${method} ${path}`)).status, 403, path);
    assert.notEqual((await ask("root", `${method} ${path}`)).status, 403, path);
  }
  assert.equal((await ask("none", "GET /health")).status, 200);
});

test("where no tenant is named, the one that the key is for is meant", async () => {
  const response = await fetch(`${server.url}/v1/schema/read`, {
    method: "POST",
    headers: { authorization: "Bearer read", "content-type": "application/json" },
    body: "{}",
  });
  assert.equal(response.status, 200);
});
