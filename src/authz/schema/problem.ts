/** Problems of schemas as others are told them. */
import type { SchemaProblemDescription } from "../../model/authz.ts";
import { SchemaInvalid } from "../../model/schema-invalid.ts";
import type { SchemaProblem } from "./schema.ts";

/** More than anybody reads. */
const mostTold = 100;

export function describeProblem({ at, ...problem }: SchemaProblem): SchemaProblemDescription {
  const { code, severity, message, suggestion } = problem;
  const more = suggestion === undefined ? {} : { suggestion };
  return { code, severity, message, line: at.line, column: at.column, ...more };
}

/** The message and what was probably meant, as sentences; OpenFGA ends some of its own, others not. */
export function problemText({
  message,
  suggestion,
}: Pick<SchemaProblem, "message" | "suggestion">): string {
  const sentence = message.replace(/\.$/, "");
  return suggestion === undefined ? sentence : `${sentence}. ${suggestion}`;
}

/** All errors of a schema as one, which says the first of them. */
export function schemaInvalid(problems: readonly SchemaProblem[]): SchemaInvalid {
  const errors = problems.filter(({ severity }) => severity === "error");
  const [first] = errors;
  const { line, column } = first?.at ?? { line: 1, column: 1 };
  const text = first === undefined ? "it is empty" : problemText(first);
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const reason = `line ${line}, column ${column}: ${text}${more}`;
  const details = { reason, line, column, problem: first?.code ?? "empty" };
  return new SchemaInvalid(details, errors.slice(0, mostTold).map(describeProblem));
}
