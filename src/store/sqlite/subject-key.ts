import { assert } from "../../std/assert.ts";
import { keyColumns } from "./relation-format.ts";
import type { Cell } from "./rows.ts";

/*
 * The entries of the index by subject: each is one text, tenant and subject first, that compares as
 * its parts do. One text is smaller than eight columns, and compared in one go.
 *
 * A name is the character of its code; an id is ended by U+0001, which comes before all that an id
 * can have, since the three lowest characters are written as two; a number is its length and digits.
 */

const end = "\u0001";
const low = "\u0002";
/** Codes and lengths stand above the characters that mean something else. */
const lowest = 3;
/** Where the surrogates begin, which are no characters. */
const codesMax = 0xd800 - lowest;

/** Of the columns of a version's key, in their order. */
export function formatSubjectKey(tenant: number, key: readonly Cell[]): string {
  const [resourceType, resourceId, relation, type, id, subjectRelation, created] = key;
  const subject = subjectPart(tenant, { type, id, relation: subjectRelation });
  return subject + resourcePart({ type: resourceType, id: resourceId, relation }) + number(created);
}

/** As far as it is given, from the left: what all entries begin with that have it. */
export interface SubjectParts {
  readonly type?: Cell | undefined;
  readonly id?: Cell | undefined;
  readonly relation?: Cell | undefined;
}

/** The beginning of all entries of a tenant with this subject, as far as it is given. */
export function subjectPart(tenant: number, subject: SubjectParts): string {
  return number(tenant) + resourcePart(subject);
}

/** The beginning of what follows the subject. */
export function resourcePart({ type, id, relation }: SubjectParts): string {
  if (type === undefined) return "";
  if (id === undefined) return name(type);
  const object = name(type) + escapeId(id) + end;
  return relation === undefined ? object : object + name(relation);
}

/** The beginning of all with a type and the beginning of an id. */
export function idPrefixPart(type: Cell, prefix: string): string {
  return name(type) + escapeId(prefix);
}

/** The last part. */
export function createdPart(created: Cell): string {
  return number(created);
}

/** The columns of the version's key, in their order. */
export function parseSubjectKey(text: string): Cell[] {
  const values: Partial<Record<(typeof keyColumns)[number], Cell>> = {};
  let at = 1 + lengthAt(text, 0); // the tenant
  for (const side of ["subject", "resource"] as const) {
    values[`${side}_type`] = text.charCodeAt(at) - lowest;
    const ended = text.indexOf(end, at + 1);
    values[`${side}_id`] = unescapeId(text.slice(at + 1, ended));
    const relation = text.charCodeAt(ended + 1) - lowest;
    if (side === "subject") values.subject_relation = relation;
    else values.relation = relation;
    at = ended + 2;
  }
  values.created = Number(text.slice(at + 1));
  assert(values.created >= 0 && lengthAt(text, at) === text.length - at - 1, "a whole entry");
  return keyColumns.map((column) => values[column] ?? null);
}

function lengthAt(text: string, at: number): number {
  return text.charCodeAt(at) - lowest;
}

function name(code: Cell): string {
  assert(typeof code === "number" && code >= 0 && code < codesMax, `${code} is the code of a name`);
  return String.fromCharCode(code + lowest);
}

function number(value: Cell | undefined): string {
  assert(typeof value === "number" && value >= 0, `${value} is a tenant or a revision`);
  const digits = String(value);
  return String.fromCharCode(digits.length + lowest) + digits;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that are written as two
const lows = /[\0-\u0002]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what they are written as
const pairs = /\u0002./g;

function escapeId(id: Cell): string {
  return String(id).replace(lows, (it) => low + String.fromCharCode(it.charCodeAt(0) + lowest));
}

function unescapeId(text: string): string {
  if (!text.includes(low)) return text;
  return text.replace(pairs, (it) => String.fromCharCode(it.charCodeAt(1) - lowest));
}
