import { fail, type HoldfastError } from "../../model/errors.ts";
import { type CaveatContext, wildcardId } from "../../model/relationship.ts";
import { unreachable } from "../../std/assert.ts";
import type { EdgeExtra } from "../graph/edge-traits.ts";
import type { Graph } from "../graph/graph.ts";
import { type Overlay, type OverlayEdge, scratchBase } from "../graph/overlay.ts";
import { CaveatContexts, type ToldCaveat } from "./caveat-contexts.ts";
import type { CompiledSchema, Evaluation, Groups, Right } from "./evaluation.ts";
import { formOf, subjectKey, wildcardKey } from "./keys.ts";
import { Memo } from "./memo.ts";
import { Path } from "./path.ts";
import type { Residency } from "./residency.ts";
import { groupsSlot, resourceSlot, subjectSlot, wildcardSlot } from "./slots.ts";
import { describeEdge, describeOverlay, describeRight } from "./told.ts";
import type { Tracer } from "./tracer.ts";
import {
  circle,
  isDefinite,
  isOpen,
  lower,
  no,
  type Tri,
  unknown,
  type Value,
  yes,
} from "./verdict.ts";

/** What an evaluation is about. */
export interface Subject {
  readonly object: number;
  readonly type: number;
  /** 0: the object itself. */
  readonly relation: number;
}

export interface EvaluationOptions {
  readonly graph: Graph;
  readonly schema: CompiledSchema;
  readonly revision: number;
  /** Milliseconds since 1970: one time for the whole question. */
  readonly now: number;
  readonly overlay: Overlay | null;
  readonly context: CaveatContext | null;
  /** Null where it must not be used: the flattened groups. */
  readonly index: Groups | null;
  readonly tracer: Tracer | null;
  /** Null where the whole graph is in memory. */
  readonly residency: Residency | null;
  readonly workMax: number;
}

/** What a question has that brings nothing. */
export type HeadOptions = Pick<
  EvaluationOptions,
  "graph" | "schema" | "revision" | "index" | "workMax"
> & { readonly clock: Clock };

/** Says what time it is. */
export interface Clock {
  now(): number;
}

/** How many dependencies of an answer are remembered; with more it is not cached. */
export const dependenciesMax = 16;

/**
 * The state of one question: may this subject, at this revision and time? Reused for many objects of
 * one question, and reset for the next. Synchronous throughout.
 */
export class Evaluator implements Evaluation {
  graph!: Graph;
  schema!: CompiledSchema;
  revision = 0;
  overlay: Overlay | null = null;
  index: Groups | null = null;
  tracer: Tracer | null = null;
  residency: Residency | null = null;

  subjectObject = 0;
  subjectType = 0;
  subjectRelation = 0;
  subjectNode = 0;
  subjectKey = 0;
  wildcardNode = 0;
  wildcardObject = 0;
  wildcardKey = -1;

  readonly doubts: (string | HoldfastError)[] = [];
  /** A caveat was asked: the answer depends on the context. */
  sawCaveat = false;
  /** A relationship had expired: should the clock go back, it has not. */
  sawExpired = false;
  /** When the answer may become another by time alone. */
  expiresAt: number = Number.POSITIVE_INFINITY;
  /** Relationships looked at. */
  work = 0;
  /** Something was not in memory: the answer counts for nothing. */
  incomplete = false;

  readonly dependencies: Uint32Array = new Uint32Array(dependenciesMax);
  /** More than `dependenciesMax`: too many to remember. */
  dependencyCount = 0;

  readonly #contexts = new CaveatContexts();
  #workMax = 0;
  #now = 0;
  /** Where it is not known yet what time it is. */
  #clock: Clock | null = null;
  readonly #path = new Path();
  /** Rights entered for the answer. */
  #steps = 0;
  /** How often the depth was reached. */
  #cutOff = 0;
  readonly #memo = new Memo();
  #unknowns: Map<number, readonly (string | HoldfastError)[]> | null = null;

  begin(options: EvaluationOptions): void {
    this.graph = options.graph;
    this.schema = options.schema;
    this.revision = options.revision;
    this.#now = options.now;
    this.#clock = null;
    this.overlay = options.overlay;
    this.index = options.index;
    this.tracer = options.tracer;
    this.residency = options.residency;
    this.incomplete = false;
    this.#contexts.asked(options.context);
    this.#workMax = options.workMax;
    this.work = 0;
  }

  /** The same for a question that brings nothing, of a graph that is in memory. */
  beginHead(options: HeadOptions): void {
    this.graph = options.graph;
    this.schema = options.schema;
    this.revision = options.revision;
    this.#clock = options.clock;
    this.index = options.index;
    this.#workMax = options.workMax;
    this.overlay = null;
    this.tracer = null;
    this.residency = null;
    this.incomplete = false;
    this.work = 0;
    this.#contexts.asked(null);
  }

  /** One time for the whole question. Most end without having asked for it. */
  get now(): number {
    if (this.#clock !== null) {
      this.#now = this.#clock.now();
      this.#clock = null;
    }
    return this.#now;
  }

  setContext(context: CaveatContext | null): void {
    this.#contexts.asked(context);
  }

  /** What comes is about this subject. `reset` follows before each answer. */
  setSubject({ object, type, relation }: Subject): void {
    this.setSubjectNumbers(object, type, relation);
  }

  setSubjectNumbers(object: number, type: number, relation: number): void {
    this.subjectObject = object;
    this.subjectType = type;
    this.subjectRelation = relation;
    this.subjectNode = this.graph.findNode(object, relation);
    const isEverybody = this.#isEverybody(object, type);
    this.subjectKey = isEverybody ? wildcardKey(type) : subjectKey(type, relation);
    this.wildcardNode = 0;
    this.wildcardObject = 0;
    this.wildcardKey = -1;
    if (relation === 0 && !isEverybody) {
      this.wildcardKey = wildcardKey(type);
      const wildcard = this.overlay?.find(type, wildcardId) ?? this.graph.objects.wildcard(type);
      this.wildcardObject = wildcard;
      if (wildcard !== 0) this.wildcardNode = this.graph.findNode(wildcard, 0);
    }
  }

  /** Before each answer. */
  reset(): void {
    this.doubts.length = 0;
    this.sawCaveat = false;
    this.sawExpired = false;
    this.expiresAt = Number.POSITIVE_INFINITY;
    this.dependencyCount = 0;
    this.#path.begin();
    this.#memo.begin();
    this.#steps = 0;
    this.#unknowns = null;
    this.dependOnSubject(this.subjectObject, this.subjectRelation);
    if (this.wildcardKey >= 0) this.#depend(wildcardSlot(this.subjectType));
  }

  /** One whole answer. Throws what stood in the way, if that would have decided. */
  answer(right: Right, object: number): Tri {
    const value = lower(this.enter(right, object));
    this.settle(0, value);
    if (value !== unknown || this.incomplete) return value;
    for (const doubt of this.doubts) if (typeof doubt !== "string") throw doubt;
    return value;
  }

  has(object: number, relation: number): boolean {
    if (this.residency === null || object >= scratchBase) return true;
    if (this.residency.forward(object, relation)) return true;
    this.incomplete = true;
    return false;
  }

  hasReverse(object: number, relation: number): boolean {
    if (this.residency === null || object >= scratchBase) return true;
    if (this.residency.reverse(object, relation)) return true;
    this.incomplete = true;
    return false;
  }

  /** The kind of a subject, as what a relation allows is looked up by. */
  keyOf(object: number, relation: number): number {
    const type = this.typeOf(object);
    return this.#isEverybody(object, type) ? wildcardKey(type) : subjectKey(type, relation);
  }

  #isEverybody(object: number, type: number): boolean {
    if (object < scratchBase) return this.graph.objects.wildcard(type) === object;
    return this.overlay?.id(object) === wildcardId;
  }

  typeOf(object: number): number {
    if (object < scratchBase) return this.graph.objects.type(object);
    return this.overlay?.type(object) ?? 0;
  }

  idOf(object: number): string {
    if (object < scratchBase) return this.graph.objects.id(object);
    return this.overlay?.id(object) ?? "";
  }

  enter(right: Right, object: number): Value {
    if (object === this.subjectObject && right.relation === this.subjectRelation) return yes;
    if (right.leaf) return right.rule(this, object);
    const known = this.#recall(right, object);
    if (known >= 0) {
      const value = known as Value; // what is not -1 is one
      if (this.tracer !== null) this.#tell(right, object, { value, note: "told-above" });
      return value;
    }
    const path = this.#path;
    const place = path.find(right.uid, object);
    if (place >= 0) {
      const value = this.#cutCircle(place, right, object);
      if (this.tracer !== null) this.#tell(right, object, { value, note: "cycle" });
      return value;
    }
    if (path.depth >= this.schema.depthMax) {
      this.#cutOff++;
      const value = this.#tooDeep(right, object);
      if (this.tracer !== null) this.#tell(right, object, { value, note: "too-deep" });
      return value;
    }
    this.#step();
    const mark = this.doubts.length;
    const cutOff = this.#cutOff;
    const { low, high } = path;
    path.push(right.uid, object);
    const value = right.rule(this, object);
    const { circlesFail } = this.schema;
    // What is known whatever became of the circles on its way rests on none of them.
    const settled = circlesFail ? value !== unknown : isDefinite(value);
    path.pop({ value, settled, assumed: circlesFail ? unknown : circle });
    // From a place less deep, what was too deep may be known.
    const open = isOpen(value);
    if (!open || this.#cutOff === cutOff) {
      const cuts = { low: path.low, high: path.high };
      this.#memo.put(object, right.uid, { value, cuts, frame: path.top });
      if (open) this.#rememberDoubts(right, object, mark);
    }
    path.low |= low;
    path.high |= high;
    return value;
  }

  /** Tells of a right of which there is nothing more to tell. */
  #tell(right: Right, object: number, { value, note }: { value: Value; note: string }): void {
    const kind = right.definition.rewrite.kind === "this" ? "relation" : "permission";
    const what = describeRight(this, object, right.relation);
    this.tracer?.leaf(kind, what, { value: lower(value), note });
  }

  /** Counts one right entered: dense circles under open conditions have very many ways through them. */
  #step(): void {
    const max = this.#workMax / stepsShare;
    if (++this.#steps > max) {
      throw fail("work-exceeded", { what: "The question", limit: "authzWork", max });
    }
  }

  /** What is unknown is remembered with why; a doubt is kept once, however often it was met. */
  #rememberDoubts(right: Right, object: number, mark: number): void {
    const why = new Map<string, string | HoldfastError>();
    for (const doubt of this.doubts.slice(mark)) {
      why.set(typeof doubt === "string" ? doubt : ` ${doubt.code}`, doubt);
    }
    const doubts = [...why.values()];
    this.doubts.length = mark;
    this.doubts.push(...doubts);
    this.#unknowns ??= new Map();
    this.#unknowns.set(unknownKey(right, object), doubts);
  }

  #recall(right: Right, object: number): Value | -1 {
    const memo = this.#memo;
    const at = memo.find(object, right.uid);
    if (at < 0) return -1;
    const places = { low: memo.cutsLow(at), high: memo.cutsHigh(at) };
    const rests = this.#path.standing(places, memo.frame(at));
    if (rests === null) return -1;
    const value = memo.value(at);
    if (isOpen(value)) {
      const why = this.#unknowns?.get(unknownKey(right, object));
      if (why === undefined) return -1;
      this.doubts.push(...why);
    }
    this.#path.low |= rests.low;
    this.#path.high |= rests.high;
    return value;
  }

  settle(mark: number, value: Value): Value {
    if (!isOpen(value) && this.doubts.length > mark) this.doubts.length = mark;
    return value;
  }

  #cutCircle(at: number, right: Right, object: number): Value {
    this.#path.restOn(at);
    if (!this.schema.circlesFail) return circle;
    return this.#tooDeep(right, object);
  }

  #tooDeep(right: Right, object: number): Tri {
    const what = describeRight(this, object, right.relation);
    this.doubts.push(fail("depth-exceeded", { what, max: this.schema.depthMax }));
    return unknown;
  }

  get depth(): number {
    return this.#path.depth;
  }

  spend(): void {
    if (++this.work > this.#workMax) {
      throw fail("work-exceeded", { what: "The question", limit: "authzWork", max: this.#workMax });
    }
  }

  dependOn(object: number): void {
    this.#depend(resourceSlot(object));
  }

  /** The answer rests on where this subject stands. */
  dependOnSubject(object: number, relation: number): void {
    this.#depend(subjectSlot(object, relation));
  }

  dependOnGroups(): void {
    this.#depend(groupsSlot);
  }

  #depend(hash: number): void {
    const count = this.dependencyCount;
    if (count > dependenciesMax) return;
    for (let at = 0; at < count; at++) if (this.dependencies[at] === hash) return;
    if (count < dependenciesMax) this.dependencies[count] = hash;
    this.dependencyCount = count + 1;
  }

  edgeValue(edge: number, forms: readonly number[]): Tri {
    const { graph, revision } = this;
    this.spend();
    let version = edge;
    // Of one that came and went often, the versions since then are passed by.
    while (version !== 0 && graph.createdAt(version) > revision) {
      this.spend();
      version = graph.olderThan(version);
    }
    return version === 0 ? no : this.versionValue(version, forms);
  }

  versionValue(version: number, forms: readonly number[]): Tri {
    if (!this.graph.holdsAt(version, this.revision)) return no;
    return this.extraValue(this.graph.extraOf(version), forms, version);
  }

  overlayValue(edge: OverlayEdge, forms: readonly number[]): Tri {
    return this.extraValue(edge.extra, forms, edge);
  }

  /** @param of The relationship: an error of its caveat names it. Null: nobody asks for errors. */
  extraValue(extra: EdgeExtra | undefined, forms: readonly number[], of: Stored | null): Tri {
    if (!forms.includes(formOf(extra))) return no;
    if (extra === undefined) return yes;
    if (extra.expiresAt <= this.now) {
      this.sawExpired = true;
      return no;
    }
    if (extra.expiresAt < this.expiresAt) this.expiresAt = extra.expiresAt;
    return extra.caveat === 0 ? yes : this.#caveatValue(extra, of);
  }

  isThere(extra: EdgeExtra | undefined, forms: readonly number[]): boolean {
    if (!forms.includes(formOf(extra))) return false;
    if (extra === undefined || extra.expiresAt > this.now) return true;
    this.sawExpired = true;
    return false;
  }

  toldCaveat(extra: EdgeExtra): ToldCaveat | null {
    const caveat = this.schema.caveat(extra.caveat);
    if (caveat === undefined) return null;
    return {
      name: caveat.name,
      expression: this.schema.schema.caveats.get(caveat.name)?.expression ?? "",
      context: this.#contexts.given(caveat, extra),
      outcome: this.#contexts.evaluate(caveat, extra),
    };
  }

  #caveatValue(extra: EdgeExtra, of: Stored | null): Tri {
    this.sawCaveat = true;
    const caveat = this.schema.caveat(extra.caveat);
    if (caveat === undefined) return no;
    const result = this.#contexts.evaluate(caveat, extra);
    switch (result.value) {
      case "yes":
        return yes;
      case "no":
        return no;
      case "unknown":
        this.doubts.push(...result.missing);
        return unknown;
      case "error":
        this.doubts.push(this.#placed(result.error, of));
        return unknown;
      default:
        return unreachable(result);
    }
  }

  /** Among many relationships of one caveat, one may have the context that does not do. */
  #placed(error: HoldfastError, of: Stored | null): HoldfastError {
    const { code, details } = error;
    if (of === null || !code.startsWith("caveat-")) return error;
    const relationship =
      typeof of === "number" ? describeEdge(this.graph, of) : describeOverlay(this, of);
    if (code !== "caveat-context") return fail(code, { ...details, relationship });
    const reason = `${details["reason"]}, for ${relationship}`;
    return fail(code, { ...details, reason, relationship });
  }
}

/** A relationship: the number of its edge, or one that the question brought. */
type Stored = number | OverlayEdge;

/** One answer may take one step for so many relationships that its question may look at. */
const stepsShare = 20;

function unknownKey(right: Right, object: number): number {
  return object * 65_536 + right.relation;
}
