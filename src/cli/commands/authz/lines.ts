/** Relationships as lines of a file, in either of two forms. */
import { printRelationship } from "../../../authz/relationship-text.ts";
import type { Relationship } from "../../../model/relationship.ts";

/** The text, or JSON for the few that no text can carry. */
export function lineOf(relationship: Relationship): string {
  const { subject } = relationship;
  const isPlain = !`${subject.id}${subject.relation ?? ""}`.includes("[");
  return isPlain ? printRelationship(relationship) : JSON.stringify(relationship);
}
