import type { Outcome } from "./value.ts";

/** One evaluation: what the names stand for, and what it has cost so far. */
export class Frame {
  /** Parameters first, then the variables of comprehensions. */
  readonly slots: Outcome[];
  readonly max: number;
  /**
   * A step for each node, each element, and each ten characters looked at. Passing the limit is
   * looked for only where there is a loop; the expression itself is short.
   */
  cost = 0;

  constructor(slots: Outcome[], max: number) {
    this.slots = slots;
    this.max = max;
  }
}

/** One node of an expression, ready to be evaluated. */
export type Run = (frame: Frame) => Outcome;

/** What looking at so many characters costs. */
export function textCost(length: number): number {
  return Math.ceil(length / 10);
}
