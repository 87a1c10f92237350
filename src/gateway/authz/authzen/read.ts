import type { CheckItem } from "../../../model/authz.ts";
import type { CaveatContext, ObjectRef } from "../../../model/relationship.ts";
import { type Fields, readObjectOf, readTextOf, refuse } from "../read.ts";

/**
 * The information model of AuthZEN 1.0 (§5). Fields that it does not know are passed over; those it
 * requires are required.
 */
export interface Entity extends ObjectRef {
  readonly properties: Fields;
}

export interface Action {
  readonly name: string;
  readonly properties: Fields;
}

/** One evaluation as a question for the port. */
export type Question = CheckItem & { readonly context: CaveatContext };

export function readEntity(value: unknown, what: string): Entity {
  const fields = readRequired(value, what);
  return {
    type: readTextOf(fields["type"], `${what}.type`),
    id: readTextOf(fields["id"], `${what}.id`),
    properties: readProperties(fields, what),
  };
}

/** An entity that is searched for: an id is passed over. */
export function readWanted(value: unknown, what: string): Entity {
  const fields = readRequired(value, what);
  const type = readTextOf(fields["type"], `${what}.type`);
  return { type, id: "", properties: readProperties(fields, what) };
}

export function readAction(value: unknown): Action {
  const fields = readRequired(value, "action");
  return {
    name: readTextOf(fields["name"], "action.name"),
    properties: readProperties(fields, "action"),
  };
}

export function readAuthzenContext(value: unknown): Fields {
  return value === undefined || value === null ? {} : readObjectOf(value, "context");
}

/**
 * What caveats see of a request. Each entity under its name, with its properties and its own fields
 * (`resource.ownerID`, `subject.id`, `action.name`), and `context` as it is. Besides, every key of
 * `context` and every property under its own name, so that a caveat may just say `ownerID`; where
 * several have one, `context` wins over the action, that over the resource, that over the subject.
 */
export function makeContext(given: {
  readonly subject: Entity;
  readonly resource: Entity;
  readonly action?: Action;
  readonly context: Fields;
}): CaveatContext {
  const { subject, resource, action, context } = given;
  return {
    ...subject.properties,
    ...resource.properties,
    ...action?.properties,
    ...context,
    subject: describe(subject),
    resource: describe(resource),
    ...(action === undefined ? {} : { action: { ...action.properties, name: action.name } }),
    context,
  };
}

/** What is searched for has no id yet. */
function describe({ type, id, properties }: Entity): Fields {
  return id === "" ? { ...properties, type } : { ...properties, type, id };
}

export function readEvaluation(fields: Fields): Question {
  const subject = readEntity(fields["subject"], "subject");
  const resource = readEntity(fields["resource"], "resource");
  const action = readAction(fields["action"]);
  const context = readAuthzenContext(fields["context"]);
  return {
    resource: { type: resource.type, id: resource.id },
    permission: action.name,
    subject: { type: subject.type, id: subject.id },
    context: makeContext({ subject, resource, action, context }),
  };
}

function readRequired(value: unknown, what: string): Fields {
  if (value === undefined || value === null) throw refuse(what, "it is missing");
  return readObjectOf(value, what);
}

function readProperties({ properties }: Fields, what: string): Fields {
  if (properties === undefined || properties === null) return {};
  return readObjectOf(properties, `${what}.properties`);
}
