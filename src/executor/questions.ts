/** What handlers say about relationships, checked and made into what others understand. */
import type { AuthzChange, Precondition } from "../model/authz.ts";
import { PermissionDenied } from "../model/denial.ts";
import { fail } from "../model/errors.ts";
import { checkId } from "../model/ids.ts";
import type { Limits } from "../model/limits.ts";
import {
  formatObject,
  formatRelationship,
  formatSubject,
  type ObjectRef,
  type Relationship,
  type RelationshipUpdate,
  type SubjectRef,
} from "../model/relationship.ts";
import type { CheckOptions, Decision, Relate } from "../sdk/context.ts";
import type { Decided, HandlerQuestion } from "./relations.ts";

/** Whose words they are. */
export interface Speaker {
  /** The handler, for refusals. */
  readonly target: string;
  readonly limits: Limits;
  /** Tenant where none is named. */
  readonly tenant: string;
  readonly subject: () => SubjectRef | undefined;
}

/** Longer names than this are told apart by their length alone. */
const nameMax = 512;

export function readQuestion(
  speaker: Speaker,
  permission: string,
  resource: ObjectRef,
  options: CheckOptions = {},
): { readonly name: string; readonly question: HandlerQuestion } {
  const what = `The check of ${speaker.target}`;
  if (typeof permission !== "string") {
    throw fail("invalid-argument", { what, reason: "the permission is not a name" });
  }
  checkObject(what, options, "options");
  const subject = options.subject ?? speaker.subject();
  if (subject === undefined) throw fail("caller-missing", { target: what });
  const of = copyObject(what, resource, "resource");
  const by = copySubject(what, subject);
  const tenant = readTenant(options.tenant, speaker);
  if (options.context !== undefined) checkObject(what, options.context, "context");
  const { context, contextual } = copy<CheckOptions>(options, what, speaker);
  if (contextual !== undefined) checkList(what, "contextual", contextual);
  return {
    name: nameOf(tenant, `${formatObject(of)}#${permission}@${formatSubject(by)}`),
    question: {
      tenant,
      request: {
        permission,
        resource: of,
        subject: by,
        ...(context === undefined ? {} : { context }),
        ...(contextual === undefined ? {} : { contextual }),
      },
    },
  };
}

export function readRelate(
  speaker: Speaker,
  given: Relate,
): { readonly name: string; readonly change: AuthzChange & { readonly kind: "write" } } {
  const what = `The relationships of ${speaker.target}`;
  checkObject(what, given, "change");
  const tenant = readTenant(given.tenant, speaker);
  if (given.metadata !== undefined) checkObject(what, given.metadata, "metadata");
  const { preconditions, metadata, ...lists } = copy<Relate>(given, what, speaker);
  const updates: RelationshipUpdate[] = [];
  for (const operation of ["create", "touch", "delete"] as const) {
    const relationships = lists[operation] ?? [];
    checkList(what, operation, relationships);
    for (const relationship of relationships) updates.push({ operation, relationship });
  }
  const [first] = updates;
  if (first === undefined) throw fail("invalid-argument", { what, reason: "there are none" });
  checkPreconditions(what, preconditions);
  const more = updates.length > 1 ? ` and ${updates.length - 1} more` : "";
  return {
    name: nameOf(tenant, `${first.operation} ${formatRelationship(first.relationship)}${more}`),
    change: {
      kind: "write",
      tenant,
      request: {
        updates,
        ...(preconditions === undefined ? {} : { preconditions }),
        ...(metadata === undefined ? {} : { metadata }),
      },
    },
  };
}

/** A decision in the words of the SDK. */
export function decisionOf({ verdict, missing, zookie }: Decided): Decision {
  return { verdict, missing, zookie };
}

/** The decision, or `permission-denied`. */
export function requireYes(decided: Decided, { request }: HandlerQuestion): Decision {
  if (decided.verdict === "yes") return decisionOf(decided);
  const { subject, permission, resource } = request;
  throw new PermissionDenied({
    subject: formatSubject(subject),
    permission,
    resource: formatObject(resource),
  });
}

function readTenant(tenant: string | undefined, speaker: Speaker): string {
  if (tenant === undefined) return speaker.tenant;
  checkId("The tenant", tenant, speaker.limits.idLength);
  return tenant;
}

/** As plain data: what the code does with its objects afterwards changes nothing. */
function copy<T>(given: T, what: string, { limits }: Speaker): T {
  let text: string;
  try {
    text = JSON.stringify(given);
  } catch (error) {
    throw fail("not-serialisable", { what, reason: String(error) }, error);
  }
  const size = Buffer.byteLength(text);
  if (size > limits.payload) throw fail("too-large", { what, size, max: limits.payload });
  return JSON.parse(text) as T; // as just written; plain data by its type
}

function nameOf(tenant: string, text: string): string {
  const name = `${tenant} ${text}`;
  return name.length > nameMax ? `${name.slice(0, nameMax)}… (${name.length})` : name;
}

function copyObject(what: string, object: ObjectRef, part: string): ObjectRef {
  checkText(what, object, { part, names: ["type", "id"] });
  return { type: object.type, id: object.id };
}

function copySubject(what: string, subject: SubjectRef): SubjectRef {
  const object = copyObject(what, subject, "subject");
  const { relation } = subject;
  if (relation === undefined) return object;
  checkText(what, subject, { part: "subject", names: ["relation"] });
  return { ...object, relation };
}

function checkList(what: string, part: string, relationships: readonly Relationship[]): void {
  if (!Array.isArray(relationships)) {
    throw fail("invalid-argument", { what, reason: `${part} is not a list` });
  }
  for (const relationship of relationships) checkRelationship(what, relationship);
}

function checkRelationship(what: string, relationship: Relationship): void {
  checkText(what, relationship, { part: "relationship", names: ["relation"] });
  checkText(what, relationship.resource, { part: "resource", names: ["type", "id"] });
  copySubject(what, relationship.subject);
  const { caveat, expiresAt } = relationship;
  if (caveat !== undefined) {
    checkText(what, caveat, { part: "caveat", names: ["name"] });
    if (caveat.context !== undefined) checkObject(what, caveat.context, "context of a caveat");
  }
  if (expiresAt === undefined || Number.isFinite(expiresAt)) return;
  throw fail("invalid-argument", { what, reason: "expiresAt is not a time" });
}

function checkPreconditions(what: string, preconditions: Relate["preconditions"]): void {
  if (preconditions === undefined) return;
  if (!Array.isArray(preconditions)) {
    throw fail("invalid-argument", { what, reason: "the preconditions are not a list" });
  }
  for (const precondition of preconditions) {
    checkObject(what, precondition, "precondition");
    const { must, filter } = precondition as Precondition; // an object; the rest is looked at here
    checkObject(what, filter, "filter");
    if (must === "match" || must === "not-match") {
      for (const [name, value] of Object.entries(filter)) {
        if (typeof value === "string" || (value === null && name === "subjectRelation")) continue;
        throw fail("invalid-argument", { what, reason: `the ${name} of a filter is not a text` });
      }
      continue;
    }
    const reason = "what a precondition must is neither match nor not-match";
    throw fail("invalid-argument", { what, reason });
  }
}

function checkObject(what: string, value: unknown, part: string): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw fail("invalid-argument", { what, reason: `the ${part} is not an object` });
}

/** Whether they are texts is checked here; whether they mean anything is for the schema to say. */
function checkText(
  what: string,
  object: unknown,
  { part, names }: { readonly part: string; readonly names: readonly string[] },
): void {
  const given = new Map<string, unknown>(
    typeof object === "object" && object !== null ? Object.entries(object) : [],
  );
  for (const name of names) {
    if (typeof given.get(name) === "string") continue;
    throw fail("invalid-argument", { what, reason: `the ${name} of a ${part} is not a text` });
  }
}
