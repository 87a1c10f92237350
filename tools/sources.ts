// Reading TypeScript as far as tidy needs it: a tokenizer that knows comments, strings, templates
// and regular expressions apart from code, and the imports and exports found in its tokens.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Source text by path relative to the repository, with forward slashes. */
export type Sources = ReadonlyMap<string, string>;

export interface Token {
  readonly kind: "word" | "string" | "number" | "regex" | "punctuation";
  /** The text; for a string, what stands between its quotes. */
  readonly text: string;
  readonly line: number;
}

export interface Import {
  /** What stands in the quotes. */
  readonly from: string;
  readonly line: number;
  /** The names taken, by their name in the other module; none for `import "x"` and `import * as`. */
  readonly names: readonly string[];
  /** The names they have in this file. */
  readonly locals: readonly string[];
  readonly reExports: boolean;
}

const folders = ["src", "tools", "test", "examples", "bench", "console"];
const skipped = new Set(["node_modules", "dist", "fixtures"]);

export function readSources(root: string): Sources {
  const sources = new Map<string, string>();
  for (const folder of folders) readFolder(root, folder, sources);
  return sources;
}

function readFolder(root: string, folder: string, sources: Map<string, string>): void {
  const folderPath = path.join(root, folder);
  if (!existsSync(folderPath)) return;
  for (const entry of readdirSync(folderPath, { withFileTypes: true })) {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory() && !skipped.has(entry.name)) readFolder(root, name, sources);
    if (entry.isFile() && /\.(ts|tsx|mts)$/.test(entry.name)) {
      sources.set(name, readFileSync(path.join(root, name), "utf8"));
    }
  }
}

// --- Tokens ---------------------------------------------------------------------------------------

const patterns = {
  blank: /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y,
  string: /"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?/y,
  word: /#?[\p{ID_Start}$_][\p{ID_Continue}$]*/uy,
  number: /\d[\w.]*/y,
  regex: /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y,
  punctuation: /\?\.(?!\d)|=>|\.\.\.|[\s\S]/y,
  templatePart: /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y,
};

/** After these words a slash begins a regular expression; after any other word it divides. */
const wordsBeforeRegex = new Set(
  "return typeof case in of instanceof new void delete throw do else yield await".split(" "),
);

export function tokenize(source: string): readonly Token[] {
  return new Tokenizer(source).all();
}

class Tokenizer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  /** One entry per open `{`; true when its `}` ends a `${` and the template goes on. */
  readonly #braces: boolean[] = [];
  #at = 0;
  #line = 1;

  constructor(source: string) {
    this.#source = source.startsWith("#!") ? `//${source.slice(2)}` : source;
  }

  all(): readonly Token[] {
    while (this.#at < this.#source.length) this.#next();
    return this.#tokens;
  }

  #next(): void {
    if (this.#take(patterns.blank) !== undefined) return;
    if (this.#source[this.#at] === "`") {
      this.#at += 1;
      this.#template("");
    } else if (this.#slashBeginsRegex() && this.#push("regex", patterns.regex)) {
      return;
    } else if (this.#string() || this.#push("word", patterns.word)) {
      return;
    } else if (!this.#push("number", patterns.number)) {
      this.#punctuation();
    }
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#source)?.[0];
    if (text === undefined) return undefined;
    this.#at += text.length;
    for (const character of text) if (character === "\n") this.#line += 1;
    return text;
  }

  #push(kind: Token["kind"], pattern: RegExp): boolean {
    const line = this.#line;
    const text = this.#take(pattern);
    if (text === undefined) return false;
    this.#tokens.push({ kind, text, line });
    return true;
  }

  #string(): boolean {
    const line = this.#line;
    const text = this.#take(patterns.string);
    if (text === undefined) return false;
    this.#tokens.push({ kind: "string", text: text.slice(1, -1), line });
    return true;
  }

  /** From just behind a backquote or the `}` of a substitution, to the next of either. */
  #template(before: string): void {
    const line = this.#line;
    const text = before + (this.#take(patterns.templatePart) ?? "");
    this.#tokens.push({ kind: "string", text, line });
    if (this.#source.startsWith("${", this.#at)) {
      this.#at += 2;
      this.#braces.push(true);
      // Keeps the parts of a template from reading as one expression.
      this.#tokens.push({ kind: "punctuation", text: "+", line: this.#line });
    } else {
      this.#at += 1;
    }
  }

  #punctuation(): void {
    const line = this.#line;
    const text = this.#take(patterns.punctuation) ?? "";
    if (text === "{") this.#braces.push(false);
    if (text === "}" && this.#braces.pop() === true) {
      this.#tokens.push({ kind: "punctuation", text: "+", line });
      this.#template("");
      return;
    }
    this.#tokens.push({ kind: "punctuation", text, line });
  }

  #slashBeginsRegex(): boolean {
    if (this.#source[this.#at] !== "/") return false;
    const before = this.#tokens.at(-1);
    if (before === undefined) return true;
    if (before.kind === "word") return wordsBeforeRegex.has(before.text);
    return before.kind === "punctuation" && !")]}".includes(before.text);
  }
}

// --- Imports and exports --------------------------------------------------------------------------

/** Every import and `export ... from`, type-only and `import("...")` included. */
export function importsOf(tokens: readonly Token[]): readonly Import[] {
  const found: Import[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== "word" || isMember(tokens, index)) continue;
    if (token.text === "import") found.push(...readImport(tokens, index));
    if (token.text === "export") found.push(...readReExport(tokens, index));
  }
  return found;
}

/** The names in `export { a, b as c }` without a `from`, by their name in this file. */
export function localExports(tokens: readonly Token[]): readonly { name: string; line: number }[] {
  const found: { name: string; line: number }[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== "word" || token.text !== "export" || isMember(tokens, index)) continue;
    const open = tokens[index + 1]?.text === "type" ? index + 2 : index + 1;
    if (tokens[open]?.text !== "{") continue;
    const close = closingBrace(tokens, open);
    if (tokens[close + 1]?.text === "from") continue;
    for (const { name, line } of namesIn(tokens, open, close)) found.push({ name, line });
  }
  return found;
}

function isMember(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1]?.text;
  const after = tokens[index + 1]?.text;
  return before === "." || before === "?." || after === ":";
}

function readImport(tokens: readonly Token[], index: number): readonly Import[] {
  const line = tokens[index]?.line ?? 0;
  const plain = { line, names: [], locals: [], reExports: false };
  const next = tokens[index + 1];
  if (next?.kind === "string") return [{ ...plain, from: next.text }];
  if (next?.text === "(") {
    const target = tokens[index + 2];
    return target?.kind === "string" ? [{ ...plain, from: target.text }] : [];
  }
  if (next?.text === ".") return [];
  const from = findFrom(tokens, index + 1);
  if (from === undefined) return [];
  const names = namesIn(tokens, index + 1, from.index);
  return [
    {
      ...plain,
      from: from.target,
      names: names.map(({ name }) => name),
      locals: [
        ...names.map(({ local }) => local),
        ...clauseLocals(tokens.slice(index + 1, from.index)),
      ],
    },
  ];
}

/** The locals of `import a, * as b from`, which stand outside the braces. */
function clauseLocals(clause: readonly Token[]): readonly string[] {
  const brace = clause.findIndex(({ text }) => text === "{");
  return (brace < 0 ? clause : clause.slice(0, brace))
    .filter(({ kind, text }) => kind === "word" && text !== "type" && text !== "as")
    .map(({ text }) => text);
}

function readReExport(tokens: readonly Token[], index: number): readonly Import[] {
  const start = tokens[index + 1]?.text === "type" ? index + 2 : index + 1;
  const opening = tokens[start]?.text;
  if (opening !== "*" && opening !== "{") return [];
  const close = opening === "{" ? closingBrace(tokens, start) : start;
  const from = opening === "{" ? fromAt(tokens, close + 1) : findFrom(tokens, start);
  if (from === undefined) return [];
  const names = opening === "{" ? namesIn(tokens, start, close).map(({ name }) => name) : [];
  const line = tokens[index]?.line ?? 0;
  return [{ from: from.target, line, names, locals: [], reExports: true }];
}

function fromAt(tokens: readonly Token[], index: number) {
  const target = tokens[index + 1];
  if (tokens[index]?.text !== "from" || target?.kind !== "string") return undefined;
  return { index, target: target.text };
}

/** The nearest `from "..."`, as long as only what an import clause may contain stands before it. */
function findFrom(tokens: readonly Token[], start: number) {
  for (let index = start; index < tokens.length; index += 1) {
    const found = fromAt(tokens, index);
    if (found !== undefined) return found;
    const token = tokens[index];
    const belongs =
      token?.kind === "word" || token?.kind === "string" || "{},*".includes(token?.text ?? ";");
    if (!belongs) return undefined;
  }
  return undefined;
}

function closingBrace(tokens: readonly Token[], open: number): number {
  const close = tokens.findIndex(
    ({ text, kind }, index) => index > open && text === "}" && kind === "punctuation",
  );
  return close < 0 ? tokens.length : close;
}

/** Reads `{ a, type b, c as d }` between two places. */
function namesIn(tokens: readonly Token[], start: number, end: number) {
  const open = tokens.findIndex(({ text }, index) => index >= start && index < end && text === "{");
  if (open < 0) return [];
  const found: { name: string; local: string; line: number }[] = [];
  let words: Token[] = [];
  for (const token of tokens.slice(open + 1, closingBrace(tokens, open) + 1)) {
    if (token.kind === "word" || token.kind === "string") {
      words.push(token);
      continue;
    }
    if (words.length > 1 && words[0]?.text === "type" && words[1]?.text !== "as") words.shift();
    const [name, local] = [words[0], words.at(-1)];
    if (name !== undefined && local !== undefined) {
      found.push({ name: name.text, local: local.text, line: name.line });
    }
    words = [];
  }
  return found;
}
