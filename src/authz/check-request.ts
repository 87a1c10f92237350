import type {
  CheckItem,
  DeleteRelationships,
  ExpandRequest,
  LookupResources,
  LookupSubjects,
  PermissionsRequest,
  Question,
  WriteRelationships,
  WriteSchema,
} from "../model/authz.ts";
import { fail } from "../model/errors.ts";
import type {
  ObjectRef,
  Relationship,
  RelationshipFilter,
  SubjectRef,
} from "../model/relationship.ts";
import { checkFilter } from "./write/filter.ts";

/*
 * What programs in this process hand over is typed, and not always what its types say. It is looked at
 * here, before it reaches the loop: what gets further is of the right shape, and what it says is
 * checked there.
 */

export function checkWrite(request: WriteRelationships): void {
  expectObject("The write", request);
  const { updates, preconditions, metadata, onExisting, onMissing, schema } = request;
  expectList("updates", updates);
  for (const update of updates) {
    expectObject("An update", update);
    expectOneOf("operation", update.operation, ["create", "touch", "delete"]);
    checkRelationshipShape(update.relationship);
  }
  checkPreconditions(preconditions);
  if (metadata !== undefined) expectObject("metadata", metadata);
  expectOneOf("onExisting", onExisting, ["refuse", "ignore", undefined]);
  expectOneOf("onMissing", onMissing, ["refuse", "ignore", undefined]);
  if (schema !== undefined) expectText("schema", schema);
}

export function checkDelete(request: DeleteRelationships): void {
  expectObject("The delete", request);
  checkFilterShape(request.filter);
  checkPreconditions(request.preconditions);
  if (request.metadata !== undefined) expectObject("metadata", request.metadata);
}

export function checkFilterShape(filter: RelationshipFilter): void {
  expectObject("filter", filter);
  checkFilter(filter);
}

function checkPreconditions(preconditions: WriteRelationships["preconditions"]): void {
  if (preconditions === undefined) return;
  expectList("preconditions", preconditions);
  for (const precondition of preconditions) {
    expectObject("A precondition", precondition);
    expectOneOf("must", precondition.must, ["match", "not-match"]);
    checkFilterShape(precondition.filter);
  }
}

/** `invalid-relationship`, whatever is missing of it. */
export function checkRelationshipShape(relationship: Relationship): void {
  const what = "An update";
  if (!isObject(relationship)) throw refuse(what, "there is none");
  const { resource, relation, subject, caveat } = relationship;
  checkRef("resource", resource, refuse);
  if (typeof relation !== "string") throw refuse(what, "its relation is not text");
  checkRef("subject", subject, refuse);
  if (caveat === undefined) return;
  if (!isObject(caveat) || typeof caveat.name !== "string") {
    throw refuse(what, "its caveat has no name");
  }
  if (caveat.context !== undefined && !isObject(caveat.context)) {
    throw refuse(what, "the context of its caveat is not an object");
  }
}

function refuse(what: string, reason: string): Error {
  return fail("invalid-relationship", { what, reason });
}

function checkRef(
  name: string,
  ref: ObjectRef | SubjectRef,
  say: (what: string, reason: string) => Error,
): void {
  if (!isObject(ref)) throw say(`The ${name}`, "it is missing");
  if (typeof ref.type !== "string") throw say(`The ${name}`, "its type is not text");
  if (typeof ref.id !== "string") throw say(`The ${name}`, "its id is not text");
  const relation = "relation" in ref ? ref.relation : undefined;
  if (relation !== undefined && typeof relation !== "string") {
    throw say(`The ${name}`, "its relation is not text");
  }
}

export function checkObjectShape(object: ObjectRef): void {
  checkRef("object", object, argument);
}

/** What all questions have. */
export function checkQuestion(question: Question): void {
  expectObject("The question", question);
  const { context, contextual, consistency, schema } = question;
  if (context !== undefined) expectObject("context", context);
  if (contextual !== undefined) {
    expectList("contextual", contextual);
    for (const relationship of contextual) checkRelationshipShape(relationship);
  }
  if (consistency !== undefined) expectObject("consistency", consistency);
  if (schema !== undefined) expectText("schema", schema);
}

export function checkItemShape(item: CheckItem): void {
  expectObject("The question", item);
  checkRef("resource", item.resource, argument);
  expectText("permission", item.permission);
  checkRef("subject", item.subject, argument);
}

export function checkExpand({ resource, permission }: ExpandRequest): void {
  checkRef("resource", resource, argument);
  expectText("permission", permission);
}

export function checkLookupResources(request: LookupResources): void {
  expectText("resourceType", request.resourceType);
  expectText("permission", request.permission);
  checkRef("subject", request.subject, argument);
}

export function checkLookupSubjects(request: LookupSubjects): void {
  checkRef("resource", request.resource, argument);
  expectText("permission", request.permission);
  expectText("subjectType", request.subjectType);
  if (request.subjectRelation !== undefined) expectText("subjectRelation", request.subjectRelation);
}

export function checkPermissions({ resource, subject }: PermissionsRequest): void {
  checkRef("resource", resource, argument);
  checkRef("subject", subject, argument);
}

export function checkSchemaRequest(request: WriteSchema): void {
  expectObject("The schema", request);
  expectOneOf("dialect", request.dialect, ["native", "openfga"]);
  expectText("text", request.text);
  expectOneOf("orphans", request.orphans, ["refuse", "keep", undefined]);
}

export function expectText(what: string, value: unknown): asserts value is string {
  if (typeof value !== "string") throw argument(what, "it is not text");
}

function expectObject(what: string, value: unknown): asserts value is object {
  if (!isObject(value)) throw argument(what, "it is not an object");
}

function expectList(what: string, value: unknown): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) throw argument(what, "it is not a list");
}

function expectOneOf(what: string, value: unknown, known: readonly unknown[]): void {
  if (known.includes(value)) return;
  const names = known.filter((one) => one !== undefined).join(", ");
  throw argument(what, `it is none of ${names}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function argument(what: string, reason: string): Error {
  return fail("invalid-argument", { what, reason });
}
