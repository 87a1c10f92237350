import type { CaveatType, Origin, SchemaProblem } from "../schema.ts";
import { type ModelLimits, textProblem, tooDeep } from "./limits.ts";
import {
  type Model,
  type ModelCondition,
  type ModelRelation,
  type ModelType,
  type Name,
  type Place,
  problem,
  type ReadModel,
  type Restriction,
  type Rewrite,
} from "./model.ts";
import { syntaxProblems } from "./syntax-problems.ts";
import { type Token, type TokenKind, tokenize, withoutComments } from "./tokens.ts";

export interface DslOptions {
  readonly limits: ModelLimits;
  /** Goes into every place. */
  readonly file?: string;
}

/** Reads a model, or one module, in the DSL. Only its form is checked. */
export function readDsl(text: string, options: DslOptions): ReadModel {
  const { file } = options;
  const tooLarge = textProblem(text, options.limits);
  if (tooLarge !== undefined) return { model: null, problems: [inFile(tooLarge, file)] };
  const { tokens, errors } = tokenize(withoutComments(text));
  const reader = new DslReader(tokens, { ...options, lines: text.split("\n") });
  const model = reader.main();
  if (reader.tooDeep !== null) return { model: null, problems: [reader.tooDeep] };
  if (reader.unexpected === null && errors.length === 0)
    return { model, problems: reader.problems };
  const problems = syntaxProblems({ tokens: reader.unread(), errors }, reader.unexpected);
  return { model: null, problems: problems.map((one) => inFile(one, file)) };
}

function inFile(found: SchemaProblem, file: string | undefined): SchemaProblem {
  return file === undefined ? found : { ...found, file };
}

/** Keywords that may be names, too. */
const identifiers: readonly TokenKind[] = [
  "IDENTIFIER",
  "model",
  "schema",
  "type",
  "relation",
  "module",
  "extend",
];
const extendedIdentifiers: readonly TokenKind[] = [...identifiers, "EXTENDED_IDENTIFIER"];

const operators = { or: "union", and: "intersection" } as const;

/**
 * One pass, no way back. At the first token that does not fit it notes that token and then fits
 * nothing any more, so that everything returns; what it returns is worth nothing then.
 */
class DslReader {
  readonly problems: SchemaProblem[] = [];
  unexpected: Token | null = null;
  tooDeep: SchemaProblem | null = null;

  readonly #tokens: readonly Token[];
  readonly #lines: readonly string[];
  readonly #limits: ModelLimits;
  readonly #file: string | undefined;
  #next = 0;
  #headerEnd = 0;
  /** Where the declaration begins that is being read, its line break included. */
  #declaration = 0;
  #depth = 0;
  #module: string | null = null;

  constructor(
    tokens: readonly Token[],
    context: DslOptions & { readonly lines: readonly string[] },
  ) {
    this.#tokens = tokens;
    this.#lines = context.lines;
    this.#limits = context.limits;
    this.#file = context.file;
  }

  /** The header and all from the declaration on in which the reader stopped: what came between fits. */
  unread(): readonly Token[] {
    const from = Math.max(this.#headerEnd, this.#declaration);
    return [...this.#tokens.slice(0, this.#headerEnd), ...this.#tokens.slice(from)];
  }

  main(): Model {
    this.#skip("WHITESPACE", "NEWLINE");
    const version = this.#header();
    this.#headerEnd = this.#next;
    const types: ModelType[] = [];
    const extended = new Set<string>();
    while (this.#begins("type", "extend")) types.push(this.#type(extended));
    const conditions = new Map<string, ModelCondition>();
    while (this.#begins("condition")) this.#condition(conditions);
    this.#skip("NEWLINE");
    this.#expect("EOF");
    return { version, types, conditions: [...conditions.values()] };
  }

  #header(): Name | null {
    this.#comments();
    if (this.#is("module")) {
      this.#expect("module");
      this.#expect("WHITESPACE");
      this.#module = this.#expect(...identifiers).text;
      this.#skip("WHITESPACE");
      return null;
    }
    this.#expect("model");
    this.#expect("NEWLINE");
    this.#expect("schema");
    this.#expect("WHITESPACE");
    const version = this.#name(this.#expect("SCHEMA_VERSION"));
    this.#skip("WHITESPACE");
    return version;
  }

  #begins(...kinds: readonly TokenKind[]): boolean {
    const from = this.#next;
    if (!this.#declares(...kinds)) return false;
    this.#declaration = from;
    return true;
  }

  /** Whether a declaration of that kind comes next, on a line of its own and after comments. */
  #declares(...kinds: readonly TokenKind[]): boolean {
    if (!this.#is("NEWLINE")) return false;
    let at = this.#next;
    while (this.#kindAt(at) === "NEWLINE" && this.#kindAt(at + 1) === "#") {
      at = this.#endOfComment(at + 1);
    }
    const kind = this.#kindAt(at + 1);
    if (this.#kindAt(at) !== "NEWLINE" || kind === undefined || !kinds.includes(kind)) return false;
    this.#next = at + 1;
    return true;
  }

  #type(extended: Set<string>): ModelType {
    const line = this.#here().line;
    const extending = this.#is("extend");
    if (extending) {
      this.#expect("extend");
      this.#expect("WHITESPACE");
    }
    this.#expect("type");
    this.#expect("WHITESPACE");
    const name = this.#name(this.#expect(...extendedIdentifiers));
    if (extending && this.#module === null) {
      this.#refuse("extend can only be used in a modular model", name);
    }
    const relations = this.#declares("relations") ? this.#relations(name.text, extending) : [];
    if (extending && this.#module !== null) {
      if (extended.has(name.text))
        this.#refuse(`'${name.text}' is already extended in file.`, name);
      extended.add(name.text);
    }
    return { name, doc: this.#doc(line), extends: extending, relations, ...this.#origin() };
  }

  #relations(type: string, extending: boolean): readonly ModelRelation[] {
    this.#expect("relations");
    const relations = new Map<string, ModelRelation>();
    do {
      if (!this.#declares("define")) this.#expect("define");
      const line = this.#expect("define").line;
      this.#expect("WHITESPACE");
      const name = this.#name(this.#expect(...extendedIdentifiers));
      this.#skip("WHITESPACE");
      this.#expect(":");
      this.#skip("WHITESPACE");
      const restrictions: Restriction[] = [];
      const rewrite = this.#definition(restrictions);
      if (relations.has(name.text)) {
        this.#refuse(`'${name.text}' is already defined in '${type}'`, name);
      }
      const origin = extending ? this.#origin() : {};
      relations.set(name.text, { name, doc: this.#doc(line), restrictions, rewrite, ...origin });
    } while (this.#upcoming("define"));
    return [...relations.values()];
  }

  #upcoming(kind: TokenKind): boolean {
    const before = this.#next;
    const comes = this.#declares(kind);
    this.#next = before;
    return comes;
  }

  /**
   * Operands with one kind of operator between them. `direct` collects what stands in brackets; it
   * is null where brackets may not stand: they come first or not at all.
   */
  #definition(direct: Restriction[] | null): Rewrite {
    const first = this.#operand(direct);
    const operator = this.#operator();
    if (operator === undefined) return first;
    if (operator === "but not") {
      this.#expectOperator("but not");
      return { kind: "difference", base: first, subtract: this.#operand(null) };
    }
    const children = [first];
    while (this.#operator() === operator) {
      this.#expectOperator(operator);
      children.push(this.#operand(null));
    }
    return { kind: operators[operator], children };
  }

  #operator(): "or" | "and" | "but not" | undefined {
    if (!this.#is("WHITESPACE")) return undefined;
    const kind = this.#kindAt(this.#next + 1);
    return kind === "or" || kind === "and" || kind === "but not" ? kind : undefined;
  }

  #expectOperator(operator: TokenKind): void {
    this.#expect("WHITESPACE");
    this.#expect(operator);
    this.#expect("WHITESPACE");
  }

  #operand(direct: Restriction[] | null): Rewrite {
    if (direct !== null && this.#is("[")) {
      const at = this.#place(this.#here());
      for (const restriction of this.#restrictions()) direct.push(restriction);
      return { kind: "this", at };
    }
    if (this.#is("(")) return this.#parenthesis(direct);
    const { text, at } = this.#name(this.#expect(...extendedIdentifiers));
    if (!this.#is("WHITESPACE") || this.#kindAt(this.#next + 1) !== "from") {
      return { kind: "computed", relation: text, at };
    }
    this.#expect("WHITESPACE");
    this.#expect("from");
    this.#expect("WHITESPACE");
    return {
      kind: "from",
      relation: text,
      at,
      tupleset: this.#name(this.#expect(...extendedIdentifiers)),
    };
  }

  #parenthesis(direct: Restriction[] | null): Rewrite {
    const open = this.#expect("(");
    if (this.#depth >= this.#limits.authzExpression) {
      const at = this.#place(open);
      this.tooDeep ??= problem("expression-too-deep", tooDeep(this.#limits), { at, length: 1 });
      this.unexpected ??= open;
      return { kind: "this", at };
    }
    this.#depth++;
    this.#skip("WHITESPACE");
    const inner = this.#definition(direct);
    this.#skip("WHITESPACE");
    this.#expect(")");
    this.#depth--;
    return inner;
  }

  #restrictions(): readonly Restriction[] {
    this.#expect("[");
    const restrictions: Restriction[] = [];
    for (;;) {
      this.#skip("WHITESPACE", "NEWLINE");
      restrictions.push(this.#restriction());
      this.#skip("WHITESPACE", "NEWLINE");
      if (!this.#is(",")) break;
      this.#expect(",");
    }
    this.#expect("]");
    return restrictions;
  }

  #restriction(): Restriction {
    const { text: type, at } = this.#name(this.#expect(...extendedIdentifiers));
    let relation: string | null = null;
    let wildcard = false;
    if (this.#is(":")) {
      this.#expect(":");
      this.#expect("*");
      wildcard = true;
    } else if (this.#is("#")) {
      this.#expect("#");
      relation = this.#expect(...extendedIdentifiers).text;
    }
    let condition: Name | null = null;
    if (this.#is("WHITESPACE") && this.#kindAt(this.#next + 1) === "with") {
      this.#expect("WHITESPACE");
      this.#expect("with");
      this.#expect("WHITESPACE");
      condition = this.#name(this.#expect("IDENTIFIER"));
    }
    return { at, type, relation, wildcard, condition };
  }

  #condition(conditions: Map<string, ModelCondition>): void {
    const { line } = this.#expect("condition");
    this.#expect("WHITESPACE");
    const name = this.#name(this.#expect("IDENTIFIER"));
    this.#skip("WHITESPACE");
    if (conditions.has(name.text)) {
      this.#refuse(`condition '${name.text}' is already defined in the model`, name);
    }
    const parameters = this.#parameters(name.text);
    this.#skip("WHITESPACE");
    this.#expect("{");
    const expression = this.#expression();
    this.#expect("}");
    conditions.set(name.text, {
      key: name.text,
      name,
      doc: this.#doc(line),
      parameters,
      expression: expression.text,
      expressionAt: expression.at,
      ...this.#origin(),
    });
  }

  #parameters(condition: string): ReadonlyMap<string, CaveatType> {
    this.#expect("(");
    const parameters = new Map<string, CaveatType>();
    for (;;) {
      this.#skip("WHITESPACE");
      this.#skip("NEWLINE");
      const name = this.#name(this.#expect("IDENTIFIER"));
      this.#skip("WHITESPACE");
      this.#expect(":");
      this.#skip("WHITESPACE");
      const type = this.#parameterType();
      if (parameters.has(name.text)) {
        const message = `parameter '${name.text}' is already defined in the condition '${condition}'`;
        this.#refuse(message, name);
      }
      parameters.set(name.text, type);
      this.#skip("WHITESPACE");
      if (!this.#is(",")) break;
      this.#expect(",");
    }
    this.#skip("NEWLINE");
    this.#expect(")");
    return parameters;
  }

  #parameterType(): CaveatType {
    if (!this.#is("CONDITION_PARAM_CONTAINER")) {
      return { kind: scalarKind(this.#expect("CONDITION_PARAM_TYPE").text) };
    }
    const kind = this.#expect("CONDITION_PARAM_CONTAINER").text === "map" ? "map" : "list";
    this.#expect("<");
    const of = { kind: scalarKind(this.#expect("CONDITION_PARAM_TYPE").text) };
    this.#expect(">");
    return { kind, of };
  }

  /** All up to the next `}`: that it is CEL is checked by whoever compiles it. */
  #expression(): Name {
    const from = this.#next;
    while (!this.#is("}", "EOF") && this.unexpected === null) this.#next++;
    const tokens = this.#tokens.slice(from, this.#next);
    const first = tokens.find(({ kind }) => kind !== "WHITESPACE" && kind !== "NEWLINE");
    const text = tokens.map((token) => token.text).join("");
    return { text: text.trim(), at: this.#place(first ?? this.#here()) };
  }

  // --- Words ------------------------------------------------------------------------------------

  #expect(...kinds: readonly TokenKind[]): Token {
    const token = this.#here();
    if (this.unexpected !== null) return token;
    if (!kinds.includes(token.kind)) {
      this.unexpected = token;
      return token;
    }
    if (token.kind !== "EOF") this.#next++;
    return token;
  }

  #name(token: Token): Name {
    return { text: token.text, at: this.#place(token) };
  }

  #place({ line, column }: Token): Place {
    const at = { line: line + 1, column: column + 1 };
    return this.#file === undefined ? at : { ...at, file: this.#file };
  }

  #is(...kinds: readonly TokenKind[]): boolean {
    return this.unexpected === null && kinds.includes(this.#here().kind);
  }

  #skip(...kinds: readonly TokenKind[]): void {
    if (this.#is(...kinds)) this.#next++;
  }

  #here(): Token {
    return this.#tokens[this.#next] ?? noToken;
  }

  #kindAt(index: number): TokenKind | undefined {
    return this.#tokens[index]?.kind;
  }

  /** Comments stay only where lines end in a way that OpenFGA does not take for an end of line. */
  #comments(): void {
    while (this.#is("#")) {
      this.#next = this.#endOfComment(this.#next);
      this.#expect("NEWLINE");
    }
  }

  #endOfComment(hash: number): number {
    let at = hash;
    for (let kind = this.#kindAt(at); kind !== undefined; kind = this.#kindAt(at)) {
      if (kind === "NEWLINE" || kind === "EOF") break;
      at++;
    }
    return at;
  }

  #refuse(message: string, { text, at }: Name): void {
    if (this.unexpected !== null) return;
    this.problems.push(problem("invalid-syntax", message, { at, length: text.length }));
  }

  #origin(): { readonly origin?: Origin } {
    return this.#module === null ? {} : { origin: { module: this.#module, file: null } };
  }

  /** The comment lines right above a line. */
  #doc(line: number): string | null {
    let first = line;
    while (first > 0 && this.#lines[first - 1]?.trimStart().startsWith("#")) first--;
    if (first === line) return null;
    const comments = this.#lines.slice(first, line);
    return comments.map((comment) => comment.trim().replace(/^#+ ?/, "")).join("\n");
  }
}

const noToken: Token = { kind: "EOF", text: "", offset: 0, line: 0, column: 0 };

type ScalarKind = Exclude<CaveatType["kind"], "list" | "map">;

const scalarKinds: ReadonlySet<string> = new Set<ScalarKind>([
  "bool",
  "string",
  "int",
  "uint",
  "double",
  "duration",
  "timestamp",
  "ipaddress",
]);

/** The lexer has only let these through; after an error it does not matter. */
function scalarKind(text: string): ScalarKind {
  return isScalarKind(text) ? text : "any";
}

function isScalarKind(text: string): text is ScalarKind {
  return scalarKinds.has(text);
}
