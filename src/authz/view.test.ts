import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "../model/limits.ts";
import type { RelationCommit, TupleChunk, TupleKey, TupleRow } from "../store/relations.ts";
import { namesMax } from "./graph/objects.ts";
import { parseSchema } from "./schema/dialect.ts";
import { View } from "./view.ts";

const never = 0;

function makeView(): View {
  return new View({ limits: defaultLimits, hashKey: 1, cacheBytes: 65_536, indexPairs: 1_000 });
}

function keyOf(resourceId: string, created: number): TupleKey {
  return {
    resourceType: "document",
    resourceId,
    relation: "viewer",
    subjectType: "user",
    subjectId: "u",
    subjectRelation: "",
    created,
  };
}

function rowOf(resourceId: string, created: number): TupleRow {
  return {
    ...keyOf(resourceId, created),
    caveat: "",
    context: null,
    expiresAt: null,
    deleted: null,
  };
}

/** Versions of `document:…#viewer@user:u` as the store has them. */
function chunkOf(versions: readonly (readonly [id: string, created: number, deleted: number])[]) {
  const column = (code: number) => new Uint32Array(versions.length).fill(code);
  return {
    count: versions.length,
    names: ["", "document", "viewer", "user"],
    resourceTypes: column(1),
    resourceIds: versions.map(([id]) => id),
    relations: column(2),
    subjectTypes: column(3),
    subjectIds: versions.map(() => "u"),
    subjectRelations: column(0),
    created: Float64Array.from(versions, ([, created]) => created),
    deleted: Float64Array.from(versions, ([, , deleted]) => deleted),
    extras: [],
    next: null,
  } satisfies TupleChunk;
}

function commitOf(
  revision: number,
  { inserts = [], deletes = [] }: Partial<Pick<RelationCommit, "inserts" | "deletes">>,
): RelationCommit {
  return { tenant: 1, revision, at: 0, inserts, deletes, log: "" };
}

/** A relationship was deleted at 4, made again at 5, deleted at 6, made again at 8. */
const comingAndGoing = [
  commitOf(4, { deletes: [keyOf("d", 3)] }),
  commitOf(5, { inserts: [rowOf("d", 5)] }),
  commitOf(6, { deletes: [keyOf("d", 5)] }),
  commitOf(8, { inserts: [rowOf("d", 8)] }),
];

test("a version that was trimmed before the scan came to it is left out", () => {
  const view = makeView();
  // The history was trimmed up to 7, and the scan came by after 8.
  view.load(chunkOf([["d", 8, never]]));
  view.loaded(8, comingAndGoing);
  assert.equal(view.graph.versions, 1);
  assert.equal(view.graph.size, 1);
});

test("the same where the later version had ended again", () => {
  const view = makeView();
  view.load(chunkOf([["d", 8, 9]]));
  view.loaded(9, [...comingAndGoing, commitOf(9, { deletes: [keyOf("d", 8)] })]);
  assert.equal(view.graph.versions, 1);
  assert.equal(view.graph.size, 0);
});

test("a version that the scan came by too early for is added", () => {
  const view = makeView();
  view.load(chunkOf([["d", 3, never]]));
  view.loaded(8, comingAndGoing);
  assert.equal(view.graph.versions, 3);
  assert.equal(view.graph.size, 1);
});

test("what ended while it was loaded is trimmed in the order of its ends", () => {
  const view = makeView();
  // The scan came by "a" before that ended at 5, and by "b" after that ended at 7.
  view.load(chunkOf([["a", 1, never]]));
  view.load(chunkOf([["b", 2, 7]]));
  view.loaded(7, [
    commitOf(5, { deletes: [keyOf("a", 1)] }),
    commitOf(7, { deletes: [keyOf("b", 2)] }),
  ]);
  assert.equal(view.trim(5, 10), false);
  assert.equal(view.graph.versions, 1);
  view.trim(7, 10);
  assert.equal(view.graph.versions, 0);
});

test("what ended while it was loaded and is not durable can be taken back", () => {
  const view = makeView();
  view.load(chunkOf([["a", 1, 5]]));
  view.load(chunkOf([["b", 2, never]]));
  view.loaded(4, [
    commitOf(5, { deletes: [keyOf("a", 1)] }),
    commitOf(6, { deletes: [keyOf("b", 2)] }),
  ]);
  assert.equal(view.graph.size, 0);
  view.rollBack(4);
  assert.equal(view.graph.size, 2);
  view.trim(6, 10);
  assert.equal(view.graph.versions, 2);
});

test("what schemas made of names is forgotten with the names, and what is stored keeps its own", () => {
  const view = makeView();
  const text = "definition user {}\ndefinition document { relation viewer: user }";
  const { schema } = parseSchema(text);
  assert.ok(schema !== null);
  view.load(chunkOf([["d", 3, never]]));
  view.loaded(3);
  const { names } = view.graph;
  const viewer = names.find("viewer");
  const compiled = view.compile("one", schema, { trace: false });
  view.head = { id: "one", schema: compiled };
  while (names.size < namesMax) names.number(`name ${names.size}`);
  view.makeRoom(new Set(["viewer", "name 20"]));
  assert.equal(view.compile("one", schema, { trace: false }), compiled);
  view.makeRoom(new Set(["viewer", "another"]));
  assert.equal(view.head, null);
  assert.equal(names.find("name 20"), undefined);
  assert.equal(names.find("viewer"), viewer);
  assert.notEqual(view.compile("one", schema, { trace: false }), compiled);
  const tooMany = new Set(Array.from({ length: namesMax }, (_, at) => `other ${at}`));
  assert.throws(() => view.makeRoom(tooMany), { code: "limit-exceeded" });
});
