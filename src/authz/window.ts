import { assert } from "../std/assert.ts";
import type {
  RelationCommit,
  RelationReads,
  TupleEnd,
  TupleKey,
  TupleRow,
} from "../store/relations.ts";
import type { Residency } from "./check/residency.ts";
import type { Graph } from "./graph/graph.ts";
import { tooManyNames } from "./graph/objects.ts";
import { nodeKey } from "./graph/overlay.ts";
import { extraOfRow, hasRoomFor, nodesOfRow } from "./rows.ts";

export interface WindowOptions {
  readonly graph: Graph;
  readonly tenant: WindowTenant;
  readonly store: RelationReads;
  /** Leaves it for another if it is too large. */
  readonly bound: () => void;
}

/** What a window needs of its tenant. */
export interface WindowTenant {
  readonly number: number;
  /** How often transactions were lost that had been applied. */
  readonly losses: number;
  /** Rejects when what was read says nothing: the tenant is deleted, or another node's. */
  requireOwn(): Promise<void>;
  /**
   * Remembers all transactions after what is durable now, however durable they become, until
   * `release` is called.
   */
  hold(): { commits(): readonly RelationCommit[]; release(): void };
}

/**
 * What is in memory of a graph that is not there in full: lists of subjects, and lists of what a
 * subject has, each with all its versions or not at all. What is in memory is kept up to date by the
 * writer; what is not is read from the store when a question comes to it.
 *
 * Once the tenant has left it for another, the writer passes it by. Questions that began in it end in
 * it: later transactions change nothing at their revisions, and what is loaded still tells of those.
 */
export class Window implements Residency {
  readonly #graph: Graph;
  readonly #tenant: WindowTenant;
  readonly #store: RelationReads;
  readonly #losses: number;
  readonly bound: () => void;
  readonly #forward = new Set<number>();
  readonly #reverse = new Set<number>();
  #missingForward = new Map<number, TupleEnd>();
  #missingReverse = new Map<number, TupleEnd>();
  /** A load under way: whoever comes meanwhile waits for it, and looks again. */
  #loading: Promise<void> | null = null;

  constructor({ graph, tenant, store, bound }: WindowOptions) {
    this.#losses = tenant.losses;
    this.bound = bound;
    this.#graph = graph;
    this.#tenant = tenant;
    this.#store = store;
  }

  /** How many names have numbers. */
  get names(): number {
    return this.#graph.names.size;
  }

  /**
   * Relationships, objects with their relations, and lists: the empty ones too, and those whom
   * nothing names, as each question about a stranger leaves one.
   */
  get size(): number {
    const { versions, nodeCount } = this.#graph;
    return versions + nodeCount + this.#forward.size + this.#reverse.size;
  }

  get isLost(): boolean {
    return this.#tenant.losses !== this.#losses;
  }

  forward(object: number, relation: number): boolean {
    const key = nodeKey(object, relation);
    if (this.#forward.has(key)) return true;
    if (!this.#missingForward.has(key)) this.#missingForward.set(key, this.#end(object, relation));
    return false;
  }

  reverse(object: number, relation: number): boolean {
    const key = nodeKey(object, relation);
    if (this.#reverse.has(key)) return true;
    if (!this.#missingReverse.has(key)) this.#missingReverse.set(key, this.#end(object, relation));
    return false;
  }

  holds(row: TupleKey): boolean {
    const graph = this.#graph;
    const { names, objects } = graph;
    const holds = (ends: Set<number>, type: string, id: string, relation: string): boolean => {
      const object = objects.find(names.find(type) ?? 0, id);
      const number = names.find(relation);
      return object !== 0 && number !== undefined && ends.has(nodeKey(object, number));
    };
    return (
      holds(this.#forward, row.resourceType, row.resourceId, row.relation) ||
      holds(this.#reverse, row.subjectType, row.subjectId, row.subjectRelation)
    );
  }

  #end(object: number, relation: number): TupleEnd {
    const { names, objects } = this.#graph;
    return {
      type: names.name(objects.type(object)),
      id: objects.id(object),
      relation: names.name(relation),
    };
  }

  async load(): Promise<void> {
    if (this.#loading !== null) await this.#loading;
    if (this.#missingForward.size + this.#missingReverse.size === 0) return;
    this.#loading = this.#loadMissing();
    try {
      await this.#loading;
    } finally {
      this.#loading = null;
    }
    this.bound();
  }

  async #loadMissing(): Promise<void> {
    const [forward, reverse] = [this.#missingForward, this.#missingReverse];
    this.#missingForward = new Map();
    this.#missingReverse = new Map();
    const held = this.#tenant.hold();
    try {
      const rows = await this.#store.loadTuples({
        tenant: this.#tenant.number,
        resources: [...forward.values()],
        subjects: [...reverse.values()],
      });
      await this.#tenant.requireOwn();
      // What is remembered of commits that failed does not fit what was read.
      if (this.isLost) return;
      const commits = held.commits();
      const all = [...rows, ...commits.flatMap(({ inserts }) => inserts)];
      // Before anything counts as loaded.
      if (!hasRoomFor(this.#graph, all)) throw tooManyNames();
      for (const key of forward.keys()) this.#forward.add(key);
      for (const key of reverse.keys()) this.#reverse.add(key);
      this.#admit(withCommits(rows, commits, (row) => this.holds(row)));
    } finally {
      held.release();
    }
  }

  /** A relationship that is there from its other end is there with all its versions. */
  #admit(rows: readonly TupleRow[]): void {
    const graph = this.#graph;
    const added = new Set<number>();
    for (const row of rows.toSorted((a, b) => a.created - b.created)) {
      const { resource, subject } = nodesOfRow(graph, row);
      const there = graph.findEdge(resource, subject);
      if (there !== 0 && !added.has(there)) continue;
      const extra = extraOfRow(graph, row);
      const edge = graph.addEdge(resource, subject, {
        created: row.created,
        ...(row.deleted === null ? {} : { deleted: row.deleted }),
        ...(extra === undefined ? {} : { extra }),
      });
      assert(edge !== there, "a version is added once");
      added.add(edge);
    }
  }
}

/** Rows as they were read, and what was written since: of that the store may have told a part. */
function withCommits(
  rows: readonly TupleRow[],
  commits: readonly RelationCommit[],
  concerns: (row: TupleKey) => boolean,
): TupleRow[] {
  const all = new Map(rows.map((row) => [versionOf(row), row]));
  for (const { inserts, deletes, revision } of commits) {
    for (const key of deletes) {
      const row = all.get(versionOf(key));
      if (row !== undefined) all.set(versionOf(key), { ...row, deleted: revision });
    }
    for (const row of inserts) {
      if (concerns(row) && !all.has(versionOf(row))) all.set(versionOf(row), row);
    }
  }
  return [...all.values()];
}

function versionOf(row: TupleKey): string {
  return JSON.stringify([
    row.resourceType,
    row.resourceId,
    row.relation,
    row.subjectType,
    row.subjectId,
    row.subjectRelation,
    row.created,
  ]);
}
