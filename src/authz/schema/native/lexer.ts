/**
 * The tokens of the native schema language, one at a time: the body of a caveat is another language,
 * so whoever parses decides where the lexer goes on. Every call is linear in what it passes over.
 */

/** A piece of the text: offsets in UTF-16 units, the end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Token extends Span {
  readonly kind: "word" | "string" | "symbol" | "bad" | "end";
  /** As it stands in the text; empty at the end. */
  readonly text: string;
  /** Whether a line break stands between the token before and this one. */
  readonly newline: boolean;
  /** The comments between the token before and this one. */
  readonly comments: readonly Span[];
}

const blanks = /[ \t\r\n]+/y;
const lineBreak = /[\r\n]/;
const restOfLine = /[^\r\n]*/y;
const word = /[\p{L}\p{Nd}_]+/uy;
const symbol = /->|\.\.\.|&&|\|\||[{}()|+\-&/=:;#*.,<>]/y;
const string = /"[^"\r\n]*"|'[^'\r\n]*'/y;
const byteOrderMark = "\uFEFF";
const noComments: readonly Span[] = [];

export class Lexer {
  readonly text: string;
  #at: number;

  constructor(text: string) {
    this.text = text;
    this.#at = text.startsWith(byteOrderMark) ? 1 : 0;
  }

  /** Goes on from another place. */
  seek(offset: number): void {
    this.#at = offset;
  }

  next(): Token {
    let comments: Span[] | undefined;
    let newline = false;
    for (;;) {
      const start = this.#at;
      const skipped = this.#match(blanks);
      if (skipped !== undefined) {
        newline ||= lineBreak.test(skipped);
        continue;
      }
      if (!this.#skipComment()) {
        const token = this.#token(start);
        return { ...token, newline, comments: comments ?? noComments };
      }
      if (lineBreak.test(this.text.slice(start, this.#at))) newline = true;
      comments ??= [];
      comments.push({ start, end: this.#at });
    }
  }

  /** Past a comment that ends; one that does not is left to become a bad token. */
  #skipComment(): boolean {
    if (this.text.startsWith("//", this.#at)) {
      this.#match(restOfLine);
      return true;
    }
    if (!this.text.startsWith("/*", this.#at)) return false;
    const close = this.text.indexOf("*/", this.#at + 2);
    if (close === -1) return false;
    this.#at = close + 2;
    return true;
  }

  #token(start: number): Pick<Token, "kind" | "text" | "start" | "end"> {
    if (start >= this.text.length) return { kind: "end", text: "", start, end: start };
    const [kind, text] = this.#read();
    return { kind, text, start, end: this.#at };
  }

  #read(): [Token["kind"], string] {
    if (this.text.startsWith("/*", this.#at)) return ["bad", this.#take(this.text.length)];
    const name = this.#match(word);
    if (name !== undefined) return ["word", name];
    const sign = this.#match(symbol);
    if (sign !== undefined) return ["symbol", sign];
    const quoted = this.#match(string);
    if (quoted !== undefined) return ["string", quoted];
    const first = this.text[this.#at];
    if (first === '"' || first === "'") return ["bad", this.#match(restOfLine) ?? first];
    const character = String.fromCodePoint(this.text.codePointAt(this.#at) ?? 0);
    return ["bad", this.#take(this.#at + character.length)];
  }

  #take(end: number): string {
    const taken = this.text.slice(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** What the pattern matches just here, if it is anything. */
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined || found === "") return undefined;
    this.#at += found.length;
    return found;
  }
}
