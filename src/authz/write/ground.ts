import type { Relationship, RelationshipFilter } from "../../model/relationship.ts";
import { formatRelationship } from "../../model/relationship.ts";
import { assert } from "../../std/assert.ts";
import type { RelationCommit, TupleKey, TupleRow } from "../../store/relations.ts";
import type { Graph } from "../graph/graph.ts";
import { findEdge, relationshipOfEdge, relationshipOfRow, rowOf } from "../rows.ts";
import { matches, matchingEdges } from "./filter.ts";
import type { Walk } from "./work.ts";

/** What a change stands on: the relationships as they are when it is applied. */
export interface Ground {
  /** The version of it that holds, expired or not; null if there is none. */
  find(relationship: Relationship): TupleRow | null;
  match(filter: RelationshipFilter, search: Search): Found;
  /** Everything that holds; of a graph that is not in memory, what was read for the change. */
  all(): Iterable<TupleRow>;
}

export interface Search extends Walk {
  /** How much is enough. */
  readonly limit: number;
  /** What has expired by then does not count. Default: it does. */
  readonly now?: number;
}

export interface Found {
  /** What holds and matches. */
  readonly rows: readonly TupleRow[];
  readonly rest: Rest;
}

/**
 * What else may match: nothing; something, as there was enough; something, as the work was exceeded;
 * something that was not read for the change.
 */
export type Rest = "none" | "enough" | "exceeded" | "unread";

/** Where the whole graph is in memory. */
export class GraphGround implements Ground {
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  find(relationship: Relationship): TupleRow | null {
    const edge = findEdge(this.#graph, relationship);
    if (edge === 0 || this.#graph.deletedAt(edge) !== Number.POSITIVE_INFINITY) return null;
    return this.#row(edge);
  }

  match(filter: RelationshipFilter, search: Search): Found {
    const rows: TupleRow[] = [];
    for (const edge of matchingEdges(this.#graph, filter, search)) {
      const row = this.#row(edge);
      if (hasExpired(row, search.now)) continue;
      rows.push(row);
      if (rows.length === search.limit) return { rows, rest: "enough" };
    }
    return { rows, rest: search.work.exceeded ? "exceeded" : "none" };
  }

  *all(): Iterable<TupleRow> {
    for (const edge of this.#graph.alive()) yield this.#row(edge);
  }

  #row(edge: number): TupleRow {
    const created = this.#graph.createdAt(edge);
    return rowOf(relationshipOfEdge(this.#graph, edge), created);
  }
}

/** What was read from the store for one filter. */
export interface FilterRead {
  readonly filter: RelationshipFilter;
  readonly rows: readonly TupleRow[];
  readonly rest: Exclude<Rest, "enough">;
}

/**
 * Where it is not: what was read from the store for this one change, at a revision, and what was
 * applied since.
 */
export class ReadGround implements Ground {
  readonly #reads = new Map<string, FilterRead>();
  /** What holds, by name. */
  readonly #rows = new Map<string, TupleRow>();
  readonly #holding: ReadonlySet<TupleRow>;
  /** What was applied since, by what filters name; all of it by `""`. */
  readonly #fresh = new Map<string, TupleRow[]>();

  constructor(reads: readonly FilterRead[], since: readonly RelationCommit[]) {
    for (const { filter, rows, rest } of reads) {
      // What matches several filters was read for each, and is one row.
      const known = rows.map((row) => getOrInsert(this.#rows, nameOf(row), row));
      this.#reads.set(JSON.stringify(filter), { filter, rows: known, rest });
    }
    for (const { inserts, deletes } of since) {
      for (const row of deletes) this.#rows.delete(nameOf(row));
      for (const row of inserts) this.#rows.set(nameOf(row), row);
    }
    this.#holding = new Set(this.#rows.values());
    for (const row of since.flatMap(({ inserts }) => inserts)) {
      if (!this.#holding.has(row)) continue;
      for (const place of ["", resourcePlace(row), subjectPlace(row)]) {
        getOrInsert(this.#fresh, place, []).push(row);
      }
    }
  }

  find(relationship: Relationship): TupleRow | null {
    return this.#rows.get(formatRelationship(relationship)) ?? null;
  }

  match(filter: RelationshipFilter, { limit, now, work }: Search): Found {
    const read = this.#reads.get(JSON.stringify(filter));
    assert(read !== undefined, "what a change looks at was prepared for it");
    const rows: TupleRow[] = [];
    for (const row of read.rows) {
      if (!this.#holding.has(row) || hasExpired(row, now)) continue;
      rows.push(row);
      if (rows.length === limit) return { rows, rest: "enough" };
    }
    const place = resourcePlace(filter) || subjectPlace(filter);
    for (const row of this.#fresh.get(place) ?? []) {
      if (!work.look()) return { rows, rest: "exceeded" };
      if (!matches(filter, row) || hasExpired(row, now)) continue;
      rows.push(row);
      if (rows.length === limit) return { rows, rest: "enough" };
    }
    return { rows, rest: read.rest };
  }

  all(): Iterable<TupleRow> {
    return this.#rows.values();
  }
}

/** `""` where a filter does not name it. */
function resourcePlace({ resourceType, resourceId }: RelationshipFilter): string {
  if (resourceType === undefined || resourceId === undefined) return "";
  return `resource ${resourceType}:${resourceId}`;
}

/** The same. */
function subjectPlace({ subjectType, subjectId }: RelationshipFilter): string {
  if (subjectType === undefined || subjectId === undefined) return "";
  return `subject ${subjectType}:${subjectId}`;
}

function getOrInsert<V>(map: Map<string, V>, key: string, value: V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  map.set(key, value);
  return value;
}

function hasExpired({ expiresAt }: TupleRow, now: number | undefined): boolean {
  return now !== undefined && expiresAt !== null && expiresAt <= now;
}

export function nameOf(row: TupleKey): string {
  return formatRelationship(
    relationshipOfRow({ ...row, caveat: "", context: null, expiresAt: null, deleted: null }),
  );
}
