import type { SchemaDialect } from "../../model/authz.ts";
import { fail, toHoldfastError } from "../../model/errors.ts";
import type { Limits } from "../../model/limits.ts";
import {
  formatRelationship,
  type ObjectRef,
  type Relationship,
  type SubjectRef,
  wildcardId,
} from "../../model/relationship.ts";
import type { Caveat } from "../caveat/caveat.ts";
import { placeFor } from "../schema/place.ts";
import type { Schema } from "../schema/schema.ts";

/** Object ids of SpiceDB (a superset of what its schemas can name); see its API, `ObjectReference`. */
const nativeId = /^[a-zA-Z0-9/_|\-=+]{1,1024}$/;

/**
 * Refuses an object id that its dialect cannot have: `invalid-relationship`. Ids of OpenFGA take
 * everything but white space, `:` and `#`; of native schemas the characters of SpiceDB, and those
 * that addresses and dates need.
 */
export function checkObjectId(object: ObjectRef, options: IdOptions): void {
  const { id } = object;
  const { limits, what, wildcard } = options;
  if (typeof id !== "string" || id === "") throw refuse(what, "it has an empty id");
  if (id.length > limits.authzId) {
    throw refuse(what, `its id has ${id.length} characters, more than ${limits.authzId}`);
  }
  if (id === wildcardId) {
    if (wildcard) return;
    throw refuse(what, "a wildcard may only stand as a subject");
  }
  const isPossible = options.dialect === "native" ? isNativeId(id) : isOpenfgaId(id);
  if (!isPossible) throw refuse(what, "its id has characters that no id may have");
}

export interface IdOptions {
  readonly limits: Limits;
  readonly dialect: SchemaDialect;
  /** Names the relationship or question in the refusal. */
  readonly what: string;
  readonly wildcard: boolean;
}

function isNativeId(id: string): boolean {
  return nativeId.test(id) || isExtendedId(id);
}

/** Beyond SpiceDB: e-mail addresses, URLs, dates. Nothing that has a meaning in a relationship. */
function isExtendedId(id: string): boolean {
  return id.isWellFormed() && !/[\s\p{Cc}#*]/u.test(id);
}

function isOpenfgaId(id: string): boolean {
  return id.isWellFormed() && !/[\s\p{Cc}#]/u.test(id);
}

function refuse(what: string, reason: string): Error {
  return fail("invalid-relationship", { what, reason });
}

/** Refuses names that could not stand in any schema, before they are looked up. */
export function checkSubject(subject: SubjectRef, options: IdOptions): void {
  checkObjectId(subject, options);
  if (subject.id === wildcardId && subject.relation !== undefined) {
    throw refuse(options.what, "a wildcard has no relation");
  }
}

export interface UpdateOptions {
  readonly schema: Schema;
  readonly limits: Limits;
  caveat(name: string): Caveat | undefined;
}

/** Everything about one relationship that can be wrong by itself. */
export function checkRelationship(relationship: Relationship, options: UpdateOptions): void {
  const { schema, limits } = options;
  const { resource, subject, caveat, expiresAt } = relationship;
  const what = formatRelationship(relationship).slice(0, 512);
  const ids = { limits, dialect: schema.dialect, what };
  checkObjectId(resource, { ...ids, wildcard: false });
  checkSubject(subject, { ...ids, wildcard: true });
  if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt > 0)) {
    throw refuse(what, "its expiry is not a time in milliseconds since 1970");
  }
  const problem = placeFor(schema, relationship);
  if (problem !== null) throw fail(problem.code, { ...problem.details, relationship: what });
  if (caveat?.context === undefined) return;
  const size = Buffer.byteLength(JSON.stringify(caveat.context));
  if (size > limits.authzStoredContext) {
    throw fail("too-large", {
      what: `The context of ${what}`,
      size,
      limit: "authzStoredContext",
      max: limits.authzStoredContext,
      relationship: what,
    });
  }
  try {
    options.caveat(caveat.name)?.readContext(caveat.context, "stored");
  } catch (error) {
    const { code, details } = toHoldfastError(error);
    throw fail(code, { ...details, relationship: what }, error);
  }
}
