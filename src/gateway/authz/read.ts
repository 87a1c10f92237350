import { parseRelationship } from "../../authz/relationship-text.ts";
import type { CheckItem, Consistency, Precondition, Question } from "../../model/authz.ts";
import { fail, toHoldfastError } from "../../model/errors.ts";
import type { Limits } from "../../model/limits.ts";
import type {
  CaveatContext,
  CaveatUse,
  ObjectRef,
  Relationship,
  RelationshipFilter,
  RelationshipUpdate,
  SubjectRef,
} from "../../model/relationship.ts";
import { notKnown } from "../fields.ts";

/**
 * The nouns of authorization out of parsed JSON. They look on the wire as they look in the code; an
 * object, a subject, a relationship or a question may also be the text that people write:
 * `document:1`, `group:x#member`, `document:1#viewer@user:ada`. What is not as it should be is
 * `invalid-argument`; whether names and ids mean something is for the port to say.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** An object with these fields and no others. */
export function readFieldsOf(value: unknown, what: string, allowed: ReadonlySet<string>): Fields {
  const fields = readObjectOf(value, what);
  for (const name in fields) {
    if (!allowed.has(name)) throw unknownField(what, name, allowed);
  }
  return fields;
}

export function readObjectOf(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Fields; // parsed JSON
  }
  throw refuse(what, "it is not an object");
}

export function readTextOf(value: unknown, what: string): string {
  if (typeof value !== "string") throw refuse(what, "it is not text");
  if (value === "") throw refuse(what, "it is empty");
  if (!value.isWellFormed()) throw refuse(what, "it is not well-formed Unicode");
  return value;
}

export function readListOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw refuse(what, "it is not a list");
  return value;
}

export function readFlag(value: unknown, what: string): boolean {
  if (typeof value !== "boolean") throw refuse(what, "it is neither true nor false");
  return value;
}

export function readChoice<const T extends string>(
  value: unknown,
  what: string,
  choices: readonly T[],
): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw refuse(what, `it is none of ${choices.join(", ")}`);
  return found;
}

/** What goes over a limit is refused, before anything is looked at. */
export function checkCount(count: number, limit: keyof Limits, given: CountedIn): void {
  const max = given.limits[limit];
  if (count > max) throw fail("too-many", { limit, max, what: given.what, count });
}

export interface CountedIn {
  readonly limits: Limits;
  readonly what: string;
}

export function readObjectRef(value: unknown, what: string): ObjectRef {
  if (typeof value === "string") return parseObject(value, what);
  const { type, id } = readFieldsOf(value, what, objectFields);
  return { type: readTextOf(type, `${what}.type`), id: readTextOf(id, `${what}.id`) };
}

export function readSubjectRef(value: unknown, what: string): SubjectRef {
  if (typeof value === "string") return parseSubject(value, what);
  const { type, id, relation } = readFieldsOf(value, what, subjectFields);
  const object = { type: readTextOf(type, `${what}.type`), id: readTextOf(id, `${what}.id`) };
  return relation === undefined
    ? object
    : { ...object, relation: readTextOf(relation, `${what}.relation`) };
}

export function readRelationship(value: unknown, what: string): Relationship {
  // The whole form, with caveat and expiry: `document:1#viewer@user:ada[limited:{"until":5}]`.
  if (typeof value === "string") return readText(value, what);
  const fields = readFieldsOf(value, what, relationshipFields);
  const relationship: { -readonly [K in keyof Relationship]: Relationship[K] } = {
    resource: readObjectRef(fields["resource"], `${what}.resource`),
    relation: readTextOf(fields["relation"], `${what}.relation`),
    subject: readSubjectRef(fields["subject"], `${what}.subject`),
  };
  const { caveat, expiresAt } = fields as { caveat?: unknown; expiresAt?: unknown }; // as read
  if (caveat !== undefined) relationship.caveat = readCaveat(caveat, `${what}.caveat`);
  if (expiresAt !== undefined) relationship.expiresAt = readTime(expiresAt, `${what}.expiresAt`);
  return relationship;
}

/**
 * One line of a file or a stream: the text that people write, or JSON. What cannot be read is
 * `invalid-relationship` or `invalid-json`; which line it is, is for the caller to say.
 */
export function readLine(line: string): Relationship {
  const text = line.trim();
  if (!text.startsWith("{") && !text.startsWith('"')) return parseRelationship(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fail("invalid-json", { what: "line", reason: toHoldfastError(error).message });
  }
  try {
    return readRelationship(value, "it");
  } catch (error) {
    const { what, reason } = toHoldfastError(error).details;
    const field = String(what).replace(/^it\./, "");
    const shown = text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
    throw fail("invalid-relationship", {
      what: shown.toWellFormed(),
      reason: `${field}: ${reason}`,
    });
  }
}

/** As much of a line as an error shows. */
const longestShown = 200;

export function readRelationships(value: unknown, what: string): Relationship[] {
  return readListOf(value, what).map((each, i) => readRelationship(each, `${what}[${i}]`));
}

export function readContext(value: unknown, what: string): CaveatContext {
  return readObjectOf(value, what);
}

export function readUpdate(value: unknown, what: string): RelationshipUpdate {
  const fields = readFieldsOf(value, what, updateFields);
  return {
    operation: readChoice(fields["operation"], `${what}.operation`, ["create", "touch", "delete"]),
    relationship: readRelationship(fields["relationship"], `${what}.relationship`),
  };
}

export function readFilter(value: unknown, what: string): RelationshipFilter {
  const fields = readFieldsOf(value, what, filterFields);
  const filter: Record<string, string | null> = {};
  for (const [name, given] of Object.entries(fields)) {
    const isNone = name === "subjectRelation" && given === null;
    filter[name] = isNone ? null : readTextOf(given, `${what}.${name}`);
  }
  return filter as RelationshipFilter; // as read
}

export function readPreconditions(value: unknown, what: string): Precondition[] {
  return readListOf(value, what).map((each, i) => {
    const fields = readFieldsOf(each, `${what}[${i}]`, preconditionFields);
    return {
      must: readChoice(fields["must"], `${what}[${i}].must`, ["match", "not-match"]),
      filter: readFilter(fields["filter"], `${what}[${i}].filter`),
    };
  });
}

export function readConsistency(value: unknown, what: string): Consistency {
  const { kind, zookie } =
    typeof value === "string" ? { kind: value } : readFieldsOf(value, what, consistencyFields);
  switch (kind) {
    case "minimize-latency":
    case "fully-consistent":
      return { kind };
    case "at-least-as-fresh":
    case "exact-snapshot":
      return { kind, zookie: readTextOf(zookie, `${what}.zookie`) };
    default:
      throw refuse(what, "its kind is not known");
  }
}

/** What all questions have. */
export function readQuestion(fields: Fields, limits: Limits): Question {
  const question: { -readonly [K in keyof Question]: Question[K] } = {};
  const { consistency, context, contextual, schema } = fields as Record<keyof Question, unknown>; // as read
  if (consistency !== undefined) question.consistency = readConsistency(consistency, "consistency");
  if (context !== undefined) question.context = readContext(context, "context");
  if (contextual !== undefined) {
    const list = readListOf(contextual, "contextual");
    checkCount(list.length, "authzContextual", { limits, what: "one question" });
    question.contextual = readRelationships(list, "contextual");
  }
  if (schema !== undefined) question.schema = readTextOf(schema, "schema");
  return question;
}

export const questionFields = ["consistency", "context", "contextual", "schema"] as const;

/** `document:1#view@user:ada`. */
export function parseCheckItem(text: string, what: string): CheckItem {
  const { resource, relation: permission, subject } = parseQuestion(text, what);
  return { resource, permission, subject };
}

export function parseObject(text: string, what: string): ObjectRef {
  const colon = text.indexOf(":");
  if (colon <= 0 || colon === text.length - 1 || !text.isWellFormed()) {
    throw refuse(what, "it is not of the form type:id");
  }
  return { type: text.slice(0, colon), id: text.slice(colon + 1) };
}

export function parseSubject(text: string, what: string): SubjectRef {
  const hash = text.lastIndexOf("#");
  if (hash < 0) return parseObject(text, what);
  if (hash === text.length - 1) throw refuse(what, "its relation is empty");
  const { type, id } = parseObject(text.slice(0, hash), what);
  return { type, id, relation: text.slice(hash + 1) };
}

function readText(text: string, what: string): Relationship {
  try {
    return parseRelationship(text);
  } catch (error) {
    // Named by its place in the body, like everything else that cannot be read there.
    throw refuse(what, toHoldfastError(error).details["reason"]?.toString() ?? "it cannot be read");
  }
}

function parseQuestion(text: string, what: string): Relationship {
  // A relation has no @ in it, while an id may well be an address of e-mail.
  const hash = text.indexOf("#");
  const at = text.indexOf("@", hash);
  if (hash < 0 || at <= hash + 1) {
    throw refuse(what, "it is not of the form type:id#relation@type:id");
  }
  return {
    resource: parseObject(text.slice(0, hash), what),
    relation: text.slice(hash + 1, at),
    subject: parseSubject(text.slice(at + 1), what),
  };
}

function readCaveat(value: unknown, what: string): CaveatUse {
  const { name, context } = readFieldsOf(value, what, caveatFields);
  const use = { name: readTextOf(name, `${what}.name`) };
  return context === undefined ? use : { ...use, context: readContext(context, `${what}.context`) };
}

function readTime(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw refuse(what, "it is not a moment in milliseconds since 1970");
}

function unknownField(what: string, name: string, allowed: ReadonlySet<string>): Error {
  const quoted = JSON.stringify(name.slice(0, 100).toWellFormed());
  const of = what === "The body" ? "the body" : what;
  return refuse(`The field ${quoted} of ${of}`, notKnown(name, [...allowed]));
}

export function refuse(what: string, reason: string): Error {
  return fail("invalid-argument", { what, reason });
}

const objectFields = new Set(["type", "id"]);
const subjectFields = new Set(["type", "id", "relation"]);
const relationshipFields = new Set([
  "resource",
  "relation",
  "subject",
  "caveat",
  "expiresAt",
  "writtenAt",
]);
const caveatFields = new Set(["name", "context"]);
const updateFields = new Set(["operation", "relationship"]);
const preconditionFields = new Set(["must", "filter"]);
const consistencyFields = new Set(["kind", "zookie"]);
const filterFields = new Set([
  "resourceType",
  "resourceId",
  "resourceIdPrefix",
  "relation",
  "subjectType",
  "subjectId",
  "subjectRelation",
  "caveat",
]);
