import type { ASTNode } from "@marcbachmann/cel-js";
import { Environment, ParseError } from "@marcbachmann/cel-js";
import type { SchemaDialect } from "../../model/authz.ts";
import { fail } from "../../model/errors.ts";
import type { Limits } from "../../model/limits.ts";
import type { CaveatContext } from "../../model/relationship.ts";
import { assert } from "../../std/assert.ts";
import type { CaveatDefinition, CaveatType, Position, SchemaProblem } from "../schema/schema.ts";
import type { ExpressionProblem } from "./checked.ts";
import { Checker } from "./checker.ts";
import { readValue } from "./context.ts";
import { Frame, type Run } from "./frame.ts";
import { formatType, typeOfParameter } from "./types.ts";
import { Failure, type Outcome, Unknown, type Value } from "./value.ts";

/** A condition on a relationship, ready to be evaluated. It never changes. */
export interface Caveat {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, CaveatType>;
  /**
   * Checks and converts plain JSON by the declared types; throws `caveat-context` when it does not
   * fit. Names that are no parameters are refused in what is stored with a relationship, and ignored
   * in what comes with a question.
   */
  readContext(context: CaveatContext, kind: "stored" | "asked"): ReadContext;
  /**
   * What is stored wins over what was asked, name by name. Both must come from `readContext` of this
   * very caveat. Never throws: parameters may be missing, values may be beyond what can be computed.
   */
  evaluate(stored: ReadContext | null, asked: ReadContext | null): CaveatResult;
}

/** A context after it was read: values by the place of their parameter. */
export interface ReadContext {
  readonly of: Caveat;
  readonly values: readonly (Value | undefined)[];
}

export type CaveatResult =
  | { readonly value: "yes" }
  | { readonly value: "no" }
  /** It depends on these parameters, which were not given. */
  | { readonly value: "unknown"; readonly missing: readonly string[] }
  | {
      readonly value: "error";
      readonly code: "caveat-failed" | "caveat-cost";
      readonly reason: string;
    };

export interface CompiledCaveat {
  /** null when at least one of the problems is an error. */
  readonly caveat: Caveat | null;
  readonly problems: readonly SchemaProblem[];
}

/** Parses the expression and checks its types; the problems lie in the text of the schema. */
export function compileCaveat(
  definition: CaveatDefinition,
  dialect: SchemaDialect,
  limits: Limits,
): CompiledCaveat {
  const tooLarge = checkSize(definition, limits);
  if (tooLarge !== null) return { caveat: null, problems: [tooLarge] };
  const parsed = parse(definition.expression, dialect);
  if ("problem" in parsed) {
    return { caveat: null, problems: [placeProblem(parsed.problem, definition)] };
  }
  const naturals = dialect === "native";
  const variables = [...definition.parameters].map(([name, type]) => ({
    name,
    type: typeOfParameter(type, { naturals }),
  }));
  const checker = new Checker(dialect, variables);
  const { type, run } = checker.check(parsed.ast);
  const problems = checker.problems.map((problem) => placeProblem(problem, definition));
  const isRight = problems.every(({ severity }) => severity !== "error");
  if (isRight && type.kind !== "bool") {
    const message = `The expression must be bool, not ${formatType(type)}`;
    problems.push(placeProblem(wholeProblem(parsed.ast, { message, type: type.kind }), definition));
    return { caveat: null, problems };
  }
  if (!isRight) return { caveat: null, problems };
  problems.push(...findUnused(definition, checker.used));
  const max = limits.authzCaveatCost;
  const caveat = new EvaluableCaveat(definition, { run, slots: checker.slots, dialect, max });
  return { caveat, problems };
}

interface Evaluation {
  readonly run: Run;
  /** Parameters and variables together. */
  readonly slots: number;
  readonly dialect: SchemaDialect;
  readonly max: number;
}

const yes: CaveatResult = { value: "yes" };
const no: CaveatResult = { value: "no" };

class EvaluableCaveat implements Caveat {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, CaveatType>;
  readonly #evaluation: Evaluation;
  /** A frame in which nothing is known. */
  readonly #unknowns: readonly Outcome[];

  constructor({ name, parameters }: CaveatDefinition, evaluation: Evaluation) {
    this.name = name;
    this.parameters = parameters;
    this.#evaluation = evaluation;
    const variables = Array<Outcome>(evaluation.slots - parameters.size).fill(null);
    this.#unknowns = [...Array.from(parameters.keys(), (key) => new Unknown([key])), ...variables];
  }

  readContext(context: CaveatContext, kind: "stored" | "asked"): ReadContext {
    if (kind === "stored") this.#refuseUnknown(context);
    const values: (Value | undefined)[] = [];
    for (const [name, type] of this.parameters) {
      const json = Object.hasOwn(context, name) ? context[name] : undefined;
      const value = json === undefined ? undefined : readValue(json, type);
      if (value instanceof Failure) throw this.#misfit(`${name}: ${value.reason}`);
      values.push(value);
    }
    return { of: this, values };
  }

  evaluate(stored: ReadContext | null, asked: ReadContext | null): CaveatResult {
    assert(stored === null || stored.of === this, "the stored context is of this caveat");
    assert(asked === null || asked.of === this, "the context of the question is of this caveat");
    const slots = this.#unknowns.slice();
    let isComplete = true;
    for (let at = 0; at < this.parameters.size; at++) {
      let value = stored?.values[at];
      if (value === undefined) value = asked?.values[at];
      if (value === undefined) isComplete = false;
      else slots[at] = value;
    }
    const { run, max, dialect } = this.#evaluation;
    const frame = new Frame(slots, max);
    const outcome = run(frame);
    if (frame.cost > max) return costError(max);
    if (!isComplete && dialect === "openfga" && !(outcome instanceof Failure)) {
      return { value: "unknown", missing: this.#missingOf(slots) };
    }
    if (outcome === true) return yes;
    return outcome === false ? no : resultOf(outcome);
  }

  /** OpenFGA asks for every parameter, even where the others decide. */
  #missingOf(slots: readonly Outcome[]): readonly string[] {
    return [...this.parameters.keys()].filter((_, at) => slots[at] instanceof Unknown);
  }

  #refuseUnknown(context: CaveatContext): void {
    const unknown = Object.keys(context).find((name) => !this.parameters.has(name));
    if (unknown !== undefined) throw this.#misfit(`there is no parameter ${unknown.slice(0, 64)}`);
  }

  #misfit(reason: string): Error {
    return fail("caveat-context", { caveat: this.name, reason });
  }
}

function costError(max: number): CaveatResult {
  return { value: "error", code: "caveat-cost", reason: `it takes more than ${max} steps` };
}

function resultOf(outcome: Outcome): CaveatResult {
  if (outcome instanceof Unknown) return { value: "unknown", missing: outcome.names };
  const reason = outcome instanceof Failure ? outcome.reason : "the result is not bool";
  return { value: "error", code: "caveat-failed", reason };
}

/** One parser for each language; making one is slow, and they keep nothing of what they parsed. */
const environments: Readonly<Record<SchemaDialect, Environment>> = {
  native: makeEnvironment({ enableOptionalTypes: true }),
  openfga: makeEnvironment({ enableOptionalTypes: false }),
};

function makeEnvironment(options: { readonly enableOptionalTypes: boolean }): Environment {
  // The text is bounded already; depth is what could harm the stack.
  const large = 100_000;
  const limits = {
    maxDepth: 100,
    maxAstNodes: large,
    maxListElements: large,
    maxMapEntries: large,
  };
  return new Environment({ ...options, limits });
}

function parse(
  expression: string,
  dialect: SchemaDialect,
): { readonly ast: ASTNode } | { readonly problem: ExpressionProblem } {
  try {
    return { ast: environments[dialect].parse(expression).ast };
  } catch (error) {
    const isParseError = error instanceof ParseError;
    const { start, end } = (isParseError ? error.range : undefined) ?? { start: 0, end: 0 };
    const place = { severity: "error", start, end } as const;
    if (isParseError && error.code !== "limit_exceeded") {
      return { problem: { ...place, code: "caveat-syntax", message: describe(error.summary) } };
    }
    // The parser counts brackets, and lets the stack end a thousand of `!` in a row.
    assert(isParseError || error instanceof RangeError, "the parser throws what it says");
    const message = "Too much within each other";
    return { problem: { ...place, code: "caveat-nesting", message } };
  }
}

function describe(summary: string): string {
  return summary.includes("EOF") ? "The expression ends too early" : summary;
}

function checkSize(definition: CaveatDefinition, limits: Limits): SchemaProblem | null {
  const { parameters, expression, at } = definition;
  if (parameters.size > limits.authzCaveatParameters) {
    const message = `${parameters.size} parameters; the limit authzCaveatParameters is ${limits.authzCaveatParameters}`;
    return { code: "too-many-parameters", severity: "error", message, at };
  }
  const length = Buffer.byteLength(expression);
  if (length <= limits.authzCaveatText) return null;
  const message = `An expression of ${length} bytes; the limit authzCaveatText is ${limits.authzCaveatText}`;
  return { code: "caveat-too-long", severity: "error", message, at };
}

function wholeProblem(
  { start, end }: ASTNode,
  { message, type }: { readonly message: string; readonly type: string },
): ExpressionProblem {
  const problem = { code: "caveat-not-bool", severity: "error", message, start, end } as const;
  return type === "dyn" ? { ...problem, suggestion: "Compare it: … == true" } : problem;
}

function findUnused(
  { parameters, at }: CaveatDefinition,
  used: ReadonlySet<string>,
): readonly SchemaProblem[] {
  return [...parameters.keys()]
    .filter((name) => !used.has(name))
    .map((name) => ({
      code: "unused-parameter",
      severity: "warning",
      message: `The expression does not look at parameter ${name}`,
      at,
    }));
}

function placeProblem(
  { start, end, ...problem }: ExpressionProblem,
  { expression, expressionAt }: CaveatDefinition,
): SchemaProblem {
  const place = (offset: number) => placeOf(expression.slice(0, offset), expressionAt);
  return { ...problem, at: place(start), end: place(Math.max(start, end)) };
}

function placeOf(before: string, { line, column }: Position): Position {
  const lines = before.split("\n");
  const last = lines.at(-1) ?? "";
  if (lines.length === 1) return { line, column: column + last.length };
  return { line: line + lines.length - 1, column: last.length + 1 };
}
