import { RE2JS } from "re2js";
import { Failure } from "./value.ts";

/**
 * Regular expressions of RE2, which CEL prescribes: matching takes time linear in the text, whatever
 * the pattern is. JavaScript's own would let a schema or a context hang the node.
 */
export interface Pattern {
  /** Whether it is found anywhere. */
  test(text: string): boolean;
  /** Matching a text takes time in proportion to its length times this. */
  readonly size: number;
}

const maxLength = 1000;

export function parsePattern(text: string): Pattern | Failure {
  if (text.length > maxLength)
    return new Failure(`the pattern has more than ${maxLength} characters`);
  try {
    const compiled = RE2JS.compile(text);
    return { test: (input) => compiled.test(input), size: compiled.programSize() };
  } catch (error) {
    const reason = error instanceof Error ? error.message : "it cannot be read";
    return new Failure(`not a regular expression of RE2: ${reason}`);
  }
}
