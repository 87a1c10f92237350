import type { CaveatType, Origin, SchemaProblem } from "../schema.ts";
import { Cursor } from "./cursor.ts";
import { type ModelLimits, textProblem, tooDeep } from "./limits.ts";
import {
  type Model,
  type ModelCondition,
  type ModelRelation,
  type ModelType,
  type Name,
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

class DslReader {
  readonly problems: SchemaProblem[] = [];
  tooDeep: SchemaProblem | null = null;

  readonly #tokens: readonly Token[];
  readonly #in: Cursor;
  readonly #lines: readonly string[];
  readonly #limits: ModelLimits;
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
    this.#in = new Cursor(tokens, context.file);
    this.#lines = context.lines;
    this.#limits = context.limits;
  }

  get unexpected(): Token | null {
    return this.#in.unexpected;
  }

  /** The header and all from the declaration on in which the reader stopped: what came between fits. */
  unread(): readonly Token[] {
    const from = Math.max(this.#headerEnd, this.#declaration);
    return [...this.#tokens.slice(0, this.#headerEnd), ...this.#tokens.slice(from)];
  }

  main(): Model {
    this.#in.skip("WHITESPACE", "NEWLINE");
    const version = this.#header();
    this.#headerEnd = this.#in.taken;
    this.#in.blankLine();
    const types: ModelType[] = [];
    const extended = new Set<string>();
    while (this.#begins("type", "extend")) types.push(this.#type(extended));
    this.#in.blankLine();
    const conditions = new Map<string, ModelCondition>();
    while (this.#begins("condition")) this.#condition(conditions);
    this.#in.skip("NEWLINE");
    this.#in.expect("EOF");
    return { version, types, conditions: [...conditions.values()] };
  }

  #header(): Name | null {
    this.#in.comments();
    if (this.#in.is("module")) {
      this.#in.expect("module");
      this.#in.expect("WHITESPACE");
      this.#module = this.#in.expect(...identifiers).text;
      this.#in.skip("WHITESPACE");
      return null;
    }
    this.#in.expect("model");
    this.#in.expect("NEWLINE");
    this.#in.expect("schema");
    this.#in.expect("WHITESPACE");
    const version = this.#in.expectName("SCHEMA_VERSION");
    this.#in.skip("WHITESPACE");
    return version;
  }

  #begins(...kinds: readonly TokenKind[]): boolean {
    const from = this.#in.taken;
    if (!this.#in.begins(...kinds)) return false;
    this.#declaration = from;
    return true;
  }

  #type(extended: Set<string>): ModelType {
    const line = this.#in.here.line;
    const extending = this.#in.is("extend");
    if (extending) {
      this.#in.expect("extend");
      this.#in.expect("WHITESPACE");
    }
    this.#in.expect("type");
    this.#in.expect("WHITESPACE");
    const name = this.#in.expectName(...extendedIdentifiers);
    if (extending && this.#module === null) {
      this.#refuse("extend can only be used in a modular model", name);
    }
    const relations = this.#in.begins("relations") ? this.#relations(name.text, extending) : [];
    if (extending && this.#module !== null) {
      if (extended.has(name.text))
        this.#refuse(`'${name.text}' is already extended in file.`, name);
      extended.add(name.text);
    }
    return { name, doc: this.#doc(line), extends: extending, relations, ...this.#origin() };
  }

  #relations(type: string, extending: boolean): readonly ModelRelation[] {
    this.#in.expect("relations");
    const relations = new Map<string, ModelRelation>();
    do {
      this.#in.begins("define");
      const line = this.#in.expect("define").line;
      this.#in.expect("WHITESPACE");
      const name = this.#in.expectName(...extendedIdentifiers);
      this.#in.skip("WHITESPACE");
      this.#in.expect(":");
      this.#in.skip("WHITESPACE");
      const restrictions: Restriction[] = [];
      const rewrite = this.#definition(restrictions);
      if (relations.has(name.text)) {
        this.#refuse(`'${name.text}' is already defined in '${type}'`, name);
      }
      const origin = extending ? this.#origin() : {};
      relations.set(name.text, { name, doc: this.#doc(line), restrictions, rewrite, ...origin });
    } while (this.#in.declares("define"));
    return [...relations.values()];
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
      this.#in.expectSpaced("but not");
      return { kind: "difference", base: first, subtract: this.#operand(null) };
    }
    const children = [first];
    while (this.#operator() === operator) {
      this.#in.expectSpaced(operator);
      children.push(this.#operand(null));
    }
    return { kind: operators[operator], children };
  }

  #operator(): "or" | "and" | "but not" | undefined {
    for (const operator of ["or", "and", "but not"] as const) {
      if (this.#in.isAfterSpace(operator)) return operator;
    }
    return undefined;
  }

  #operand(direct: Restriction[] | null): Rewrite {
    if (direct !== null && this.#in.is("[")) {
      const at = this.#in.place(this.#in.here);
      for (const restriction of this.#restrictions()) direct.push(restriction);
      return { kind: "this", at };
    }
    if (this.#in.is("(")) return this.#parenthesis(direct);
    const { text, at } = this.#in.expectName(...extendedIdentifiers);
    if (!this.#in.isAfterSpace("from")) {
      return { kind: "computed", relation: text, at };
    }
    this.#in.expectSpaced("from");
    return {
      kind: "from",
      relation: text,
      at,
      tupleset: this.#in.expectName(...extendedIdentifiers),
    };
  }

  #parenthesis(direct: Restriction[] | null): Rewrite {
    const open = this.#in.expect("(");
    if (this.#depth >= this.#limits.authzExpression) {
      const at = this.#in.place(open);
      this.tooDeep ??= problem("expression-too-deep", tooDeep(this.#limits), { at, length: 1 });
      this.#in.unexpected ??= open;
      return { kind: "this", at };
    }
    this.#depth++;
    this.#in.skip("WHITESPACE");
    const inner = this.#definition(direct);
    this.#in.skip("WHITESPACE");
    this.#in.expect(")");
    this.#depth--;
    return inner;
  }

  #restrictions(): readonly Restriction[] {
    this.#in.expect("[");
    const restrictions: Restriction[] = [];
    for (;;) {
      this.#in.skip("WHITESPACE", "NEWLINE");
      restrictions.push(this.#restriction());
      this.#in.skip("WHITESPACE", "NEWLINE");
      if (!this.#in.is(",")) break;
      this.#in.expect(",");
    }
    this.#in.expect("]");
    return restrictions;
  }

  #restriction(): Restriction {
    const { text: type, at } = this.#in.expectName(...extendedIdentifiers);
    let relation: string | null = null;
    let wildcard = false;
    if (this.#in.is(":")) {
      this.#in.expect(":");
      this.#in.expect("*");
      wildcard = true;
    } else if (this.#in.is("#")) {
      this.#in.expect("#");
      relation = this.#in.expect(...extendedIdentifiers).text;
    }
    let condition: Name | null = null;
    if (this.#in.isAfterSpace("with")) {
      this.#in.expectSpaced("with");
      condition = this.#in.expectName("IDENTIFIER");
    }
    return { at, type, relation, wildcard, condition };
  }

  #condition(conditions: Map<string, ModelCondition>): void {
    const { line } = this.#in.expect("condition");
    this.#in.expect("WHITESPACE");
    const name = this.#in.expectName("IDENTIFIER");
    this.#in.skip("WHITESPACE");
    if (conditions.has(name.text)) {
      this.#refuse(`condition '${name.text}' is already defined in the model`, name);
    }
    const parameters = this.#parameters(name.text);
    this.#in.skip("WHITESPACE");
    this.#in.expect("{");
    const expression = this.#expression();
    this.#in.expect("}");
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
    this.#in.expect("(");
    const parameters = new Map<string, CaveatType>();
    for (;;) {
      this.#in.skip("WHITESPACE");
      this.#in.skip("NEWLINE");
      const name = this.#in.expectName("IDENTIFIER");
      this.#in.skip("WHITESPACE");
      this.#in.expect(":");
      this.#in.skip("WHITESPACE");
      const type = this.#parameterType();
      if (parameters.has(name.text)) {
        const message = `parameter '${name.text}' is already defined in the condition '${condition}'`;
        this.#refuse(message, name);
      }
      parameters.set(name.text, type);
      this.#in.skip("WHITESPACE");
      if (!this.#in.is(",")) break;
      this.#in.expect(",");
    }
    this.#in.skip("NEWLINE");
    this.#in.expect(")");
    return parameters;
  }

  #parameterType(): CaveatType {
    if (!this.#in.is("CONDITION_PARAM_CONTAINER")) {
      return { kind: scalarKind(this.#in.expect("CONDITION_PARAM_TYPE").text) };
    }
    const kind = this.#in.expect("CONDITION_PARAM_CONTAINER").text === "map" ? "map" : "list";
    this.#in.expect("<");
    const of = { kind: scalarKind(this.#in.expect("CONDITION_PARAM_TYPE").text) };
    this.#in.expect(">");
    return { kind, of };
  }

  /** All up to the next `}`: that it is CEL is checked by whoever compiles it. */
  #expression(): Name {
    const tokens = this.#in.takeUntil("}");
    const first = tokens.find(({ kind }) => kind !== "WHITESPACE" && kind !== "NEWLINE");
    const text = tokens.map((token) => token.text).join("");
    return { text: text.trim(), at: this.#in.place(first ?? this.#in.here) };
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
