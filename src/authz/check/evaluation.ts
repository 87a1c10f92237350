import type { HoldfastError } from "../../model/errors.ts";
import type { Caveat } from "../caveat/caveat.ts";
import type { EdgeExtra } from "../graph/edge-traits.ts";
import type { Graph } from "../graph/graph.ts";
import type { Overlay, OverlayEdge } from "../graph/overlay.ts";
import type { RelationDefinition, Schema } from "../schema/schema.ts";
import type { ToldCaveat } from "./caveat-contexts.ts";
import type { Tracer } from "./tracer.ts";
import type { Tri, Value } from "./verdict.ts";

/*
 * What a schema is compiled to, and what its rules see of a question. The evaluator is what they
 * see it of.
 */

/** Says whether the subject of the evaluation has something on an object. */
export type Rule = (evaluation: Evaluation, object: number) => Value;

/**
 * A relation or permission of one type, compiled: names are numbers of the tenant, and the rewrite is
 * a function.
 */
export interface Right {
  /** Unlike that of any other right of any schema in this process. */
  readonly uid: number;
  readonly type: number;
  readonly relation: number;
  readonly typeName: string;
  readonly definition: RelationDefinition;
  readonly allowed: Allowed;
  readonly rule: Rule;
  /** Nothing but a look at its own relationships: it cannot come back to itself. */
  readonly leaf: boolean;
}

/** What may stand in the stored relationships of a right. Others of them count for nothing. */
export interface Allowed {
  /** Whether there is any at all. */
  readonly some: boolean;
  /** Whether a userset may be the subject. */
  readonly usersets: boolean;
  /**
   * The forms in which a subject may stand (`formOf`), by `subjectKey`; undefined: it may not stand.
   * Wildcards have keys of their own.
   */
  forms(key: number): readonly number[] | undefined;
}

export interface CompiledSchema {
  readonly schema: Schema;
  /** Whether a circle is an error (native) or simply grants nothing (OpenFGA). */
  readonly circlesFail: boolean;
  readonly depthMax: number;
  find(type: number, relation: number): Right | undefined;
  caveat(number: number): Caveat | undefined;
  byName(type: string, name: string): Right | undefined;
  typeNumber(type: string): number | undefined;
  /** By type: all its rights, in the order of the schema. */
  ofType(type: number): readonly Right[];
  /** Relations that arrows go over, of whatever type. */
  readonly arrows: ReadonlySet<number>;
}

/** Usersets within usersets, flattened. */
export interface Groups {
  /** Whether the subject is in any userset below a node; undefined: it has to be walked. */
  membership(evaluation: Evaluation, right: Right, node: number): Tri | undefined;
}

/** One question as the rules see it: about one subject, at one revision and time. */
export interface Evaluation {
  readonly graph: Graph;
  readonly schema: CompiledSchema;
  readonly revision: number;
  /** Milliseconds since 1970: one time for the whole question. */
  readonly now: number;
  readonly overlay: Overlay | null;
  /** Null where it must not be used: the flattened groups. */
  readonly index: Groups | null;
  /** Away while something is looked at that is not to be told. */
  tracer: Tracer | null;

  readonly subjectObject: number;
  readonly subjectRelation: number;
  /** Its node, or 0 while no stored relationship names it. */
  readonly subjectNode: number;
  readonly subjectKey: number;
  /** The wildcard of its type, if the subject is a plain object: node, object and key. */
  readonly wildcardNode: number;
  readonly wildcardObject: number;
  readonly wildcardKey: number;

  /**
   * Why something is unknown, in the order of the walk: names of caveat parameters that were not
   * given, and errors. What turns out not to matter is taken off its end (`settle`).
   */
  readonly doubts: (string | HoldfastError)[];
  /** How many rights lie above what is evaluated now. */
  readonly depth: number;

  /**
   * Evaluates a right of an object, wherever the path comes from: here circles are cut, depth is
   * bounded, and what was found out before in the same question is found again.
   */
  enter(right: Right, object: number): Value;
  /**
   * A part that is known, whatever is unknown within it: the doubts noted since `mark` do not matter.
   */
  settle(mark: number, value: Value): Value;

  typeOf(object: number): number;
  idOf(object: number): string;
  /** Whether the subjects of an object by a relation can be read now. */
  has(object: number, relation: number): boolean;
  /**
   * Counts one relationship looked at, whether or not it then counts for anything: to pass it over
   * takes time as well. Whoever goes through a list calls it for each.
   */
  spend(): void;
  /** The answer rests on what this object has as subjects. */
  dependOn(object: number): void;
  /** The answer rests on which groups are in which. */
  dependOnGroups(): void;

  /**
   * What a stored relationship is worth: no if it does not hold at the revision and time, or has a
   * form that is not among these; else what its caveat says. Found by a look-up, and so counted.
   */
  edgeValue(edge: number, forms: readonly number[]): Tri;
  /** The same for an edge of a list, which is one version, and was counted with the list. */
  versionValue(version: number, forms: readonly number[]): Tri;
  /** The same for one that the question brought. */
  overlayValue(edge: OverlayEdge, forms: readonly number[]): Tri;
  /** Whether a relationship counts, its caveat left aside. */
  isThere(extra: EdgeExtra | undefined, forms: readonly number[]): boolean;
  /** What there is to tell of the caveat of a relationship; null where it has none. */
  toldCaveat(extra: EdgeExtra): ToldCaveat | null;
}
