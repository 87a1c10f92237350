import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { serveForTest, type TestServer } from "../../../../test/gateway/server.ts";

/** Plain HTTP in the shapes of SpiceDB's gateway, against a real server. */

type Json = Record<string, unknown>;

let server: TestServer;

const schema = `/** A person */
definition user {}

definition group {
  relation member: user | group#member
}

caveat in_office(hour int) {
  hour >= 9 && hour < 17
}

definition document {
  relation owner: user
  relation viewer: user | user:* | group#member | user with in_office
  relation banned: user
  permission view = (viewer + owner) - banned
  permission edit = owner
}
`;

before(async () => {
  server = await serveForTest();
  const written = await post("/v1/schema/write", { schema });
  assert.equal(written.status, 200);
});

after(() => server.close());

async function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Json }> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Json };
}

async function stream(path: string, body: unknown): Promise<Json[]> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200);
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  return lines.map((line) => (JSON.parse(line) as { result: Json }).result);
}

const object = (text: string): Json => {
  const [objectType, objectId] = text.split(":");
  return { objectType, objectId };
};
const subject = (text: string): Json => {
  const [ref = "", optionalRelation] = text.split("#");
  return { object: object(ref), ...(optionalRelation === undefined ? {} : { optionalRelation }) };
};
const relationship = (resource: string, relation: string, of: string, more: Json = {}): Json => ({
  resource: object(resource),
  relation,
  subject: subject(of),
  ...more,
});

async function write(operation: string, ...relationships: Json[]): Promise<string> {
  const updates = relationships.map((each) => ({ operation, relationship: each }));
  const { status, body } = await post("/v1/relationships/write", { updates });
  assert.equal(status, 200, JSON.stringify(body));
  return (body as { writtenAt: { token: string } }).writtenAt.token;
}

const touch = (...relationships: Json[]): Promise<string> =>
  write("OPERATION_TOUCH", ...relationships);

async function check(
  resource: string,
  permission: string,
  of: string,
  more: Json = {},
): Promise<Json> {
  const { status, body } = await post("/v1/permissions/check", {
    consistency: { fullyConsistent: true },
    resource: object(resource),
    permission,
    subject: subject(of),
    ...more,
  });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

test("the first schema makes the tenant `default`, and is read as it was written", async () => {
  const { body } = await post("/v1/schema/read", {});
  assert.equal(body["schemaText"], schema);
  assert.ok((body as { readAt: { token: string } }).readAt.token.length > 0);
  assert.equal((await server.authz.tenant("default").describe()).id, "default");
});

test("relationships are written, checked and told conditional", async () => {
  await touch(
    relationship("document:1", "viewer", "group:eng#member"),
    relationship("group:eng", "member", "user:ada"),
    relationship("document:1", "viewer", "user:bob", {
      optionalCaveat: { caveatName: "in_office" },
    }),
  );
  const yes = await check("document:1", "view", "user:ada");
  assert.equal(yes["permissionship"], "PERMISSIONSHIP_HAS_PERMISSION");
  assert.equal(yes["partialCaveatInfo"], null);
  assert.ok((yes as { checkedAt: { token: string } }).checkedAt.token.length > 0);
  const no = await check("document:1", "view", "user:eve");
  assert.equal(no["permissionship"], "PERMISSIONSHIP_NO_PERMISSION");
  const maybe = await check("document:1", "view", "user:bob");
  assert.equal(maybe["permissionship"], "PERMISSIONSHIP_CONDITIONAL_PERMISSION");
  assert.deepEqual(maybe["partialCaveatInfo"], { missingRequiredContext: ["hour"] });
  const inOffice = await check("document:1", "view", "user:bob", { context: { hour: 10 } });
  assert.equal(inOffice["permissionship"], "PERMISSIONSHIP_HAS_PERMISSION");
});

test("names may be those of the definition as well as in camel case", async () => {
  await touch(relationship("document:names", "owner", "user:ada"));
  const { body } = await post("/v1/permissions/check", {
    consistency: { fully_consistent: true },
    resource: { object_type: "document", object_id: "names" },
    permission: "edit",
    subject: { object: { object_type: "user", object_id: "ada" }, optional_relation: "" },
    unknown_field: 1,
  });
  assert.equal(body["permissionship"], "PERMISSIONSHIP_HAS_PERMISSION");
});

test("tokens say how fresh an answer must be", async () => {
  const before = await touch(relationship("document:fresh", "owner", "user:ada"));
  const later = await write(
    "OPERATION_DELETE",
    relationship("document:fresh", "owner", "user:ada"),
  );
  const at = async (consistency: Json): Promise<unknown> =>
    (await check("document:fresh", "edit", "user:ada", { consistency }))["permissionship"];
  assert.equal(await at({ atExactSnapshot: { token: before } }), "PERMISSIONSHIP_HAS_PERMISSION");
  assert.equal(await at({ atLeastAsFresh: { token: later } }), "PERMISSIONSHIP_NO_PERMISSION");
  assert.equal(await at({ minimizeLatency: true }), "PERMISSIONSHIP_NO_PERMISSION");
  const wrong = await post("/v1/permissions/check", {
    consistency: { atExactSnapshot: { token: "nonsense" } },
    resource: object("document:1"),
    permission: "view",
    subject: subject("user:ada"),
  });
  assert.equal(wrong.status, 400);
  assert.equal(wrong.body["code"], 3);
});

test("a bulk check has an answer or an error in each place", async () => {
  await touch(relationship("document:bulk", "owner", "user:ada"));
  const item = (permission: string, of: string): Json => ({
    resource: object("document:bulk"),
    permission,
    subject: subject(of),
  });
  const { body } = await post("/v1/permissions/checkbulk", {
    consistency: { fullyConsistent: true },
    items: [item("edit", "user:ada"), item("edit", "user:bob"), item("nothing", "user:ada")],
  });
  const pairs = body["pairs"] as { request: Json; item?: Json; error?: Json }[];
  assert.equal(pairs[0]?.item?.["permissionship"], "PERMISSIONSHIP_HAS_PERMISSION");
  assert.equal(pairs[1]?.item?.["permissionship"], "PERMISSIONSHIP_NO_PERMISSION");
  assert.equal(pairs[2]?.error?.["code"], 9);
  assert.deepEqual(
    (pairs[2]!.error!["details"] as Json[])[0]?.["reason"],
    "ERROR_REASON_UNKNOWN_RELATION_OR_PERMISSION",
  );
  assert.equal(pairs[0]?.request["permission"], "edit");
});

test("a trace tells what was evaluated, when asked for", async () => {
  await touch(
    relationship("document:trace", "viewer", "group:trace#member"),
    relationship("group:trace", "member", "user:ada"),
  );
  const { debugTrace } = await check("document:trace", "view", "user:ada", { withTracing: true });
  const { check: root, schemaUsed } = debugTrace as { check: Json; schemaUsed: string };
  assert.equal(schemaUsed, schema);
  assert.deepEqual(root["resource"], object("document:trace"));
  assert.equal(root["permission"], "view");
  assert.equal(root["permissionType"], "PERMISSION_TYPE_PERMISSION");
  assert.equal(root["result"], "PERMISSIONSHIP_HAS_PERMISSION");
  assert.match(root["duration"] as string, /^\d+\.\d{9}s$/);
  const { traces } = root["subProblems"] as { traces: Json[] };
  assert.ok(traces.some(({ permission }) => permission === "viewer"));
});

test("expand gives the tree of a permission", async () => {
  await touch(relationship("document:tree", "owner", "user:ada"));
  const { body } = await post("/v1/permissions/expand", {
    consistency: { fullyConsistent: true },
    resource: object("document:tree"),
    permission: "view",
  });
  const root = body["treeRoot"] as { intermediate: { operation: string; children: Json[] } } & Json;
  assert.equal(root.intermediate.operation, "OPERATION_EXCLUSION");
  assert.deepEqual(root["expandedObject"], object("document:tree"));
  assert.equal(root["expandedRelation"], "view");
});

test("resources and subjects are streamed, and a cursor goes on behind any of them", async () => {
  await touch(
    ...[1, 2, 3, 4, 5].map((i) => relationship(`document:lr${i}`, "owner", "user:lister")),
    ...["a", "b", "c"].map((id) => relationship("document:ls", "owner", `user:${id}`)),
  );
  const request = {
    consistency: { fullyConsistent: true },
    resourceObjectType: "document",
    permission: "edit",
    subject: subject("user:lister"),
  };
  const all = await stream("/v1/permissions/resources", request);
  assert.deepEqual(
    all.map((result) => result["resourceObjectId"]),
    ["lr1", "lr2", "lr3", "lr4", "lr5"],
  );
  assert.ok(all.every((r) => r["permissionship"] === "LOOKUP_PERMISSIONSHIP_HAS_PERMISSION"));
  const two = await stream("/v1/permissions/resources", { ...request, optionalLimit: 2 });
  assert.equal(two.length, 2);
  for (const [index, result] of all.entries()) {
    const rest = await stream("/v1/permissions/resources", {
      ...request,
      optionalCursor: result["afterResultCursor"],
    });
    assert.deepEqual(
      rest.map((each) => each["resourceObjectId"]),
      all.slice(index + 1).map((each) => each["resourceObjectId"]),
    );
  }
  const subjects = await stream("/v1/permissions/subjects", {
    consistency: { fullyConsistent: true },
    resource: object("document:ls"),
    permission: "view",
    subjectObjectType: "user",
  });
  assert.deepEqual(
    subjects.map((result) => (result["subject"] as Json)["subjectObjectId"]),
    ["a", "b", "c"],
  );
});

test("a cursor is for the request that it was given to", async () => {
  const request = { resource: object("document:1"), permission: "view", subjectObjectType: "user" };
  const resources = (of: string, more: Json = {}) => ({
    resourceObjectType: "document",
    permission: "view",
    subject: subject(of),
    ...more,
  });
  await post("/v1/relationships/write", {
    updates: ["7", "8"].map((id) => ({
      operation: "OPERATION_TOUCH",
      relationship: {
        resource: object(`document:${id}`),
        relation: "owner",
        subject: subject("user:cursor"),
      },
    })),
  });
  const [first] = await stream(
    "/v1/permissions/resources",
    resources("user:cursor", { optionalLimit: 1 }),
  );
  const optionalCursor = first!["afterResultCursor"];
  const next = resources("user:cursor", { optionalLimit: 5, optionalCursor });
  const [second] = await stream("/v1/permissions/resources", next);
  assert.equal(second!["resourceObjectId"], "8");
  for (const [path, body] of [
    ["resources", resources("user:other", { optionalCursor })],
    ["subjects", { ...request, optionalCursor }],
  ] as const) {
    const { status, body: refused } = await post(`/v1/permissions/${path}`, body);
    const { code } = refused["error"] as Json;
    assert.deepEqual([status, code], [400, 9], JSON.stringify(refused));
  }
});

test("a limit of subjects counts concrete ones, and everybody is none", async () => {
  const relationship = (of: string) => ({
    operation: "OPERATION_TOUCH",
    relationship: {
      resource: object("document:crowd"),
      relation: "viewer",
      subject: subject(of),
    },
  });
  const updates = ["user:*", "user:a", "user:b"].map(relationship);
  await post("/v1/relationships/write", { updates });
  const request = {
    resource: object("document:crowd"),
    permission: "view",
    subjectObjectType: "user",
  };
  const ids = async (more: Json): Promise<unknown[]> => {
    const found = await stream("/v1/permissions/subjects", { ...request, ...more });
    return found.map((each) => each["subjectObjectId"]);
  };
  assert.deepEqual(await ids({ optionalConcreteLimit: 1 }), ["*", "a"]);
  assert.deepEqual(await ids({ optionalConcreteLimit: 5 }), ["*", "a", "b"]);
  const wildcardOption = "WILDCARD_OPTION_EXCLUDE_WILDCARDS";
  assert.deepEqual(await ids({ optionalConcreteLimit: 1, wildcardOption }), ["a"]);
});

test("a watch is told types or filters, not both", async () => {
  const { status, body } = await post("/v1/watch", {
    optionalObjectTypes: ["document"],
    optionalRelationshipFilters: [{ resourceType: "document" }],
  });
  assert.deepEqual([status, (body["error"] as Json)["code"]], [400, 3]);
});

test("reading filters, limits, and goes on", async () => {
  await touch(...[1, 2, 3].map((i) => relationship(`document:rd${i}`, "owner", "user:reader")));
  const relationshipFilter = {
    resourceType: "document",
    optionalRelation: "owner",
    optionalSubjectFilter: { subjectType: "user", optionalSubjectId: "reader" },
  };
  const consistency = { fullyConsistent: true };
  const all = await stream("/v1/relationships/read", { consistency, relationshipFilter });
  assert.equal(all.length, 3);
  assert.deepEqual((all[0]!["relationship"] as Json)["resource"], object("document:rd1"));
  const first = await stream("/v1/relationships/read", {
    consistency,
    relationshipFilter,
    optionalLimit: 1,
  });
  const rest = await stream("/v1/relationships/read", {
    consistency,
    relationshipFilter,
    optionalCursor: first[0]!["afterResultCursor"],
  });
  assert.equal(rest.length, 2);
  const empty = await post("/v1/relationships/read", { relationshipFilter: {} });
  assert.equal(empty.status, 400);
});

test("preconditions guard a write", async () => {
  await touch(relationship("document:pre", "owner", "user:ada"));
  const filter = {
    resourceType: "document",
    optionalResourceId: "pre",
    optionalRelation: "owner",
  };
  const attempt = (operation: string): Promise<{ status: number; body: Json }> =>
    post("/v1/relationships/write", {
      updates: [
        {
          operation: "OPERATION_TOUCH",
          relationship: relationship("document:pre", "viewer", "user:bob"),
        },
      ],
      optionalPreconditions: [{ operation, filter }],
    });
  assert.equal((await attempt("OPERATION_MUST_MATCH")).status, 200);
  const refused = await attempt("OPERATION_MUST_NOT_MATCH");
  assert.equal(refused.status, 400);
  assert.equal(refused.body["code"], 9);
  assert.equal(
    (refused.body["details"] as Json[])[0]?.["reason"],
    "ERROR_REASON_WRITE_OR_DELETE_PRECONDITION_FAILURE",
  );
});

test("deleting tells how far it came", async () => {
  await touch(...[1, 2, 3].map((i) => relationship("document:del", "viewer", `user:d${i}`)));
  const relationshipFilter = { resourceType: "document", optionalResourceId: "del" };
  const tooMany = await post("/v1/relationships/delete", { relationshipFilter, optionalLimit: 2 });
  assert.equal(tooMany.status, 400);
  const some = await post("/v1/relationships/delete", {
    relationshipFilter,
    optionalLimit: 2,
    optionalAllowPartialDeletions: true,
  });
  assert.equal(some.body["deletionProgress"], "DELETION_PROGRESS_PARTIAL");
  const rest = await post("/v1/relationships/delete", { relationshipFilter });
  assert.equal(rest.body["deletionProgress"], "DELETION_PROGRESS_COMPLETE");
  assert.equal(rest.body["relationshipsDeletedCount"], "1");
});

test("bulk import takes many messages, and export gives them back", async () => {
  const messages = [
    { relationships: [1, 2].map((i) => relationship(`document:im${i}`, "owner", "user:importer")) },
    { relationships: [relationship("document:im3", "owner", "user:importer")] },
  ];
  const response = await fetch(`${server.url}/v1/relationships/importbulk`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `${JSON.stringify(messages[0], null, 2)}\n${JSON.stringify(messages[1])}`,
  });
  assert.deepEqual(await response.json(), { numLoaded: "3" });
  const exported = await stream("/v1/relationships/exportbulk", {
    consistency: { fullyConsistent: true },
    optionalLimit: 2,
    optionalRelationshipFilter: { resourceType: "document", optionalResourceIdPrefix: "im" },
  });
  assert.deepEqual(
    exported.map(({ relationships }) => (relationships as Json[]).length),
    [2, 1],
  );
});

test("the schema is reflected, and what depends on what is told", async () => {
  const { body } = await post("/v1/schema/reflectschema", {
    consistency: { fullyConsistent: true },
    optionalFilters: [{ optionalDefinitionNameFilter: "document" }],
  });
  const [definition] = body["definitions"] as {
    name: string;
    relations: Json[];
    permissions: Json[];
  }[];
  assert.equal(definition?.name, "document");
  assert.deepEqual(
    definition?.relations.map(({ name }) => name),
    ["owner", "viewer", "banned"],
  );
  const viewer = definition?.relations[1] as { subjectTypes: Json[] };
  assert.deepEqual(viewer.subjectTypes, [
    { subjectDefinitionName: "user", optionalCaveatName: "", isTerminalSubject: true },
    { subjectDefinitionName: "user", optionalCaveatName: "", isPublicWildcard: true },
    { subjectDefinitionName: "group", optionalCaveatName: "", optionalRelationName: "member" },
    { subjectDefinitionName: "user", optionalCaveatName: "in_office", isTerminalSubject: true },
  ]);
  for (const path of ["/v1/schema/permissions/computable", "/v1/schema/computablepermissions"]) {
    const computable = await post(path, { definitionName: "document", relationName: "owner" });
    const names = (computable.body["permissions"] as Json[]).map(
      ({ relationName }) => relationName,
    );
    assert.deepEqual(names.sort(), ["edit", "view"]);
  }
  const dependent = await post("/v1/schema/permissions/dependent", {
    definitionName: "document",
    permissionName: "edit",
  });
  assert.deepEqual(dependent.body["relations"], [
    { definitionName: "document", relationName: "owner", isPermission: false },
  ]);
  const diff = await post("/v1/schema/diffschema", {
    comparisonSchema: `${schema}\ndefinition folder {}\n`,
  });
  assert.deepEqual(diff.body["diffs"], [
    { definitionAdded: { name: "folder", comment: "", relations: [], permissions: [] } },
  ]);
});

test("a watch tells what changes", async () => {
  const client = new AbortController();
  const response = await fetch(`${server.url}/v1/watch`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ optionalObjectTypes: ["group"] }),
    signal: client.signal,
  });
  const reader = response.body!.getReader();
  await touch(relationship("document:w", "owner", "user:ada"));
  await touch(relationship("group:w", "member", "user:ada"));
  const chunk = Buffer.from((await reader.read()).value!).toString();
  const { result } = JSON.parse(chunk.split("\n")[0]!) as { result: Json };
  assert.equal((result["updates"] as Json[]).length, 1);
  assert.deepEqual((result["updates"] as Json[])[0], {
    operation: "OPERATION_TOUCH",
    relationship: {
      ...relationship("group:w", "member", "user:ada"),
      subject: { object: object("user:ada"), optionalRelation: "" },
      optionalCaveat: null,
      optionalExpiresAt: null,
    },
  });
  client.abort();
});

test("refusals have the codes of gRPC, SpiceDB's reasons, and the statuses of its gateway", async () => {
  const written = (each: Json, operation = "OPERATION_CREATE"): [string, Json] => [
    "/v1/relationships/write",
    { updates: [{ operation, relationship: each }] },
  ];
  await touch(relationship("document:err", "owner", "user:ada"));
  const cases: readonly (readonly [[string, Json], number, number, string | undefined])[] = [
    [
      written(relationship("document:err", "owner", "user:ada")),
      409,
      6,
      "ATTEMPT_TO_RECREATE_RELATIONSHIP",
    ],
    [written(relationship("planet:1", "owner", "user:ada")), 400, 9, "UNKNOWN_DEFINITION"],
    [
      written(relationship("document:1", "sits", "user:ada")),
      400,
      9,
      "UNKNOWN_RELATION_OR_PERMISSION",
    ],
    [written(relationship("document:1", "view", "user:ada")), 400, 3, "CANNOT_UPDATE_PERMISSION"],
    [written(relationship("document:1", "owner", "group:x")), 400, 3, "INVALID_SUBJECT_TYPE"],
    [written({ resource: object("document:1") }), 400, 3, undefined],
    [written(relationship("document:1", "owner", "user:ada"), "OPERATION_PUT"), 400, 3, undefined],
    [
      [
        "/v1/permissions/check",
        { resource: object("document:1"), permission: "nope", subject: subject("user:ada") },
      ],
      400,
      9,
      "UNKNOWN_RELATION_OR_PERMISSION",
    ],
    [["/v1/permissions/check", { permission: 7 }], 400, 3, undefined],
    [["/v1/schema/write", { schema: "definition {" }], 400, 3, "SCHEMA_PARSE_ERROR"],
    [["/v1/schema/write", { schema: "definition user {}" }], 400, 3, "SCHEMA_TYPE_ERROR"],
    [
      [
        "/v1/permissions/resources",
        { resourceObjectType: "planet", permission: "view", subject: subject("user:ada") },
      ],
      400,
      9,
      "UNKNOWN_DEFINITION",
    ],
    [["/v1/nothing", {}], 404, 5, undefined],
  ];
  for (const [[path, body], status, code, reason] of cases) {
    const answer = await post(path, body);
    const said = JSON.stringify(answer.body);
    assert.equal(answer.status, status, said);
    // Of a stream it is a piece, even the first.
    const told = (answer.body["error"] ?? answer.body) as Json;
    assert.equal(told["code"], code, said);
    assert.equal(typeof told["message"], "string");
    const [detail] = told["details"] as Json[];
    assert.equal(
      detail?.["reason"],
      reason === undefined ? undefined : `ERROR_REASON_${reason}`,
      said,
    );
  }
});

test("the tenant is the one named, else `default`, else the only one", async () => {
  await server.authz.createTenant({ id: "other" });
  const read = (headers: Record<string, string>): Promise<{ status: number; body: Json }> =>
    post("/v1/schema/read", {}, headers);
  assert.equal((await read({})).body["schemaText"], schema);
  const other = await read({ "x-holdfast-tenant": "other" });
  assert.deepEqual([other.status, other.body["code"]], [404, 5]);
  assert.equal((await read({ "x-holdfast-tenant": "nobody" })).status, 404);
});
