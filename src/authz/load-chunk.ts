import type { TupleChunk } from "../store/relations.ts";
import type { EdgeExtra } from "./graph/edge-traits.ts";
import type { Graph } from "./graph/graph.ts";

/** So many rows are looked up together: what they need fits into the processor's nearest caches. */
const rowsTogether = 250;

/**
 * Adds the versions of a chunk to a graph, in their order. Rows lie by resource, so a resource is
 * looked up once for all of its rows.
 * A version whose older one still holds was written since the scan began: it is left to those who
 * apply that transaction again.
 * @returns the edges, one per row; 0 for one that was left.
 */
export function loadChunk(graph: Graph, chunk: TupleChunk): Uint32Array {
  const codes = chunk.names.map((name) => graph.names.number(name));
  const extras = extrasOf(graph, chunk);
  const edges = new Uint32Array(chunk.count);
  for (let from = 0; from < chunk.count; from += rowsTogether) {
    const to = Math.min(from + rowsTogether, chunk.count);
    const { resources, subjects } = nodesOf(graph, chunk, { codes, from, to });
    graph.foresee(resources, subjects);
    for (let row = from; row < to; row++) {
      const resource = resources[row - from] as number; // one per row
      const subject = subjects[row - from] as number; // as above
      const older = graph.findEdge(resource, subject);
      // The older one was read before the transaction that ended it and made this one.
      if (older !== 0 && graph.deletedAt(older) === Number.POSITIVE_INFINITY) continue;
      edges[row] = graph.addEdge(resource, subject, {
        created: chunk.created[row] as number, // columns have a value per row
        deleted: chunk.deleted[row] === 0 ? undefined : chunk.deleted[row],
        extra: extras?.get(row),
      });
    }
  }
  return edges;
}

function extrasOf(graph: Graph, chunk: TupleChunk): Map<number, EdgeExtra> | undefined {
  if (chunk.extras.length === 0) return undefined;
  const extras = new Map<number, EdgeExtra>();
  for (const { row, caveat, context, expiresAt } of chunk.extras) {
    extras.set(row, {
      caveat: caveat === "" ? 0 : graph.names.number(caveat),
      context,
      expiresAt: expiresAt ?? Number.POSITIVE_INFINITY,
    });
  }
  return extras;
}

interface Stretch {
  /** Of the names of the chunk, their numbers in the graph. */
  readonly codes: readonly number[];
  readonly from: number;
  readonly to: number;
}

interface Nodes {
  /** One per row, as the subjects. */
  readonly resources: Uint32Array;
  readonly subjects: Uint32Array;
}

function nodesOf(graph: Graph, chunk: TupleChunk, { codes, from, to }: Stretch): Nodes {
  const code = (column: Uint32Array, row: number): number => codes[column[row] as number] as number; // columns of codes point into the names
  const count = to - from;
  const types = new Uint32Array(2 * count);
  const ids: string[] = [];
  for (let row = from; row < to; row++) {
    if (row === from || !hasResourceOfLast(chunk, row)) {
      types[ids.length] = code(chunk.resourceTypes, row);
      ids.push(chunk.resourceIds[row] as string); // columns have a value per row
    }
    types[ids.length] = code(chunk.subjectTypes, row);
    ids.push(chunk.subjectIds[row] as string); // as above
  }
  const objects = new Uint32Array(ids.length);
  graph.objects.addAll(types, ids, objects);
  const nodes = { resources: new Uint32Array(count), subjects: new Uint32Array(count) };
  let resource = 0;
  for (let row = from, at = 0; row < to; row++) {
    if (row === from || !hasResourceOfLast(chunk, row)) resource = objects[at++] as number; // as they were put in
    nodes.resources[row - from] = graph.addNode(resource, code(chunk.relations, row));
    const subject = objects[at++] as number; // as above
    nodes.subjects[row - from] = graph.addNode(subject, code(chunk.subjectRelations, row));
  }
  return nodes;
}

function hasResourceOfLast({ resourceTypes, resourceIds }: TupleChunk, row: number): boolean {
  return resourceIds[row] === resourceIds[row - 1] && resourceTypes[row] === resourceTypes[row - 1];
}
