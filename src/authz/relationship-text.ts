/**
 * Relationships as people write them, in SpiceDB's form:
 * `document:1#viewer@user:ada[some_caveat:{"k":1}][expiration:2030-01-01T00:00:00Z]`. What is printed
 * is read as the same again. What cannot be read is `invalid-relationship`; whether the names and
 * ids mean anything is for the schema to say.
 */
import type { CheckItem } from "../model/authz.ts";
import { fail, reasonOf } from "../model/errors.ts";
import {
  type CaveatContext,
  type CaveatUse,
  formatRelationship,
  formatSubject,
  type ObjectRef,
  type Relationship,
  type SubjectRef,
} from "../model/relationship.ts";

/** `document:1`; ids may have colons of their own. Throws `invalid-object`. */
export function parseObject(text: string): ObjectRef {
  return readObject(text, (reason) => refuseObject(text, reason));
}

/**
 * `user:ada`, `user:*` or `group:x#member`. The relation `...` of SpiceDB is the object itself. Throws
 * `invalid-object`.
 */
export function parseSubject(text: string): SubjectRef {
  return readSubject(text, (reason) => refuseObject(text, reason));
}

type Refuse = (reason: string) => Error;

function readObject(text: string, refuse: Refuse): ObjectRef {
  if (typeof text !== "string") throw refuse("it is not text");
  const colon = text.indexOf(":");
  if (colon <= 0 || colon === text.length - 1) throw refuse("an object is type:id");
  return { type: text.slice(0, colon), id: text.slice(colon + 1) };
}

function readSubject(text: string, refuse: Refuse): SubjectRef {
  if (typeof text !== "string") throw refuse("it is not text");
  const hash = text.indexOf("#");
  if (hash < 0) return readObject(text, refuse);
  const object = readObject(text.slice(0, hash), refuse);
  const relation = text.slice(hash + 1);
  if (!isName.test(relation)) throw refuse("after # must stand one relation");
  return relation === "..." ? object : { ...object, relation };
}

/** `document:1#view@user:ada`: a question rather than something stored. */
export function parseCheckItem(text: string): CheckItem {
  const { resource, relation, subject, caveat, expiresAt } = parseRelationship(text);
  if (caveat !== undefined || expiresAt !== undefined) {
    throw refuse(text, "a question has neither a caveat nor an expiration");
  }
  return { resource, permission: relation, subject };
}

export function parseRelationship(source: string): Relationship {
  if (typeof source !== "string") throw refuse(source, "it is not text");
  const text = source.trim();
  const hash = text.indexOf("#");
  // A relation has no @ in it, while an id may well be an address of e-mail.
  const at = text.indexOf("@", hash);
  if (hash < 0 || at <= hash + 1) throw refuse(text, "it is not type:id#relation@type:id");
  const relation = text.slice(hash + 1, at);
  if (!isName.test(relation)) throw refuse(text, "after # must stand one relation");
  const bracket = text.indexOf("[", at);
  const end = bracket < 0 ? text.length : bracket;
  return {
    resource: readObject(text.slice(0, hash), (reason) => refuse(text, `its resource: ${reason}`)),
    relation,
    subject: readSubject(text.slice(at + 1, end).trimEnd(), (reason) =>
      refuse(text, `its subject: ${reason}`),
    ),
    ...new TraitReader(text, end).read(),
  };
}

/**
 * The relationship as one line. `invalid-relationship` for a subject that has a `[` in it, which
 * would be read as the begin of a caveat: only JSON can carry that.
 */
export function printRelationship(relationship: Relationship): string {
  const { subject, caveat, expiresAt } = relationship;
  const text = formatRelationship(relationship);
  if (formatSubject(subject).includes("[")) {
    throw refuse(text, "its subject has a [, which this form cannot carry; JSON can");
  }
  return text + printTraits({ caveat, expiresAt });
}

/** `[some_caveat:{"k":1}][expiration:2030-01-01T00:00:00Z]`, or nothing. */
export function printTraits({
  caveat,
  expiresAt,
}: {
  readonly caveat?: CaveatUse | undefined;
  readonly expiresAt?: number | undefined;
}): string {
  const context = caveat?.context === undefined ? "" : `:${JSON.stringify(caveat.context)}`;
  const caveatPart = caveat === undefined ? "" : `[${caveat.name}${context}]`;
  return expiresAt === undefined ? caveatPart : `${caveatPart}[expiration:${printTime(expiresAt)}]`;
}

/** Whether a line of a file says nothing: it is blank, or a comment. */
export function isBlank(line: string): boolean {
  const text = line.trim();
  return text === "" || text.startsWith("//");
}

type Traits = Pick<Relationship, "caveat" | "expiresAt">;

/** What stands in brackets after the subject. */
class TraitReader {
  readonly #text: string;
  #at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  read(): Traits {
    const traits: { -readonly [K in keyof Traits]: Traits[K] } = {};
    while (this.#at < this.#text.length) {
      const name = this.#name();
      if (name === "expiration") {
        if (traits.expiresAt !== undefined) throw this.#refuse("it has two expirations");
        traits.expiresAt = this.#time();
      } else {
        if (traits.caveat !== undefined) throw this.#refuse("it has two caveats");
        traits.caveat = this.#caveat(name);
      }
    }
    return traits;
  }

  #name(): string {
    if (this.#text[this.#at] !== "[") throw this.#refuse("a [ must stand after its subject");
    this.#at++;
    const start = this.#at;
    while (this.#at < this.#text.length && !":]".includes(this.#text.charAt(this.#at))) this.#at++;
    const name = this.#text.slice(start, this.#at);
    if (name === "") throw this.#refuse("a name is missing after [");
    return name;
  }

  #caveat(name: string): CaveatUse {
    if (this.#text[this.#at] === "]") {
      this.#at++;
      return { name };
    }
    const start = this.#at + 1;
    const end = endOfObject(this.#text, start);
    if (this.#text[end] !== "]")
      throw this.#refuse(`after ${name}: must stand a JSON object and ]`);
    this.#at = end + 1;
    return { name, context: parseContext(this.#text.slice(start, end), this.#text) };
  }

  #time(): number {
    const end = this.#text.indexOf("]", this.#at);
    const text = this.#text.slice(this.#at + 1, Math.max(end, this.#at));
    const time = isoTime.test(text) ? Date.parse(text) : Number.NaN;
    if (!(time > 0))
      throw this.#refuse("its expiration is not a time such as 2030-01-31T12:00:00Z");
    this.#at = end + 1;
    return time;
  }

  #refuse(reason: string): Error {
    return refuse(this.#text, reason);
  }
}

/** Of a relation, in either dialect. */
const isName = /^[^\s#:@]+$/;

/** RFC 3339; what is finer than a millisecond is cut. */
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

function printTime(at: number): string {
  return new Date(at).toISOString().replace(".000Z", "Z");
}

/** Where the JSON object that begins at `start` has ended; the end of the text when it does not. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  let isString = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (isString) {
      if (char === "\\") at++;
      else if (char === '"') isString = false;
      continue;
    }
    if (char === '"') isString = true;
    else if (char === "{") depth++;
    else if (char === "}") depth--;
    if (depth === 0) return char === "}" ? at + 1 : text.length;
  }
  return text.length;
}

/** A JSON object as it stands in `of`, which is named when it is none. */
export function parseContext(json: string, of: string): CaveatContext {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw refuse(of, `its context is not JSON: ${reasonOf(error)}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as CaveatContext; // JSON, and an object
  }
  throw refuse(of, "its context is not a JSON object");
}

/** As much of a text as an error shows. */
const longestShown = 200;

function refuse(given: unknown, reason: string): Error {
  return fail("invalid-relationship", { what: shown(given), reason });
}

function refuseObject(given: unknown, reason: string): Error {
  return fail("invalid-object", { what: shown(given), reason });
}

function shown(given: unknown): string {
  if (typeof given !== "string") return "What was given";
  const start = given.length > longestShown ? `${given.slice(0, longestShown)}…` : given;
  return JSON.stringify(start.toWellFormed());
}
