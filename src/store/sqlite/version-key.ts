import { assert } from "../../std/assert.ts";
import type { Cell } from "./rows.ts";

/*
 * Keys of versions as texts, tenant first and then the subject or the resource, that compare as their
 * parts do. Those with the subject first are the entries of the index by subject: one text is smaller
 * than eight columns, and compared in one go.
 *
 * A name is the character of its code, or two for a high one; an id is ended by U+0001, which comes before all that an id
 * can have, since the three lowest characters are written as two; a number is its length and digits.
 */

const end = "\u0001";
const low = "\u0002";
/** Codes and lengths stand above the characters that mean something else. */
const lowest = 3;
/** Codes below are one character. With two, the first stays below the surrogates, which are none. */
const pairsFrom = 0x4000;
const pairBits = 14;
const codesMax = (0xd800 - lowest - pairsFrom) * 2 ** pairBits;

/** Of the columns of a version's key, in their order. */
export function formatSubjectKey(tenant: number, key: readonly Cell[]): string {
  const [resourceType, resourceId, relation, type, id, subjectRelation, created] = key;
  const subject = subjectPart(tenant, { type, id, relation: subjectRelation });
  return subject + resourcePart({ type: resourceType, id: resourceId, relation }) + number(created);
}

/** The same with the resource first. */
export function formatResourceKey(tenant: number, key: readonly Cell[]): string {
  const [type, id, relation, subjectType, subjectId, subjectRelation, created] = key;
  const resource = subjectPart(tenant, { type, id, relation });
  const subject = { type: subjectType, id: subjectId, relation: subjectRelation };
  return resource + resourcePart(subject) + number(created);
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
  const { sides, created, end: at } = parse(text);
  assert(at === text.length, "a whole entry");
  const [subject, resource] = sides;
  return [...resource, ...subject, created];
}

/** The same of a key with the resource first, and what comes after it. */
export function parseResourceKey(text: string): ResourceKey {
  const { sides, created, end: at } = parse(text);
  const [resource, subject] = sides;
  const tenant = Number(text.slice(1, 1 + lengthAt(text, 0)));
  return { tenant, key: [...resource, ...subject, created], rest: text.slice(at) };
}

export interface ResourceKey {
  readonly tenant: number;
  /** The columns of the version's key, in their order. */
  readonly key: Cell[];
  readonly rest: string;
}

type Side = [type: number, id: string, relation: number];

function parse(text: string): { sides: [Side, Side]; created: number; end: number } {
  let at = 1 + lengthAt(text, 0); // the tenant
  const readName = (): number => {
    const first = text.charCodeAt(at++) - lowest;
    if (first < pairsFrom) return first;
    return (first - pairsFrom) * 2 ** pairBits + text.charCodeAt(at++) - lowest;
  };
  const readSide = (): Side => {
    const type = readName();
    const from = at;
    const ended = text.indexOf(end, from);
    at = ended + 1;
    return [type, unescapeId(text.slice(from, ended)), readName()];
  };
  const sides: [Side, Side] = [readSide(), readSide()];
  const digits = at + 1;
  const last = digits + lengthAt(text, at);
  const created = Number(text.slice(digits, last));
  assert(created >= 0 && last <= text.length, "a whole key");
  return { sides, created, end: last };
}

function lengthAt(text: string, at: number): number {
  return text.charCodeAt(at) - lowest;
}

function name(code: Cell): string {
  assert(typeof code === "number" && code >= 0 && code < codesMax, `${code} is the code of a name`);
  if (code < pairsFrom) return String.fromCharCode(code + lowest);
  const high = Math.floor(code / 2 ** pairBits) + pairsFrom;
  return String.fromCharCode(high + lowest, (code % 2 ** pairBits) + lowest);
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
