/** Relationships and questions as SpiceDB's files write them. */
import assert from "node:assert/strict";
import type { CheckItem } from "../../src/model/authz.ts";
import type {
  CaveatContext,
  ObjectRef,
  Relationship,
  SubjectRef,
} from "../../src/model/relationship.ts";

const pattern = /^(?<resource>[^#]+)#(?<relation>[^@]+)@(?<subject>[^[\s]+)(?<traits>\[.*\])?$/;

/** `document:1#viewer@group:x#member[some_caveat:{"k":1}][expiration:2321-04-05T10:20:30Z]` */
export function parseRelationship(text: string): Relationship {
  const { resource, relation, subject, traits } = groupsOf(text, pattern);
  assert(resource !== undefined && relation !== undefined && subject !== undefined);
  return {
    resource: parseObject(resource),
    relation,
    subject: parseSubject(subject),
    ...parseTraits(traits ?? ""),
  };
}

/** One relationship a line; `//` begins a comment, also within YAML's folded lines. */
export function parseRelationships(text: string): Relationship[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("//"))
    .map(parseRelationship);
}

export interface Assertion extends CheckItem {
  readonly context: CaveatContext;
  readonly text: string;
}

/** `document:1#view@user:a with {"k": 2}` */
export function parseAssertion(text: string): Assertion {
  const { question, context } = groupsOf(text, /^(?<question>\S+)(?:\s+with\s+(?<context>.+))?$/s);
  const { resource, relation, subject } = parseRelationship(question ?? "");
  return {
    resource,
    permission: relation,
    subject,
    context: context === undefined ? {} : JSON.parse(context),
    text,
  };
}

export function parseObject(text: string): ObjectRef {
  const colon = text.indexOf(":");
  assert(colon > 0, `${text} is no object`);
  return { type: text.slice(0, colon), id: text.slice(colon + 1) };
}

export function parseSubject(text: string): SubjectRef {
  const [object, relation] = text.split("#", 2);
  assert(object !== undefined);
  // SpiceDB's three dots stand for the object itself.
  const isObject = relation === undefined || relation === "...";
  return { ...parseObject(object), ...(isObject ? {} : { relation }) };
}

function parseTraits(text: string): Pick<Relationship, "caveat" | "expiresAt"> {
  let traits: Pick<Relationship, "caveat" | "expiresAt"> = {};
  const each =
    /\[(?:expiration:(?<at>[^\]]+)|(?<name>[^:\]]+)(?::(?<context>\{.*?\}))?)\](?=\[|$)/g;
  for (const { groups } of text.matchAll(each)) {
    const { at, name, context } = groups ?? {};
    if (at !== undefined) traits = { ...traits, expiresAt: Date.parse(at) };
    if (name === undefined) continue;
    traits = {
      ...traits,
      caveat: { name, ...(context === undefined ? {} : { context: JSON.parse(context) }) },
    };
  }
  return traits;
}

function groupsOf(text: string, expression: RegExp): Record<string, string | undefined> {
  const groups = expression.exec(text)?.groups;
  assert(groups !== undefined, `${JSON.stringify(text)} is not of this form`);
  return groups;
}
