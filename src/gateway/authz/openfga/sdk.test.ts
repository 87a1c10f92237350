import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ClientWriteRequestOnDuplicateWrites,
  ClientWriteRequestOnMissingDeletes,
  ConsistencyPreference,
  CredentialsMethod,
  type FgaApiError,
  OpenFgaClient,
  type TupleKey,
  TypeName,
} from "@openfga/sdk";
import { serveForTest, type TestServer } from "../../../../test/gateway/server.ts";
import { parseOpenfgaDsl } from "../../../authz/schema/openfga/openfga.ts";
import { toOpenfgaJson } from "../../../authz/schema/openfga/to-json.ts";
import { defaultLimits } from "../../../model/limits.ts";

/** The SDK of OpenFGA as it comes from npm, against a real server: every call it has. */

let server: TestServer;
let client: OpenFgaClient;
let store: string;
let model: string;

const typeDefinitions = [
  { type: "user" },
  {
    type: "group",
    relations: { member: { this: {} } },
    metadata: {
      relations: {
        member: {
          directly_related_user_types: [{ type: "user" }, { type: "group", relation: "member" }],
        },
      },
    },
  },
  {
    type: "folder",
    relations: { viewer: { this: {} } },
    metadata: { relations: { viewer: { directly_related_user_types: [{ type: "user" }] } } },
  },
  {
    type: "document",
    relations: {
      parent: { this: {} },
      owner: { this: {} },
      blocked: { this: {} },
      viewer: {
        union: {
          child: [
            { this: {} },
            { computedUserset: { relation: "owner" } },
            {
              tupleToUserset: {
                tupleset: { relation: "parent" },
                computedUserset: { relation: "viewer" },
              },
            },
          ],
        },
      },
      can_view: {
        difference: {
          base: { computedUserset: { relation: "viewer" } },
          subtract: { computedUserset: { relation: "blocked" } },
        },
      },
    },
    metadata: {
      relations: {
        parent: { directly_related_user_types: [{ type: "folder" }] },
        owner: { directly_related_user_types: [{ type: "user" }] },
        blocked: { directly_related_user_types: [{ type: "user" }] },
        viewer: {
          directly_related_user_types: [
            { type: "user" },
            { type: "user", wildcard: {} },
            { type: "group", relation: "member" },
            { type: "user", condition: "in_office" },
          ],
        },
      },
    },
  },
];
const conditions = {
  in_office: {
    name: "in_office",
    expression: "hour >= 9 && hour < 17",
    parameters: { hour: { type_name: TypeName.Int } },
  },
};

before(async () => {
  server = await serveForTest();
  const { id } = await clientOf().createStore({ name: "Test store" });
  store = id;
  client = clientOf(store);
  const written = await client.writeAuthorizationModel({
    schema_version: "1.1",
    type_definitions: typeDefinitions,
    conditions,
  });
  model = written.authorization_model_id;
});

after(() => server.close());

function clientOf(storeId?: string, token?: string): OpenFgaClient {
  return new OpenFgaClient({
    apiUrl: server.url,
    retryParams: { maxRetry: 0 },
    ...(storeId === undefined ? {} : { storeId }),
    ...(token === undefined
      ? {}
      : { credentials: { method: CredentialsMethod.ApiToken, config: { token } } }),
  });
}

/** A store of its own with the model, so that tests do not see each other's tuples. */
async function freshStore(tuples: TupleKey[] = []): Promise<OpenFgaClient> {
  const { id } = await clientOf().createStore({ name: "Fresh store" });
  const fresh = clientOf(id);
  await fresh.writeAuthorizationModel({
    schema_version: "1.1",
    type_definitions: typeDefinitions,
    conditions,
  });
  if (tuples.length > 0) await fresh.writeTuples(tuples);
  return fresh;
}

async function refusal(
  call: Promise<unknown>,
): Promise<{ status?: number; code?: string; message?: string }> {
  try {
    await call;
  } catch (error) {
    const { statusCode, responseData } = error as FgaApiError;
    return { status: statusCode!, ...(responseData as object) };
  }
  return assert.fail("it was not refused");
}

const tuple = (object: string, relation: string, user: string): TupleKey => ({
  object,
  relation,
  user,
});

test("stores are created with a ULID, listed by page and name, described and deleted", async () => {
  const created = await clientOf().createStore({ name: "Another store" });
  assert.match(created.id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.equal(created.name, "Another store");
  assert.ok(Date.parse(created.created_at) > 0);
  const named = await clientOf().listStores({ name: "Another store" });
  assert.deepEqual(
    named.stores.map(({ id }) => id),
    [created.id],
  );
  const seen: string[] = [];
  let continuationToken = "";
  do {
    const page = await clientOf().listStores({ pageSize: 1, continuationToken });
    assert.ok(page.stores.length <= 1);
    seen.push(...page.stores.map(({ id }) => id));
    continuationToken = page.continuation_token;
  } while (continuationToken !== "");
  assert.ok(seen.includes(store) && seen.includes(created.id));
  assert.equal((await clientOf(created.id).getStore()).name, "Another store");
  await clientOf(created.id).deleteStore();
  assert.deepEqual(await refusal(clientOf(created.id).getStore()), {
    status: 404,
    code: "store_id_not_found",
    message: "Store ID not found",
  });
  await clientOf(created.id).deleteStore();
});

test("a store's name is held to OpenFGA's rule", async () => {
  const { code, message } = await refusal(clientOf().createStore({ name: "x" }));
  assert.equal(code, "validation_error");
  assert.match(message!, /^invalid CreateStoreRequest\.Name: value does not match regex pattern/);
});

test("models are written, read as they were, and listed latest first", async () => {
  const fresh = await freshStore();
  const first = (await fresh.readAuthorizationModels()).authorization_models[0]!;
  const second = await fresh.writeAuthorizationModel({
    schema_version: "1.1",
    type_definitions: [{ type: "user" }],
  });
  assert.match(second.authorization_model_id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  const page = await fresh.readAuthorizationModels({ pageSize: 1 });
  assert.equal(page.authorization_models[0]?.id, second.authorization_model_id);
  const rest = await fresh.readAuthorizationModels({
    pageSize: 1,
    continuationToken: page.continuation_token!,
  });
  assert.equal(rest.authorization_models[0]?.id, first.id);
  assert.equal(rest.continuation_token, "");
  const latest = await fresh.readLatestAuthorizationModel();
  assert.equal(latest.authorization_model?.id, second.authorization_model_id);
  const { authorization_model } = await fresh.readAuthorizationModel({
    authorizationModelId: first.id,
  });
  assert.equal(authorization_model?.schema_version, "1.1");
  assert.deepEqual(
    authorization_model?.type_definitions.map(({ type }) => type),
    ["user", "group", "folder", "document"],
  );
  assert.equal(
    authorization_model?.conditions?.["in_office"]?.expression.trim(),
    conditions.in_office.expression,
  );
  await fresh.checkValidApiConnection();
});

test("what a model cannot be is refused with OpenFGA's codes", async () => {
  assert.equal(
    (await refusal(client.writeAuthorizationModel({ schema_version: "1.1", type_definitions: [] })))
      .code,
    "type_definitions_too_few_items",
  );
  const broken = client.writeAuthorizationModel({
    schema_version: "1.1",
    type_definitions: [
      { type: "document", relations: { viewer: { computedUserset: { relation: "nowhere" } } } },
    ],
  });
  assert.equal((await refusal(broken)).code, "invalid_authorization_model");
  const unknown = "01ARYZ6S41TSV4RRFFQ69G5FAV";
  assert.deepEqual(
    await refusal(client.readAuthorizationModel({ authorizationModelId: unknown })),
    {
      status: 400,
      code: "authorization_model_not_found",
      message: `Authorization Model '${unknown}' not found`,
    },
  );
});

test("without a model there is nothing to check against", async () => {
  const { id } = await clientOf().createStore({ name: "Empty store" });
  assert.deepEqual(await refusal(clientOf(id).check(tuple("document:1", "viewer", "user:ada"))), {
    status: 400,
    code: "latest_authorization_model_not_found",
    message: `No authorization models found for store '${id}'`,
  });
});

test("tuples are written, checked, read and deleted", async () => {
  const fresh = await freshStore([
    tuple("document:1", "viewer", "group:eng#member"),
    tuple("group:eng", "member", "user:ada"),
    tuple("document:1", "parent", "folder:x"),
    tuple("folder:x", "viewer", "user:bob"),
  ]);
  const can = async (user: string): Promise<boolean | undefined> =>
    (await fresh.check(tuple("document:1", "can_view", user))).allowed;
  assert.equal(await can("user:ada"), true);
  assert.equal(await can("user:bob"), true);
  assert.equal(await can("user:eve"), false);
  assert.equal(await can("group:eng#member"), true);
  await fresh.write({
    writes: [tuple("document:1", "blocked", "user:bob")],
    deletes: [tuple("group:eng", "member", "user:ada")],
  });
  assert.equal(await can("user:ada"), false);
  assert.equal(await can("user:bob"), false);
  const all = await fresh.read();
  assert.equal(all.tuples.length, 4);
  // The same times as the changes have that wrote them.
  const { changes } = await fresh.readChanges();
  for (const { key, timestamp } of all.tuples) {
    const wrote = changes.find(
      ({ tuple_key: { user, relation, object } }) =>
        user === key.user && relation === key.relation && object === key.object,
    );
    assert.equal(timestamp, wrote?.timestamp);
  }
  const ofDocument = await fresh.read({ object: "document:1" });
  assert.equal(ofDocument.tuples.length, 3);
  const ofUser = await fresh.read({ object: "document:", user: "user:bob" });
  assert.deepEqual(ofUser.tuples[0]?.key, tuple("document:1", "blocked", "user:bob"));
  await fresh.deleteTuples([tuple("document:1", "blocked", "user:bob")]);
  assert.equal(await can("user:bob"), true);
});

test("reading goes page by page", async () => {
  const fresh = await freshStore(
    [1, 2, 3, 4, 5].map((i) => tuple(`document:${i}`, "owner", "user:ada")),
  );
  const seen: string[] = [];
  let continuationToken = "";
  do {
    const page = await fresh.read({}, { pageSize: 2, continuationToken });
    seen.push(...page.tuples.map(({ key }) => key.object));
    continuationToken = page.continuation_token;
  } while (continuationToken !== "");
  assert.equal(new Set(seen).size, 5);
  const { code } = await refusal(fresh.read({}, { continuationToken: "bm9uc2Vuc2U" }));
  assert.equal(code, "invalid_continuation_token");
  assert.equal((await refusal(fresh.read({}, { pageSize: 101 }))).code, "page_size_invalid");
  const loose = await refusal(fresh.read({ object: "document:" }));
  assert.match(loose.message!, /object type field is required and both the object id and user/);
});

test("writing what is there, or deleting what is not, fails unless it may be ignored", async () => {
  const fresh = await freshStore([tuple("document:1", "owner", "user:ada")]);
  assert.deepEqual(await refusal(fresh.writeTuples([tuple("document:1", "owner", "user:ada")])), {
    status: 400,
    code: "write_failed_due_to_invalid_input",
    message:
      "cannot write a tuple which already exists: user: 'user:ada', relation: 'owner', object: 'document:1': tuple to be written already existed or the tuple to be deleted did not exist",
  });
  assert.deepEqual(await refusal(fresh.deleteTuples([tuple("document:1", "owner", "user:bob")])), {
    status: 400,
    code: "write_failed_due_to_invalid_input",
    message:
      "cannot delete a tuple which does not exist: user: 'user:bob', relation: 'owner', object: 'document:1': tuple to be written already existed or the tuple to be deleted did not exist",
  });
  await fresh.write(
    {
      writes: [tuple("document:1", "owner", "user:ada"), tuple("document:2", "owner", "user:ada")],
      deletes: [tuple("document:1", "owner", "user:bob")],
    },
    {
      conflict: {
        onDuplicateWrites: ClientWriteRequestOnDuplicateWrites.Ignore,
        onMissingDeletes: ClientWriteRequestOnMissingDeletes.Ignore,
      },
    },
  );
  assert.equal((await fresh.check(tuple("document:2", "owner", "user:ada"))).allowed, true);
});

test("what no model knows is not there, and deleted as such", async () => {
  const fresh = await freshStore();
  const unknown = tuple("planet:1", "owner", "user:ada");
  const { code, message } = await refusal(fresh.deleteTuples([unknown]));
  assert.equal(code, "write_failed_due_to_invalid_input");
  assert.match(message ?? "", /cannot delete a tuple which does not exist/);
  const onMissingDeletes = ClientWriteRequestOnMissingDeletes.Ignore;
  await fresh.deleteTuples([unknown], { conflict: { onMissingDeletes } });
});

test("a tuple that is there with another condition is a conflict, ignored or not", async () => {
  const key = tuple("document:1", "viewer", "user:ada");
  const fresh = await freshStore([key]);
  const conflict = { onDuplicateWrites: ClientWriteRequestOnDuplicateWrites.Ignore };
  const other = { ...key, condition: { name: "in_office" } };
  assert.deepEqual(await refusal(fresh.writeTuples([other], { conflict })), {
    status: 409,
    code: "Aborted",
    message:
      "transactional write failed due to conflict: attempted to write a tuple which already exists with a different condition: user: 'user:ada', relation: 'viewer', object: 'document:1'",
  });
});

test("a write of what cannot be says which tuple and why", async () => {
  const cases: readonly (readonly [TupleKey, RegExp])[] = [
    [
      tuple("planet:1", "owner", "user:ada"),
      /^Invalid tuple 'planet:1#owner@user:ada'\. Reason: type 'planet' not found$/,
    ],
    [tuple("document:1", "sits", "user:ada"), /Reason: relation 'document#sits' not found$/],
    [
      tuple("document:1", "owner", "group:eng#member"),
      /Reason: 'group#member' is not an allowed type restriction for 'document#owner'$/,
    ],
    [
      tuple("document:1", "owner", "user:*"),
      /Reason: the typed wildcard 'user:\*' is not an allowed type restriction for 'document#owner'$/,
    ],
    [
      tuple("document:1", "owner", "folder:x"),
      /Reason: type 'folder' is not an allowed type restriction for 'document#owner'$/,
    ],
    [tuple("document:1", "owner", "ada"), /Reason: the 'user' field must be an object/],
    [tuple("document", "owner", "user:ada"), /Reason: invalid 'object' field format$/],
    [
      tuple("document:*", "owner", "user:ada"),
      /Reason: the 'object' field cannot reference a typed wildcard$/,
    ],
    [
      tuple("group:eng", "member", "group:eng#member"),
      /Reason: cannot write a tuple that is implicit$/,
    ],
    [
      { ...tuple("document:1", "viewer", "user:ada"), condition: { name: "nope" } },
      /Reason: undefined condition$/,
    ],
    [
      { ...tuple("document:1", "owner", "user:ada"), condition: { name: "in_office" } },
      /Reason: invalid condition for type restriction$/,
    ],
  ];
  const good = tuple("document:1", "owner", "user:bob");
  for (const [key, reason] of cases) {
    const { status, code, message } = await refusal(client.writeTuples([good, key]));
    assert.deepEqual([status, code], [400, "validation_error"], String(message));
    assert.match(message!, reason);
  }
  const twice = await refusal(client.writeTuples([good, good]));
  assert.equal(twice.code, "cannot_allow_duplicate_tuples_in_one_request");
  assert.equal((await refusal(client.write({}))).code, "invalid_write_input");
});

test("a check of what cannot be has OpenFGA's codes", async () => {
  for (const [key, reason] of [
    [tuple("planet:1", "viewer", "user:ada"), "type 'planet' not found"],
    [tuple("document:1", "sits", "user:ada"), "relation 'document#sits' not found"],
    [tuple("document:1", "viewer", "alien:ada"), "type 'alien' not found"],
    [tuple("document:1", "viewer", "group:x#boss"), "relation 'group#boss' not found"],
  ] as const) {
    const { code, message } = await refusal(client.check(key));
    assert.equal(code, "validation_error");
    assert.equal(message, `invalid relation: ${reason}`);
  }
  const spaced = await refusal(client.check(tuple("document: 1", "viewer", "user:ada")));
  assert.match(
    spaced.message!,
    /^invalid CheckRequestTupleKey\.Object: value does not match regex/,
  );
  const unknown = { authorizationModelId: "01ARYZ6S41TSV4RRFFQ69G5FAV" };
  const old = client.check(tuple("document:1", "viewer", "user:ada"), unknown);
  assert.equal((await refusal(old)).code, "authorization_model_not_found");
});

test("contextual tuples hold for one question, and a wrong one is an invalid tuple", async () => {
  const key = tuple("document:77", "can_view", "user:zoe");
  const contextualTuples = [tuple("document:77", "viewer", "user:zoe")];
  assert.equal((await client.check({ ...key, contextualTuples })).allowed, true);
  assert.equal((await client.check(key)).allowed, false);
  const wrong = [tuple("document:77", "owner", "folder:x")];
  const { code, message } = await refusal(client.check({ ...key, contextualTuples: wrong }));
  assert.equal(code, "invalid_tuple");
  assert.match(message!, /^Invalid tuple 'document:77#owner@folder:x'\. Reason: /);
});

test("conditions decide by context; without it the question cannot be answered", async () => {
  const fresh = await freshStore([
    { ...tuple("document:1", "viewer", "user:ada"), condition: { name: "in_office", context: {} } },
  ]);
  const key = tuple("document:1", "viewer", "user:ada");
  assert.equal((await fresh.check({ ...key, context: { hour: 10 } })).allowed, true);
  assert.equal((await fresh.check({ ...key, context: { hour: 20 } })).allowed, false);
  const { code, message } = await refusal(fresh.check(key));
  assert.equal(code, "validation_error");
  assert.match(
    message!,
    /failed to evaluate relationship condition.*missing context parameters '\[hour\]'/,
  );
  const objects = await fresh.listObjects({
    type: "document",
    relation: "viewer",
    user: "user:ada",
    context: { hour: 10 },
  });
  assert.deepEqual(objects.objects, ["document:1"]);
  const { tuples } = await fresh.read({ object: "document:1" });
  assert.deepEqual(tuples[0]?.key.condition, { name: "in_office", context: {} });
});

test("higher consistency is taken", async () => {
  const fresh = await freshStore([tuple("document:1", "owner", "user:ada")]);
  const { allowed } = await fresh.check(tuple("document:1", "owner", "user:ada"), {
    consistency: ConsistencyPreference.HigherConsistency,
  });
  assert.equal(allowed, true);
});

test("batch check answers each under its id, errors included", async () => {
  const fresh = await freshStore([tuple("document:1", "owner", "user:ada")]);
  const { result } = await fresh.batchCheck({
    checks: [
      { ...tuple("document:1", "owner", "user:ada"), correlationId: "a" },
      { ...tuple("document:1", "owner", "user:bob"), correlationId: "b" },
      { ...tuple("document:1", "sits", "user:bob"), correlationId: "c" },
      {
        ...tuple("document:2", "owner", "user:bob"),
        correlationId: "d",
        contextualTuples: { tuple_keys: [tuple("document:2", "owner", "user:bob")] },
      },
      {
        ...tuple("document:2", "owner", "user:bob"),
        correlationId: "e",
        contextualTuples: { tuple_keys: [tuple("document:2", "owner", "folder:bob")] },
      },
    ],
  });
  const byId = new Map(result.map((each) => [each.correlationId, each]));
  assert.equal(byId.get("a")?.allowed, true);
  assert.equal(byId.get("b")?.allowed, false);
  assert.equal(byId.get("c")?.error?.input_error, "validation_error");
  assert.equal(byId.get("d")?.allowed, true);
  assert.equal(byId.get("e")?.error?.input_error, "invalid_tuple");
  const relations = await fresh.listRelations({
    user: "user:ada",
    object: "document:1",
    relations: ["owner", "viewer", "can_view", "blocked"],
  });
  assert.deepEqual(relations.relations.sort(), ["can_view", "owner", "viewer"]);
});

test("expand tells one rewrite", async () => {
  const fresh = await freshStore([
    tuple("document:1", "viewer", "user:ada"),
    tuple("document:1", "viewer", "group:eng#member"),
    tuple("document:1", "parent", "folder:x"),
  ]);
  const { tree } = await fresh.expand({ object: "document:1", relation: "viewer" });
  assert.deepEqual(tree?.root, {
    name: "document:1#viewer",
    union: {
      nodes: [
        { name: "document:1#viewer", leaf: { users: { users: ["group:eng#member", "user:ada"] } } },
        { name: "document:1#viewer", leaf: { computed: { userset: "document:1#owner" } } },
        {
          name: "document:1#viewer",
          leaf: {
            tupleToUserset: {
              tupleset: "document:1#parent",
              computed: [{ userset: "folder:x#viewer" }],
            },
          },
        },
      ],
    },
  });
  const difference = await fresh.expand({ object: "document:1", relation: "can_view" });
  assert.deepEqual(difference.tree?.root?.difference, {
    base: { name: "document:1#can_view", leaf: { computed: { userset: "document:1#viewer" } } },
    subtract: {
      name: "document:1#can_view",
      leaf: { computed: { userset: "document:1#blocked" } },
    },
  });
  const unknown = await refusal(fresh.expand({ object: "planet:1", relation: "viewer" }));
  assert.deepEqual(
    [unknown.code, unknown.message],
    ["validation_error", "type 'planet' not found"],
  );
});

test("objects are listed, at once and streamed", async () => {
  const fresh = await freshStore([1, 2, 3].map((i) => tuple(`document:${i}`, "owner", "user:ada")));
  const request = { type: "document", relation: "can_view", user: "user:ada" };
  const { objects } = await fresh.listObjects(request);
  assert.deepEqual(objects.sort(), ["document:1", "document:2", "document:3"]);
  const streamed: string[] = [];
  for await (const { object } of fresh.streamedListObjects(request)) streamed.push(object);
  assert.deepEqual(streamed.sort(), objects);
  const codes = async (more: object): Promise<string | undefined> =>
    (await refusal(fresh.listObjects({ ...request, ...more }))).code;
  assert.equal(await codes({ type: "planet" }), "type_not_found");
  assert.equal(await codes({ relation: "sits" }), "relation_not_found");
  assert.equal(await codes({ user: "alien:1" }), "validation_error");
  assert.equal(await codes({ user: "group:1#boss" }), "validation_error");
  assert.equal(
    await codes({ contextualTuples: [tuple("document:1", "owner", "folder:1")] }),
    "invalid_tuple",
  );
});

test("users are listed by type, usersets and everybody included", async () => {
  const fresh = await freshStore([
    tuple("document:1", "viewer", "user:ada"),
    tuple("document:1", "viewer", "group:eng#member"),
    tuple("group:eng", "member", "user:bob"),
    tuple("document:2", "viewer", "user:*"),
  ]);
  const list = async (id: string, filter: object): Promise<unknown> =>
    (
      await fresh.listUsers({
        object: { type: "document", id },
        relation: "viewer",
        user_filters: [filter as { type: string }],
      })
    ).users;
  assert.deepEqual(await list("1", { type: "user" }), [
    { object: { type: "user", id: "ada" } },
    { object: { type: "user", id: "bob" } },
  ]);
  assert.deepEqual(await list("1", { type: "group", relation: "member" }), [
    { userset: { type: "group", id: "eng", relation: "member" } },
  ]);
  assert.deepEqual(await list("2", { type: "user" }), [{ wildcard: { type: "user" } }]);
  assert.equal((await refusal(list("1", { type: "planet" }))).code, "type_not_found");
  assert.equal(
    (await refusal(list("1", { type: "group", relation: "boss" }))).code,
    "relation_not_found",
  );
});

test("a list of users fails on any condition on the way that lacks context, as OpenFGA's", async () => {
  const { id } = await clientOf().createStore({ name: "Conditions" });
  const fresh = clientOf(id);
  const { schema } = parseOpenfgaDsl(
    `model
  schema 1.1
type user
type bot
type planet
type document
  relations
    define owner: [user]
    define guest: [user, bot with in_office]
    define viewer: owner or guest
    define reader: [user] and guest
    define editor: [user] but not guest
condition in_office(hour: int) {
  hour >= 9
}`,
    defaultLimits,
  );
  await fresh.writeAuthorizationModel(toOpenfgaJson(schema!) as never);
  await fresh.writeTuples([
    tuple("document:1", "owner", "user:ada"),
    tuple("document:1", "editor", "user:ada"),
    { ...tuple("document:1", "guest", "bot:b"), condition: { name: "in_office" } as never },
  ]);
  const list = (relation: string, type: string, context?: object) =>
    fresh.listUsers({
      object: { type: "document", id: "1" },
      relation,
      user_filters: [{ type }],
      ...(context === undefined ? {} : { context }),
    });
  // The condition is that of somebody else, and it is on the way all the same.
  for (const relation of ["viewer", "editor", "reader"]) {
    const { code, status, message } = await refusal(list(relation, "user"));
    assert.deepEqual([code, status], ["validation_error", 400], relation);
    assert.match(message!, /'document:1' is missing context parameters '\[hour\]'/);
  }
  const ada = [{ object: { type: "user", id: "ada" } }];
  assert.deepEqual((await list("viewer", "user", { hour: 8 })).users, ada);
  assert.deepEqual((await list("viewer", "user", { hour: 10 })).users, ada);
  // Nothing is read where there is no way, which is found by the first operand and by the base.
  assert.deepEqual((await list("owner", "user")).users, ada);
  for (const relation of ["viewer", "reader", "editor"]) {
    assert.deepEqual((await list(relation, "planet")).users, []);
  }
  assert.deepEqual((await list("reader", "bot")).users, []);
  assert.deepEqual((await list("editor", "bot")).users, []);
});

test("changes are told tuple by tuple, whatever transactions they came in", async () => {
  const fresh = await freshStore();
  await fresh.writeTuples([1, 2, 3].map((i) => tuple(`document:${i}`, "owner", "user:ada")));
  await fresh.writeTuples([tuple("folder:1", "viewer", "user:ada")]);
  await fresh.deleteTuples([tuple("document:2", "owner", "user:ada")]);
  const seen: string[] = [];
  let continuationToken = "";
  for (let page = 0; page < 10; page++) {
    const answer = await fresh.readChanges(
      { type: "document" },
      { pageSize: 2, continuationToken },
    );
    assert.ok(answer.changes.length <= 2);
    for (const { tuple_key, operation, timestamp } of answer.changes) {
      seen.push(`${operation.replace("TUPLE_OPERATION_", "")} ${tuple_key.object}`);
      assert.ok(Date.parse(timestamp) > 0);
    }
    if (answer.changes.length === 0) {
      assert.equal(answer.continuation_token, continuationToken);
      break;
    }
    continuationToken = answer.continuation_token!;
  }
  assert.deepEqual(seen, [
    "WRITE document:1",
    "WRITE document:2",
    "WRITE document:3",
    "DELETE document:2",
  ]);
  const other = await refusal(fresh.readChanges({ type: "folder" }, { continuationToken }));
  assert.equal(other.code, "query_string_type_continuation_token_mismatch");
});

test("changes go on behind models, however many were written in a row", async () => {
  const fresh = await freshStore();
  const read = (continuationToken: string) =>
    fresh.readChanges(undefined, { pageSize: 1, continuationToken });
  const nothing = await read("");
  assert.deepEqual([nothing.changes, nothing.continuation_token], [[], ""]);
  const model = { schema_version: "1.1", type_definitions: typeDefinitions, conditions };
  for (let i = 0; i < 3; i++) await fresh.writeAuthorizationModel(model);
  await fresh.writeTuples([tuple("document:1", "owner", "user:ada")]);
  const first = await read("");
  assert.equal(first.changes[0]?.tuple_key.object, "document:1");
  for (let i = 0; i < 3; i++) await fresh.writeAuthorizationModel(model);
  // Past them, so that who asks on does not fall out of the history; then there is nothing left.
  const passed = await read(first.continuation_token!);
  assert.deepEqual(passed.changes, []);
  const again = await read(passed.continuation_token!);
  assert.deepEqual([again.changes, again.continuation_token], [[], passed.continuation_token]);
  await fresh.writeTuples([tuple("document:2", "owner", "user:ada")]);
  for (const token of [first.continuation_token!, passed.continuation_token!]) {
    assert.equal((await read(token)).changes[0]?.tuple_key.object, "document:2");
  }
});

test("assertions are kept with their model", async () => {
  const options = { authorizationModelId: model };
  assert.deepEqual((await client.readAssertions(options)).assertions, []);
  const assertion = { ...tuple("document:1", "viewer", "user:ada"), expectation: true };
  await client.writeAssertions([assertion], options);
  const { authorization_model_id, assertions } = await client.readAssertions(options);
  assert.equal(authorization_model_id, model);
  assert.deepEqual(assertions?.[0]?.tuple_key, tuple("document:1", "viewer", "user:ada"));
  assert.equal(assertions?.[0]?.expectation, true);
});

test("tenants that were created in other ways are stores, too", async () => {
  await server.authz.createTenant({ id: "acme", name: "Acme" });
  const { stores } = await clientOf().listStores({ name: "Acme" });
  assert.deepEqual(
    stores.map(({ id }) => id),
    ["acme"],
  );
});

test("requests that are not of the API at all are refused in its shape", async () => {
  const ask = async (path: string, init?: RequestInit): Promise<unknown[]> => {
    const response = await fetch(`${server.url}${path}`, init);
    const { code } = (await response.json()) as { code: string };
    return [response.status, code];
  };
  const headers = { "content-type": "application/json" };
  const post = (body: string): RequestInit => ({ method: "POST", headers, body });
  assert.deepEqual(await ask("/stores/x/nothing"), [404, "undefined_endpoint"]);
  assert.deepEqual(await ask("/stores", { method: "DELETE" }), [405, "unimplemented"]);
  assert.deepEqual(await ask("/stores/not-a-ulid"), [400, "validation_error"]);
  assert.deepEqual(await ask(`/stores/${store}/check`, post("{")), [400, "validation_error"]);
  assert.deepEqual(await ask(`/stores/${store}/check`, post("[]")), [400, "validation_error"]);
  assert.deepEqual(await ask(`/stores/${store}/check`, post("{}")), [
    400,
    "tuple_key_value_not_specified",
  ]);
  assert.deepEqual(await ask(`/stores/${store}/check`, post('{"tuple_key":{"user":7}}')), [
    400,
    "validation_error",
  ]);
});
