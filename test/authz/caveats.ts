/** Caveats for tests, in few words. */
import assert from "node:assert/strict";
import {
  type Caveat,
  type CaveatResult,
  type CompiledCaveat,
  compileCaveat,
} from "../../src/authz/caveat/caveat.ts";
import type { CaveatType } from "../../src/authz/schema/schema.ts";
import type { SchemaDialect } from "../../src/model/authz.ts";
import { defaultLimits, type Limits } from "../../src/model/limits.ts";
import type { CaveatContext } from "../../src/model/relationship.ts";

export interface Options {
  readonly dialect?: SchemaDialect;
  readonly limits?: Partial<Limits>;
}

/** The expression begins at line 3, column 5 of its schema. */
export function compile(
  expression: string,
  parameters: Readonly<Record<string, string>> = {},
  { dialect = "native", limits = {} }: Options = {},
): CompiledCaveat {
  const types = Object.entries(parameters).map(([name, type]): [string, CaveatType] => [
    name,
    typeOf(type),
  ]);
  return compileCaveat(
    {
      name: "test",
      doc: null,
      at: { line: 2, column: 1 },
      parameters: new Map(types),
      expression,
      expressionAt: { line: 3, column: 5 },
    },
    dialect,
    { ...defaultLimits, ...limits },
  );
}

export function make(
  expression: string,
  parameters: Readonly<Record<string, string>> = {},
  options: Options = {},
): Caveat {
  const { caveat, problems } = compile(expression, parameters, options);
  assert(caveat !== null, `${expression}: ${problems.map(({ message }) => message).join("; ")}`);
  return caveat;
}

/** With the context of a question alone. */
export function evaluate(
  expression: string,
  parameters: Readonly<Record<string, string>> = {},
  { context = {}, ...options }: Options & { readonly context?: CaveatContext } = {},
): CaveatResult {
  const caveat = make(expression, parameters, options);
  return caveat.evaluate(null, caveat.readContext(context, "asked"));
}

/** `yes`, `no`, `unknown a b`, or the code of an error. */
export function show(result: CaveatResult): string {
  if (result.value === "unknown") return `unknown ${result.missing.join(" ")}`;
  return result.value === "error" ? result.code : result.value;
}

/** `int`, `list<string>`, `map<list<any>>`. */
export function typeOf(text: string): CaveatType {
  const match = /^(list|map)<(.+)>$/.exec(text);
  if (match === null) return { kind: text } as CaveatType; // a test writes only types that exist
  return { kind: match[1] as "list" | "map", of: typeOf(match[2] ?? "") };
}
