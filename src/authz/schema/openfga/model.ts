import type { CaveatType, Origin, Position, SchemaProblem } from "../schema.ts";

/**
 * A model as it was written, before anything was checked: names need not resolve, and may stand
 * twice. Both forms, DSL and JSON, are read into it; what is valid becomes a `Schema`.
 */
export interface Model {
  /** null when there is none, as in a module. */
  readonly version: Name | null;
  readonly types: readonly ModelType[];
  readonly conditions: readonly ModelCondition[];
}

export interface Place extends Position {
  /** Of models in several files. */
  readonly file?: string;
}

/** A word with its place. */
export interface Name {
  readonly text: string;
  readonly at: Place;
}

export interface ModelType {
  readonly name: Name;
  readonly doc: string | null;
  /** `extend type`. */
  readonly extends: boolean;
  readonly relations: readonly ModelRelation[];
  readonly origin?: Origin;
}

export interface ModelRelation {
  readonly name: Name;
  readonly doc: string | null;
  readonly restrictions: readonly Restriction[];
  readonly rewrite: Rewrite;
  /** When it is another than that of the type. */
  readonly origin?: Origin;
}

/** One of `[user, user:*, group#member with some_condition]`. */
export interface Restriction {
  readonly at: Place;
  readonly type: string;
  readonly relation: string | null;
  readonly wildcard: boolean;
  readonly condition: Name | null;
}

export type Rewrite =
  | { readonly kind: "this"; readonly at: Place }
  | { readonly kind: "computed"; readonly relation: string; readonly at: Place }
  /** `relation from tupleset`. */
  | {
      readonly kind: "from";
      readonly relation: string;
      readonly tupleset: Name;
      readonly at: Place;
    }
  | { readonly kind: "union" | "intersection"; readonly children: readonly Rewrite[] }
  | { readonly kind: "difference"; readonly base: Rewrite; readonly subtract: Rewrite };

export interface ModelCondition {
  /** What it is called where it is used. */
  readonly key: string;
  /** What it calls itself: in JSON the two may differ. */
  readonly name: Name;
  readonly doc: string | null;
  readonly parameters: ReadonlyMap<string, CaveatType>;
  readonly expression: string;
  readonly expressionAt: Place;
  readonly origin?: Origin;
}

/** What a reader makes of a text. Without a model there is at least one problem. */
export interface ReadModel {
  readonly model: Model | null;
  readonly problems: readonly SchemaProblem[];
}

/** Where everything is that has no place: the beginning. */
export const nowhere: Place = { line: 1, column: 1 };

/** As it is written in the DSL, without its condition unless asked for. */
export function restrictionText(
  restriction: Restriction,
  options: { readonly condition: boolean },
): string {
  const { type, relation, wildcard, condition } = restriction;
  const subject = wildcard ? `${type}:*` : relation === null ? type : `${type}#${relation}`;
  return options.condition && condition !== null ? `${subject} with ${condition.text}` : subject;
}

/** The leaves of a rewrite, level by level. */
export function leavesOf(rewrite: Rewrite): readonly Leaf[] {
  const queue: Rewrite[] = [rewrite];
  const leaves: Leaf[] = [];
  for (let index = 0; index < queue.length; index++) {
    const next = queue[index];
    if (next === undefined) break;
    if ("children" in next) {
      for (const child of next.children) queue.push(child);
    } else if (next.kind === "difference") queue.push(next.base, next.subtract);
    else leaves.push(next);
  }
  return leaves;
}

export type Leaf = Extract<Rewrite, { readonly kind: "this" | "computed" | "from" }>;

/** An error, the usual kind. `length` is that of the word it is about. */
export function problem(
  code: string,
  message: string,
  place: { readonly at: Place; readonly length?: number },
): SchemaProblem {
  const { length } = place;
  const { line, column, file } = place.at;
  return {
    code,
    severity: "error",
    message,
    at: { line, column },
    ...(length && place.at !== nowhere ? { end: { line, column: column + length } } : {}),
    ...(file === undefined ? {} : { file }),
  };
}
