import type { Limits } from "../model/limits.ts";
import { assert } from "../std/assert.ts";
import { Deque } from "../std/deque.ts";
import type { RelationCommit, TupleChunk, TupleKey, TupleRow } from "../store/relations.ts";
import { AnswerCache } from "./check/answer-cache.ts";
import { compileSchema } from "./check/compile.ts";
import type { CompiledSchema } from "./check/evaluation.ts";
import { GroupIndex } from "./check/group-index.ts";
import type { Residency } from "./check/residency.ts";
import { namesOfSchema } from "./check/schema-names.ts";
import { groupsSlot, resourceSlot, subjectSlot, wildcardSlot } from "./check/slots.ts";
import { ClosureIndex } from "./closure/closure-index.ts";
import { Graph } from "./graph/graph.ts";
import { tooManyNames } from "./graph/objects.ts";
import { loadChunk } from "./load-chunk.ts";
import { extraOfRow, findNode, isWildcard, nodesOfRow } from "./rows.ts";
import type { Schema } from "./schema/schema.ts";

/** How many schemas of one tenant stay compiled. */
const compiledMax = 16;

/** A change that was applied and is not durable yet, so that it can be taken back. */
interface Undo {
  readonly revision: number;
  readonly edge: number;
  readonly added: boolean;
}

/** When a version ended. */
interface End {
  readonly revision: number;
  readonly edge: number;
}

/**
 * A graph with everything that is bound to its numbers: compiled schemas, cached answers, flattened
 * groups. It runs ahead of the store: what is not durable can be taken back.
 */
export class View {
  readonly graph: Graph;
  readonly cache: AnswerCache | null;
  readonly index: GroupIndex | null;
  /** Null while the whole graph is in memory. */
  readonly residency: Residency | null;
  readonly #limits: Limits;
  readonly #compiled = new Map<string, CompiledSchema>();
  /** The schema that is asked most. */
  head: { readonly id: string; readonly schema: CompiledSchema } | null = null;
  /** Relations that arrows of any of these, or of one before, go over. */
  readonly #arrows = new Set<number>();
  #undo: Undo[] = [];
  /** Ends that the store told of, in no order, until all of it was loaded. */
  #loadedEnds: End[] = [];
  /** Durable ends, in order: what there is to trim. */
  readonly #ended = new Deque<End>();

  constructor(options: ViewOptions) {
    this.#limits = options.limits;
    this.graph = new Graph(options.hashKey);
    this.residency = options.residency?.(this.graph) ?? null;
    this.cache = options.cacheBytes > 0 ? new AnswerCache(options.cacheBytes) : null;
    this.index =
      options.indexPairs > 0 && this.residency === null
        ? new GroupIndex(this.graph, new ClosureIndex({ pairsMax: options.indexPairs }))
        : null;
  }

  /** A schema as functions over this graph. */
  compile(id: string, schema: Schema, options: { readonly trace: boolean }): CompiledSchema {
    const key = options.trace ? `${id} traced` : id;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const { names } = this.graph;
    const needed = namesOfSchema(schema);
    if (this.residency === null) this.makeRoom(needed);
    for (const name of needed) names.number(name);
    const compiled = compileSchema(schema, { names, limits: this.#limits, trace: options.trace });
    for (const oldest of this.#compiled.keys()) {
      if (this.#compiled.size < compiledMax) break;
      this.#compiled.delete(oldest);
    }
    this.#compiled.set(key, compiled);
    for (const relation of compiled.arrows) this.#arrows.add(relation);
    return compiled;
  }

  /**
   * Makes sure that these names can be given numbers, if need be by forgetting those that only schemas
   * had, with all that was made of these: `limit-exceeded`. A window does not forget, it is left.
   */
  makeRoom(needed: ReadonlySet<string>): void {
    const { names } = this.graph;
    if (names.hasRoom(needed)) return;
    assert(this.residency === null, "a window knows lists by the numbers of names");
    this.graph.forgetNames();
    this.#compiled.clear();
    this.head = null;
    this.#arrows.clear();
    this.cache?.clear();
    if (!names.hasRoom(needed)) throw tooManyNames();
  }

  /** So many relationships will be loaded: room for them is made at once. */
  expect(relationships: number): void {
    this.graph.reserve(relationships);
  }

  /** What the store has, durable: in order of the versions of a relationship. */
  load(chunk: TupleChunk): void {
    for (const edge of loadChunk(this.graph, chunk)) {
      if (edge === 0) continue;
      const deleted = this.graph.deletedAt(edge);
      const hasEnded = deleted !== Number.POSITIVE_INFINITY;
      if (hasEnded) this.#loadedEnds.push({ revision: deleted, edge });
      if (this.index === null) continue;
      const [from, to] = [this.graph.resourceOf(edge), this.graph.subjectOf(edge)];
      if (this.graph.relationOf(to) === 0) continue;
      const plain = this.graph.extraOf(edge) === undefined;
      const revision = this.graph.createdAt(edge);
      this.index.apply({ revision, from, to, added: true, plain });
      // Told as well, so that the index does not speak for revisions at which it still held.
      if (hasEnded) this.index.apply({ revision: deleted, from, to, added: false, plain });
    }
  }

  /**
   * All of the store was loaded, and these transactions were applied since that began: what has ended
   * by then comes before all that will end. What is not durable may be taken back; it is adopted with
   * the transaction that did it.
   */
  loaded(durable: number, since: readonly RelationCommit[] = []): void {
    for (const commit of since) this.#adopt(commit, durable);
    const ends = this.#loadedEnds.filter(({ revision }) => revision <= durable);
    // What the scan saw alive and a transaction has ended lies in between.
    for (let end = this.#ended.shift(); end !== undefined; end = this.#ended.shift()) {
      ends.push(end);
    }
    ends.sort((a, b) => a.revision - b.revision);
    for (const end of ends) this.#ended.push(end);
    this.#loadedEnds = [];
    this.graph.shrink();
  }

  /** Ends the version of a row, not durable yet. Where not all is in memory it may not be there. */
  endRow(row: TupleKey, revision: number): void {
    const edge = this.#findVersion(row);
    if (edge === 0) {
      assert(this.residency !== null, "what ends is in memory, if all is");
      return;
    }
    this.graph.endEdge(edge, revision);
    this.#undo.push({ revision, edge, added: false });
    this.#changed(edge, { revision, added: false });
  }

  /** Adds a version, not durable yet. */
  add(row: TupleRow): void {
    if (this.residency?.holds(row) === false) return;
    const { resource, subject } = nodesOfRow(this.graph, row);
    const extra = extraOfRow(this.graph, row);
    const edge = this.graph.addEdge(resource, subject, {
      created: row.created,
      ...(extra === undefined ? {} : { extra }),
    });
    this.#undo.push({ revision: row.created, edge, added: true });
    this.#changed(edge, { revision: row.created, added: true });
  }

  /**
   * Takes in a transaction of which the graph may know a part already, having been loaded while it
   * was written.
   */
  #adopt(commit: RelationCommit, durable: number): void {
    const { revision } = commit;
    for (const row of commit.deletes) {
      const edge = this.#findVersion(row);
      if (edge === 0) continue;
      if (this.graph.deletedAt(edge) === Number.POSITIVE_INFINITY) this.endRow(row, revision);
      else if (revision > durable) this.#undo.push({ revision, edge, added: false });
    }
    for (const row of commit.inserts) {
      const edge = this.#findVersion(row);
      if (edge === 0) {
        // Only of what was trimmed away the scan tells what came after it and not the thing itself.
        if (!this.#knowsLater(row)) this.add(row);
      } else if (revision > durable) this.#undo.push({ revision, edge, added: true });
    }
    if (revision <= durable) this.durable(revision);
  }

  /** The version of a row in the graph, or 0. */
  #findVersion(row: TupleKey): number {
    const { graph } = this;
    let edge = this.#findLatest(row);
    while (edge !== 0 && graph.createdAt(edge) !== row.created) edge = graph.olderThan(edge);
    return edge;
  }

  #knowsLater(row: TupleKey): boolean {
    const latest = this.#findLatest(row);
    return latest !== 0 && this.graph.createdAt(latest) > row.created;
  }

  /** The latest version of the relationship of a row, or 0. */
  #findLatest(row: TupleKey): number {
    const { graph } = this;
    const resource = findNode(graph, { type: row.resourceType, id: row.resourceId }, row.relation);
    if (resource === 0) return 0;
    const of = { type: row.subjectType, id: row.subjectId };
    const subject = findNode(graph, of, row.subjectRelation);
    return subject === 0 ? 0 : graph.findEdge(resource, subject);
  }

  #changed(edge: number, { revision, added }: { revision: number; added: boolean }): void {
    const { graph, cache, index } = this;
    const [resource, subject] = [graph.resourceOf(edge), graph.subjectOf(edge)];
    const [object, relation] = [graph.objectOf(subject), graph.relationOf(subject)];
    if (cache !== null) {
      // A plain subject of what no arrow goes over matters to answers about that subject alone.
      if (relation !== 0 || this.#arrows.has(graph.relationOf(resource))) {
        cache.stamp(resourceSlot(graph.objectOf(resource)), revision);
      }
      cache.stamp(subjectSlot(object, relation), revision);
      if (relation !== 0) cache.stamp(groupsSlot, revision);
      else if (isWildcard(graph, object)) {
        cache.stamp(wildcardSlot(graph.objects.type(object)), revision);
      }
    }
    if (relation === 0 || index === null) return;
    const plain = graph.extraOf(edge) === undefined;
    index.note({ revision, from: resource, to: subject, added, plain });
  }

  /** Everything up to this revision is durable: nothing of it will be taken back. */
  durable(revision: number): void {
    this.index?.advance(revision);
    let done = 0;
    for (const undo of this.#undo) {
      if (undo.revision > revision) break;
      if (!undo.added && this.residency === null) this.#ended.push(undo);
      done++;
    }
    if (done > 0) this.#undo = this.#undo.slice(done);
  }

  /** Takes back all that is not durable, in reverse order. Windows are left for new ones. */
  rollBack(durable: number): void {
    assert(this.residency === null, "a window may have more to take back than it knows");
    for (const { edge, added } of this.#undo.toReversed()) {
      if (added) this.graph.removeEdge(edge);
      else this.graph.reviveEdge(edge);
    }
    this.#undo = [];
    this.index?.forgetPending(durable);
    this.cache?.clear();
  }

  /**
   * Forgets versions that ended at or before a revision, so many at most. Numbers are given out
   * again; a window remembers more by them than answers, so it forgets nothing until it is left.
   * @returns whether there may be more.
   */
  trim(upTo: number, most: number): boolean {
    let count = 0;
    for (let next = this.#ended.peek(); next !== undefined; next = this.#ended.peek()) {
      if (next.revision > upTo || count === most) break;
      this.#ended.shift();
      this.graph.removeEdge(next.edge);
      count++;
    }
    return count === most;
  }
}

export interface ViewOptions {
  readonly limits: Limits;
  /** Of the hash by which ids lie in tables: a secret number of 32 bits. */
  readonly hashKey: number;
  /** Memory for answers; 0: none are kept. */
  readonly cacheBytes: number;
  /** Pairs of groups that are kept flattened; 0: none. */
  readonly indexPairs: number;
  /** For a graph that is not whole. */
  readonly residency?: (graph: Graph) => Residency;
}
