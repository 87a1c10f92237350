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

/**
 * What an expression comes to where circles are no errors. What goes round in a circle is neither yes
 * nor no, and stays so when it is turned round; so an expression has a value with all its circles
 * taken for no, and one with all of them taken for yes. Where the two are one it is that; else both
 * are kept: the lower one in the lower two bits, and above them how far the other is from it. They
 * are values of their own, and not a count of circles, so that a circle counts just where it could
 * make a difference.
 */
export type Value = Tri | 4 | 5 | 8;

/** A circle and nothing else. */
export const circle = 8;

/** Whether it rests on no circle. */
export function isDefinite(value: Value): value is Tri {
  return value < 4;
}

/** Whether something open has a part in it. */
export function isOpen(value: Value): boolean {
  return value === unknown || value === 4 || value === 5;
}

/** The answer: circles grant nothing. */
export function lower(value: Value): Tri {
  return (value & 3) as Tri; // as they are made
}

function upper(value: Value): Tri {
  return ((value & 3) + (value >> 2)) as Tri; // as they are made
}

function between(low: number, high: number): Value {
  return (low | ((high - low) << 2)) as Value; // neither is beyond yes, and low not beyond high
}

export function verdictOf(value: Tri): Verdict {
  if (value === yes) return "yes";
  return value === no ? "no" : "conditional";
}

export function both(a: Tri, b: Tri): Tri;
export function both(a: Value, b: Value): Value;
export function both(a: Value, b: Value): Value {
  if ((a | b) < 4) return a < b ? a : b;
  return between(Math.min(lower(a), lower(b)), Math.min(upper(a), upper(b)));
}

export function either(a: Tri, b: Tri): Tri;
export function either(a: Value, b: Value): Value;
export function either(a: Value, b: Value): Value {
  if ((a | b) < 4) return a > b ? a : b;
  return between(Math.max(lower(a), lower(b)), Math.max(upper(a), upper(b)));
}

export function without(base: Value, subtracted: Value): Value {
  return both(base, between(2 - upper(subtracted), 2 - lower(subtracted)));
}
