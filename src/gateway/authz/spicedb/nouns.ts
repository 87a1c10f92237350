import { createHash } from "node:crypto";
import type { Consistency, Verdict } from "../../../model/authz.ts";
import { fail } from "../../../model/errors.ts";
import {
  type ObjectRef,
  type Relationship,
  type RelationshipFilter,
  type SubjectRef,
  wildcardId,
} from "../../../model/relationship.ts";
import { type Message, printTime } from "../proto.ts";
import { SpiceReason } from "./reasons.ts";

/** The messages of authzed.api.v1 that others are made of, in both directions. */

export function refuseValue(what: string, reason: string): Error {
  return fail("invalid-argument", { what, reason });
}

/** Everybody is nobody who could be asked about. */
export function refuseWildcard({ id }: SubjectRef, field: string): void {
  if (id === wildcardId) throw wildcardRefusal(field);
}

export function wildcardRefusal(field: string): Error {
  const details = { what: field, reason: "a wildcard cannot be asked about" };
  return fail("invalid-argument", details, new SpiceReason("WILDCARD_NOT_ALLOWED", { field }));
}

/** A message that has to be there. */
export function required(message: Message, name: string, type: string): Message {
  const found = message.message(name, type);
  if (found !== undefined) return found;
  throw refuseValue(`${message.type}.${name}`, "value is required");
}

export function requiredText(message: Message, name: string): string {
  const text = message.text(name);
  if (text === "") throw refuseValue(`${message.type}.${name}`, "value is required");
  return text;
}

export function readObject(message: Message): ObjectRef {
  return { type: requiredText(message, "objectType"), id: requiredText(message, "objectId") };
}

export function readSubject(message: Message): SubjectRef {
  const object = readObject(required(message, "object", "ObjectReference"));
  const relation = message.text("optionalRelation");
  // `...` is how SpiceDB writes that there is none.
  return relation === "" || relation === "..." ? object : { ...object, relation };
}

export function readRelationship(message: Message): Relationship {
  const relationship: { -readonly [K in keyof Relationship]: Relationship[K] } = {
    resource: readObject(required(message, "resource", "ObjectReference")),
    relation: requiredText(message, "relation"),
    subject: readSubject(required(message, "subject", "SubjectReference")),
  };
  const caveat = message.message("optionalCaveat", "ContextualizedCaveat");
  if (caveat !== undefined) {
    // Without its name it would hold for everybody, which is hardly what was meant.
    const name = requiredText(caveat, "caveatName");
    const context = caveat.struct("context");
    const isEmpty = context === undefined || Object.keys(context).length === 0;
    relationship.caveat = isEmpty ? { name } : { name, context };
  }
  const expiresAt = message.time("optionalExpiresAt");
  if (expiresAt !== undefined) relationship.expiresAt = expiresAt;
  return relationship;
}

export function readFilter(message: Message): RelationshipFilter | undefined {
  const filter: { -readonly [K in keyof RelationshipFilter]: RelationshipFilter[K] } = {};
  const set = (
    name: "resourceType" | "resourceId" | "resourceIdPrefix" | "relation",
    at: string,
  ) => {
    const text = message.text(at);
    if (text !== "") filter[name] = text;
  };
  set("resourceType", "resourceType");
  set("resourceId", "optionalResourceId");
  set("resourceIdPrefix", "optionalResourceIdPrefix");
  set("relation", "optionalRelation");
  const subject = message.message("optionalSubjectFilter", "SubjectFilter");
  if (subject !== undefined) {
    filter.subjectType = requiredText(subject, "subjectType");
    const id = subject.text("optionalSubjectId");
    if (id !== "") filter.subjectId = id;
    const relation = subject.message("optionalRelation", "RelationFilter");
    if (relation !== undefined) {
      const name = relation.text("relation");
      filter.subjectRelation = name === "" || name === "..." ? null : name;
    }
  }
  return Object.keys(filter).length === 0 ? undefined : filter;
}

/** A filter that must filter something. */
export function requireFilter(message: Message): RelationshipFilter {
  const filter = readFilter(message);
  if (filter !== undefined) return filter;
  throw fail("invalid-filter", { reason: "at least one field must be specified" });
}

export function readConsistency(body: Message): Consistency {
  const message = body.message("consistency", "Consistency");
  if (message === undefined) return { kind: "minimize-latency" };
  const given = requirements.filter((name) => message.has(name));
  const [name] = given;
  if (name === undefined || given.length > 1) {
    throw refuseValue("Consistency.requirement", "exactly one field is required");
  }
  switch (name) {
    case "atLeastAsFresh":
      return { kind: "at-least-as-fresh", zookie: readToken(message, name, "ZedToken") ?? "" };
    case "atExactSnapshot":
      return { kind: "exact-snapshot", zookie: readToken(message, name, "ZedToken") ?? "" };
    default:
      if (!message.flag(name)) throw refuseValue(`Consistency.${name}`, "value must equal true");
      return { kind: name === "fullyConsistent" ? "fully-consistent" : "minimize-latency" };
  }
}

const requirements = [
  "minimizeLatency",
  "atLeastAsFresh",
  "atExactSnapshot",
  "fullyConsistent",
] as const;

/** Of a message that has nothing else. One that is there says something: empty it is refused. */
export function readToken(message: Message, name: string, type: string): string | undefined {
  const found = message.message(name, type);
  return found === undefined ? undefined : requiredText(found, "token");
}

export function printToken(token: string): { readonly token: string } {
  return { token };
}

export function printObject({ type, id }: ObjectRef): unknown {
  return { objectType: type, objectId: id };
}

export function printSubject(subject: SubjectRef): unknown {
  return { object: printObject(subject), optionalRelation: subject.relation ?? "" };
}

export function printRelationship(relationship: Relationship): unknown {
  const { resource, relation, subject, caveat, expiresAt } = relationship;
  return {
    resource: printObject(resource),
    relation,
    subject: printSubject(subject),
    optionalCaveat:
      caveat === undefined ? null : { caveatName: caveat.name, context: caveat.context ?? null },
    optionalExpiresAt: expiresAt === undefined ? null : printTime(expiresAt),
  };
}

export function printPermissionship(verdict: Verdict): string {
  switch (verdict) {
    case "yes":
      return "PERMISSIONSHIP_HAS_PERMISSION";
    case "no":
      return "PERMISSIONSHIP_NO_PERMISSION";
    case "conditional":
      return "PERMISSIONSHIP_CONDITIONAL_PERMISSION";
  }
}

export function printLookupPermissionship(verdict: "yes" | "conditional"): string {
  return verdict === "yes"
    ? "LOOKUP_PERMISSIONSHIP_HAS_PERMISSION"
    : "LOOKUP_PERMISSIONSHIP_CONDITIONAL_PERMISSION";
}

export function printPartial(missing: readonly string[]): unknown {
  return missing.length === 0 ? null : { missingRequiredContext: missing };
}

/**
 * SpiceDB gives a cursor with each result, the port one with each page: so a cursor says where its
 * page began, and what was given of it last. Counting would not do, since what expires meanwhile is
 * missing from the page when it is read again.
 */
export interface SpiceCursor {
  /** The port's own; absent on the first page. */
  readonly after?: string;
  /** The revision that is read: for the first page, where the port's cursor cannot say it. */
  readonly zookie: string;
  /** How many results of the page had been given, and the key of the last. */
  readonly given: number;
  readonly last: string;
}

/** What a request asks, in short: its cursors are for nothing else. */
export function digestOf({ type, fields }: Message): string {
  const asked = Object.entries(fields).filter(([name]) => !pageFields.has(name));
  const text = JSON.stringify([type, sorted(Object.fromEntries(asked))]);
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}

const pageFields: ReadonlySet<string> = new Set(
  ["optionalCursor", "optionalLimit", "optionalConcreteLimit", "consistency"].flatMap((name) => [
    name,
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  ]),
);

/** The same whatever the order of its fields. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, part]) => [name, sorted(part)]);
}

/** @param digest of the request that it comes with. */
export function readCursor(body: Message, digest: string): SpiceCursor | undefined {
  const token = readToken(body, "optionalCursor", "Cursor");
  if (token === undefined) return undefined;
  const reason = "it is none that was given to this request";
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (Array.isArray(value) && value[2] === digest) {
      const [given, zookie, , last, after] = value as unknown[];
      const isCount =
        typeof given === "number" && Number.isInteger(given) && given >= 0 && given <= 1_000_000;
      if (isCount && typeof zookie === "string" && typeof last === "string") {
        return { zookie, given, last, ...(typeof after === "string" ? { after } : {}) };
      }
    }
  } catch {
    // Refused below, as whatever else is none.
  }
  throw fail("invalid-cursor", { reason });
}

export function printCursor(
  { after, zookie, given, last }: SpiceCursor,
  digest: string,
): { readonly token: string } {
  const value = [given, zookie, digest, last, ...(after === undefined ? [] : [after])];
  return { token: Buffer.from(JSON.stringify(value), "utf8").toString("base64url") };
}
