import { didYouMean } from "../../../std/suggest.ts";
import { Lexer, type Span, type Token } from "./lexer.ts";
import type { Problems } from "./problems.ts";
import type { Name } from "./syntax.ts";

/** Features that a schema switches on with `use`, and the words that these reserve. */
export const flags: ReadonlyMap<string, readonly string[]> = new Map([
  ["expiration", ["expiration", "and"]],
  ["import", ["import"]],
  ["partial", ["partial"]],
  ["self", ["self"]],
  ["typechecking", ["typechecking"]],
]);

const keywords = ["definition", "caveat", "relation", "permission", "nil", "with"];

/** The tokens as the parser walks over them: one in hand, never one further. */
export class TokenStream {
  readonly problems: Problems;
  readonly flags: Set<string> = new Set();
  readonly #lexer: Lexer;
  readonly #reserved = new Set(keywords);
  #token: Token;
  #lastEnd = 0;

  constructor(text: string, problems: Problems) {
    this.problems = problems;
    this.#lexer = new Lexer(text);
    this.#token = this.#lexer.next();
  }

  get text(): string {
    return this.#lexer.text;
  }

  get token(): Token {
    return this.#token;
  }

  /** Where the token before the one in hand ended. */
  get lastEnd(): number {
    return this.#lastEnd;
  }

  get atEnd(): boolean {
    return this.#token.kind === "end";
  }

  /** Nothing happens when there is no such feature. */
  switchOn(flag: string): void {
    const words = flags.get(flag);
    if (words === undefined) return;
    this.flags.add(flag);
    for (const word of words) this.#reserved.add(word);
  }

  advance(): Token {
    const token = this.#token;
    this.#lastEnd = token.end;
    this.#token = this.#lexer.next();
    return token;
  }

  /** Goes on from another place, as if the token in hand ended there. */
  jump(offset: number): void {
    this.#lexer.seek(offset);
    this.#lastEnd = offset;
    this.#token = this.#lexer.next();
  }

  isSymbol(text: string): boolean {
    return this.#token.kind === "symbol" && this.#token.text === text;
  }

  isKeyword(text: string): boolean {
    return this.isWord(text) && this.#reserved.has(text);
  }

  isWord(text: string): boolean {
    return this.#token.kind === "word" && this.#token.text === text;
  }

  /** A word that may be a name. */
  get isName(): boolean {
    return this.#token.kind === "word" && !this.#reserved.has(this.#token.text);
  }

  /** Whether what stands before may end here: before a new line, `;`, `}` or the end. */
  get isTerminated(): boolean {
    return this.#token.newline || this.atEnd || this.isSymbol(";") || this.isSymbol("}");
  }

  acceptSymbol(text: string): boolean {
    if (!this.isSymbol(text)) return false;
    this.advance();
    return true;
  }

  acceptKeyword(text: string): boolean {
    if (!this.isKeyword(text)) return false;
    this.advance();
    return true;
  }

  /** `after` says where, for people: `the name of the relation`. */
  expectSymbol(text: string, after: string): boolean {
    if (this.acceptSymbol(text)) return true;
    this.unexpected(`"${text}" after ${after}`);
    return false;
  }

  expectName(what: string): Name | undefined {
    if (this.isName) return this.advance();
    if (this.#token.kind === "word" && !this.#token.newline) {
      const message = `"${this.#token.text}" is a word of the language and cannot be ${what}`;
      this.problems.add("reserved-word", this.#token, { message });
      return undefined;
    }
    this.unexpected(what);
    return undefined;
  }

  /** `a/b/c` */
  expectPath(what: string): Name | undefined {
    const first = this.expectName(what);
    if (first === undefined) return undefined;
    let text = first.text;
    let end = first.end;
    while (this.acceptSymbol("/")) {
      const segment = this.expectName(`the rest of ${what}`);
      if (segment === undefined) return undefined;
      text += `/${segment.text}`;
      end = segment.end;
    }
    return { text, start: first.start, end };
  }

  /** What is in hand cannot stand here: `expected` could. */
  unexpected(expected: string, meant: readonly string[] = []): void {
    const { problems } = this;
    const token = this.#token;
    if (token.kind === "end") {
      const message = `The schema ends where ${expected} is expected`;
      problems.add("unexpected-end", token, { message });
      return;
    }
    if (token.kind === "bad") {
      this.#bad(token);
      return;
    }
    const message = `Found "${shortened(token.text)}" where ${expected} is expected`;
    problems.add("unexpected-token", token, {
      message,
      suggest: () => (token.kind === "word" ? didYouMean(token.text, meant) : undefined),
    });
  }

  #bad(token: Token): void {
    const span: Span = { start: token.start, end: Math.min(token.end, token.start + 2) };
    if (token.text.startsWith("/*")) {
      const message = "The comment that begins here does not end";
      this.problems.add("unterminated-comment", span, { message });
    } else if (/^["']/.test(token.text)) {
      const message = "The string that begins here does not end on its line";
      this.problems.add("unterminated-string", token, { message });
    } else {
      const message = `${JSON.stringify(token.text)} has no meaning in a schema`;
      this.problems.add("unexpected-character", token, { message });
    }
  }
}

/** The comment that stands right above a token, if one does: without its marks, `\n` between lines. */
export function docAbove(text: string, token: Token, lastEnd: number): string | null {
  const lines: string[] = [];
  let below = token.start;
  for (let index = token.comments.length - 1; index >= 0; index--) {
    const comment = token.comments[index];
    if (comment === undefined || isApart(text.slice(comment.end, below))) break;
    const before = token.comments[index - 1]?.end ?? lastEnd;
    const trailing = before > 0 && !/[\r\n]/.test(text.slice(before, comment.start));
    if (trailing && before === lastEnd) break;
    for (const line of unmarked(text.slice(comment.start, comment.end)).reverse()) lines.push(line);
    below = comment.start;
  }
  lines.reverse();
  while (lines.at(-1) === "") lines.pop();
  const first = lines.findIndex((line) => line !== "");
  return first === -1 ? null : lines.slice(first).join("\n");
}

/** Whether there is an empty line in it. */
function isApart(gap: string): boolean {
  return /(\r\n|\n|\r)[ \t]*(\r\n|\n|\r)/.test(gap);
}

function unmarked(comment: string): string[] {
  if (comment.startsWith("//")) return [comment.slice(2).replace(/^ /, "").trimEnd()];
  const inner = comment.slice(2, -2).replace(/^\*/, "");
  return inner.split(/\r\n|\n|\r/).map((line, index) => {
    const text = index === 0 ? line : line.replace(/^[ \t]*\*?/, "");
    return text.replace(/^ /, "").trimEnd();
  });
}

function shortened(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}
