import { fail } from "../model/errors.ts";
import { nearest } from "../std/suggest.ts";
import type { Body } from "./body.ts";

/** The fields of a body that is an object with these names and no other; none for no body. */
export function readFields(
  body: Body,
  allowed: readonly string[],
): Readonly<Record<string, unknown>> {
  if (body.text === null) return {};
  const fields = readObject(body.value);
  for (const name of Object.keys(fields)) {
    if (allowed.includes(name)) continue;
    throw refuse(`The field ${JSON.stringify(name.slice(0, 100))}`, notKnown(name, allowed));
  }
  return fields;
}

/** Why a name is refused that is none of these. */
export function notKnown(name: string, allowed: readonly string[]): string {
  const known = allowed.length === 0 ? "it takes none" : `known are ${allowed.join(", ")}`;
  const near = nearest(name, allowed);
  return `it is not known here${near === undefined ? "" : ` (did you mean ${near}?)`}; ${known}`;
}

export function readObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>; // JSON objects have no other keys than text
  }
  throw refuse("The body", "it is not an object");
}

export function readText(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw refuse(`The field ${name}`, "it is not text");
  return value;
}

/** A whole number in bounds; `undefined` when it is not given. */
export function readCount(value: unknown, what: string, bounds: readonly [number, number]): number {
  const [min, max] = bounds;
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    throw refuse(what, `it is not a whole number from ${min} to ${max}`);
  }
  return value;
}

function refuse(what: string, reason: string): Error {
  return fail("invalid-argument", { what, reason });
}
