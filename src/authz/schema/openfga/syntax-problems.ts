import type { SchemaProblem } from "../schema.ts";
import { problem } from "./model.ts";
import type { LexicalError, Token, Tokens } from "./tokens.ts";

/** What is wrong with the form of a text, in OpenFGA's words. There is at least one. */
export function syntaxProblems(
  { tokens, errors }: Tokens,
  unexpected: Token | null,
): readonly SchemaProblem[] {
  const found = errors.map(lexicalProblem);
  const last = unexpected ?? (found.length === 0 ? tokens.at(-1) : undefined);
  if (last !== undefined) {
    const at = { line: last.line + 1, column: last.column + 1 };
    const message = `mismatched input '${last.text}'`;
    found.push(problem("invalid-syntax", message, { at, length: last.text.length }));
  }
  return found;
}

function lexicalProblem({ text, line, column }: LexicalError): SchemaProblem {
  const at = { line: line + 1, column: column + 1 };
  return problem("invalid-syntax", `token recognition error at: '${text}'`, { at });
}
