import { assert } from "../../std/assert.ts";
import { Names, Objects } from "./objects.ts";
import { PairTable } from "./pair-table.ts";
import { SpanRecords, WordRecords } from "./records.ts";

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
  /** From which revision to which each edge holds. */
  readonly #span = new SpanRecords(64);
  readonly #extras = new Map<number, EdgeExtra>();
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
    const records = [this.#node, this.#nodes, this.#edge, this.#span, this.#edges];
    return records.reduce((sum, { bytes }) => sum + bytes, byteLength);
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
    for (let version = edge; version !== 0; version = this.#edge.get(version, edgeField.older)) {
      if (this.#span.from(version) <= revision) {
        return revision < this.#span.to(version) ? version : 0;
      }
    }
    return 0;
  }

  /** The version of the same relationship before this one, or 0. */
  olderThan(edge: number): number {
    return this.#edge.get(edge, edgeField.older);
  }

  holdsAt(edge: number, revision: number): boolean {
    return this.#span.from(edge) <= revision && revision < this.#span.to(edge);
  }

  resourceOf(edge: number): number {
    return this.#edge.get(edge, edgeField.resource);
  }

  subjectOf(edge: number): number {
    return this.#edge.get(edge, edgeField.subject);
  }

  createdAt(edge: number): number {
    return this.#span.from(edge);
  }

  /** Infinity while it holds. */
  deletedAt(edge: number): number {
    return this.#span.to(edge);
  }

  /** Caveat and expiry; undefined for most. */
  extraOf(edge: number): EdgeExtra | undefined {
    return this.#extras.size === 0 ? undefined : this.#extras.get(edge);
  }

  /** Every version that holds at the latest revision. */
  *alive(): Iterable<number> {
    for (let edge = 1; edge < this.#edgeCount; edge++) {
      if (this.#span.to(edge) === Number.POSITIVE_INFINITY) yield edge;
    }
  }

  /** Versions, ended ones too, whose expiry lies before a time. */
  *expired(before: number): Iterable<number> {
    for (const [edge, { expiresAt }] of this.#extras) if (expiresAt <= before) yield edge;
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
      older === 0 || this.#span.to(older) <= options.created,
      "a relationship has one version at a time",
    );
    const edge = this.#freeEdges.pop() ?? this.#edgeCount++;
    if (edge >= this.#edge.capacity) {
      this.#edge.grow();
      this.#span.grow();
    }
    this.#edge.set(edge, edgeField.resource, resource);
    this.#edge.set(edge, edgeField.subject, subject);
    this.#edge.set(edge, edgeField.older, older);
    this.#span.setFrom(edge, options.created);
    this.#span.setTo(edge, options.deleted ?? Number.POSITIVE_INFINITY);
    if (options.extra !== undefined) this.#extras.set(edge, options.extra);
    if (options.deleted === undefined) this.#alive++;
    this.#edges.put(edge);
    this.#link(edge, resource, subject);
    return edge;
  }

  /** Ends a version that holds. */
  endEdge(edge: number, revision: number): void {
    assert(this.#span.to(edge) === Number.POSITIVE_INFINITY, "what ends has held");
    assert(this.#span.from(edge) <= revision, "it ends after it began");
    this.#span.setTo(edge, revision);
    this.#alive--;
  }

  /** Takes back what `endEdge` did, for a batch that was not committed. */
  reviveEdge(edge: number): void {
    assert(this.#span.to(edge) !== Number.POSITIVE_INFINITY, "it had ended");
    this.#span.setTo(edge, Number.POSITIVE_INFINITY);
    this.#alive++;
  }

  /** Forgets a version altogether: its time is over, or it never was. */
  removeEdge(edge: number): void {
    const [resource, subject] = [
      this.#edge.get(edge, edgeField.resource),
      this.#edge.get(edge, edgeField.subject),
    ];
    if (this.#span.to(edge) === Number.POSITIVE_INFINITY) this.#alive--;
    this.#unlinkVersion(edge, resource, subject);
    this.#unlink(edge, resource, subject);
    this.#extras.delete(edge);
    this.#span.setTo(edge, 0);
    this.#freeEdges.push(edge);
    this.#dropIfUnused(resource);
    if (subject !== resource) this.#dropIfUnused(subject);
  }

  #unlinkVersion(edge: number, resource: number, subject: number): void {
    const latest = this.#edges.find(resource, subject);
    const older = this.#edge.get(edge, edgeField.older);
    if (latest === edge) {
      if (older === 0) this.#edges.delete(resource, subject);
      else this.#edges.put(older);
      return;
    }
    for (let at = latest; at !== 0; at = this.#edge.get(at, edgeField.older)) {
      if (this.#edge.get(at, edgeField.older) !== edge) continue;
      this.#edge.set(at, edgeField.older, older);
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
  /** The version of the same relationship before this one. */
  older: 6,
} as const;

export interface AddEdge {
  readonly created: number;
  /** For versions from the store that are over. */
  readonly deleted?: number;
  readonly extra?: EdgeExtra;
}

/** What only some relationships have. */
export interface EdgeExtra {
  /** Number of the caveat's name; 0 for none. */
  readonly caveat: number;
  /** JSON text of the context stored with it. */
  readonly context: string | null;
  /** Milliseconds since 1970, or Infinity. */
  readonly expiresAt: number;
}
