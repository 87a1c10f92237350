import type { Consistency } from "../../../model/authz.ts";
import type { HoldfastError } from "../../../model/errors.ts";
import type { ObjectRef, Relationship, SubjectRef } from "../../../model/relationship.ts";
import type { Message } from "../proto.ts";
import { FgaRefusal, invalid, toFga } from "./errors.ts";

/** A tuple as it stands in a request. */
export interface TupleKey {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
  readonly condition?: {
    readonly name: string;
    readonly context?: Readonly<Record<string, unknown>>;
  };
}

export const consistencies: readonly ["UNSPECIFIED", "MINIMIZE_LATENCY", "HIGHER_CONSISTENCY"] = [
  "UNSPECIFIED",
  "MINIMIZE_LATENCY",
  "HIGHER_CONSISTENCY",
];

export function readFgaConsistency(body: Message): Consistency {
  const preference = body.choice("consistency", consistencies);
  return { kind: preference === "HIGHER_CONSISTENCY" ? "fully-consistent" : "minimize-latency" };
}

/** Reads the fields, and refuses what the rules of the message type refuse. */
export function readTupleKey(message: Message): TupleKey {
  const user = matching(message, "user", patterns.user);
  const relation = matching(message, "relation", patterns.relation);
  const object = matching(message, "object", patterns.object);
  const condition = message.message("condition", "RelationshipCondition");
  if (condition === undefined) return { user, relation, object };
  const name = matching(condition, "name", patterns.conditionName);
  const context = condition.struct("context");
  const use = context === undefined ? { name } : { name, context };
  return { user, relation, object, condition: use };
}

export function matching(message: Message, name: string, pattern: string): string {
  const text = message.text(name);
  if (regexOf(pattern).test(text)) return text;
  throw invalid(
    `invalid ${message.type}.${toField(name)}: value does not match regex pattern "${pattern.replaceAll("\\", "\\\\")}"`,
  );
}

/** As its server has them. */
export const patterns = {
  user: "^[^\\s]{2,512}$",
  relation: "^[^:#@\\s]{1,50}$",
  object: "^[^\\s]{2,256}$",
  type: "^[^:#@\\s]{1,254}$",
  conditionName: "^[^\\s]{2,256}$",
  correlationId: "^[\\w\\d-]{1,36}$",
  storeName: "^[a-zA-Z0-9\\s\\.\\-\\/^_&@]{3,64}$",
  id: "^[ABCDEFGHJKMNPQRSTVWXYZ0-9]{26}$",
  token: "^$|^[A-Za-z0-9-_]+={0,2}$",
} as const;

const regexes = new Map<string, RegExp>();

function regexOf(pattern: string): RegExp {
  let known = regexes.get(pattern);
  if (known === undefined) {
    known = new RegExp(pattern, "u");
    regexes.set(pattern, known);
  }
  return known;
}

/** `tuple_key` is `TupleKey` in its messages. */
function toField(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** An object of a question. */
export function readFgaObject(text: string): ObjectRef {
  const object = splitObject(text);
  if (object === undefined) throw invalid("invalid 'object' field format");
  if (object.id === "*") throw invalid("the 'object' field cannot reference a typed wildcard");
  return object;
}

/** A user of a question: an object, a userset, or everybody of a type. */
export function readFgaUser(text: string): SubjectRef {
  const hash = text.indexOf("#");
  const object = splitObject(hash < 0 ? text : text.slice(0, hash));
  const relation = hash < 0 ? undefined : text.slice(hash + 1);
  const isUserset = relation !== undefined && relation !== "" && !/[#: *]/.test(relation);
  if (object !== undefined && relation === undefined) return object;
  if (object !== undefined && isUserset && object.id !== "*") return { ...object, relation };
  // Without a type it is a user of schema 1.0, which has its own words.
  if (hash < 0 && !text.includes(":")) {
    throw invalid(
      "the 'user' field must be an object (e.g. document:1) or an 'object#relation' or a typed wildcard (e.g. group:*)",
    );
  }
  throw invalid("the 'user' field is malformed");
}

export function splitObject(text: string): ObjectRef | undefined {
  const colon = text.indexOf(":");
  const isWhole = colon > 0 && colon < text.length - 1 && text.indexOf(":", colon + 1) < 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: just these may not be in an id
  if (!isWhole || /[\x00-\x1f\x7f-\x9f# ]/.test(text)) return undefined;
  return { type: text.slice(0, colon), id: text.slice(colon + 1) };
}

/** A tuple to be written, or one that holds for a question. */
export function toRelationship(key: TupleKey): Relationship {
  try {
    const relationship = {
      resource: readFgaObject(key.object),
      relation: key.relation,
      subject: readFgaUser(key.user),
    };
    return key.condition === undefined ? relationship : { ...relationship, caveat: key.condition };
  } catch (error) {
    throw error instanceof FgaRefusal ? new InvalidTuple(key, error.message) : error;
  }
}

/** A tuple that cannot be; what code that has depends on where it stands. */
export class InvalidTuple extends FgaRefusal {
  readonly reason: string;

  constructor(key: TupleKey, reason: string) {
    super("validation_error", `Invalid tuple '${printKey(key)}'. Reason: ${reason}`);
    this.reason = reason;
  }
}

export function printKey({ object, relation, user }: TupleKey): string {
  return `${object}#${relation}@${user}`;
}

/** Why the port refuses a tuple, in the words of OpenFGA; `undefined` if it is about something else. */
export function reasonOfTuple(error: HoldfastError, key: TupleKey): string | undefined {
  const [userType = "", ...rest] = key.user.split(":");
  const userRelation = rest.join(":").split("#")[1];
  const [type = ""] = key.object.split(":");
  const place = `${type}#${key.relation}`;
  switch (error.code) {
    case "unknown-type":
    case "unknown-relation":
      return toFga(error).message;
    case "subject-not-allowed":
      if (error.details["caveat"] !== undefined) return "invalid condition for type restriction";
      if (userRelation !== undefined) {
        return `'${userType}#${userRelation}' is not an allowed type restriction for '${place}'`;
      }
      return key.user.endsWith(":*")
        ? `the typed wildcard '${key.user}' is not an allowed type restriction for '${place}'`
        : `type '${userType}' is not an allowed type restriction for '${place}'`;
    case "relation-not-writable":
      return `type '${userType}' is not an allowed type restriction for '${place}'`;
    case "unknown-caveat":
      return "undefined condition";
    case "caveat-context":
    case "invalid-relationship":
      return String(error.details["reason"] ?? error.message);
    default:
      return undefined;
  }
}

/** Tuples that hold for one question alone. */
export function readContextual(tuples: readonly Message[]): TupleKey[] {
  return tuples.map(readTupleKey);
}

export function printUser(subject: SubjectRef): string {
  const object = `${subject.type}:${subject.id}`;
  return subject.relation === undefined ? object : `${object}#${subject.relation}`;
}

/** A stored relationship as a tuple. */
export function toTupleKey({ resource, relation, subject, caveat }: Relationship): TupleKey {
  const key = {
    user: printUser(subject),
    relation,
    object: `${resource.type}:${resource.id}`,
  };
  if (caveat === undefined) return key;
  return { ...key, condition: { name: caveat.name, context: caveat.context ?? {} } };
}
