import {
  parseCheckItem,
  parseObject,
  parseRelationship,
  parseSubject,
} from "./relationship-text.ts";

/*
 * Over HTTP an object, a subject, a relationship or a question may be the text that people write
 * (`document:1#viewer@user:ada`). What goes there must do so in the process: a program may be moved
 * from one to the other. The types know the parts only, and so does all that is behind this.
 */

/** What of a request may be text, as far as is known of it. */
interface Texts {
  readonly resource?: unknown;
  readonly subject?: unknown;
  readonly relationship?: unknown;
  readonly contextual?: unknown;
  readonly updates?: unknown;
  readonly items?: unknown;
}

/** The same request with the texts in it read: `invalid-relationship`. Most have none. */
export function fromText<T>(request: T): T {
  if (!mayHaveText(request)) return request;
  const { resource, subject, relationship, contextual, updates, items } = request;
  return {
    ...request,
    ...(typeof resource === "string" ? { resource: parseObject(resource) } : {}),
    ...(typeof subject === "string" ? { subject: parseSubject(subject) } : {}),
    ...(typeof relationship === "string" ? { relationship: parseRelationship(relationship) } : {}),
    ...(Array.isArray(contextual) ? { contextual: contextual.map(textOr(parseRelationship)) } : {}),
    ...(Array.isArray(updates) ? { updates: updates.map(fromText) } : {}),
    ...(Array.isArray(items) ? { items: items.map(textOr(parseCheckItem)).map(fromText) } : {}),
  };
}

function textOr(parse: (text: string) => object): (value: unknown) => unknown {
  return (value) => (typeof value === "string" ? parse(value) : value);
}

function mayHaveText<T>(request: T): request is T & Texts {
  if (typeof request !== "object" || request === null) return false;
  const { resource, subject, relationship, contextual, updates, items }: Texts = request;
  return (
    typeof resource === "string" ||
    typeof subject === "string" ||
    typeof relationship === "string" ||
    hasText(contextual) ||
    hasText(updates) ||
    hasText(items)
  );
}

function hasText(list: unknown): boolean {
  return Array.isArray(list) && list.some((item) => typeof item === "string" || mayHaveText(item));
}
