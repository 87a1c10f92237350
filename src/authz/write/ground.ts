import type { Relationship, RelationshipFilter } from "../../model/relationship.ts";
import { formatRelationship } from "../../model/relationship.ts";
import type { RelationCommit, TupleKey, TupleRow } from "../../store/relations.ts";
import type { Graph } from "../graph/graph.ts";
import { findEdge, relationshipOfEdge, relationshipOfRow, rowOf } from "../rows.ts";
import { matches, matchingEdges } from "./filter.ts";

/** What a change stands on: the relationships as they are when it is applied. */
export interface Ground {
  /** The version of it that holds, expired or not; null if there is none. */
  find(relationship: Relationship): TupleRow | null;
  /** What holds and matches, so many at most, expired or not. */
  match(filter: RelationshipFilter, limit: number): TupleRow[];
  /** Everything that holds; of a graph that is not in memory, what was read for the change. */
  all(): Iterable<TupleRow>;
}

/** Where the whole graph is in memory. */
export class GraphGround implements Ground {
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  find(relationship: Relationship): TupleRow | null {
    const edge = findEdge(this.#graph, relationship);
    return edge === 0 || this.#hasEnded(edge) ? null : this.#row(edge);
  }

  match(filter: RelationshipFilter, limit: number): TupleRow[] {
    const found: TupleRow[] = [];
    for (const edge of matchingEdges(this.#graph, filter)) {
      if (this.#hasEnded(edge)) continue;
      if (found.length === limit) break;
      found.push(this.#row(edge));
    }
    return found;
  }

  *all(): Iterable<TupleRow> {
    for (const edge of this.#graph.alive()) yield this.#row(edge);
  }

  #hasEnded(edge: number): boolean {
    return this.#graph.deletedAt(edge) !== Number.POSITIVE_INFINITY;
  }

  #row(edge: number): TupleRow {
    const created = this.#graph.createdAt(edge);
    return rowOf(relationshipOfEdge(this.#graph, edge), created);
  }
}

/**
 * Where it is not: what was read from the store for this one change, at a revision, and what was
 * applied since.
 */
export class ReadGround implements Ground {
  readonly #rows: Map<string, TupleRow>;

  constructor(rows: readonly TupleRow[], since: readonly RelationCommit[]) {
    this.#rows = new Map(rows.map((row) => [nameOf(row), row]));
    for (const { inserts, deletes } of since) {
      for (const row of deletes) this.#rows.delete(nameOf(row));
      for (const row of inserts) this.#rows.set(nameOf(row), row);
    }
  }

  find(relationship: Relationship): TupleRow | null {
    return this.#rows.get(formatRelationship(relationship)) ?? null;
  }

  match(filter: RelationshipFilter, limit: number): TupleRow[] {
    const found: TupleRow[] = [];
    for (const row of this.#rows.values()) {
      if (found.length === limit) break;
      if (matches(filter, row)) found.push(row);
    }
    return found;
  }

  all(): Iterable<TupleRow> {
    return this.#rows.values();
  }
}

function nameOf(row: TupleKey): string {
  return formatRelationship(
    relationshipOfRow({ ...row, caveat: "", context: null, expiresAt: null, deleted: null }),
  );
}
