import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { makeAuthzStage } from "../../../../test/gateway/authz-stage.ts";
import { serveForTest, type TestServer } from "../../../../test/gateway/server.ts";
import { fail } from "../../../model/errors.ts";

/** The API as it is on the wire, where its clients would not go: what it refuses, and how. */

type Json = Record<string, unknown>;

let server: TestServer;
let store: string;
let model: string;

const direct = (...types: readonly string[]) => ({
  directly_related_user_types: types.map((type) => ({ type })),
});
const document = {
  type: "document",
  relations: { viewer: { this: {} }, owner: { this: {} } },
  metadata: { relations: { viewer: direct("user"), owner: direct("user") } },
};
const key = { user: "user:ada", relation: "viewer", object: "document:1" };
const absent = "01HVMMBCMGZNT3SED4CT2KA89Q";
const idPattern = '"^[ABCDEFGHJKMNPQRSTVWXYZ0-9]{26}$"';

before(async () => {
  server = await serveForTest();
  store = String((await call("POST", "/stores", { name: "The wire" })).body["id"]);
  const type_definitions = [{ type: "user" }, document];
  const written = await ask("authorization-models", { schema_version: "1.1", type_definitions });
  model = String(written.body["authorization_model_id"]);
  await ask("write", { writes: { tuple_keys: [key] } });
});
after(() => server.close());

async function call(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Json }> {
  const response = await fetch(server.url + path, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
}

const ask = (path: string, body: unknown) => call("POST", `/stores/${store}/${path}`, body);

async function refused(answer: Promise<{ status: number; body: Json }>): Promise<unknown[]> {
  const { status, body } = await answer;
  assert.equal(status, 400, JSON.stringify(body));
  return [body["code"], body["message"]];
}

test("an id that could be that of no model is refused as such; another is not found", async () => {
  const wrong = (where: string) => [
    "validation_error",
    `invalid ${where}: value does not match regex pattern ${idPattern}`,
  ];
  const question = { tuple_key: key, authorization_model_id: "x" };
  assert.deepEqual(
    await refused(ask("check", question)),
    wrong("CheckRequest.AuthorizationModelId"),
  );
  const batch = { authorization_model_id: "x", checks: [{ tuple_key: key, correlation_id: "a" }] };
  assert.deepEqual(
    await refused(ask("batch-check", batch)),
    wrong("BatchCheckRequest.AuthorizationModelId"),
  );
  const write = { writes: { tuple_keys: [key] }, authorization_model_id: "x" };
  assert.deepEqual(await refused(ask("write", write)), wrong("WriteRequest.AuthorizationModelId"));
  const path = `/stores/${store}`;
  assert.deepEqual(
    await refused(call("GET", `${path}/authorization-models/x`)),
    wrong("ReadAuthorizationModelRequest.Id"),
  );
  assert.deepEqual(
    await refused(call("GET", `${path}/assertions/x`)),
    wrong("ReadAssertionsRequest.AuthorizationModelId"),
  );
  const missing = ["authorization_model_not_found", `Authorization Model '${absent}' not found`];
  for (const answer of [
    ask("check", { ...question, authorization_model_id: absent }),
    call("GET", `${path}/authorization-models/${absent}`),
    call("GET", `${path}/assertions/${absent}`),
    call("PUT", `${path}/assertions/${absent}`, { assertions: [] }),
  ]) {
    assert.deepEqual(await refused(answer), missing);
  }
});

test("a model of a version that there never was is refused before it is read", async () => {
  const [code, message] = await refused(
    ask("authorization-models", { schema_version: "9", type_definitions: [{ type: "user" }] }),
  );
  assert.equal(code, "validation_error");
  assert.match(String(message), /SchemaVersion: value must be in list \[1\.0 1\.1 1\.2\]/);
});

test("assertions are held to their model, and nothing of a refused list is kept", async () => {
  const path = `/stores/${store}/assertions/${model}`;
  const good = { tuple_key: key, expectation: true };
  const put = (...assertions: readonly unknown[]) => call("PUT", path, { assertions });
  assert.equal((await put({ ...good, contextual_tuples: [key] })).status, 204);
  const wrong = [
    [{ ...good, tuple_key: { ...key, relation: "boss" } }, /relation 'document#boss' not found/],
    [{ ...good, tuple_key: { ...key, object: "planet:1" } }, /type 'planet' not found/],
    [{ ...good, tuple_key: { ...key, user: "planet:1" } }, /type 'planet' not found/],
    [{ ...good, tuple_key: { ...key, user: "user:1#x" } }, /relation 'user#x' not found/],
    [{ ...good, contextual_tuples: [{ ...key, relation: "boss" }] }, /document#boss/],
    [{ ...good, contextual_tuples: [{ ...key, user: "document:2" }] }, /not an allowed type/],
  ] as const;
  for (const [assertion, text] of wrong) {
    const [code, message] = await refused(put(good, assertion));
    assert.equal(code, "validation_error");
    assert.match(String(message), text);
  }
  const { assertions } = (await call("GET", path)).body as { assertions: unknown[] };
  assert.equal(assertions.length, 1);
});

test("writes and deletes that are given have at least one tuple each", async () => {
  const empty = { tuple_keys: [] };
  assert.deepEqual(await refused(ask("write", { writes: empty, deletes: { tuple_keys: [key] } })), [
    "validation_error",
    "invalid WriteRequestWrites.TupleKeys: value must contain at least 1 item(s)",
  ]);
  const [code, message] = await refused(ask("write", { deletes: empty }));
  assert.deepEqual(
    [code, String(message).split(":")[0]],
    ["validation_error", "invalid WriteRequestDeletes.TupleKeys"],
  );
  assert.equal((await refused(ask("write", {})))[0], "invalid_write_input");
  assert.equal((await ask("check", { tuple_key: key })).body["allowed"], true);
});

test("reading asks no model, and an empty filter is not none", async () => {
  const none = { tuples: [], continuation_token: "" };
  for (const tuple_key of [
    { object: "planet:", user: "user:ada" },
    { object: "document:1", relation: "boss" },
    { object: "document:1", user: "planet:1" },
  ]) {
    assert.deepEqual(await ask("read", { tuple_key }), { status: 200, body: none });
  }
  const [code, message] = await refused(ask("read", { tuple_key: {} }));
  assert.equal(code, "validation_error");
  assert.match(String(message), /the object type field is required/);
  const spaced = ask("read", { tuple_key: { object: "document:1", relation: "a b" } });
  assert.match(String((await refused(spaced))[1]), /^invalid ReadRequestTupleKey\.Relation/);
  assert.equal(((await ask("read", {})).body["tuples"] as unknown[]).length, 1);
});

test("changes of what cannot be a type are refused", async () => {
  const changes = (type: string) => call("GET", `/stores/${store}/changes?type=${type}`);
  for (const type of ["a%20b", "a%23b", "a:b", "x".repeat(255)]) {
    assert.equal((await refused(changes(type)))[0], "type_invalid_pattern", type);
  }
  assert.equal((await changes("planet")).status, 200);
});

test("a batch with a malformed item is refused whole; an item that means nothing has its error", async () => {
  const good = { tuple_key: key, correlation_id: "a" };
  const batch = (...checks: readonly unknown[]) => ask("batch-check", { checks });
  const malformed = [
    [{ correlation_id: "b" }, "tuple_key_value_not_specified"],
    [{ tuple_key: { ...key, user: "u" }, correlation_id: "b" }, "validation_error"],
    [{ tuple_key: { ...key, relation: "a b" }, correlation_id: "b" }, "validation_error"],
    [{ tuple_key: key, correlation_id: "a" }, "validation_error"],
  ] as const;
  for (const [item, code] of malformed) {
    assert.equal((await refused(batch(good, item)))[0], code, JSON.stringify(item));
  }
  const { status, body } = await batch(
    good,
    { tuple_key: { ...key, user: "nobody" }, correlation_id: "b" },
    { tuple_key: { ...key, relation: "boss" }, correlation_id: "c" },
  );
  assert.equal(status, 200);
  const result = body["result"] as Record<string, { allowed?: boolean; error?: Json }>;
  assert.equal(result["a"]?.allowed, true);
  for (const id of ["b", "c"]) {
    assert.equal(result[id]?.error?.["input_error"], "validation_error");
  }
});

test("an error in the middle of a stream is a status of gRPC in a line of its own", async () => {
  let pages = 0;
  const item = { id: "1", verdict: "yes" as const, missing: [] };
  await using stage = await makeAuthzStage({
    tenant: {
      lookupResources: async () => {
        if (++pages === 1) return { items: [item], next: "more", zookie: "z" };
        throw fail("work-exceeded", { what: "The list", limit: "authzWork", max: 1 });
      },
    },
  });
  const body = JSON.stringify({ type: "document", relation: "viewer", user: "user:ada" });
  const response = await stage.post("/stores/acme/streamed-list-objects", body);
  const lines = (await response.text()).trimEnd().split("\n");
  assert.equal(response.status, 200);
  assert.deepEqual(JSON.parse(lines[0]!), { result: { object: "document:1" } });
  const { error } = JSON.parse(lines[1]!) as { error: Json };
  assert.deepEqual([error["code"], error["details"]], [3, []]);
  assert.match(String(error["message"]), /too many rewrite rules/);
});
