import { compare, equal, keyOf } from "./compare.ts";
import type { Frame, Run } from "./frame.ts";
import {
  Failure,
  isList,
  isMap,
  isOpen,
  mergeUnknowns,
  type Outcome,
  openOf,
  typeOf,
  Unknown,
  type Value,
} from "./value.ts";

/**
 * `&&` and `||` over three values and errors: an operand that decides does so whatever the others
 * are. If none does, what is unknown counts before what failed, since it may still decide.
 */
export function makeLogic(operator: "&&" | "||", operands: readonly Run[]): Run {
  const decider = operator === "||";
  const [left, right] = operands;
  if (operands.length === 2 && left !== undefined && right !== undefined) {
    return (frame) => {
      frame.cost++;
      const one = left(frame);
      if (one === decider) return decider;
      const other = right(frame);
      if (other === decider) return decider;
      if (one === !decider && other === !decider) return !decider;
      return undecided(one === !decider ? undefined : one, other, decider);
    };
  }
  return (frame) => {
    frame.cost++;
    let open: Outcome | undefined;
    for (const operand of operands) {
      const outcome = operand(frame);
      if (outcome === decider) return decider;
      if (outcome !== !decider) open = undecided(open, outcome, decider);
    }
    return open ?? !decider;
  };
}

/** What is not decided by `before` together with `next`, neither of which decides. */
export function undecided(before: Outcome | undefined, next: Outcome, decider: boolean): Outcome {
  if (next === !decider && before !== undefined) return asOpen(before);
  const open = asOpen(next);
  if (before === undefined) return open;
  if (open instanceof Unknown && before instanceof Unknown) return mergeUnknowns(before, open);
  return open instanceof Unknown ? open : asOpen(before);
}

function asOpen(outcome: Outcome): Unknown | Failure {
  if (isOpen(outcome)) return outcome;
  return new Failure(`expected bool, found ${typeOf(outcome)}`);
}

export function makeNot(operand: Run): Run {
  return (frame) => {
    frame.cost++;
    const outcome = operand(frame);
    return typeof outcome === "boolean" ? !outcome : asOpen(outcome);
  };
}

/** An unknown condition is not asked further: both branches would still leave it open. */
export function makeTernary(condition: Run, { chosen, otherwise }: Branches): Run {
  return (frame) => {
    frame.cost++;
    const outcome = condition(frame);
    if (outcome === true) return chosen(frame);
    return outcome === false ? otherwise(frame) : asOpen(outcome);
  };
}

export interface Branches {
  /** If the condition is true. */
  readonly chosen: Run;
  readonly otherwise: Run;
}

export function makeEquality(operator: "==" | "!=", [left, right]: readonly [Run, Run]): Run {
  const wanted = operator === "==";
  return (frame) => {
    frame.cost++;
    const [one, other] = [left(frame), right(frame)];
    if (typeof one === "bigint" && typeof other === "bigint") return (one === other) === wanted;
    const open = openOf(one, other);
    return open ?? equal(one as Value, other as Value, frame) === wanted; // neither is open
  };
}

export type Ordering = "<" | "<=" | ">" | ">=";

/** By what `compare` gives; NaN is in no order with anything. */
const orderings: Readonly<Record<Ordering, (order: number) => boolean>> = {
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

const integerOrderings: Readonly<Record<Ordering, (one: bigint, other: bigint) => boolean>> = {
  "<": (one, other) => one < other,
  "<=": (one, other) => one <= other,
  ">": (one, other) => one > other,
  ">=": (one, other) => one >= other,
};

export function isOrdering(operator: string): operator is Ordering {
  return Object.hasOwn(orderings, operator);
}

export function makeOrdering(operator: Ordering, [left, right]: readonly [Run, Run]): Run {
  const test = orderings[operator];
  const testIntegers = integerOrderings[operator];
  return (frame) => {
    frame.cost++;
    const [one, other] = [left(frame), right(frame)];
    if (typeof one === "bigint" && typeof other === "bigint") return testIntegers(one, other);
    const open = openOf(one, other);
    if (open !== undefined) return open;
    const order = compare(one as Value, other as Value, frame); // neither is open
    return typeof order === "number" ? test(order) : order;
  };
}

/** Element of a list, or key of a map. */
export function makeIn([left, right]: readonly [Run, Run]): Run {
  return (frame) => {
    frame.cost++;
    const [value, among] = [left(frame), right(frame)];
    const open = openOf(value, among);
    if (open !== undefined) return open;
    if (isMap(among)) {
      const key = keyOf(value as Value); // not open
      return key !== undefined && among.has(key);
    }
    if (!isList(among)) return new Failure(`in does not look into ${typeOf(among as Value)}`);
    return isElement(value as Value, among, frame); // not open
  };
}

function isElement(value: Value, among: readonly Value[], frame: Frame): Outcome {
  for (const element of among) {
    frame.cost++;
    if (equal(value, element, frame)) return true;
    if (frame.cost > frame.max) return new Failure("too much to do");
  }
  return false;
}
