import type { Name, Place } from "./model.ts";
import type { Token, TokenKind } from "./tokens.ts";

/**
 * Goes through tokens, one way only. At the first that does not fit it stays, notes it, and then
 * nothing fits any more: whoever reads comes to an end by itself, and what it read is worth nothing.
 */
export class Cursor {
  unexpected: Token | null = null;

  readonly #tokens: readonly Token[];
  readonly #file: string | undefined;
  #next = 0;

  constructor(tokens: readonly Token[], file: string | undefined) {
    this.#tokens = tokens;
    this.#file = file;
  }

  /** How many tokens lie behind. */
  get taken(): number {
    return this.#next;
  }

  get here(): Token {
    return this.#tokens[this.#next] ?? noToken;
  }

  is(...kinds: readonly TokenKind[]): boolean {
    return this.unexpected === null && kinds.includes(this.here.kind);
  }

  /** White space and then that. */
  isAfterSpace(...kinds: readonly TokenKind[]): boolean {
    const kind = this.#kindAt(this.#next + 1);
    return this.is("WHITESPACE") && kind !== undefined && kinds.includes(kind);
  }

  /** One token. */
  skip(...kinds: readonly TokenKind[]): void {
    if (this.is(...kinds)) this.#next++;
  }

  expect(...kinds: readonly TokenKind[]): Token {
    const token = this.here;
    if (this.unexpected !== null) return token;
    if (!kinds.includes(token.kind)) this.unexpected = token;
    else if (token.kind !== "EOF") this.#next++;
    return token;
  }

  expectName(...kinds: readonly TokenKind[]): Name {
    const token = this.expect(...kinds);
    return { text: token.text, at: this.place(token) };
  }

  /** White space, that, and white space. */
  expectSpaced(kind: TokenKind): void {
    this.expect("WHITESPACE");
    this.expect(kind);
    this.expect("WHITESPACE");
  }

  /** All up to the first of these kinds, or to the end. */
  takeUntil(...kinds: readonly TokenKind[]): readonly Token[] {
    const from = this.#next;
    while (this.unexpected === null && !this.is("EOF", ...kinds)) this.#next++;
    return this.#tokens.slice(from, this.#next);
  }

  place({ line, column }: Token): Place {
    const at = { line: line + 1, column: column + 1 };
    return this.#file === undefined ? at : { ...at, file: this.#file };
  }

  /** Whether a declaration of that kind comes next, on a line of its own and after comments. */
  declares(...kinds: readonly TokenKind[]): boolean {
    return this.#declaration(kinds) !== undefined;
  }

  /** Goes to its first word, if it comes. */
  begins(...kinds: readonly TokenKind[]): boolean {
    const word = this.#declaration(kinds);
    this.#next = word ?? this.#next;
    return word !== undefined;
  }

  /** Line breaks are one token, unless a comment of CEL stands between them. Skips the first of two. */
  blankLine(): void {
    if (this.is("NEWLINE") && this.#kindAt(this.#next + 1) === "NEWLINE") this.#next++;
  }

  /** Comments stay only where lines end in a way that OpenFGA does not take for an end of line. */
  comments(): void {
    while (this.is("#")) {
      this.#next = this.#endOfComment(this.#next);
      this.expect("NEWLINE");
    }
  }

  #declaration(kinds: readonly TokenKind[]): number | undefined {
    if (!this.is("NEWLINE")) return undefined;
    let at = this.#next;
    while (this.#kindAt(at) === "NEWLINE" && this.#kindAt(at + 1) === "#") {
      at = this.#endOfComment(at + 1);
    }
    const kind = this.#kindAt(at + 1);
    if (this.#kindAt(at) !== "NEWLINE" || kind === undefined) return undefined;
    return kinds.includes(kind) ? at + 1 : undefined;
  }

  #endOfComment(hash: number): number {
    let at = hash;
    for (let kind = this.#kindAt(at); kind !== undefined; kind = this.#kindAt(at)) {
      if (kind === "NEWLINE" || kind === "EOF") break;
      at++;
    }
    return at;
  }

  #kindAt(index: number): TokenKind | undefined {
    return this.#tokens[index]?.kind;
  }
}

const noToken: Token = { kind: "EOF", text: "", offset: 0, line: 0, column: 0 };
