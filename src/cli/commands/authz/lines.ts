/** Relationships as lines of a file, in either of two forms. */
import { isBlank, parseRelationship, printRelationship } from "../../../authz/relationship-text.ts";
import { fail, reasonOf } from "../../../model/errors.ts";
import type { Relationship } from "../../../model/relationship.ts";

/** The text, or JSON for the few that no text can carry. */
export function lineOf(relationship: Relationship): string {
  const { subject } = relationship;
  const isPlain = !`${subject.id}${subject.relation ?? ""}`.includes("[");
  return isPlain ? printRelationship(relationship) : JSON.stringify(relationship);
}

/** Undefined for a line that says nothing. `what` names it when it cannot be read. */
export function parseLine(line: string, what: string): Relationship | undefined {
  if (isBlank(line)) return undefined;
  if (!line.trimStart().startsWith("{")) return parseRelationship(line);
  try {
    return JSON.parse(line) as Relationship; // checked by the port, as all that it is given
  } catch (error) {
    throw fail("invalid-json", { what, reason: reasonOf(error) }, error);
  }
}
