import { assert } from "../../std/assert.ts";
import { Float64Column, grownCapacity, Uint32Column } from "./columns.ts";
import { Names, Objects } from "./objects.ts";
import { PairTable } from "./pair-table.ts";

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

  // Nodes.
  #nodeCount = 1;
  #nodeCapacity = 64;
  readonly #nodeObject = new Uint32Column(64);
  readonly #nodeRelation = new Uint32Column(64);
  readonly #firstPlain = new Uint32Column(64);
  readonly #firstUserset = new Uint32Column(64);
  readonly #firstReverse = new Uint32Column(64);
  readonly #reverseCount = new Uint32Column(64);
  readonly #forwardCount = new Uint32Column(64);
  readonly #freeNodes: number[] = [];
  readonly #nodes = new PairTable(
    (node) => this.#nodeObject.get(node),
    (node) => this.#nodeRelation.get(node),
  );
  /** Nodes per object, so that objects can be forgotten. */
  readonly #objectNodes = new Uint32Column(64);
  #objectCapacity = 64;

  // Edges.
  #edgeCount = 1;
  #edgeCapacity = 64;
  readonly #resource = new Uint32Column(64);
  readonly #subject = new Uint32Column(64);
  readonly #nextForward = new Uint32Column(64);
  readonly #previousForward = new Uint32Column(64);
  readonly #nextReverse = new Uint32Column(64);
  readonly #previousReverse = new Uint32Column(64);
  /** The version of the same relationship before this one. */
  readonly #older = new Uint32Column(64);
  readonly #created = new Float64Column(64);
  readonly #deleted = new Float64Column(64);
  readonly #extras = new Map<number, EdgeExtra>();
  readonly #freeEdges: number[] = [];
  readonly #edges = new PairTable(
    (edge) => this.#resource.get(edge),
    (edge) => this.#subject.get(edge),
  );
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

  /** Memory of the columns, without ids and extras. */
  get bytes(): number {
    const columns = [
      this.#nodeObject,
      this.#nodeRelation,
      this.#firstPlain,
      this.#firstUserset,
      this.#firstReverse,
      this.#reverseCount,
      this.#forwardCount,
      this.#nodes,
      this.#objectNodes,
      this.#resource,
      this.#subject,
      this.#nextForward,
      this.#previousForward,
      this.#nextReverse,
      this.#previousReverse,
      this.#older,
      this.#created,
      this.#deleted,
      this.#edges,
    ];
    return columns.reduce((sum, { bytes }) => sum + bytes, 0);
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
    if (node >= this.#nodeCapacity) this.#growNodes();
    this.#nodeObject.set(node, object);
    this.#nodeRelation.set(node, relation);
    this.#nodes.put(node);
    while (object >= this.#objectCapacity) {
      this.#objectCapacity = grownCapacity(this.#objectCapacity);
      this.#objectNodes.grow(this.#objectCapacity);
    }
    this.#objectNodes.set(object, this.#objectNodes.get(object) + 1);
    return node;
  }

  objectOf(node: number): number {
    return this.#nodeObject.get(node);
  }

  relationOf(node: number): number {
    return this.#nodeRelation.get(node);
  }

  /** How many versions of relationships have this node as subject. */
  reverseCount(node: number): number {
    return this.#reverseCount.get(node);
  }

  /** How many versions of relationships have this node as resource. */
  forwardCount(node: number): number {
    return this.#forwardCount.get(node);
  }

  // Edges.

  /** The latest version of a relationship, alive or not; 0 if there is none. */
  findEdge(resource: number, subject: number): number {
    return this.#edges.find(resource, subject);
  }

  /** The version that holds at a revision, given the latest; 0 if none does. */
  versionAt(edge: number, revision: number): number {
    for (let version = edge; version !== 0; version = this.#older.get(version)) {
      if (this.#created.get(version) <= revision) {
        return revision < this.#deleted.get(version) ? version : 0;
      }
    }
    return 0;
  }

  /** The version of the same relationship before this one, or 0. */
  olderThan(edge: number): number {
    return this.#older.get(edge);
  }

  holdsAt(edge: number, revision: number): boolean {
    return this.#created.get(edge) <= revision && revision < this.#deleted.get(edge);
  }

  resourceOf(edge: number): number {
    return this.#resource.get(edge);
  }

  subjectOf(edge: number): number {
    return this.#subject.get(edge);
  }

  createdAt(edge: number): number {
    return this.#created.get(edge);
  }

  /** Infinity while it holds. */
  deletedAt(edge: number): number {
    return this.#deleted.get(edge);
  }

  /** Caveat and expiry; undefined for most. */
  extraOf(edge: number): EdgeExtra | undefined {
    return this.#extras.size === 0 ? undefined : this.#extras.get(edge);
  }

  /** Every version that holds at the latest revision. */
  *alive(): Iterable<number> {
    for (let edge = 1; edge < this.#edgeCount; edge++) {
      if (this.#deleted.get(edge) === Number.POSITIVE_INFINITY) yield edge;
    }
  }

  /** Versions, ended ones too, whose expiry lies before a time. */
  *expired(before: number): Iterable<number> {
    for (const [edge, { expiresAt }] of this.#extras) if (expiresAt <= before) yield edge;
  }

  /** First of the edges of a resource to plain subjects, wildcards included. */
  firstPlain(node: number): number {
    return this.#firstPlain.get(node);
  }

  /** First of the edges of a resource to usersets. */
  firstUserset(node: number): number {
    return this.#firstUserset.get(node);
  }

  nextForward(edge: number): number {
    return this.#nextForward.get(edge);
  }

  /** First of the edges to a subject. */
  firstReverse(node: number): number {
    return this.#firstReverse.get(node);
  }

  nextReverse(edge: number): number {
    return this.#nextReverse.get(edge);
  }

  /** Adds a version that holds from `created` on. The one before, if any, must have ended by then. */
  addEdge(resource: number, subject: number, options: AddEdge): number {
    const older = this.#edges.find(resource, subject);
    assert(
      older === 0 || this.#deleted.get(older) <= options.created,
      "a relationship has one version at a time",
    );
    const edge = this.#freeEdges.pop() ?? this.#edgeCount++;
    if (edge >= this.#edgeCapacity) this.#growEdges();
    this.#resource.set(edge, resource);
    this.#subject.set(edge, subject);
    this.#older.set(edge, older);
    this.#created.set(edge, options.created);
    this.#deleted.set(edge, options.deleted ?? Number.POSITIVE_INFINITY);
    if (options.extra !== undefined) this.#extras.set(edge, options.extra);
    if (options.deleted === undefined) this.#alive++;
    this.#edges.put(edge);
    this.#link(edge, resource, subject);
    return edge;
  }

  /** Ends a version that holds. */
  endEdge(edge: number, revision: number): void {
    assert(this.#deleted.get(edge) === Number.POSITIVE_INFINITY, "what ends has held");
    assert(this.#created.get(edge) <= revision, "it ends after it began");
    this.#deleted.set(edge, revision);
    this.#alive--;
  }

  /** Takes back what `endEdge` did, for a batch that was not committed. */
  reviveEdge(edge: number): void {
    assert(this.#deleted.get(edge) !== Number.POSITIVE_INFINITY, "it had ended");
    this.#deleted.set(edge, Number.POSITIVE_INFINITY);
    this.#alive++;
  }

  /** Forgets a version altogether: its time is over, or it never was. */
  removeEdge(edge: number): void {
    const [resource, subject] = [this.#resource.get(edge), this.#subject.get(edge)];
    if (this.#deleted.get(edge) === Number.POSITIVE_INFINITY) this.#alive--;
    this.#unlinkVersion(edge, resource, subject);
    this.#unlink(edge, resource, subject);
    this.#extras.delete(edge);
    this.#deleted.set(edge, 0);
    this.#freeEdges.push(edge);
    this.#dropIfUnused(resource);
    if (subject !== resource) this.#dropIfUnused(subject);
  }

  #unlinkVersion(edge: number, resource: number, subject: number): void {
    const latest = this.#edges.find(resource, subject);
    const older = this.#older.get(edge);
    if (latest === edge) {
      if (older === 0) this.#edges.delete(resource, subject);
      else this.#edges.put(older);
      return;
    }
    for (let at = latest; at !== 0; at = this.#older.get(at)) {
      if (this.#older.get(at) !== edge) continue;
      this.#older.set(at, older);
      return;
    }
    assert(false, "a version is in the chain of its relationship");
  }

  #link(edge: number, resource: number, subject: number): void {
    const first = this.#relationIsUserset(subject) ? this.#firstUserset : this.#firstPlain;
    const forward = first.get(resource);
    this.#nextForward.set(edge, forward);
    this.#previousForward.set(edge, 0);
    if (forward !== 0) this.#previousForward.set(forward, edge);
    first.set(resource, edge);
    this.#forwardCount.set(resource, this.#forwardCount.get(resource) + 1);
    const reverse = this.#firstReverse.get(subject);
    this.#nextReverse.set(edge, reverse);
    this.#previousReverse.set(edge, 0);
    if (reverse !== 0) this.#previousReverse.set(reverse, edge);
    this.#firstReverse.set(subject, edge);
    this.#reverseCount.set(subject, this.#reverseCount.get(subject) + 1);
  }

  #unlink(edge: number, resource: number, subject: number): void {
    const first = this.#relationIsUserset(subject) ? this.#firstUserset : this.#firstPlain;
    const [next, previous] = [this.#nextForward.get(edge), this.#previousForward.get(edge)];
    if (next !== 0) this.#previousForward.set(next, previous);
    if (previous !== 0) this.#nextForward.set(previous, next);
    else first.set(resource, next);
    this.#forwardCount.set(resource, this.#forwardCount.get(resource) - 1);
    const [after, before] = [this.#nextReverse.get(edge), this.#previousReverse.get(edge)];
    if (after !== 0) this.#previousReverse.set(after, before);
    if (before !== 0) this.#nextReverse.set(before, after);
    else this.#firstReverse.set(subject, after);
    this.#reverseCount.set(subject, this.#reverseCount.get(subject) - 1);
  }

  #relationIsUserset(subject: number): boolean {
    return this.#nodeRelation.get(subject) !== 0;
  }

  #dropIfUnused(node: number): void {
    if (this.#forwardCount.get(node) !== 0 || this.#reverseCount.get(node) !== 0) return;
    const object = this.#nodeObject.get(node);
    this.#nodes.delete(object, this.#nodeRelation.get(node));
    this.#freeNodes.push(node);
    const left = this.#objectNodes.get(object) - 1;
    this.#objectNodes.set(object, left);
    if (left === 0) this.objects.delete(object);
  }

  #growNodes(): void {
    this.#nodeCapacity = grownCapacity(this.#nodeCapacity);
    for (const column of [
      this.#nodeObject,
      this.#nodeRelation,
      this.#firstPlain,
      this.#firstUserset,
      this.#firstReverse,
      this.#reverseCount,
      this.#forwardCount,
    ]) {
      column.grow(this.#nodeCapacity);
    }
  }

  #growEdges(): void {
    this.#edgeCapacity = grownCapacity(this.#edgeCapacity);
    for (const column of [
      this.#resource,
      this.#subject,
      this.#nextForward,
      this.#previousForward,
      this.#nextReverse,
      this.#previousReverse,
      this.#older,
    ]) {
      column.grow(this.#edgeCapacity);
    }
    this.#created.grow(this.#edgeCapacity);
    this.#deleted.grow(this.#edgeCapacity);
  }
}

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
