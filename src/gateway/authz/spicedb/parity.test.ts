import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { serveForTest, type TestServer } from "../../../../test/gateway/server.ts";
import { Message } from "../proto.ts";
import { walk } from "./walk.ts";

/** The finer points of SpiceDB's HTTP gateway: what programs come to rely on without knowing it. */

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at, not used.
type Json = any;

let server: TestServer;

const schema = `use expiration

/** A person */
definition user {}

definition group {
  relation member: user | group#member
}

caveat working(weekday string, hour int) {
  hour >= 9 && weekday != "sunday"
}

definition folder {
  relation viewer: user
  permission view = viewer
}

/**
 * What is written
 * by somebody
 */
definition document {
  relation parent: folder
  relation owner: user | user with expiration
  relation viewer: user | user:* | group#member | user with working
  permission edit = owner
  permission view = viewer + edit + parent->view
}
`;

before(async () => {
  server = await serveForTest({ limits: { authzDelete: 3 } });
  const written = await post("/v1/schema/write", { schema });
  assert.equal(written.status, 200, JSON.stringify(written.body));
});

after(() => server.close());

async function post(path: string, body: unknown): Promise<{ status: number; body: Json }> {
  const text = await send(path, JSON.stringify(body));
  return { status: text.status, body: JSON.parse(text.body) };
}

async function send(path: string, body: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  return { status: response.status, body: await response.text() };
}

async function results(path: string, body: unknown): Promise<Json[]> {
  const answer = await send(path, JSON.stringify(body));
  assert.equal(answer.status, 200, answer.body);
  const lines = answer.body.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line).result);
}

const object = (text: string): Json => {
  const [objectType, objectId] = text.split(":");
  return { objectType, objectId };
};

const subject = (text: string): Json => {
  const [ref = "", optionalRelation] = text.split("#");
  return { object: object(ref), ...(optionalRelation === undefined ? {} : { optionalRelation }) };
};

/** `document:1#viewer@user:ada`. */
const relationship = (text: string, more: Json = {}): Json => {
  const [, resource = "", relation, of = ""] = /^(.*?)#(\w+)@(.*)$/.exec(text) ?? [];
  return { resource: object(resource), relation, subject: subject(of), ...more };
};

async function touch(...all: (string | Json)[]): Promise<string> {
  const updates = all.map((each) => ({
    operation: "OPERATION_TOUCH",
    relationship: typeof each === "string" ? relationship(each) : each,
  }));
  const { status, body } = await post("/v1/relationships/write", { updates });
  assert.equal(status, 200, JSON.stringify(body));
  return body.writtenAt.token;
}

const consistency = { fullyConsistent: true };

const question = (resource: string, permission: string, of: string, more: Json = {}): Json => ({
  consistency,
  resource: object(resource),
  permission,
  subject: subject(of),
  ...more,
});

test("what a stream is refused for is a piece of it, and what the gateway cannot read is not", async () => {
  const unknown = { relationshipFilter: { resourceType: "planet" } };
  const refused = await send("/v1/relationships/read", JSON.stringify(unknown));
  assert.equal(refused.status, 400);
  assert.ok(refused.body.endsWith("}\n"));
  assert.equal(JSON.parse(refused.body).error.code, 9);
  for (const path of ["permissions/resources", "permissions/subjects", "watch"]) {
    const body = { optionalStartCursor: { token: "" }, resourceObjectType: "" };
    const answer = await post(`/v1/${path}`, body);
    assert.deepEqual([answer.status, answer.body.error?.code], [400, 3], path);
  }
  const { body: single } = await post("/v1/permissions/check", {});
  assert.equal(single.code, 3);
  for (const text of ["{", '{"relationshipFilter":{"resourceType":1}}', "[]"]) {
    const answer = await send("/v1/relationships/read", text);
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [400, 3], text);
  }
});

test("a wildcard that is asked about has a reason of its own, in bulk in its place", async () => {
  const reasonOf = (status: Json): Json => [status.code, status.details[0]?.reason];
  const expected = [3, "ERROR_REASON_WILDCARD_NOT_ALLOWED"];
  const check = await post("/v1/permissions/check", question("document:1", "view", "user:*"));
  assert.deepEqual(reasonOf(check.body), expected);
  assert.deepEqual(check.body.details[0].metadata, { field: "subject.object_id" });
  const resources = await post("/v1/permissions/resources", {
    resourceObjectType: "document",
    permission: "view",
    subject: subject("user:*"),
  });
  assert.deepEqual(reasonOf(resources.body.error), expected);
  await touch("document:wild#viewer@user:ada");
  const items = [
    question("document:wild", "view", "user:*"),
    question("document:wild", "view", "user:ada"),
    question("document:wild", "", "user:ada"),
  ];
  const bulk = await post("/v1/permissions/checkbulk", { consistency, items });
  assert.equal(bulk.status, 200, JSON.stringify(bulk.body));
  const [first, second, third] = bulk.body.pairs;
  assert.deepEqual(reasonOf(first.error), expected);
  assert.equal(second.item.permissionship, "PERMISSIONSHIP_HAS_PERMISSION");
  assert.deepEqual(reasonOf(third.error), [9, "ERROR_REASON_UNKNOWN_RELATION_OR_PERMISSION"]);
  const alone = await post("/v1/permissions/checkbulk", { items: items.slice(0, 1) });
  assert.deepEqual(reasonOf(alone.body.pairs[0].error), expected);
});

test("reasons come with what SpiceDB tells programs beside them", async () => {
  const write = (text: string, more: Json = {}, operation = "OPERATION_CREATE"): [string, Json] => [
    "/v1/relationships/write",
    { updates: [{ operation, relationship: relationship(text, more) }] },
  ];
  await touch("document:meta#owner@user:ada", "document:meta#owner@user:a[d]a@x.org");
  const caveatName = "working";
  const huge = { weekday: "x".repeat(5_000) };
  const update = {
    operation: "OPERATION_TOUCH",
    relationship: relationship("group:m#member@user:a"),
  };
  const optionalTransactionMetadata = { text: "x".repeat(20_000) };
  const relationshipFilter = { resourceType: "document" };
  const cases: readonly (readonly [[string, Json], string, Json])[] = [
    [write("planet:1#a_b@user:a"), "UNKNOWN_DEFINITION", { definition_name: "planet" }],
    [
      write("document:1#sits@user:a"),
      "UNKNOWN_RELATION_OR_PERMISSION",
      { definition_name: "document", relation_or_permission_name: "sits" },
    ],
    [
      write("document:1#view@user:a"),
      "CANNOT_UPDATE_PERMISSION",
      { definition_name: "document", permission_name: "view" },
    ],
    [
      write("document:1#owner@user:a", { optionalCaveat: { caveatName } }),
      "INVALID_SUBJECT_TYPE",
      { definition_name: "document", relation_name: "owner", subject_type: "user with working" },
    ],
    [
      write("document:1#viewer@user:a", { optionalCaveat: { caveatName: "resting" } }),
      "UNKNOWN_CAVEAT",
      { caveat_name: "resting" },
    ],
    [
      write("document:meta#owner@user:ada"),
      "ATTEMPT_TO_RECREATE_RELATIONSHIP",
      { relationship: "document:meta#owner@user:ada", resource_object_id: "meta" },
    ],
    [
      write("document:meta#owner@user:a[d]a@x.org"),
      "ATTEMPT_TO_RECREATE_RELATIONSHIP",
      { resource_object_id: "meta", subject_object_id: "a[d]a@x.org" },
    ],
    [
      write("document:1#viewer@user:a", { optionalCaveat: { caveatName, context: huge } }),
      "MAX_RELATIONSHIP_CONTEXT_SIZE",
      { relationship: "document:1#viewer@user:a", max_allowed_size: "4096" },
    ],
    [
      ["/v1/relationships/write", { updates: [update], optionalTransactionMetadata }],
      "TRANSACTION_METADATA_TOO_LARGE",
      { metadata_byte_size: "20011" },
    ],
    [
      ["/v1/relationships/write", { updates: Array(1_001).fill(update) }],
      "TOO_MANY_UPDATES_IN_REQUEST",
      { update_count: "1001", maximum_updates_allowed: "1000" },
    ],
    [
      ["/v1/relationships/delete", { relationshipFilter, optionalLimit: 4 }],
      "EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT",
      { limit_provided: "4", maximum_limit_allowed: "3" },
    ],
  ];
  for (const [[path, body], reason, metadata] of cases) {
    const answer = await post(path, body);
    const [detail] = answer.body.details ?? [];
    const said = JSON.stringify(answer.body).slice(0, 1_000);
    assert.equal(detail?.reason, `ERROR_REASON_${reason}`, said);
    for (const [name, value] of Object.entries(metadata)) {
      assert.equal(detail.metadata[name], value, `${name} of ${said}`);
    }
  }
});

test("a schema that can be read and makes no sense is refused otherwise than one that cannot", async () => {
  const write = async (text: string): Promise<Json> => {
    const { status, body } = await post("/v1/schema/write", { schema: text });
    return [status, body.code, body.details[0]?.reason];
  };
  assert.deepEqual(await write("definition doc { relation viewer: nobody }"), [
    400,
    9,
    "ERROR_REASON_SCHEMA_TYPE_ERROR",
  ]);
  assert.deepEqual(await write("definition doc { relation viewer }"), [
    400,
    3,
    "ERROR_REASON_SCHEMA_PARSE_ERROR",
  ]);
});

test("what would hold longer or for more than was said is refused", async () => {
  const attempt = async (text: string, more: Json): Promise<Json> => {
    const update = { operation: 2, relationship: relationship(text, more) };
    const { status, body } = await post("/v1/relationships/write", { updates: [update] });
    return [status, body.code];
  };
  const context = { hour: 3 };
  const refused = [400, 3];
  for (const optionalExpiresAt of [
    "",
    "tomorrow",
    "2030-02-30T00:00:00Z",
    "2030-01-01T24:00:00Z",
  ]) {
    assert.deepEqual(await attempt("document:x#owner@user:a", { optionalExpiresAt }), refused);
  }
  for (const optionalCaveat of [{}, { context }, { caveatName: "", context }]) {
    assert.deepEqual(await attempt("document:x#viewer@user:a", { optionalCaveat }), refused);
  }
  const twice = { optionalExpiresAt: null, optional_expires_at: "2030-01-01T00:00:00Z" };
  assert.deepEqual(await attempt("document:x#owner@user:a", twice), refused);
});

test("times are told as protobuf has them", async () => {
  const times = ["2040-01-01T00:00:00Z", "2040-01-01T00:00:00.250Z"];
  await touch(
    ...times.map((optionalExpiresAt, i) =>
      relationship(`document:time${i}#owner@user:a`, { optionalExpiresAt }),
    ),
  );
  const found = await results("/v1/relationships/read", {
    consistency,
    relationshipFilter: { resourceType: "document", optionalResourceIdPrefix: "time" },
  });
  assert.deepEqual(
    found.map((each) => each.relationship.optionalExpiresAt),
    times,
  );
});

test("a consistency is exactly one requirement, and an empty token or cursor is none", async () => {
  const token = await touch("document:c#owner@user:ada");
  const ask = async (given: Json): Promise<number> =>
    (await post("/v1/permissions/check", question("document:c", "edit", "user:ada", given))).status;
  const taken = [
    null,
    { fullyConsistent: true, minimizeLatency: null },
    { minimize_latency: true },
    { at_least_as_fresh: { token } },
    { atExactSnapshot: { token } },
  ];
  for (const each of taken) assert.equal(await ask({ consistency: each }), 200);
  const refused = [
    {},
    { fullyConsistent: false },
    { fullyConsistent: true, minimizeLatency: false },
    { atLeastAsFresh: { token }, atExactSnapshot: { token } },
    { atLeastAsFresh: {} },
    { atExactSnapshot: { token: "" } },
  ];
  for (const each of refused) {
    assert.equal(await ask({ consistency: each }), 400, JSON.stringify(each));
    const answer = await post("/v1/schema/reflectschema", { consistency: each });
    assert.equal(answer.status, 400, JSON.stringify(each));
  }
  const relationshipFilter = { resourceType: "document" };
  for (const optionalCursor of [{}, { token: "" }, { token: "bm9uZQ==" }]) {
    const answer = await post("/v1/relationships/read", { relationshipFilter, optionalCursor });
    assert.equal(answer.status, 400, JSON.stringify(optionalCursor));
  }
});

test("a write of nothing asks whether its preconditions hold", async () => {
  await touch("document:nothing#owner@user:ada");
  const filter = { resourceType: "document", optionalResourceId: "nothing" };
  const write = (...operations: string[]): Promise<{ status: number; body: Json }> =>
    post("/v1/relationships/write", {
      updates: [],
      optionalPreconditions: operations.map((operation) => ({ operation, filter })),
    });
  assert.ok((await write()).body.writtenAt.token.length > 0);
  assert.equal((await write("OPERATION_MUST_MATCH")).status, 200);
  const { status, body } = await write("OPERATION_MUST_MATCH", "OPERATION_MUST_NOT_MATCH");
  assert.deepEqual([status, body.code], [400, 9]);
  assert.equal(body.details[0].reason, "ERROR_REASON_WRITE_OR_DELETE_PRECONDITION_FAILURE");
});

test("each part of a long delete has the metadata of all", async () => {
  const start = await touch(...[1, 2, 3, 4, 5].map((i) => `group:parts#member@user:p${i}`));
  const { body } = await post("/v1/relationships/delete", {
    relationshipFilter: { resourceType: "group", optionalResourceId: "parts" },
    optionalTransactionMetadata: { why: "tidying" },
  });
  assert.deepEqual(
    [body.deletionProgress, body.relationshipsDeletedCount],
    ["DELETION_PROGRESS_COMPLETE", "5"],
  );
  const { items } = await server.authz.tenant("default").changes({ after: start });
  assert.deepEqual(
    items.map(({ metadata }) => metadata),
    [{ why: "tidying" }, { why: "tidying" }],
  );
});

test("a cursor misses nobody when somebody before it has expired meanwhile", async () => {
  const optionalExpiresAt = new Date(Date.now() + 700).toISOString();
  await touch(
    relationship("document:exp1#owner@user:brief", { optionalExpiresAt }),
    "document:exp2#owner@user:brief",
    "document:exp3#owner@user:brief",
    relationship("document:exp#owner@user:e1", { optionalExpiresAt }),
    "document:exp#owner@user:e2",
    "document:exp#owner@user:e3",
  );
  const requests: readonly (readonly [string, Json, (result: Json) => string, string[]])[] = [
    [
      "/v1/permissions/resources",
      { resourceObjectType: "document", permission: "edit", subject: subject("user:brief") },
      (result) => result.resourceObjectId,
      ["exp1", "exp2", "exp3"],
    ],
    [
      "/v1/permissions/subjects",
      { resource: object("document:exp"), permission: "edit", subjectObjectType: "user" },
      (result) => result.subject.subjectObjectId,
      ["e1", "e2", "e3"],
    ],
    [
      "/v1/relationships/read",
      { relationshipFilter: { resourceType: "document", optionalResourceId: "exp" } },
      (result) => result.relationship.subject.object.objectId,
      ["e1", "e2", "e3"],
    ],
  ];
  const cursors: Json[] = [];
  for (const [path, request, idOf, ids] of requests) {
    const found = await results(path, { ...request, consistency });
    assert.deepEqual(found.map(idOf), ids);
    cursors.push(found[1].afterResultCursor, found[0].afterResultCursor);
  }
  await sleep(900);
  for (const [index, [path, request, idOf, ids]] of requests.entries()) {
    const from = async (optionalCursor: Json): Promise<string[]> =>
      (await results(path, { ...request, consistency, optionalCursor })).map(idOf);
    assert.deepEqual(await from(cursors[index * 2]), ids.slice(2), path);
    assert.deepEqual(await from(cursors[index * 2 + 1]), ids.slice(1), path);
  }
});

test("a list that the server cuts off does not look whole", async () => {
  const server = new AbortController();
  const pages = walk({
    body: new Message({}, "ReadRelationshipsRequest"),
    limit: 0,
    pageSize: 1,
    signal: server.signal,
    key: (item: string) => item,
    next: async () => ({ items: ["a"], next: "more", zookie: "z" }),
  });
  assert.deepEqual((await pages.next()).value?.items, ["a"]);
  server.abort();
  await assert.rejects(pages.next(), { code: "shutting-down" });
});

test("going on behind the last of a page costs no more than its own page", async () => {
  const asked: unknown[] = [];
  const list = ["a", "b", "c", "d", "e"];
  const run = async (optionalCursor: Json): Promise<{ items: string[]; cursors: Json[] }> => {
    const pages = walk({
      body: new Message({ optionalCursor }, "ReadRelationshipsRequest"),
      limit: 2,
      pageSize: 10,
      signal: new AbortController().signal,
      key: (item: string) => item,
      next: async ({ limit, after = "0" }) => {
        asked.push({ limit, after });
        const end = Number(after) + limit;
        const next = end < list.length ? String(end) : null;
        return { items: list.slice(Number(after), end), next, zookie: "z" };
      },
    });
    const items: string[] = [];
    const cursors: Json[] = [];
    for await (const page of pages) {
      items.push(...page.items);
      cursors.push(...page.items.map((_, index) => page.cursor(index)));
    }
    return { items, cursors };
  };
  const first = await run(undefined);
  const second = await run(first.cursors.at(-1));
  assert.deepEqual(
    [first.items, second.items],
    [
      ["a", "b"],
      ["c", "d"],
    ],
  );
  assert.deepEqual(asked, [
    { limit: 2, after: "0" },
    { limit: 2, after: "2" },
  ]);
  assert.deepEqual((await run(first.cursors[0])).items, ["b", "c"]);
});

test("expanding follows permissions and arrows to relations, and no group further", async () => {
  await touch(
    "document:tree#parent@folder:tree",
    "folder:tree#viewer@user:fay",
    "document:tree#owner@user:ada",
    "document:tree#viewer@group:tree#member",
    "group:tree#member@user:gil",
  );
  const { body } = await post("/v1/permissions/expand", {
    consistency,
    resource: object("document:tree"),
    permission: "view",
  });
  const shape = (node: Json): Json => {
    const name = `${node.expandedObject.objectType}#${node.expandedRelation}`;
    if (node.leaf === undefined) {
      const { operation, children } = node.intermediate;
      return [name, operation.replace("OPERATION_", ""), ...children.map(shape)];
    }
    const who = node.leaf.subjects.map(
      (each: Json) => each.object.objectId + each.optionalRelation,
    );
    return [name, who];
  };
  assert.deepEqual(shape(body.treeRoot), [
    "document#view",
    "UNION",
    ["document#viewer", ["treemember"]],
    ["document#edit", "UNION", ["document#owner", ["ada"]]],
    ["document#view", "UNION", ["folder#view", "UNION", ["folder#viewer", ["fay"]]]],
  ]);
});

test("a trace says what became of a caveat, and each item of a bulk check has its own", async () => {
  const optionalCaveat = { caveatName: "working", context: { weekday: "monday" } };
  await touch(relationship("document:trace#viewer@user:cleo", { optionalCaveat }));
  const item = question("document:trace", "view", "user:cleo");
  const viewer = (trace: Json): Json =>
    trace.check.subProblems.traces.find((each: Json) => each.permission === "viewer");
  const { body } = await post("/v1/permissions/check", { ...item, withTracing: true });
  assert.deepEqual(viewer(body.debugTrace).caveatEvaluationInfo, {
    expression: 'hour >= 9 && weekday != "sunday"',
    result: "RESULT_MISSING_SOME_CONTEXT",
    context: { weekday: "monday" },
    partialCaveatInfo: { missingRequiredContext: ["hour"] },
    caveatName: "working",
  });
  const items = [
    { ...item, context: { hour: 10 } },
    question("document:trace", "view", "user:eve"),
  ];
  const bulk = await post("/v1/permissions/checkbulk", { consistency, items, withTracing: true });
  const [first, second] = bulk.body.pairs;
  assert.equal(viewer(first.item.debugTrace).caveatEvaluationInfo.result, "RESULT_TRUE");
  assert.equal(second.item.debugTrace.check.result, "PERMISSIONSHIP_NO_PERMISSION");
  const untraced = await post("/v1/permissions/checkbulk", { consistency, items });
  assert.equal(untraced.body.pairs[0].item.debugTrace, null);
});

test("the paths from when they were an experiment are there", async () => {
  const lists = `${JSON.stringify({ relationships: [relationship("document:old#owner@user:old")] })}\n`;
  const path = "/v1/experimental/relationships/bulkimport";
  assert.deepEqual(JSON.parse((await send(path, lists)).body), { numLoaded: "1" });
  const optionalRelationshipFilter = { resourceType: "document", optionalResourceId: "old" };
  const request = { consistency, optionalRelationshipFilter };
  const exported = await results("/v1/experimental/relationships/bulkexport", request);
  assert.equal(exported[0].relationships.length, 1);
  const items = [question("document:old", "edit", "user:old")];
  const bulk = await post("/v1/experimental/permissions/bulkcheckpermission", {
    consistency,
    items,
  });
  assert.deepEqual(bulk.body.pairs[0].item, {
    permissionship: "PERMISSIONSHIP_HAS_PERMISSION",
    partialCaveatInfo: null,
  });
  const others: readonly (readonly [string, Json])[] = [
    ["reflectschema", {}],
    ["permissions/computable", { definitionName: "document", relationName: "owner" }],
    ["permissions/dependent", { definitionName: "document", permissionName: "edit" }],
    ["diffschema", { comparisonSchema: schema }],
  ];
  for (const [name, body] of others) {
    assert.equal((await post(`/v1/experimental/${name}`, body)).status, 200, name);
  }
});

test("what is imported twice in one go was there the second time", async () => {
  const twice = { relationships: Array(2).fill(relationship("document:twice#owner@user:a")) };
  const { status, body } = await post("/v1/relationships/importbulk", twice);
  assert.deepEqual([status, body.code], [409, 6]);
  assert.equal(body.details[0].reason, "ERROR_REASON_ATTEMPT_TO_RECREATE_RELATIONSHIP");
});

test("reflection has comments with their marks, and what its filters ask for", async () => {
  const reflect = async (...optionalFilters: Json[]): Promise<Json> =>
    (await post("/v1/schema/reflectschema", { consistency, optionalFilters })).body;
  const all = await reflect();
  const comments = Object.fromEntries(all.definitions.map((d: Json) => [d.name, d.comment]));
  assert.deepEqual(comments, {
    user: "/** A person */",
    group: "",
    folder: "",
    document: "/**\n * What is written\n * by somebody\n */",
  });
  const names = (list: Json[]): string[] => list.map(({ name }) => name);
  assert.deepEqual(names(all.caveats[0].parameters), ["hour", "weekday"]);
  const optionalDefinitionNameFilter = "doc";
  const definitions = await reflect({ optionalDefinitionNameFilter });
  assert.deepEqual(names(definitions.definitions), ["document"]);
  assert.deepEqual(definitions.caveats, []);
  const caveats = await reflect({ optionalCaveatNameFilter: "work" });
  assert.deepEqual([caveats.definitions, names(caveats.caveats)], [[], ["working"]]);
  const narrowed = await reflect(
    { optionalDefinitionNameFilter, optionalRelationNameFilter: "view" },
    { optionalDefinitionNameFilter, optionalPermissionNameFilter: "ed" },
  );
  assert.deepEqual(names(narrowed.definitions[0].relations), ["viewer"]);
  assert.deepEqual(names(narrowed.definitions[0].permissions), ["edit"]);
  const refused = [
    { optionalDefinitionNameFilter, optionalCaveatNameFilter: "work" },
    { optionalRelationNameFilter: "view" },
    { optionalPermissionNameFilter: "view" },
    {
      optionalDefinitionNameFilter,
      optionalRelationNameFilter: "view",
      optionalPermissionNameFilter: "view",
    },
  ];
  for (const filter of refused) {
    const { code, details } = await reflect(filter);
    assert.deepEqual([code, details[0].reason], [3, "ERROR_REASON_INVALID_FILTER"]);
  }
});

test("what a relation, a userset or a type leads to, and what only a permission comes from", async () => {
  const ask = async (path: string, body: Json): Promise<Json> => {
    const { status, body: answer } = await post(`/v1/schema/permissions/${path}`, body);
    if (status !== 200) return [answer.code, answer.details[0]?.reason];
    const found: Json[] = answer.permissions ?? answer.relations;
    return found.map((ref) => `${ref.definitionName}#${ref.relationName}`);
  };
  const computable = (definitionName: string, relationName?: string, more: Json = {}) =>
    ask("computable", { definitionName, relationName, ...more });
  assert.deepEqual(await computable("document", "owner"), ["document#edit", "document#view"]);
  assert.deepEqual(await computable("group", "member"), ["document#view", "document#viewer"]);
  assert.deepEqual(await computable("user", "", { optionalDefinitionNameFilter: "fold" }), [
    "folder#view",
    "folder#viewer",
  ]);
  assert.deepEqual(await computable("user"), [
    "document#edit",
    "document#owner",
    "document#view",
    "document#viewer",
    "folder#view",
    "folder#viewer",
    "group#member",
  ]);
  const unknown = [9, "ERROR_REASON_UNKNOWN_DEFINITION"];
  assert.deepEqual(await computable("planet"), unknown);
  const unknownRelation = [9, "ERROR_REASON_UNKNOWN_RELATION_OR_PERMISSION"];
  assert.deepEqual(await computable("user", "sits"), unknownRelation);
  const dependent = (definitionName: string, permissionName: string) =>
    ask("dependent", { definitionName, permissionName });
  assert.deepEqual(await dependent("folder", "view"), ["folder#viewer"]);
  assert.deepEqual(await dependent("", "view"), unknown);
  assert.deepEqual(await dependent("user", ""), unknownRelation);
  assert.deepEqual(await dependent("folder", "viewer"), [3, unknownRelation[1]]);
});

test("a difference shows the relation as it would become", async () => {
  const comparisonSchema = schema.replace("viewer: user | user:* | ", "viewer: user | ");
  const { body } = await post("/v1/schema/diffschema", { comparisonSchema });
  const [{ relationSubjectTypeRemoved: change }, ...others] = body.diffs;
  assert.deepEqual(others, []);
  assert.equal(change.changedSubjectType.isPublicWildcard, true);
  assert.equal(change.relation.subjectTypes.length, 3);
});

test("a watch refuses names that are not there, and passes over kinds that it does not know", async () => {
  const refused: readonly (readonly [Json, number])[] = [
    [{ optionalRelationshipFilters: [{ resourceType: "planet" }] }, 9],
    [{ optionalRelationshipFilters: [{ resourceType: "document", optionalRelation: "sits" }] }, 9],
    [{ optionalRelationshipFilters: [{ optionalSubjectFilter: { subjectType: "planet" } }] }, 9],
    [
      { optionalRelationshipFilters: [{ optionalResourceId: "a", optionalResourceIdPrefix: "a" }] },
      3,
    ],
    [{ optionalStartCursor: {} }, 3],
  ];
  for (const [body, code] of refused) {
    const answer = await post("/v1/watch", body);
    assert.equal(answer.body.error.code, code, JSON.stringify(answer.body));
  }
  const start = await touch("document:watch#owner@user:ada");
  await touch("document:watch#owner@user:bob");
  const client = new AbortController();
  const response = await fetch(`${server.url}/v1/watch`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      optionalStartCursor: { token: start },
      optionalUpdateKinds: ["WATCH_KIND_TO_COME"],
    }),
    signal: client.signal,
  });
  const reader = response.body?.getReader();
  const chunk = Buffer.from((await reader?.read())?.value ?? []).toString();
  assert.equal(JSON.parse(chunk).result.updates[0].relationship.subject.object.objectId, "bob");
  client.abort();
});
