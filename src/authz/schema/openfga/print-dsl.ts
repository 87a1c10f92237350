import { assert } from "../../../std/assert.ts";
import type {
  AllowedSubject,
  CaveatDefinition,
  CaveatType,
  Expression,
  Origin,
  RelationDefinition,
  Schema,
  SchemaProblem,
  TypeDefinition,
} from "../schema.ts";
import { nowhere, problem } from "./model.ts";
import { type Token, type TokenKind, tokenize, withoutComments } from "./tokens.ts";

export interface PrintedDsl {
  /** null when the DSL cannot say what the schema says; JSON can say more. */
  readonly text: string | null;
  readonly problems: readonly SchemaProblem[];
}

export interface PrintOptions {
  /** Says behind each declaration which module and file it came from. Default: false. */
  readonly origins?: boolean;
}

/**
 * The DSL of a schema that came from OpenFGA's language, laid out as OpenFGA's own tools do it:
 * conditions and their parameters by name, and what several modules contributed by module.
 */
export function printOpenfgaDsl(schema: Schema, options: PrintOptions = {}): PrintedDsl {
  assert(schema.dialect === "openfga", "only OpenFGA models have that DSL");
  const printer = new Printer(schema, options);
  const text = printer.run();
  const { problems } = printer;
  return { text: problems.length === 0 ? text : null, problems };
}

class Printer {
  readonly problems: SchemaProblem[] = [];
  readonly #schema: Schema;
  readonly #origins: boolean;
  readonly #modular: boolean;

  constructor(schema: Schema, { origins = false }: PrintOptions) {
    this.#schema = schema;
    this.#origins = origins;
    this.#modular = [...schema.types.values()].some(({ origin }) => origin !== undefined);
  }

  run(): string {
    const { types, caveats, version } = this.#schema;
    const typeTexts = this.#inOrder(types.values()).map((type) => this.#type(type));
    const conditions = [...caveats.values()].sort(this.#modular ? byOrigin : byName);
    const conditionTexts = conditions.map((condition) => this.#condition(condition));
    return [`model\n  schema ${version ?? "1.1"}\n`, ...typeTexts, ...conditionTexts].join("\n");
  }

  #inOrder<T extends Named>(definitions: Iterable<T>): readonly T[] {
    return this.#modular ? [...definitions].sort(byOrigin) : [...definitions];
  }

  #type({ name, doc, relations, origin }: TypeDefinition): string {
    this.#checkName(name, isName);
    const head = `${docText(doc, "")}type ${name}${this.#origin(origin, "")}\n`;
    if (relations.size === 0) return head;
    const lines = this.#inOrder(relations.values()).map((one) => this.#relation(one, name));
    return `${head}  relations\n${lines.join("")}`;
  }

  #relation(relation: RelationDefinition, type: string): string {
    const { name, doc, allowed, rewrite, origin } = relation;
    this.#checkName(name, isName);
    for (const subject of allowed) this.#checkSubject(subject);
    const subjects = `[${allowed.map(subjectText).join(", ")}]`;
    const definition = definitionText(rewrite, subjects);
    if (!saysDirectFirst(rewrite)) {
      const message = `the '${name}' relation definition under the '${type}' type is not supported by the OpenFGA DSL syntax yet`;
      this.problems.push(problem("not-in-dsl", message, { at: nowhere }));
    }
    const from = this.#origin(origin, " extended by:");
    return `${docText(doc, "    ")}    define ${name}: ${definition}${from}\n`;
  }

  #condition({ name, doc, parameters, expression, origin }: CaveatDefinition): string {
    this.#checkName(name, isConditionName);
    const list = [...parameters].sort(([a], [b]) => compare(a, b));
    const texts = list.map(([parameter, type]) => `${parameter}: ${typeText(type)}`);
    if (!isParameterList(texts.join(", ")) || !isExpression(expression)) {
      const message = `the condition '${name}' is not supported by the OpenFGA DSL syntax`;
      this.problems.push(problem("not-in-dsl", message, { at: nowhere }));
    }
    const head = `${docText(doc, "")}condition ${name}(${texts.join(", ")})`;
    return `${head} {\n  ${expression}\n}${this.#origin(origin, "")}\n`;
  }

  #checkSubject({ type, relation, caveat }: AllowedSubject): void {
    this.#checkName(type, isName);
    if (relation !== null) this.#checkName(relation, isName);
    if (caveat !== null) this.#checkName(caveat, isConditionName);
  }

  #checkName(name: string, isValid: (name: string) => boolean): void {
    if (isValid(name)) return;
    const message = `the name '${name}' is not supported by the OpenFGA DSL syntax`;
    this.problems.push(problem("not-in-dsl", message, { at: nowhere }));
  }

  #origin(origin: Origin | undefined, what: string): string {
    if (!this.#origins || origin === undefined) return "";
    return ` #${what} module: ${origin.module}, file: ${origin.file}`;
  }
}

function docText(doc: string | null, indent: string): string {
  if (doc === null) return "";
  const lines = doc.split("\n").map((line) => `${indent}# ${line}`.trimEnd());
  return `${lines.join("\n")}\n`;
}

function subjectText({ type, relation, wildcard, caveat }: AllowedSubject): string {
  const subject = wildcard ? `${type}:*` : relation === null ? type : `${type}#${relation}`;
  return caveat === null ? subject : `${subject} with ${caveat}`;
}

const operators = { union: " or ", intersection: " and " } as const;

function definitionText(rewrite: Expression, subjects: string): string {
  switch (rewrite.kind) {
    case "this":
      return subjects;
    case "relation":
      return rewrite.name;
    case "arrow":
      return `${definitionText(rewrite.target, subjects)} from ${rewrite.over}`;
    case "union":
    case "intersection": {
      const operands = directFirst(rewrite.operands);
      return operands.map((one) => operandText(one, subjects)).join(operators[rewrite.kind]);
    }
    case "exclusion": {
      const base = operandText(rewrite.base, subjects);
      return `${base} but not ${operandText(rewrite.subtract, subjects)}`;
    }
    case "nil":
    case "self":
      assert(false, `OpenFGA has no ${rewrite.kind}`);
  }
}

function operandText(operand: Expression, subjects: string): string {
  const text = definitionText(operand, subjects);
  const simple = operand.kind === "this" || operand.kind === "relation" || operand.kind === "arrow";
  return simple ? text : `(${text})`;
}

/** Brackets may stand only at the very beginning; the order of operands does not matter otherwise. */
function directFirst(operands: readonly Expression[]): readonly Expression[] {
  const direct = operands.findIndex(({ kind }) => kind === "this");
  const [first] = operands.slice(direct, direct + 1);
  return direct > 0 && first !== undefined ? [first, ...operands.toSpliced(direct, 1)] : operands;
}

function saysDirectFirst(rewrite: Expression): boolean {
  const count = countDirect(rewrite);
  return count === 0 || (count === 1 && beginsDirect(rewrite));
}

function countDirect(rewrite: Expression): number {
  if (rewrite.kind === "this") return 1;
  if ("operands" in rewrite) {
    return rewrite.operands.reduce((sum, operand) => sum + countDirect(operand), 0);
  }
  return rewrite.kind === "exclusion"
    ? countDirect(rewrite.base) + countDirect(rewrite.subtract)
    : 0;
}

function beginsDirect(rewrite: Expression): boolean {
  if (rewrite.kind === "this") return true;
  if (rewrite.kind === "exclusion") return beginsDirect(rewrite.base);
  const [first] = "operands" in rewrite ? directFirst(rewrite.operands) : [];
  return first !== undefined && beginsDirect(first);
}

function typeText(type: CaveatType): string {
  return "of" in type ? `${type.kind}<${typeText(type.of)}>` : type.kind;
}

// --- What can be written ----------------------------------------------------------------------------

function isName(name: string): boolean {
  const kinds = kindsOf(`type ${name}`);
  const [, , kind] = kinds;
  const word = kind === "IDENTIFIER" || kind === "EXTENDED_IDENTIFIER" || isWord(kind);
  return kinds.length === 3 && word;
}

function isWord(kind: TokenKind | undefined): boolean {
  return (
    kind !== undefined && ["model", "schema", "type", "relation", "module", "extend"].includes(kind)
  );
}

function isConditionName(name: string): boolean {
  const kinds = kindsOf(`condition ${name}`);
  return isName(name) && kinds.length === 3 && kinds[2] === "IDENTIFIER";
}

/** `a: int, b: list<string>`, not empty. */
function isParameterList(text: string): boolean {
  const shape = kindsOf(`condition ${text}`).slice(2).join(" ");
  const type = "CONDITION_PARAM_TYPE|CONDITION_PARAM_CONTAINER < CONDITION_PARAM_TYPE >";
  const parameter = `IDENTIFIER : WHITESPACE (?:${type})`;
  return new RegExp(`^${parameter}(?: , WHITESPACE ${parameter})*$`).test(shape);
}

/**
 * Nothing in it may be taken for an end, the beginning of a condition or a comment of the DSL. CEL's
 * own comments and some white space do get lost.
 */
function isExpression(expression: string): boolean {
  const written = tokenize(expression);
  const read = tokenize(withoutComments(`{\n  ${expression}\n}`));
  if (written.errors.length > 0 || read.errors.length > 0) return false;
  const words = wordsOf(read.tokens).slice(1, -1);
  const ends = read.tokens.some(({ kind }) => kind === "condition");
  const end = written.tokens.some(({ kind }) => kind === "}");
  return !ends && !end && words.join("\n") === wordsOf(written.tokens).join("\n");
}

function wordsOf(tokens: readonly Token[]): readonly string[] {
  const words = tokens
    .slice(0, -1)
    .filter(({ kind }) => kind !== "WHITESPACE" && kind !== "NEWLINE");
  return words.map((token) => token.text);
}

function kindsOf(text: string): readonly TokenKind[] {
  const { tokens, errors } = tokenize(withoutComments(text));
  return errors.length > 0 ? [] : tokens.slice(0, -1).map(({ kind }) => kind);
}

// --- Order ----------------------------------------------------------------------------------------

interface Named {
  readonly name: string;
  readonly origin?: Origin;
}

function byName(a: Named, b: Named): number {
  return compare(a.name, b.name);
}

/** What has no module of its own comes first, then by module, file and name. */
function byOrigin(a: Named, b: Named): number {
  if (a.origin === undefined && b.origin === undefined) return byName(a, b);
  if (a.origin === undefined || b.origin === undefined) return a.origin === undefined ? -1 : 1;
  const byModule = compare(a.origin.module, b.origin.module);
  return byModule || compare(a.origin.file ?? "", b.origin.file ?? "") || byName(a, b);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
