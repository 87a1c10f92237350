import type { Frame, Run } from "./frame.ts";
import { undecided } from "./logic.ts";
import {
  Failure,
  isList,
  isMap,
  isOpen,
  mergeUnknowns,
  Optional,
  type Outcome,
  typeOf,
  Uint,
  Unknown,
  type Value,
} from "./value.ts";

/** A loop over a list or the keys of a map. */
export interface Loop {
  readonly range: Run;
  /** Where the element lies while the body is evaluated. */
  readonly slot: number;
  /** The keys are of type `uint`; in a map they lie as plain integers. */
  readonly uintKeys: boolean;
  readonly body: Run;
}

/** `all` and `exists`: `&&` and `||` over the elements. */
export function makeQuantifier(name: "all" | "exists", loop: Loop): Run {
  const decider = name === "exists";
  return (frame) => {
    const elements = elementsOf(loop, frame);
    if (!isList(elements)) return elements;
    let open: Outcome | undefined;
    for (const element of elements) {
      const outcome = step(loop, element, frame);
      if (outcome === decider) return decider;
      if (outcome !== !decider) open = undecided(open, outcome, decider);
      if (frame.cost > frame.max) return tooMuch;
    }
    return open ?? !decider;
  };
}

/** Errors are not absorbed here: it fails if the body fails for any element. */
export function makeExistsOne(loop: Loop): Run {
  return (frame) => {
    const elements = elementsOf(loop, frame);
    if (!isList(elements)) return elements;
    let found = 0;
    let unknown: Unknown | undefined;
    for (const element of elements) {
      const outcome = step(loop, element, frame);
      if (outcome instanceof Unknown) unknown = merge(unknown, outcome);
      else if (outcome === true) found++;
      else if (outcome !== false) return notBool(outcome);
      if (frame.cost > frame.max) return tooMuch;
    }
    return unknown ?? found === 1;
  };
}

/** `filter(x, p)`, `map(x, t)` and `map(x, p, t)`: with one unknown element the list is unknown. */
export function makeList(loop: Loop, transform: Run | undefined): Run {
  return (frame) => {
    const elements = elementsOf(loop, frame);
    if (!isList(elements)) return elements;
    const result: Value[] = [];
    let unknown: Unknown | undefined;
    for (const element of elements) {
      const kept = step(loop, element, frame);
      if (kept === true) {
        const value = transform === undefined ? element : transform(frame);
        if (value instanceof Failure) return value;
        if (value instanceof Unknown) unknown = merge(unknown, value);
        else result.push(value);
      } else if (kept instanceof Unknown) {
        unknown = merge(unknown, kept);
      } else if (kept !== false) {
        return notBool(kept);
      }
      if (frame.cost > frame.max) return tooMuch;
    }
    return unknown ?? result;
  };
}

/** `optional.optMap(x, transform)`; `optFlatMap` when the transform gives an optional itself. */
export function makeOptionalMap(loop: Loop, { flat }: { readonly flat: boolean }): Run {
  return (frame) => {
    frame.cost++;
    const outcome = loop.range(frame);
    if (isOpen(outcome)) return outcome;
    if (!(outcome instanceof Optional)) return new Failure(`${typeOf(outcome)} is not optional`);
    if (outcome.value === undefined) return outcome;
    const value = step(loop, outcome.value, frame);
    return flat || isOpen(value) ? value : new Optional(value);
  };
}

/** Whoever asked for the evaluation sees by the cost why it ended. */
const tooMuch = new Failure("too much to do");

function elementsOf({ range, uintKeys }: Loop, frame: Frame): Outcome {
  frame.cost++;
  const outcome = range(frame);
  if (isList(outcome) || isOpen(outcome)) return outcome;
  if (!isMap(outcome)) return new Failure(`${typeOf(outcome)} has no elements`);
  frame.cost += outcome.size;
  return Array.from(outcome.keys(), (key) =>
    uintKeys && typeof key === "bigint" ? new Uint(key) : key,
  );
}

function step({ slot, body }: Loop, element: Value, frame: Frame): Outcome {
  frame.cost++;
  frame.slots[slot] = element;
  return body(frame);
}

function merge(before: Unknown | undefined, next: Unknown): Unknown {
  return before === undefined ? next : mergeUnknowns(before, next);
}

function notBool(outcome: Outcome): Failure {
  if (outcome instanceof Failure) return outcome;
  return new Failure(`expected bool, found ${typeOf(outcome as Value)}`); // unknowns were sorted out
}
