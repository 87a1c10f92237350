import { assert } from "../../std/assert.ts";
import { type EdgeExtra, EdgeTraits } from "./edge-traits.ts";
import { Names, Objects } from "./objects.ts";
import { PairTable } from "./pair-table.ts";
import { WordRecords } from "./records.ts";
import { field, kindOf, NodeRows, objectField, relationField } from "./rows.ts";

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
    if (relation === 0) return rows.get(object, field.reverse) === 0 ? 0 : object;
    if ((rows.get(object, objectField.relations) & (1 << (relation & 31))) === 0) return 0;
    return this.#search(object, relation);
  }

  /** Most objects have a few nodes, most of which a question looks at: they are a list. */
  #search(object: number, relation: number): number {
    const rows = this.#node;
    const kind = (rows.get(object, field.kind) | relation) >>> 0;
    let node = rows.get(object, objectField.nodes);
    while (node !== 0 && rows.get(node, field.kind) !== kind) {
      node = rows.get(node, relationField.next);
    }
    if (node !== 0 || (rows.get(object, objectField.nodeCount) & crowdedBit) === 0) return node;
    return this.#crowded.find(object, kind);
  }

  addNode(object: number, relation: number): number {
    if (relation === 0) return object;
    const known = this.#search(object, relation);
    if (known !== 0) return known;
    const rows = this.#node;
    const node = rows.allocate(object, kindOf(this.objects.type(object), relation));
    const count = rows.get(object, objectField.nodeCount);
    rows.set(object, objectField.nodeCount, count + 1);
    if ((count & ~crowdedBit) < listedMax) {
      rows.set(node, relationField.next, rows.get(object, objectField.nodes));
      rows.set(object, objectField.nodes, node);
    } else {
      rows.set(object, objectField.nodeCount, (count + 1) | crowdedBit);
      this.#crowded.put(node);
    }
    const relations = rows.get(object, objectField.relations);
    rows.set(object, objectField.relations, relations | (1 << (relation & 31)));
    return node;
  }

  objectOf(node: number): number {
    return this.#node.get(node, field.object);
  }

  /** The type of its object. */
  typeOf(node: number): number {
    return this.#node.get(node, field.kind) >>> 16;
  }

  relationOf(node: number): number {
    return this.#node.get(node, field.kind) & 0xffff;
  }

  /** How many versions of relationships have this node as subject. */
  reverseCount(node: number): number {
    return this.#node.get(node, field.reverseCount);
  }

  /** How many versions of relationships have this node as resource. */
  forwardCount(node: number): number {
    return this.#forward(node, relationField.forwardCount);
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
    const first = this.#node.get(resource, relationField.plain);
    if (first === 0) return 0;
    // The latest version of a relationship comes before the older ones.
    if (rows.get(first, edgeField.subject) === subject) return first;
    const second = rows.get(first, edgeField.nextForward);
    if (second === 0) return 0;
    return this.#edges.find(resource, subject);
  }

  /** The version that holds at a revision, given the latest; 0 if none does. */
  versionAt(edge: number, revision: number): number {
    for (let version = edge; version !== 0; version = this.#traits.older(version)) {
      if (this.#traits.created(version) > revision) continue;
      return this.#traits.holdsAt(version, revision) ? version : 0;
    }
    return 0;
  }

  /** The version of the same relationship before this one, or 0. */
  olderThan(edge: number): number {
    return this.#traits.older(edge);
  }

  holdsAt(edge: number, revision: number): boolean {
    return this.#traits.holdsAt(edge, revision);
  }

  resourceOf(edge: number): number {
    return this.#edge.get(edge, edgeField.resource);
  }

  subjectOf(edge: number): number {
    return this.#edge.get(edge, edgeField.subject);
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

  /** Versions, ended ones too, whose expiry lies before a time. */
  *expired(before: number): Iterable<number> {
    for (const [edge, { expiresAt }] of this.#traits.extras) if (expiresAt <= before) yield edge;
  }

  /** First of the edges of a resource to plain subjects, wildcards included. */
  firstPlain(node: number): number {
    return this.#forward(node, relationField.plain);
  }

  /** First of the edges of a resource to usersets. */
  firstUserset(node: number): number {
    return this.#forward(node, relationField.userset);
  }

  nextForward(edge: number): number {
    return this.#edge.get(edge, edgeField.nextForward);
  }

  /** First of the edges to a subject. */
  firstReverse(node: number): number {
    return this.#node.get(node, field.reverse);
  }

  nextReverse(edge: number): number {
    return this.#edge.get(edge, edgeField.nextReverse);
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
    this.#edge.set(edge, edgeField.resource, resource);
    this.#edge.set(edge, edgeField.subject, subject);
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
      this.#edge.get(edge, edgeField.resource),
      this.#edge.get(edge, edgeField.subject),
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
    edges.set(edge, edgeField.nextForward, forward);
    edges.set(edge, edgeField.previousForward, 0);
    if (forward !== 0) edges.set(forward, edgeField.previousForward, edge);
    nodes.set(resource, first, edge);
    nodes.add(resource, relationField.forwardCount, 1);
    const reverse = nodes.get(subject, field.reverse);
    edges.set(edge, edgeField.nextReverse, reverse);
    edges.set(edge, edgeField.previousReverse, 0);
    if (reverse !== 0) edges.set(reverse, edgeField.previousReverse, edge);
    nodes.set(subject, field.reverse, edge);
    nodes.add(subject, field.reverseCount, 1);
  }

  #unlink(edge: number, resource: number, subject: number): void {
    const [nodes, edges] = [this.#node, this.#edge];
    const next = edges.get(edge, edgeField.nextForward);
    const previous = edges.get(edge, edgeField.previousForward);
    if (next !== 0) edges.set(next, edgeField.previousForward, previous);
    if (previous !== 0) edges.set(previous, edgeField.nextForward, next);
    else nodes.set(resource, this.#listOf(subject), next);
    nodes.add(resource, relationField.forwardCount, -1);
    const after = edges.get(edge, edgeField.nextReverse);
    const before = edges.get(edge, edgeField.previousReverse);
    if (after !== 0) edges.set(after, edgeField.previousReverse, before);
    if (before !== 0) edges.set(before, edgeField.nextReverse, after);
    else nodes.set(subject, field.reverse, after);
    nodes.add(subject, field.reverseCount, -1);
  }

  /** In which list of its resource a subject stands. */
  #listOf(subject: number): number {
    return this.relationOf(subject) === 0 ? relationField.plain : relationField.userset;
  }

  #dropIfUnused(node: number): void {
    if (this.forwardCount(node) !== 0 || this.reverseCount(node) !== 0) return;
    const object = this.objectOf(node);
    if (node !== object) this.#dropNode(object, node);
    if (this.reverseCount(object) !== 0) return;
    if ((this.#node.get(object, objectField.nodeCount) & ~crowdedBit) === 0) {
      this.objects.delete(object);
    }
  }

  #dropNode(object: number, node: number): void {
    const rows = this.#node;
    const next = rows.get(node, relationField.next);
    let [before, at] = [0, rows.get(object, objectField.nodes)];
    while (at !== 0 && at !== node) [before, at] = [at, rows.get(at, relationField.next)];
    if (at === 0) this.#crowded.delete(object, rows.get(node, field.kind));
    else if (before === 0) rows.set(object, objectField.nodes, next);
    else rows.set(before, relationField.next, next);
    rows.release(node);
    rows.add(object, objectField.nodeCount, -1);
    const count = rows.get(object, objectField.nodeCount);
    if ((count & ~crowdedBit) === 0) rows.set(object, objectField.nodeCount, 0);
    if ((count & crowdedBit) === 0) this.#tellRelations(object);
  }

  #tellRelations(object: number): void {
    const rows = this.#node;
    let relations = 0;
    for (let node = rows.get(object, objectField.nodes); node !== 0; ) {
      relations |= 1 << (this.relationOf(node) & 31);
      node = rows.get(node, relationField.next);
    }
    rows.set(object, objectField.relations, relations);
  }
}

/** So many nodes of an object are in its list. Once there are more, those are in a table. */
const listedMax = 8;
/** Of the number of nodes of an object: some are, or were, in the table. */
const crowdedBit = 1 << 30;

/** Fields of the row of an edge. The first two are what edges are found by. */
const edgeField = {
  resource: 0,
  subject: 1,
  nextForward: 2,
  previousForward: 3,
  nextReverse: 4,
  previousReverse: 5,
  // 6 and 7 are kept by EdgeTraits.
} as const;

export interface AddEdge {
  readonly created: number;
  /** For versions from the store that are over. */
  readonly deleted?: number;
  readonly extra?: EdgeExtra;
}
