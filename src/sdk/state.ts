/** State declarations: for each entry an initial value, or a schema. */
import { encodePayload } from "../model/codec.ts";
import { fail } from "../model/errors.ts";
import { defaultLimits } from "../model/limits.ts";
import { checkName, checkObject } from "./check.ts";
import type { StateEntryDefinition } from "./handler.ts";
import { isStandardSchema, type StandardSchema } from "./standard-schema.ts";

/** `of` names the definition in errors. */
export function declareState(
  of: string,
  declaration: unknown,
): Readonly<Record<string, StateEntryDefinition>> {
  checkObject(`The state of ${of}`, declaration);
  const entries: Record<string, StateEntryDefinition> = Object.create(null);
  const declared = Object.entries(declaration);
  if (declared.length > defaultLimits.stateKeys) {
    const what = `the state of ${of}`;
    throw fail("limit-exceeded", { limit: "stateKeys", max: defaultLimits.stateKeys, what });
  }
  for (const [name, value] of declared) {
    checkName(`The state entry of ${of}`, name);
    entries[name] = declareEntry(`The initial value of ${of}, state entry "${name}"`, value);
  }
  return Object.freeze(entries);
}

function declareEntry(what: string, declared: unknown): StateEntryDefinition {
  if (!isStandardSchema(declared)) return Object.freeze({ initial: encodeInitial(what, declared) });
  return Object.freeze({ initial: encodeInitial(what, defaultOf(declared)), schema: declared });
}

/** What a schema makes of nothing: its default if it has one. */
function defaultOf(schema: StandardSchema): unknown {
  const result = schema["~standard"].validate(undefined);
  if (result instanceof Promise) {
    // An asynchronous schema has no default; that it refuses nothing is no fault.
    result.catch(() => undefined);
    return undefined;
  }
  return result.issues === undefined ? result.value : undefined;
}

function encodeInitial(what: string, value: unknown): string | null {
  const text = encodePayload(value, what, defaultLimits.payload);
  checkPlain(what, value);
  return text;
}

/** Refuses what would come back from JSON as something else than its type says. */
function checkPlain(what: string, value: unknown): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw fail("not-serialisable", { what, reason: `it contains ${value}` });
  }
  if (typeof value === "function" || typeof value === "symbol") {
    throw fail("not-serialisable", { what, reason: `it contains a ${typeof value}` });
  }
  if (typeof value !== "object" || value === null) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) {
    const reason = `it contains a ${value.constructor?.name ?? "class instance"}`;
    throw fail("not-serialisable", { what, reason });
  }
  for (const part of Object.values(value)) checkPlain(what, part);
}
