import type { Verdict } from "../../model/authz.ts";

/**
 * Kleene's three values as numbers, so that union is the larger, intersection the smaller, and
 * exclusion the smaller of one and the other turned round.
 */
export type Tri = 0 | 1 | 2;

export const no = 0;
/** It depends on what was not given, or could not be found out. */
export const unknown = 1;
export const yes = 2;

export function verdictOf(value: Tri): Verdict {
  if (value === yes) return "yes";
  return value === no ? "no" : "conditional";
}

export function both(a: Tri, b: Tri): Tri {
  return a < b ? a : b;
}

export function either(a: Tri, b: Tri): Tri {
  return a > b ? a : b;
}

export function without(base: Tri, subtracted: Tri): Tri {
  return both(base, (2 - subtracted) as Tri); // 2 minus one of 0, 1, 2
}
