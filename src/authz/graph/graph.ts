import { assert } from "../../std/assert.ts";
import { type EdgeExtra, EdgeTraits } from "./edge-traits.ts";
import { Names, namesMax, Objects } from "./objects.ts";
import { PairTable } from "./pair-table.ts";
import { WordRecords } from "./records.ts";
import {
  kindOf,
  NodeRows,
  nodeForwardCount,
  nodeNext,
  nodePlain,
  nodeUserset,
  objectNodeCount,
  objectNodes,
  objectRelations,
  rowKind,
  rowObject,
  rowReverse,
  rowReverseCount,
} from "./rows.ts";

/**
 * The relationships of one tenant in memory, at every revision that is still kept.
 *
 * A **node** is an object, or a relation of an object, and has a number; that of an object is the
 * number of the object. An **edge** is a stored relationship from the node of its resource to the node of its
 * subject, with the revisions at which it came and went. Edges of a node are lists: from a resource
 * to plain subjects and to usersets, and from a subject back to its resources. Numbers start at 1;
 * 0 means none. Nothing here knows a schema.
 */
export class Graph {
  readonly names: Names = new Names();
  readonly #node = new NodeRows();
  readonly objects: Objects;
  /** Nodes of objects that have very many, by object and kind. */
  readonly #crowded = new PairTable(this.#node);

  #edgeCount = 1;
  readonly #edge = new WordRecords(64);
  readonly #traits = new EdgeTraits(this.#edge);
  readonly #freeEdges: number[] = [];
  readonly #edges = new PairTable(this.#edge);
  #alive = 0;
  /** Written to, so that what is only looked at is not left out. */
  readonly #seen: Uint32Array = new Uint32Array(1);

  /** @param key Of the hash by which ids lie in tables. */
  constructor(key: number) {
    this.objects = new Objects(this.#node, key);
  }

  /** Relationships that hold at the latest revision. */
  get size(): number {
    return this.#alive;
  }

  /** Versions of relationships, old ones included. */
  get versions(): number {
    return this.#edgeCount - 1 - this.#freeEdges.length;
  }

  get nodeCount(): number {
    return this.#node.size;
  }

  /** Memory of the rows, without ids and extras. */
  get bytes(): number {
    const parts = [this.#node, this.#crowded, this.#edge, this.#edges, this.objects];
    return parts.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Makes room for so many relationships; of their nodes there are mostly as many or fewer. */
  reserve(relationships: number): void {
    this.#edge.reserve(this.#edgeCount + relationships);
    this.#edges.reserve(this.#edges.size + relationships);
    this.#node.reserve(this.#node.end + relationships);
  }

  /** Forgets the names that nothing in it has: they were those of schemas. */
  forgetNames(): void {
    const used = new Uint8Array(namesMax + 1);
    const rows = this.#node;
    for (let row = 1; row < rows.end; row++) {
      if (rows.get(row, rowObject) === 0) continue;
      const kind = rows.get(row, rowKind);
      used[kind >>> 16] = 1;
      used[kind & 0xffff] = 1;
    }
    for (const { caveat } of this.#traits.extras()) used[caveat] = 1;
    this.names.keep(used);
  }

  /** No more is coming for a while: room that was made for growth is let go. */
  shrink(): void {
    this.#node.shrink();
    this.#edge.shrink(this.#edgeCount);
  }

  // Nodes.

  /** @returns the node, or 0 while nothing names it. */
  findNode(object: number, relation: number): number {
    const rows = this.#node;
    if (object >= rows.end) return 0;
    if (relation === 0) return rows.get(object, rowReverse) === 0 ? 0 : object;
    if ((rows.get(object, objectRelations) & (1 << (relation & 31))) === 0) return 0;
    return this.#search(object, relation);
  }

  /** Most objects have a few nodes, most of which a question looks at: they are a list. */
  #search(object: number, relation: number): number {
    const rows = this.#node;
    const kind = (rows.get(object, rowKind) | relation) >>> 0;
    let node = rows.get(object, objectNodes);
    while (node !== 0 && rows.get(node, rowKind) !== kind) {
      node = rows.get(node, nodeNext);
    }
    if (node !== 0 || (rows.get(object, objectNodeCount) & crowdedBit) === 0) return node;
    return this.#crowded.find(object, kind);
  }

  /**
   * The nodes of an object: itself, if it is a subject, and its relations. 0 where one was looked for
   * in vain: of very many, each name is.
   */
  *nodesOf(object: number): Iterable<number> {
    const rows = this.#node;
    if ((rows.get(object, objectNodeCount) & crowdedBit) !== 0) {
      for (const relation of this.names.all()) yield this.findNode(object, relation);
      return;
    }
    yield this.findNode(object, 0);
    for (let node = rows.get(object, objectNodes); node !== 0; node = rows.get(node, nodeNext)) {
      yield node;
    }
  }

  addNode(object: number, relation: number): number {
    if (relation === 0) return object;
    const known = this.#search(object, relation);
    if (known !== 0) return known;
    const rows = this.#node;
    const node = rows.allocate(object, kindOf(this.objects.type(object), relation));
    const count = rows.get(object, objectNodeCount);
    rows.set(object, objectNodeCount, count + 1);
    if ((count & ~crowdedBit) < listedMax) {
      rows.set(node, nodeNext, rows.get(object, objectNodes));
      rows.set(object, objectNodes, node);
    } else {
      rows.set(object, objectNodeCount, (count + 1) | crowdedBit);
      this.#crowded.put(node);
    }
    const relations = rows.get(object, objectRelations);
    rows.set(object, objectRelations, relations | (1 << (relation & 31)));
    return node;
  }

  objectOf(node: number): number {
    return this.#node.get(node, rowObject);
  }

  /** The type of its object. */
  typeOf(node: number): number {
    return this.#node.get(node, rowKind) >>> 16;
  }

  relationOf(node: number): number {
    return this.#node.get(node, rowKind) & 0xffff;
  }

  /** How many versions of relationships have this node as subject. */
  reverseCount(node: number): number {
    return this.#node.get(node, rowReverseCount);
  }

  /** How many versions of relationships have this node as resource. */
  forwardCount(node: number): number {
    return this.#forward(node, nodeForwardCount);
  }

  /** Objects themselves are no resources: of these fields they have others. */
  #forward(node: number, which: number): number {
    return this.relationOf(node) === 0 ? 0 : this.#node.get(node, which);
  }

  // Edges.

  /** The latest version of a relationship, alive or not; 0 if there is none. */
  findEdge(resource: number, subject: number): number {
    return this.#edges.find(resource, subject);
  }

  /** The same, where the subject is an object: most have so few that a look at them tells. */
  findPlainEdge(resource: number, subject: number): number {
    const rows = this.#edge;
    const first = this.#node.get(resource, nodePlain);
    if (first === 0) return 0;
    // The latest version of a relationship comes before the older ones.
    if (rows.get(first, edgeSubject) === subject) return first;
    const second = rows.get(first, edgeNextForward);
    if (second === 0) return 0;
    return this.#edges.find(resource, subject);
  }

  /** The version of the same relationship before this one, or 0. */
  olderThan(edge: number): number {
    return this.#traits.older(edge);
  }

  holdsAt(edge: number, revision: number): boolean {
    return this.#traits.holdsAt(edge, revision);
  }

  resourceOf(edge: number): number {
    return this.#edge.get(edge, edgeResource);
  }

  subjectOf(edge: number): number {
    return this.#edge.get(edge, edgeSubject);
  }

  createdAt(edge: number): number {
    return this.#traits.created(edge);
  }

  /** Infinity while it holds. */
  deletedAt(edge: number): number {
    return this.#traits.deleted(edge);
  }

  /** Caveat and expiry; undefined for most. */
  extraOf(edge: number): EdgeExtra | undefined {
    return this.#traits.extra(edge);
  }

  /** Every version that holds at the latest revision. */
  *alive(): Iterable<number> {
    for (let edge = 1; edge < this.#edgeCount; edge++) {
      if (!this.#traits.hasEnded(edge)) yield edge;
    }
  }

  /** First of the edges of a resource to plain subjects, wildcards included. */
  firstPlain(node: number): number {
    return this.#forward(node, nodePlain);
  }

  /** First of the edges of a resource to usersets. */
  firstUserset(node: number): number {
    return this.#forward(node, nodeUserset);
  }

  nextForward(edge: number): number {
    return this.#edge.get(edge, edgeNextForward);
  }

  /** First of the edges to a subject. */
  firstReverse(node: number): number {
    return this.#node.get(node, rowReverse);
  }

  nextReverse(edge: number): number {
    return this.#edge.get(edge, edgeNextReverse);
  }

  /** Looks at what adding edges between these nodes will look at; see `Objects.addAll`. */
  foresee(resources: Uint32Array, subjects: Uint32Array): void {
    const [nodes, edges] = [this.#node, this.#edge];
    let seen = 0;
    for (const [at, subject] of subjects.entries()) {
      seen ^= this.#edges.slotAt(resources[at] as number, subject); // as many as subjects
    }
    for (const subject of subjects) seen ^= edges.get(nodes.get(subject, rowReverse), 0);
    this.#seen[0] = seen;
  }

  /** Adds a version that holds from `created` on. The one before, if any, must have ended by then. */
  addEdge(resource: number, subject: number, options: AddEdge): number {
    const older = this.#edges.find(resource, subject);
    assert(
      older === 0 || this.#traits.deleted(older) <= options.created,
      "a relationship has one version at a time",
    );
    const edge = this.#freeEdges.pop() ?? this.#edgeCount++;
    if (edge >= this.#edge.capacity) this.#edge.grow();
    this.#edge.set(edge, edgeResource, resource);
    this.#edge.set(edge, edgeSubject, subject);
    this.#traits.begin(edge, options.created);
    if (older !== 0) this.#traits.setOlder(edge, older);
    if (options.extra !== undefined) this.#traits.setExtra(edge, options.extra);
    if (options.deleted === undefined) this.#alive++;
    else this.#traits.end(edge, options.deleted);
    this.#edges.put(edge);
    this.#link(edge, resource, subject);
    return edge;
  }

  /** Ends a version that holds. */
  endEdge(edge: number, revision: number): void {
    assert(!this.#traits.hasEnded(edge), "what ends has held");
    assert(this.#traits.created(edge) <= revision, "it ends after it began");
    this.#traits.end(edge, revision);
    this.#alive--;
  }

  /** Takes back what `endEdge` did, for a batch that was not committed. */
  reviveEdge(edge: number): void {
    assert(this.#traits.hasEnded(edge), "it had ended");
    this.#traits.revive(edge);
    this.#alive++;
  }

  /** Forgets a version altogether: its time is over, or it never was. */
  removeEdge(edge: number): void {
    const [resource, subject] = [
      this.#edge.get(edge, edgeResource),
      this.#edge.get(edge, edgeSubject),
    ];
    if (!this.#traits.hasEnded(edge)) this.#alive--;
    this.#unlinkVersion(edge, resource, subject);
    this.#unlink(edge, resource, subject);
    this.#traits.forget(edge);
    this.#freeEdges.push(edge);
    // An object that is the subject of a relation of its own goes with that, after it.
    if (subject !== resource) this.#dropIfUnused(subject);
    this.#dropIfUnused(resource);
  }

  #unlinkVersion(edge: number, resource: number, subject: number): void {
    const latest = this.#edges.find(resource, subject);
    const older = this.#traits.older(edge);
    if (latest === edge) {
      if (older === 0) this.#edges.delete(resource, subject);
      else this.#edges.put(older);
      return;
    }
    for (let at = latest; at !== 0; at = this.#traits.older(at)) {
      if (this.#traits.older(at) !== edge) continue;
      this.#traits.setOlder(at, older);
      return;
    }
    assert(false, "a version is in the chain of its relationship");
  }

  #link(edge: number, resource: number, subject: number): void {
    const [nodes, edges] = [this.#node, this.#edge];
    const first = this.#listOf(subject);
    const forward = nodes.get(resource, first);
    edges.set(edge, edgeNextForward, forward);
    edges.set(edge, edgePreviousForward, 0);
    if (forward !== 0) edges.set(forward, edgePreviousForward, edge);
    nodes.set(resource, first, edge);
    nodes.add(resource, nodeForwardCount, 1);
    const reverse = nodes.get(subject, rowReverse);
    edges.set(edge, edgeNextReverse, reverse);
    edges.set(edge, edgePreviousReverse, 0);
    if (reverse !== 0) edges.set(reverse, edgePreviousReverse, edge);
    nodes.set(subject, rowReverse, edge);
    nodes.add(subject, rowReverseCount, 1);
  }

  #unlink(edge: number, resource: number, subject: number): void {
    const [nodes, edges] = [this.#node, this.#edge];
    const next = edges.get(edge, edgeNextForward);
    const previous = edges.get(edge, edgePreviousForward);
    if (next !== 0) edges.set(next, edgePreviousForward, previous);
    if (previous !== 0) edges.set(previous, edgeNextForward, next);
    else nodes.set(resource, this.#listOf(subject), next);
    nodes.add(resource, nodeForwardCount, -1);
    const after = edges.get(edge, edgeNextReverse);
    const before = edges.get(edge, edgePreviousReverse);
    if (after !== 0) edges.set(after, edgePreviousReverse, before);
    if (before !== 0) edges.set(before, edgeNextReverse, after);
    else nodes.set(subject, rowReverse, after);
    nodes.add(subject, rowReverseCount, -1);
  }

  /** In which list of its resource a subject stands. */
  #listOf(subject: number): number {
    return this.relationOf(subject) === 0 ? nodePlain : nodeUserset;
  }

  #dropIfUnused(node: number): void {
    if (this.forwardCount(node) !== 0 || this.reverseCount(node) !== 0) return;
    const object = this.objectOf(node);
    if (node !== object) this.#dropNode(object, node);
    if (this.reverseCount(object) !== 0) return;
    if ((this.#node.get(object, objectNodeCount) & ~crowdedBit) === 0) {
      this.objects.delete(object);
    }
  }

  #dropNode(object: number, node: number): void {
    const rows = this.#node;
    const next = rows.get(node, nodeNext);
    let [before, at] = [0, rows.get(object, objectNodes)];
    while (at !== 0 && at !== node) [before, at] = [at, rows.get(at, nodeNext)];
    if (at === 0) this.#crowded.delete(object, rows.get(node, rowKind));
    else if (before === 0) rows.set(object, objectNodes, next);
    else rows.set(before, nodeNext, next);
    rows.release(node);
    rows.add(object, objectNodeCount, -1);
    const count = rows.get(object, objectNodeCount);
    if ((count & ~crowdedBit) === 0) rows.set(object, objectNodeCount, 0);
    if ((count & crowdedBit) === 0) this.#tellRelations(object);
  }

  #tellRelations(object: number): void {
    const rows = this.#node;
    let relations = 0;
    for (let node = rows.get(object, objectNodes); node !== 0; ) {
      relations |= 1 << (this.relationOf(node) & 31);
      node = rows.get(node, nodeNext);
    }
    rows.set(object, objectRelations, relations);
  }
}

/** So many nodes of an object are in its list. Once there are more, those are in a table. */
const listedMax = 8;
/** Of the number of nodes of an object: some are, or were, in the table. */
const crowdedBit = 1 << 30;

/** The words of the row of an edge. The first two are what edges are found by. */
const edgeResource = 0;
const edgeSubject = 1;
const edgeNextForward = 2;
const edgePreviousForward = 3;
const edgeNextReverse = 4;
const edgePreviousReverse = 5;
// 6 and 7 are kept by EdgeTraits.

export interface AddEdge {
  readonly created: number;
  /** For versions from the store that are over. */
  readonly deleted?: number | undefined;
  readonly extra?: EdgeExtra | undefined;
}
