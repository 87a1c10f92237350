import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { calls } from "../../../test/gateway/authz-calls.ts";
import { serveForTest, type TestServer } from "../../../test/gateway/server.ts";
import { makeNodeTransport } from "../../client/node-transport.ts";
import type { HttpReply, Transport } from "../../client/transport.ts";

/**
 * Whatever comes in over any of the APIs: an answer that is none of 500, in the shape of its API; no
 * line in the log; and the next request is answered as ever.
 */

let server: TestServer;
let send: Transport;
const logged: unknown[][] = [];

before(async () => {
  server = await serveForTest({ log: (...line) => void logged.push(line) });
  send = makeNodeTransport(server.url, { http, https });
  await openTenant("acme");
});
after(() => server.close());

async function openTenant(id: string): Promise<void> {
  await server.authz.createTenant({ id });
  await server.authz.tenant(id).writeSchema({
    dialect: "native",
    text: `definition user {}

caveat wide(aaa int, bbb list<string>, ddd map<any>, eee timestamp, fff duration, ggg bytes, hhh ipaddress, iii uint, jjj double) {
  aaa > 1 && bbb.size() < 9 && ddd.size() < 9 && eee > timestamp("2020-01-01T00:00:00Z") && fff < duration("1h") && ggg.size() < 9 && hhh.in_cidr("::/0") && iii > 0 && jjj > 0.0
}

definition document {
  relation owner: user | user:* | user with wide | document#owner
  permission view = owner
}`,
  });
  await server.authz.tenant(id).write({
    updates: [
      {
        operation: "touch",
        relationship: {
          resource: { type: "document", id: "1" },
          relation: "owner",
          subject: { type: "user", id: "ada" },
          caveat: { name: "wide" },
        },
      },
    ],
  });
}

const words = [
  "acme", "document", "user", "owner", "view", "1", "ada", "*", "", " ", "#", ":", "@", "document:1",
  "document:1#owner@user:ada", "group:x#", "a:b:c", "__proto__", "constructor", "\u0000", "\ud800",
  "\udfff\ud800", "é", "e\u0301", "🦀", "...", "wide", "fully-consistent", "exact-snapshot",
  "OPERATION_TOUCH", "HIGHER_CONSISTENCY", "x".repeat(300), "y".repeat(3000),
]; // biome-ignore format: a list of words
const names = [
  "resource", "permission", "subject", "context", "contextual", "consistency", "schema", "items",
  "updates", "filter", "limit", "after", "type", "id", "relation", "caveat", "expiresAt", "kind",
  "zookie", "explain", "tuple_key", "contextual_tuples", "tuple_keys", "checks", "correlation_id",
  "authorization_model_id", "page_size", "continuation_token", "optionalLimit", "optionalCursor",
  "token", "objectType", "objectId", "properties", "name", "evaluations", "options", "page",
  "__proto__", "toString", "hour", "aaa", "bbb", "ddd", "eee", "fff", "ggg", "hhh", "iii", "jjj",
]; // biome-ignore format: a list of names

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, 1, -1, 1.5, 1e308, -0, 4294967296, 2 ** 53),
  fc.constantFrom<unknown>(...words),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom<unknown>([], {}, [[]], [null], { a: null }, "2024-01-01T00:00:00Z"),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    leaf,
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...names), tie("tree"), { maxKeys: 4 }),
  ),
}));

/** A change somewhere in a value: which place, and what is put there. */
interface Change {
  readonly place: number;
  readonly value: unknown;
  readonly kind: "replace" | "remove" | "add" | "wrap";
  readonly name: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  place: fc.nat(40),
  value: tree,
  kind: fc.constantFrom("replace", "replace", "remove", "add", "wrap"),
  name: fc.constantFrom(...names),
});

function mutate(value: unknown, changes: readonly Change[]): unknown {
  let root = { body: structuredClone(value) } as Record<string, unknown>;
  for (const each of changes) {
    const places = [...placesIn(root)];
    const [holder, key] = places[each.place % places.length]!;
    const held = holder as Record<string, unknown>;
    if (each.kind === "remove" && holder !== root) delete held[key];
    else if (each.kind === "wrap") held[key] = [held[key]];
    else if (each.kind === "add" && typeof held[key] === "object" && held[key] !== null) {
      Object.defineProperty(held[key], each.name, {
        value: each.value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    } else held[key] = each.value;
    root = structuredClone(root);
  }
  return root["body"];
}

function* placesIn(holder: unknown): Generator<[unknown, string]> {
  if (typeof holder !== "object" || holder === null) return;
  for (const [key, value] of Object.entries(holder)) {
    yield [holder, key];
    yield* placesIn(value);
  }
}

const segment = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "%00",
      "%ff",
      "%2F",
      "",
      ".",
      "x".repeat(2000),
      "%f0%9f%a6%80",
      "nobody",
    ),
  },
);
const parameters = fc.oneof(
  { weight: 4, arbitrary: fc.constant("") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "?limit=0", "?limit=1", "?limit=99999999999", "?after=x", "?after=%00", "?types=a,b", "?since=-1",
      "?heartbeat=1y", "?mode=x", "?batch=0", "?zookie=AAAA", "?page_size=0", "?page_size=x", "?x=1",
      "?continuation_token=bm9uZQ", "?continuation_token=%00", "?start_time=never", "?resourceType=",
    ),
  },
); // biome-ignore format: a list of queries

const request = fc.record({
  call: fc.constantFrom(...calls.filter(({ route }) => !/watch$/.test(route))),
  changes: fc.array(change, { maxLength: 4 }),
  segment,
  parameters,
});

async function ask(method: string, path: string, body: string | undefined): Promise<HttpReply> {
  return send({
    method,
    path,
    headers: {
      "x-holdfast-tenant": "acme",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    body: method === "GET" ? undefined : body,
    signal: undefined,
  });
}

function checkReply({ status, text }: HttpReply, what: string): void {
  assert.ok(status >= 200 && status < 500, `${what}: ${status} ${text}`);
  // Errors in a stream come in its lines, and those of an engine that is well are no 500 either.
  assert.doesNotMatch(text, /"code":"internal"|internal_error|"code":13\b/, what);
  if (!what.includes("/access/") && text !== "" && status >= 400) JSON.parse(text);
  assert.deepEqual(logged, [], what);
}

test("requests with anything changed get an answer", async () => {
  await fc.assert(
    fc.asyncProperty(request, async ({ call, changes, segment: odd, parameters: query }) => {
      const [method = "", template = ""] = call.route.split(" ");
      const path = template
        .replace(/\{(?:tenant|store_id)\}/, odd ?? "acme")
        .replace(/\{\w+\}/g, odd ?? "x");
      const mutated = mutate(call.body ?? {}, changes);
      const body =
        call.body === undefined && changes.length === 0 ? undefined : JSON.stringify(mutated);
      checkReply(await ask(method, path + query, body), `${method} ${path}${query} ${body}`);
    }),
    { numRuns: 3000 },
  );
});

test("bodies that are deep, large, cut off or no JSON get an answer", async () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const nested = `${'{"context":'.repeat(900)}1${"}".repeat(900)}`;
  const odd = [
    "", "{", "nonsense", "\u0000", '"\\ud800"', deep, nested, `{"context":${nested}}`,
    `{"resource":"${"x".repeat(100_000)}"}`, JSON.stringify({ items: new Array(20_000).fill("a:1#b@c:1") }),
    JSON.stringify({ context: { bbb: "z".repeat(60_000) }, resource: "document:1", permission: "view", subject: "user:ada" }),
  ]; // biome-ignore format: a list of bodies
  for (const { route } of calls) {
    const [method = "", template = ""] = route.split(" ");
    if (method === "GET" || /watch$/.test(template)) continue;
    const path = template.replace(/\{(?:tenant|store_id)\}/, "acme").replace(/\{\w+\}/g, "x");
    for (const body of odd) {
      checkReply(await ask(method, path, body), `${method} ${path} ${body.slice(0, 60)}`);
    }
  }
});

test("after all that a question is answered as ever", async () => {
  await openTenant("well");
  const body = JSON.stringify({
    resource: "document:1",
    permission: "view",
    subject: "user:ada",
    context: {
      aaa: 2,
      bbb: [],
      ddd: {},
      eee: "2024-01-01T00:00:00Z",
      fff: "1s",
      ggg: "",
      hhh: "::1",
      iii: 1,
      jjj: 1,
    },
  });
  const { status, text } = await ask("POST", "/authz/tenants/well/check", body);
  assert.equal(status, 200, text);
  assert.match(text, /"verdict":"yes"/);
});
