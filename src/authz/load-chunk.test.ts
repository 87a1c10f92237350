import assert from "node:assert/strict";
import { test } from "node:test";
import type { TupleChunk } from "../store/relations.ts";
import { Graph } from "./graph/graph.ts";
import { loadChunk } from "./load-chunk.ts";

/** One version of `document:d#viewer@user:u`. */
function versionOf(created: number, deleted: number): TupleChunk {
  return {
    count: 1,
    names: ["", "document", "viewer", "user"],
    resourceTypes: Uint32Array.of(1),
    resourceIds: ["d"],
    relations: Uint32Array.of(2),
    subjectTypes: Uint32Array.of(3),
    subjectIds: ["u"],
    subjectRelations: Uint32Array.of(0),
    created: Float64Array.of(created),
    deleted: Float64Array.of(deleted),
    extras: [],
    next: null,
  };
}

test("a version that was written while the one before was read is left to its transaction", () => {
  const graph = new Graph(1);
  const [older = 0] = loadChunk(graph, versionOf(3, 0));
  assert.deepEqual([...loadChunk(graph, versionOf(5, 0))], [0]);
  assert.equal(graph.findEdge(graph.resourceOf(older), graph.subjectOf(older)), older);
  assert.equal(graph.size, 1);
});

test("versions of which each ended before the next are all taken in", () => {
  const graph = new Graph(1);
  const [older = 0] = loadChunk(graph, versionOf(3, 5));
  const [newer = 0] = loadChunk(graph, versionOf(5, 0));
  assert.equal(graph.olderThan(newer), older);
  assert.equal(graph.size, 1);
});
