import type { TupleChunk } from "../store/relations.ts";
import type { EdgeExtra } from "./graph/edge-traits.ts";
import type { Graph } from "./graph/graph.ts";

/**
 * Adds the versions of a chunk to a graph, in their order. Rows lie by resource, so a resource is
 * looked up once for all of its rows.
 * A version whose older one still holds was written since the scan began: it is left to those who
 * apply that transaction again.
 * @returns the edges, one per row; 0 for one that was left.
 */
export function loadChunk(graph: Graph, chunk: TupleChunk): Uint32Array {
  const { names, objects } = graph;
  const codes = chunk.names.map((name) => names.number(name));
  const code = (column: Uint32Array, row: number): number => codes[column[row] as number] as number; // columns of codes point into the names
  const extras = new Map<number, EdgeExtra>();
  for (const { row, caveat, context, expiresAt } of chunk.extras) {
    extras.set(row, {
      caveat: caveat === "" ? 0 : names.number(caveat),
      context,
      expiresAt: expiresAt ?? Number.POSITIVE_INFINITY,
    });
  }
  const edges = new Uint32Array(chunk.count);
  let [type, id, relation, resource] = [-1, "", -1, 0];
  for (let row = 0; row < chunk.count; row++) {
    const resourceType = code(chunk.resourceTypes, row);
    const resourceId = chunk.resourceIds[row] as string; // columns have a value per row
    const resourceRelation = code(chunk.relations, row);
    if (resourceType !== type || resourceRelation !== relation || resourceId !== id) {
      [type, id, relation] = [resourceType, resourceId, resourceRelation];
      resource = graph.addNode(objects.add(type, id), relation);
    }
    const subjectType = code(chunk.subjectTypes, row);
    const subjectObject = objects.add(subjectType, chunk.subjectIds[row] as string); // as above
    const subject = graph.addNode(subjectObject, code(chunk.subjectRelations, row));
    const older = graph.findEdge(resource, subject);
    // The older one was read before the transaction that ended it and made this one.
    if (older !== 0 && graph.deletedAt(older) === Number.POSITIVE_INFINITY) continue;
    const deleted = chunk.deleted[row] as number; // as above
    const extra = extras.get(row);
    edges[row] = graph.addEdge(resource, subject, {
      created: chunk.created[row] as number, // as above
      ...(deleted === 0 ? {} : { deleted }),
      ...(extra === undefined ? {} : { extra }),
    });
  }
  return edges;
}
