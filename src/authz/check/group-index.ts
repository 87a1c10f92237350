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
  readonly #heights = new WeakMap<Right, { readonly version: number; readonly height: number }>();

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
    if (added) this.#closure.addEdge(from, to);
    else this.#closure.removeEdge(from, to);
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
    const { tracer } = evaluation;
    // What is looked at here is told by whoever walks.
    evaluation.tracer = null;
    const value = this.#look(evaluation, right, node);
    evaluation.tracer = tracer;
    // Who is in a circle of groups is in it; for all others the walk has to come upon the circle.
    return value !== yes && this.#closure.hasCycles ? undefined : value;
  }

  #look(evaluation: Evaluation, right: Right, node: number): Tri | undefined {
    if (evaluation.overlay?.hasEdges === true) return undefined;
    if (!this.#covers(evaluation.revision)) return undefined;
    const { schema } = evaluation;
    // What must be told as too deep is found by walking.
    const height = this.#heightOf(schema, right);
    if (height < 0 || evaluation.depth + height >= schema.depthMax) return undefined;
    evaluation.dependOnGroups();
    const { subjectNode, subjectRelation } = evaluation;
    if (subjectRelation !== 0) {
      if (subjectNode === 0) return no;
      const reached = this.#closure.reaches(node, subjectNode);
      return reached === undefined ? undefined : reached ? yes : no;
    }
    const breadth = this.#closure.breadth(node);
    if (breadth === undefined) return undefined;
    const memberships =
      this.#graph.reverseCount(subjectNode) + this.#graph.reverseCount(evaluation.wildcardNode);
    return breadth <= fewGroups || breadth <= memberships
      ? this.#amongGroups(evaluation, node)
      : this.#amongMemberships(evaluation, node);
  }

  #covers(revision: number): boolean {
    const next = this.#pending[0];
    return revision >= this.#indexed && (next === undefined || revision < next.revision);
  }

  #amongGroups(evaluation: Evaluation, node: number): Tri | undefined {
    const graph = this.#graph;
    const groups = this.#closure.descendants(node);
    if (groups === undefined) return undefined;
    let found: Tri = no;
    for (let at = 0; at < groups.length; at++) {
      evaluation.spend();
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
        evaluation.spend();
        const group = graph.resourceOf(edge);
        if (group === node) continue;
        const type = graph.typeOf(group);
        const forms = evaluation.schema.find(type, graph.relationOf(group))?.allowed.forms(key);
        if (forms === undefined) continue;
        const reached = this.#closure.reaches(node, group);
        if (reached === undefined) return undefined;
        if (!reached) continue;
        found = either(found, evaluation.versionValue(edge, forms));
        if (found === yes) return yes;
      }
    }
    return found;
  }

  /**
   * How many kinds of groups lie below a right, if all of it is plain nesting, by its schema and by
   * what is stored; else -1.
   */
  #heightOf(schema: CompiledSchema, right: Right): number {
    const known = this.#heights.get(right);
    if (known?.version === this.#kindsVersion) return known.height;
    const height = this.#measure(schema, right, []);
    this.#heights.set(right, { version: this.#kindsVersion, height });
    return height;
  }

  #measure(schema: CompiledSchema, right: Right, above: readonly Right[]): number {
    if (right.definition.rewrite.kind !== "this" || above.length > kindsDeepMax) return -1;
    if (above.includes(right)) return 0;
    let height = 0;
    const kinds = this.#kinds.get(subjectKey(right.type, right.relation)) ?? [];
    for (const [key, { plain, special }] of kinds) {
      if (special > 0) return -1;
      if (plain === 0) continue;
      if (right.allowed.forms(key)?.includes(0) !== true) return -1;
      const below = schema.find(Math.floor(key / 65_536), key % 65_536);
      if (below === undefined) return -1;
      const more = this.#measure(schema, below, [...above, right]);
      if (more < 0) return -1;
      height = Math.max(height, more + 1);
    }
    return height;
  }
}
