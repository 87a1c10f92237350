/** The lines of a `validation` block: `[user:* - {user:eve}] is <document:1#viewer>/<group:x#member>`. */
import { fail } from "../../model/errors.ts";
import { formatSubject } from "../../model/relationship.ts";
import { parseSubject } from "../relationship-text.ts";
import type { Member } from "./membership.ts";

export interface ExpectedMember {
  readonly subject: string;
  readonly conditional: boolean;
  /** Sorted, as are those of a member. */
  readonly excluded: readonly string[];
  readonly through: readonly string[];
}

/** Throws `invalid-relationship` for what is not of this form. */
export function parseExpected(text: string): ExpectedMember {
  const close = text.lastIndexOf("]");
  const inner = /^\s*\[/.test(text) && close > 0 ? text.slice(text.indexOf("[") + 1, close) : "";
  const found =
    /^(?<subject>[^\s[\]]+)(?<caveat>\[\.\.\.\])?(?:\s+-\s+\{(?<except>[^}]+)\})?$/.exec(
      inner.trim(),
    )?.groups;
  const rest = text.slice(close + 1).trim();
  const relations = [...rest.matchAll(/<([^<>]+)>/g)].map(([, relation = ""]) => relation.trim());
  if (found?.["subject"] === undefined || relations.length === 0 || !rest.startsWith("is")) {
    const reason = "it is not [subject] is <object#relation>";
    throw fail("invalid-relationship", { what: JSON.stringify(text), reason });
  }
  const except = found["except"]?.split(",").map((one) => one.trim()) ?? [];
  return {
    subject: canonical(found["subject"]),
    conditional: found["caveat"] !== undefined,
    excluded: except.map(canonicalException).sort(),
    through: relations.sort(),
  };
}

export function printMember(member: {
  readonly subject: string;
  readonly conditional: boolean;
  readonly excluded: readonly string[];
  readonly through: readonly string[];
}): string {
  const caveat = member.conditional ? "[...]" : "";
  const except = member.excluded.length === 0 ? "" : ` - {${member.excluded.join(", ")}}`;
  const relations = member.through.map((relation) => `<${relation}>`).join("/");
  return `[${member.subject}${caveat}${except}] is ${relations}`;
}

export function describeMember(member: Member): ExpectedMember {
  const { conditional, excluded, through } = member;
  return { subject: formatSubject(member.subject), conditional, excluded, through };
}

/** Without SpiceDB's three dots. */
function canonical(subject: string): string {
  return formatSubject(parseSubject(subject));
}

function canonicalException(text: string): string {
  return text.endsWith("[...]") ? `${canonical(text.slice(0, -5))}[...]` : canonical(text);
}
