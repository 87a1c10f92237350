import { checkInt } from "./arithmetic.ts";
import type { Checked } from "./checked.ts";
import type { Run } from "./frame.ts";
import { int, type Type } from "./types.ts";
import { Uint } from "./value.ts";

/**
 * SpiceDB types a parameter that is declared `uint` as `int`, and hands over a `uint` all the same. So
 * it is here: beside an int it counts as one, and otherwise it is what it is in CEL.
 */
export function isNatural(type: Type): boolean {
  return type.kind === "natural";
}

/** Where the whole is of a type, each part of it must be: a natural number becomes an int. */
export function fitTo(type: Type, part: Checked): Checked {
  return type.kind === "int" && isNatural(part.type) ? asInt(part) : part;
}

export function asInt({ run }: Checked): Checked {
  return { type: int, run: runAsInt(run) };
}

/** Fails beyond 63 bits, as every int does. */
export function runAsInt(run: Run): Run {
  return (frame) => {
    const outcome = run(frame);
    return outcome instanceof Uint ? checkInt(outcome.value) : outcome;
  };
}
