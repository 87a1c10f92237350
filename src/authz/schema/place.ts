/**
 * Whether a schema has a place for a relationship: its type, its relation, and a subject of just
 * this kind. What is needed for it is made once per schema; a relationship that has its place costs
 * a few look-ups and makes nothing.
 */
import { type ErrorDetails, fail } from "../../model/errors.ts";
import { formatSubject, type Relationship, wildcardId } from "../../model/relationship.ts";
import { nearest } from "../../std/suggest.ts";
import type { AllowedSubject, RelationDefinition, Schema } from "./schema.ts";
import { subjectText } from "./text.ts";

/** A row of the error table, and what fills it. */
export interface NoPlace {
  readonly code:
    | "unknown-type"
    | "unknown-relation"
    | "relation-not-writable"
    | "subject-not-allowed"
    | "unknown-caveat";
  readonly details: ErrorDetails;
}

/** What one relation takes, by the type of the subject. */
type Alternatives = ReadonlyMap<string, readonly AllowedSubject[]>;

const alternatives = new WeakMap<RelationDefinition, Alternatives>();

/** Null when it has a place. */
export function placeFor(schema: Schema, relationship: Relationship): NoPlace | null {
  const { resource, relation, subject, caveat } = relationship;
  const definition = schema.types.get(resource.type)?.relations.get(relation);
  // What is computed stores nothing, so it cannot have been meant.
  if (definition === undefined) return missing(schema, resource.type, relation, isWritable);
  const candidates = alternativesOf(definition).get(subject.type);
  const subjectRelation = subject.relation ?? null;
  const wildcard = subject.id === wildcardId;
  const caveatName = caveat?.name ?? null;
  const expires = relationship.expiresAt !== undefined;
  for (let index = 0; candidates !== undefined && index < candidates.length; index++) {
    const candidate = candidates[index];
    if (
      candidate !== undefined &&
      candidate.relation === subjectRelation &&
      candidate.wildcard === wildcard &&
      candidate.caveat === caveatName &&
      candidate.expiration === expires
    ) {
      return null;
    }
  }
  return whyNot(schema, { relationship, definition });
}

/** Throws what `placeFor` tells, as an error of the table. */
export function requirePlace(schema: Schema, relationship: Relationship): void {
  const problem = placeFor(schema, relationship);
  if (problem !== null) throw fail(problem.code, problem.details);
}

/**
 * Refuses what no relationship could ever be called, whatever else is wrong with it: so that who takes
 * away what is not there learns of a slip of the pen.
 */
export function requireNames(schema: Schema, { resource, relation, subject }: Relationship): void {
  const problem = placeFor(schema, { resource, relation, subject });
  if (problem === null || problem.code === "subject-not-allowed") return;
  throw fail(problem.code, problem.details);
}

/** The relation or permission; `unknown-type` and `unknown-relation` are thrown. */
export function requireRelation(
  schema: Schema,
  ref: { type: string; name: string },
): RelationDefinition {
  const found = schema.types.get(ref.type)?.relations.get(ref.name);
  if (found !== undefined) return found;
  const { code, details } = missing(schema, ref.type, ref.name);
  throw fail(code, details);
}

/** `unknown-type` where there is none. */
export function requireType(schema: Schema, type: string): void {
  if (schema.types.has(type)) return;
  const { code, details } = missing(schema, type, "");
  throw fail(code, details);
}

function alternativesOf(definition: RelationDefinition): Alternatives {
  let made = alternatives.get(definition);
  if (made === undefined) {
    made = Map.groupBy(definition.allowed, ({ type }) => type);
    alternatives.set(definition, made);
  }
  return made;
}

function whyNot(
  schema: Schema,
  { relationship, definition }: { relationship: Relationship; definition: RelationDefinition },
): NoPlace {
  const { resource, relation, subject, caveat, expiresAt } = relationship;
  if (definition.allowed.length === 0) {
    const relations = [...(schema.types.get(resource.type)?.relations.values() ?? [])];
    const names = relations.filter(isWritable).map(({ name }) => name);
    const suggestion = suggest(relation, names);
    return {
      code: "relation-not-writable",
      details: { type: resource.type, relation, suggestion },
    };
  }
  if (!schema.types.has(subject.type)) return missing(schema, subject.type, "");
  if (
    subject.relation !== undefined &&
    schema.types.get(subject.type)?.relations.has(subject.relation) !== true
  ) {
    return missing(schema, subject.type, subject.relation);
  }
  if (caveat !== undefined && !schema.caveats.has(caveat.name)) {
    const suggestion = suggest(caveat.name, [...schema.caveats.keys()]);
    return { code: "unknown-caveat", details: { caveat: caveat.name, suggestion } };
  }
  const traits = [
    ...(caveat === undefined ? [] : [caveat.name]),
    ...(expiresAt === undefined ? [] : ["expiration"]),
  ];
  const what = formatSubject(subject);
  return {
    code: "subject-not-allowed",
    details: {
      relation: `${resource.type}#${relation}`,
      subject: traits.length === 0 ? what : `${what} with ${traits.join(" and ")}`,
      allowed: listed(definition.allowed),
    },
  };
}

function isWritable({ allowed }: RelationDefinition): boolean {
  return allowed.length > 0;
}

/** @param couldBe which of its relations and permissions can have been meant. */
function missing(
  schema: Schema,
  type: string,
  relation: string,
  couldBe: (definition: RelationDefinition) => boolean = () => true,
): NoPlace {
  const found = schema.types.get(type);
  if (found === undefined) {
    return {
      code: "unknown-type",
      details: { type, suggestion: suggest(type, [...schema.types.keys()]) },
    };
  }
  const names = [...found.relations.values()].filter(couldBe).map(({ name }) => name);
  const suggestion = suggest(relation, names);
  return { code: "unknown-relation", details: { type, relation, suggestion } };
}

/** How many names are listed where none is near. */
const mostNames = 10;

function suggest(name: string, candidates: readonly string[]): string {
  const near = nearest(name, candidates);
  if (near !== undefined) return `did you mean "${near}"?`;
  if (candidates.length === 0) return "there is none.";
  const more = candidates.length > mostNames ? `, and ${candidates.length - mostNames} more` : "";
  const names = candidates.slice(0, mostNames).join(", ");
  return `there ${candidates.length === 1 ? "is" : "are"} ${names}${more}.`;
}

function listed(allowed: readonly AllowedSubject[]): string {
  const shown = allowed.slice(0, 10).map(subjectText);
  return shown.length < allowed.length ? `${shown.join(" | ")} | …` : shown.join(" | ");
}
