import type { ClosureIndex } from "../closure/closure-index.ts";
import type { Graph } from "../graph/graph.ts";
import type { CompiledSchema, Evaluation, Right } from "./evaluation.ts";
import { subjectKey } from "./keys.ts";
import { probe } from "./rules.ts";
import { either, no, type Tri, yes } from "./verdict.ts";

/** How many kinds of groups may lie within each other for them to be flattened. */
const kindsDeepMax = 8;
/** So few groups are looked at one by one without asking whether the other side is shorter. */
const fewGroups = 8;

/** A userset that came to be in another, or ceased to be. */
interface Change {
  readonly revision: number;
  readonly from: number;
  readonly to: number;
  readonly added: boolean;
  /** Without caveat and expiry: only such can be flattened. */
  readonly plain: boolean;
}

interface Kind {
  plain: number;
  special: number;
}

/**
 * Which groups are in which, flattened (the idea of Leopard, Zanzibar §3.2.4): whether a subject is
 * anywhere below a group takes a few look-ups, however deep the groups are nested. It follows what is
 * durable, and answers only for revisions between its last change and the next; for all else, and for
 * schemas in which nesting is more than nesting, the graph is walked.
 */
export class GroupIndex {
  readonly #graph: Graph;
  readonly #closure: ClosureIndex;
  /** By kind of the resource, then by kind of the userset in it. */
  readonly #kinds = new Map<number, Map<number, Kind>>();
  #kindsVersion = 0;
  readonly #pending: Change[] = [];
  #indexed = 0;
  /** One node at least of every circle there is. */
  readonly #inCircles = new Set<number>();
  readonly #flat = new WeakMap<Right, { readonly version: number; readonly flat: boolean }>();

  constructor(graph: Graph, closure: ClosureIndex) {
    this.#graph = graph;
    this.#closure = closure;
  }

  get closure(): ClosureIndex {
    return this.#closure;
  }

  /** Takes note of a change that is not durable yet. */
  note(change: Change): void {
    this.#pending.push(change);
  }

  /** Everything up to this revision is durable. */
  advance(revision: number): void {
    let done = 0;
    for (const change of this.#pending) {
      if (change.revision > revision) break;
      this.apply(change);
      done++;
    }
    if (done > 0) this.#pending.splice(0, done);
  }

  /** What was noted will not become durable. What was taken in too early makes the index useless. */
  forgetPending(durable: number): void {
    this.#pending.length = 0;
    if (this.#indexed > durable) this.#indexed = Number.POSITIVE_INFINITY;
  }

  /** Takes in a change at once: what the store has. */
  apply({ revision, from, to, added, plain }: Change): void {
    this.#indexed = Math.max(this.#indexed, revision);
    const kind = this.#kindOf(from, to);
    const before = kind.plain > 0 ? 1 : 0;
    const special = kind.special > 0;
    if (plain) kind.plain += added ? 1 : -1;
    else kind.special += added ? 1 : -1;
    if (before !== (kind.plain > 0 ? 1 : 0) || special !== kind.special > 0) this.#kindsVersion++;
    if (!plain) return;
    if (!added) {
      this.#closure.removeEdge(from, to);
      return;
    }
    this.#closure.addEdge(from, to);
    if (this.#closure.inCycle(from)) this.#inCircles.add(from);
  }

  /** Where circles are errors, the walk has to find them. */
  #hasCircles(): boolean {
    for (const node of this.#inCircles) {
      if (this.#closure.inCycle(node)) return true;
      this.#inCircles.delete(node);
    }
    return false;
  }

  #kindOf(from: number, to: number): Kind {
    const outer = this.#keyOf(from);
    let inner = this.#kinds.get(outer);
    if (inner === undefined) {
      inner = new Map();
      this.#kinds.set(outer, inner);
    }
    const key = this.#keyOf(to);
    let kind = inner.get(key);
    if (kind === undefined) {
      kind = { plain: 0, special: 0 };
      inner.set(key, kind);
    }
    return kind;
  }

  #keyOf(node: number): number {
    const graph = this.#graph;
    return subjectKey(graph.typeOf(node), graph.relationOf(node));
  }

  /**
   * Whether the subject is in any userset below a node. Undefined: walk instead.
   */
  membership(evaluation: Evaluation, right: Right, node: number): Tri | undefined {
    if (evaluation.tracer !== null || evaluation.overlay?.hasEdges === true) return undefined;
    if (!this.#covers(evaluation.revision)) return undefined;
    const { schema } = evaluation;
    if (schema.circlesFail && this.#hasCircles()) return undefined;
    if (!this.#isFlat(schema, right)) return undefined;
    evaluation.dependOnGroups();
    const { subjectNode, subjectRelation } = evaluation;
    if (subjectRelation !== 0) {
      if (subjectNode === 0) return no;
      const reached = this.#closure.reaches(node, subjectNode);
      return reached === undefined ? undefined : reached ? yes : no;
    }
    const groups = this.#closure.descendants(node);
    if (groups === undefined) return undefined;
    const memberships =
      this.#graph.reverseCount(subjectNode) + this.#graph.reverseCount(evaluation.wildcardNode);
    return groups.length <= fewGroups || groups.length <= memberships
      ? this.#amongGroups(evaluation, groups)
      : this.#amongMemberships(evaluation, node);
  }

  #covers(revision: number): boolean {
    const next = this.#pending[0];
    return revision >= this.#indexed && (next === undefined || revision < next.revision);
  }

  #amongGroups(evaluation: Evaluation, groups: ArrayLike<number>): Tri {
    const graph = this.#graph;
    let found: Tri = no;
    for (let at = 0; at < groups.length; at++) {
      const group = groups[at] as number; // at is within
      const type = graph.typeOf(group);
      const right = evaluation.schema.find(type, graph.relationOf(group));
      if (right === undefined) continue;
      found = either(found, probe(evaluation, group, right));
      if (found === yes) return yes;
    }
    return found;
  }

  #amongMemberships(evaluation: Evaluation, node: number): Tri | undefined {
    const graph = this.#graph;
    let found: Tri = no;
    for (let round = 0; round < 2; round++) {
      const subject = round === 0 ? evaluation.subjectNode : evaluation.wildcardNode;
      if (subject === 0) continue;
      const key = round === 0 ? evaluation.subjectKey : evaluation.wildcardKey;
      for (let edge = graph.firstReverse(subject); edge !== 0; edge = graph.nextReverse(edge)) {
        const group = graph.resourceOf(edge);
        if (group === node) continue;
        const type = graph.typeOf(group);
        const caveats = evaluation.schema.find(type, graph.relationOf(group))?.allowed.caveats(key);
        if (caveats === undefined) continue;
        const reached = this.#closure.reaches(node, group);
        if (reached === undefined) return undefined;
        if (!reached) continue;
        found = either(found, evaluation.versionValue(edge, caveats));
        if (found === yes) return yes;
      }
    }
    return found;
  }

  /** Whether all that is below a right, by its schema and by what is stored, is plain nesting. */
  #isFlat(schema: CompiledSchema, right: Right): boolean {
    const known = this.#flat.get(right);
    if (known?.version === this.#kindsVersion) return known.flat;
    const flat = this.#lookFlat(schema, right, { seen: new Set(), depth: 0 });
    this.#flat.set(right, { version: this.#kindsVersion, flat });
    return flat;
  }

  #lookFlat(
    schema: CompiledSchema,
    right: Right,
    way: { seen: Set<Right>; depth: number },
  ): boolean {
    if (right.definition.rewrite.kind !== "this" || way.depth > kindsDeepMax) return false;
    if (way.seen.has(right)) return true;
    way.seen.add(right);
    const kinds = this.#kinds.get(subjectKey(right.type, right.relation)) ?? [];
    for (const [key, { plain, special }] of kinds) {
      if (special > 0) return false;
      if (plain === 0) continue;
      if (right.allowed.caveats(key)?.includes(0) !== true) return false;
      const below = schema.find(Math.floor(key / 65_536), key % 65_536);
      if (below === undefined) return false;
      if (!this.#lookFlat(schema, below, { seen: way.seen, depth: way.depth + 1 })) return false;
    }
    return true;
  }
}
