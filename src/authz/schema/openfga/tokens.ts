/**
 * The tokens of OpenFGA's modelling language. White space is significant in it, so it is a token;
 * comments are taken away before, line by line, and nothing that stays changes its place.
 */

/**
 * In the order in which OpenFGA's messages list them. What is written in lower case or as a mark
 * stands for itself; the others are classes.
 */
export const tokenKinds = [
  "EOF",
  ":",
  ",",
  "<",
  ">",
  "[",
  "(",
  ")",
  "WHITESPACE",
  "IDENTIFIER",
  "#",
  "and",
  "or",
  "but not",
  "from",
  "module",
  "model",
  "schema",
  "SCHEMA_VERSION",
  "extend",
  "type",
  "condition",
  "relations",
  "relation",
  "define",
  "with",
  "==",
  "!=",
  "in",
  "<=",
  ">=",
  "&&",
  "||",
  "]",
  "{",
  "}",
  ".",
  "-",
  "!",
  "?",
  "+",
  "*",
  "/",
  "%",
  "true",
  "false",
  "null",
  "NUM_FLOAT",
  "NUM_INT",
  "NUM_UINT",
  "STRING",
  "BYTES",
  "EXTENDED_IDENTIFIER",
  "NEWLINE",
  "CONDITION_PARAM_CONTAINER",
  "CONDITION_PARAM_TYPE",
] as const;

export type TokenKind = (typeof tokenKinds)[number];

/** Lines and columns from 0 here, as OpenFGA counts them; problems count from 1. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** In the text without comments. */
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** Characters that begin no token. */
export interface LexicalError {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export interface Tokens {
  /** The last one is `EOF`. */
  readonly tokens: readonly Token[];
  readonly errors: readonly LexicalError[];
}

/** A line that is a comment becomes empty; another ends before ` #`. */
export function withoutComments(text: string): string {
  return text.split("\n").map(withoutComment).join("\n");
}

function withoutComment(line: string): string {
  if (line.trimStart().startsWith("#")) return "";
  const comment = line.indexOf(" #");
  return (comment < 0 ? line : line.slice(0, comment)).trimEnd();
}

/** Takes text without comments. Linear in its length. */
export function tokenize(text: string): Tokens {
  return new Lexer(text).run();
}

const keywords: ReadonlyMap<string, TokenKind> = new Map(
  tokenKinds.filter((kind) => /^[a-z]+$/.test(kind)).map((kind) => [kind, kind]),
);

/** The words that mean something else between `condition` and its closing parenthesis. */
const parameterWords: ReadonlyMap<string, TokenKind> = new Map([
  ["map", "CONDITION_PARAM_CONTAINER"],
  ["list", "CONDITION_PARAM_CONTAINER"],
  ...["bool", "string", "int", "uint", "double", "duration", "timestamp", "ipaddress"].map(
    (word) => [word, "CONDITION_PARAM_TYPE"] as const,
  ),
]);

const marks: readonly TokenKind[] = [
  ...(["==", "!=", "<=", ">=", "&&", "||"] as const),
  ...(["#", ":", ",", "<", ">", "[", "]", "{", "}", "(", ")", ".", "-", "!", "?"] as const),
  ...(["+", "*", "/", "%"] as const),
];

const parameterMarks: readonly TokenKind[] = [")", "<", ">", "(", ":", ","];

/** Marks that are nothing alone: the character after is lost with them. */
const halfMarks = "=&|";

const newline = /[\t\f\r\n ]+/y;
const blank = /[\t\f ]+/y;
const identifier = /[A-Za-z_][A-Za-z0-9_-]*/y;
const extendedIdentifier = /[A-Za-z_](?:[/.-][A-Za-z0-9_]|[A-Za-z0-9_])*/y;
const schemaVersion = /[0-9]+\.[0-9]+/y;
const float =
  /[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?/y;
const integer = /0x[0-9a-fA-F]+|[0-9]+/y;
const unsigned = /(?:0x[0-9a-fA-F]+|[0-9]+)[uU]/y;
const escapeSequence =
  /\\(?:[abfnrtv"'\\?`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y;

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  readonly #errors: LexicalError[] = [];
  #offset = 0;
  #line = 0;
  #lineStart = 0;
  /** Between `condition` and `)` other rules hold; they nest as the words do. */
  #conditions = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): Tokens {
    while (this.#offset < this.#text.length) {
      if (this.#conditions > 0) this.#inParameters();
      else this.#anywhere();
    }
    this.#tokens.push({ ...this.#here(), kind: "EOF", text: "<EOF>" });
    return { tokens: this.#tokens, errors: this.#errors };
  }

  #inParameters(): void {
    const space = this.#match(blank);
    const word = this.#match(identifier);
    const mark = this.#markOf(parameterMarks);
    if (space > 0) {
      this.#take("WHITESPACE", space);
    } else if (word > 0) {
      const text = this.#text.slice(this.#offset, this.#offset + word);
      this.#take(parameterWords.get(text) ?? "IDENTIFIER", word);
    } else if (mark === undefined) {
      this.#refuse(this.#offset);
    } else {
      if (mark === ")") this.#conditions--;
      this.#take(mark, mark.length);
    }
  }

  #anywhere(): void {
    const space = this.#match(newline);
    if (space > 0) {
      this.#take(this.#match(blank) === space ? "WHITESPACE" : "NEWLINE", space);
    } else if (this.#text.startsWith("//", this.#offset)) {
      const end = this.#text.indexOf("\n", this.#offset);
      this.#advance((end < 0 ? this.#text.length : end) - this.#offset);
    } else {
      this.#wordMarkOrString();
    }
  }

  #wordMarkOrString(): void {
    const string = this.#string(this.#offset);
    const [kind, length] = this.#longest();
    if (string.end - this.#offset > length) {
      const bytes = /[bB]/.test(this.#text.charAt(this.#offset));
      this.#take(bytes ? "BYTES" : "STRING", string.end - this.#offset);
    } else if (kind === undefined) {
      this.#refuse(string.failed);
    } else {
      if (kind === "condition") this.#conditions++;
      this.#take(kind, length);
    }
  }

  /** Of all rules but strings and blanks the one that takes most; of equals, the first. */
  #longest(): readonly [TokenKind | undefined, number] {
    const first = this.#text.charAt(this.#offset);
    if (/[A-Za-z_]/.test(first)) return this.#word();
    const mark = this.#markOf(marks);
    const rules: readonly (readonly [TokenKind | undefined, number])[] = [
      [mark, mark?.length ?? 0],
      ["SCHEMA_VERSION", this.#match(schemaVersion)],
      ["NUM_FLOAT", this.#match(float)],
      ["NUM_INT", this.#match(integer)],
      ["NUM_UINT", this.#match(unsigned)],
    ];
    return rules.reduce((best, rule) => (rule[1] > best[1] ? rule : best), [undefined, 0]);
  }

  #word(): readonly [TokenKind, number] {
    const plain = this.#match(identifier);
    const extended = this.#match(extendedIdentifier);
    if (extended > plain) return ["EXTENDED_IDENTIFIER", extended];
    if (this.#text.startsWith("but not", this.#offset) && plain === 3) return ["but not", 7];
    const word = this.#text.slice(this.#offset, this.#offset + plain);
    return [keywords.get(word) ?? "IDENTIFIER", plain];
  }

  #markOf(candidates: readonly TokenKind[]): TokenKind | undefined {
    return candidates.find((mark) => this.#text.startsWith(mark, this.#offset));
  }

  /** Where a string that begins at `start` ends (`start` if there is none), and where it broke. */
  #string(start: number): { readonly end: number; readonly failed: number } {
    const prefix = /^(?:[bB]?[rR]?)(?=["'])/.exec(this.#text.slice(start, start + 3));
    if (prefix === null) return { end: start, failed: start };
    const raw = /[rR]/.test(prefix[0]);
    const open = start + prefix[0].length;
    const quote = this.#text.charAt(open);
    const triple = quote.repeat(3);
    const single = this.#closing(open + 1, quote, { raw, lines: false });
    if (!this.#text.startsWith(triple, open)) {
      return { end: single.found ? single.at : start, failed: single.at };
    }
    const long = this.#closing(open + 3, triple, { raw, lines: true });
    return { end: long.found ? long.at : single.at, failed: long.at };
  }

  #closing(
    from: number,
    quote: string,
    options: { readonly raw: boolean; readonly lines: boolean },
  ): { readonly found: boolean; readonly at: number } {
    for (let at = from; at < this.#text.length; ) {
      if (this.#text.startsWith(quote, at)) return { found: true, at: at + quote.length };
      const char = this.#text.charAt(at);
      if (!options.lines && (char === "\n" || char === "\r")) return { found: false, at };
      if (char === "\\" && !options.raw) {
        escapeSequence.lastIndex = at;
        const length = escapeSequence.exec(this.#text)?.[0].length ?? 0;
        if (length === 0) return { found: false, at: at + 1 };
        at += length;
      } else {
        at++;
      }
    }
    return { found: false, at: this.#text.length };
  }

  #match(rule: RegExp): number {
    rule.lastIndex = this.#offset;
    return rule.exec(this.#text)?.[0].length ?? 0;
  }

  #take(kind: TokenKind, length: number): void {
    const text = this.#text.slice(this.#offset, this.#offset + length);
    this.#tokens.push({ ...this.#here(), kind, text });
    this.#advance(length);
  }

  /** Everything up to and including the character at which no token was possible any more. */
  #refuse(failed: number): void {
    const half = halfMarks.includes(this.#text.charAt(this.#offset));
    const last = half && this.#conditions === 0 ? this.#offset + 1 : failed;
    const length = Math.min(last + 1, this.#text.length) - this.#offset;
    const { line, column } = this.#here();
    const text = this.#text.slice(this.#offset, this.#offset + length);
    this.#errors.push({ text, line, column });
    this.#advance(length);
  }

  #advance(length: number): void {
    const end = this.#offset + length;
    for (; this.#offset < end; this.#offset++) {
      if (this.#text.charCodeAt(this.#offset) !== 0x0a) continue;
      this.#line++;
      this.#lineStart = this.#offset + 1;
    }
  }

  #here(): { readonly offset: number; readonly line: number; readonly column: number } {
    return { offset: this.#offset, line: this.#line, column: this.#offset - this.#lineStart };
  }
}
