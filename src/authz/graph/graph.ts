import { assert } from "../../std/assert.ts";
import { type EdgeExtra, EdgeTraits } from "./edge-traits.ts";
import { Names, Objects } from "./objects.ts";
import { PairTable } from "./pair-table.ts";
import { WordRecords } from "./records.ts";

/**
 * The relationships of one tenant in memory, at every revision that is still kept.
 *
 * An object has a number; a **node** is an object with a relation (0: the object itself, as a
 * subject); an **edge** is a stored relationship from the node of its resource to the node of its
 * subject, with the revisions at which it came and went. Edges of a node are lists: from a resource
 * to plain subjects and to usersets, and from a subject back to its resources. Numbers start at 1;
 * 0 means none. Nothing here knows a schema.
 */
export class Graph {
  readonly names: Names = new Names();
  readonly objects: Objects = new Objects();

  #nodeCount = 1;
  readonly #node = new WordRecords(64);
  readonly #freeNodes: number[] = [];
  readonly #nodes = new PairTable(this.#node);
  /** Nodes per object, so that objects can be forgotten. */
  #objectNodes: Uint16Array = new Uint16Array(64);

  #edgeCount = 1;
  readonly #edge = new WordRecords(64);
  readonly #traits = new EdgeTraits(this.#edge);
  readonly #freeEdges: number[] = [];
  readonly #edges = new PairTable(this.#edge);
  #alive = 0;

  /** Relationships that hold at the latest revision. */
  get size(): number {
    return this.#alive;
  }

  /** Versions of relationships, old ones included. */
  get versions(): number {
    return this.#edgeCount - 1 - this.#freeEdges.length;
  }

  get nodeCount(): number {
    return this.#nodeCount - 1 - this.#freeNodes.length;
  }

  /** Memory of the rows, without ids and extras. */
  get bytes(): number {
    const { byteLength } = this.#objectNodes;
    const records = [this.#node, this.#nodes, this.#edge, this.#edges];
    return records.reduce((sum, { bytes }) => sum + bytes, byteLength);
  }

  /** No more is coming for a while: room that was made for growth is let go. */
  shrink(): void {
    this.#node.shrink(this.#nodeCount);
    this.#edge.shrink(this.#edgeCount);
  }

  // Nodes.

  /** @returns the node, or 0 while nothing names it. */
  findNode(object: number, relation: number): number {
    return this.#nodes.find(object, relation);
  }

  addNode(object: number, relation: number): number {
    const known = this.#nodes.find(object, relation);
    if (known !== 0) return known;
    const node = this.#freeNodes.pop() ?? this.#nodeCount++;
    if (node >= this.#node.capacity) this.#node.grow();
    this.#node.set(node, nodeField.object, object);
    this.#node.set(node, nodeField.relation, relation);
    this.#nodes.put(node);
    this.#node.set(node, nodeField.type, this.objects.type(object));
    if (object >= this.#objectNodes.length) this.#growObjects(object);
    this.#objectNodes[object] = (this.#objectNodes[object] as number) + 1; // it has room now
    return node;
  }

  objectOf(node: number): number {
    return this.#node.get(node, nodeField.object);
  }

  /** The type of its object. */
  typeOf(node: number): number {
    return this.#node.get(node, nodeField.type);
  }

  relationOf(node: number): number {
    return this.#node.get(node, nodeField.relation);
  }

  /** How many versions of relationships have this node as subject. */
  reverseCount(node: number): number {
    return this.#node.get(node, nodeField.reverseCount);
  }

  /** How many versions of relationships have this node as resource. */
  forwardCount(node: number): number {
    return this.#node.get(node, nodeField.forwardCount);
  }

  // Edges.

  /** The latest version of a relationship, alive or not; 0 if there is none. */
  findEdge(resource: number, subject: number): number {
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
    return this.#node.get(node, nodeField.plain);
  }

  /** First of the edges of a resource to usersets. */
  firstUserset(node: number): number {
    return this.#node.get(node, nodeField.userset);
  }

  nextForward(edge: number): number {
    return this.#edge.get(edge, edgeField.nextForward);
  }

  /** First of the edges to a subject. */
  firstReverse(node: number): number {
    return this.#node.get(node, nodeField.reverse);
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
    this.#dropIfUnused(resource);
    if (subject !== resource) this.#dropIfUnused(subject);
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
    const first = this.#relationIsUserset(subject) ? nodeField.userset : nodeField.plain;
    const forward = this.#node.get(resource, first);
    this.#edge.set(edge, edgeField.nextForward, forward);
    this.#edge.set(edge, edgeField.previousForward, 0);
    if (forward !== 0) this.#edge.set(forward, edgeField.previousForward, edge);
    this.#node.set(resource, first, edge);
    this.#node.set(
      resource,
      nodeField.forwardCount,
      this.#node.get(resource, nodeField.forwardCount) + 1,
    );
    const reverse = this.#node.get(subject, nodeField.reverse);
    this.#edge.set(edge, edgeField.nextReverse, reverse);
    this.#edge.set(edge, edgeField.previousReverse, 0);
    if (reverse !== 0) this.#edge.set(reverse, edgeField.previousReverse, edge);
    this.#node.set(subject, nodeField.reverse, edge);
    this.#node.set(
      subject,
      nodeField.reverseCount,
      this.#node.get(subject, nodeField.reverseCount) + 1,
    );
  }

  #unlink(edge: number, resource: number, subject: number): void {
    const first = this.#relationIsUserset(subject) ? nodeField.userset : nodeField.plain;
    const [next, previous] = [
      this.#edge.get(edge, edgeField.nextForward),
      this.#edge.get(edge, edgeField.previousForward),
    ];
    if (next !== 0) this.#edge.set(next, edgeField.previousForward, previous);
    if (previous !== 0) this.#edge.set(previous, edgeField.nextForward, next);
    else this.#node.set(resource, first, next);
    this.#node.set(
      resource,
      nodeField.forwardCount,
      this.#node.get(resource, nodeField.forwardCount) - 1,
    );
    const [after, before] = [
      this.#edge.get(edge, edgeField.nextReverse),
      this.#edge.get(edge, edgeField.previousReverse),
    ];
    if (after !== 0) this.#edge.set(after, edgeField.previousReverse, before);
    if (before !== 0) this.#edge.set(before, edgeField.nextReverse, after);
    else this.#node.set(subject, nodeField.reverse, after);
    this.#node.set(
      subject,
      nodeField.reverseCount,
      this.#node.get(subject, nodeField.reverseCount) - 1,
    );
  }

  #relationIsUserset(subject: number): boolean {
    return this.#node.get(subject, nodeField.relation) !== 0;
  }

  #dropIfUnused(node: number): void {
    if (
      this.#node.get(node, nodeField.forwardCount) !== 0 ||
      this.#node.get(node, nodeField.reverseCount) !== 0
    )
      return;
    const object = this.#node.get(node, nodeField.object);
    this.#nodes.delete(object, this.#node.get(node, nodeField.relation));
    this.#freeNodes.push(node);
    const left = (this.#objectNodes[object] as number) - 1; // it has a node
    this.#objectNodes[object] = left;
    if (left === 0) this.objects.delete(object);
  }

  #growObjects(object: number): void {
    const grown = new Uint16Array(Math.ceil(Math.max(object + 1, this.#objectNodes.length * 1.5)));
    grown.set(this.#objectNodes);
    this.#objectNodes = grown;
  }
}

/** Fields of the row of a node. The first two are what nodes are found by. */
const nodeField = {
  object: 0,
  relation: 1,
  /** Type of the object: what most who come to a node want to know. */
  type: 2,
  plain: 3,
  userset: 4,
  reverse: 5,
  reverseCount: 6,
  forwardCount: 7,
} as const;

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
