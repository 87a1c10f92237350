/** Schemas of either language, for programs that handle both. */
import type { SchemaDescription, SchemaDialect } from "../../model/authz.ts";
import { defaultLimits, type Limits } from "../../model/limits.ts";
import { assert } from "../../std/assert.ts";
import { compileCaveat } from "../caveat/caveat.ts";
import { parseNativeSchema } from "./native/parse.ts";
import { printNativeSchema } from "./native/print.ts";
import { parseOpenfgaDsl, parseOpenfgaJson } from "./openfga/openfga.ts";
import { inPlainWords } from "./openfga/plain-words.ts";
import { printOpenfgaDsl } from "./openfga/print-dsl.ts";
import { toOpenfgaJson } from "./openfga/to-json.ts";
import type { ParsedSchema, Schema } from "./schema.ts";

export interface ParseSchemaOptions {
  /** Default: whatever the text looks like. */
  readonly dialect?: SchemaDialect;
  readonly limits?: Limits;
}

/**
 * Reads a schema in SpiceDB's language, or a model of OpenFGA in its DSL or as JSON; its caveats are
 * checked too. Never throws: what is wrong comes back as problems.
 *
 * @example
 * ```ts
 * import { parseSchema } from "holdfast/authz";
 *
 * const { problems } = parseSchema("definition user {}\ndefinition doc { relation viewer: usr }");
 * console.log(problems[0]?.suggestion); // Did you mean "user"?
 * ```
 */
export function parseSchema(text: string, options: ParseSchemaOptions = {}): ParsedSchema {
  const { dialect = dialectOf(text), limits = defaultLimits } = options;
  const parsed = parseText(text, dialect, limits);
  const { schema } = parsed;
  if (schema === null) return { schema, problems: parsed.problems.map(inPlainWords) };
  const problems = [...schema.caveats.values()].flatMap(
    (caveat) => compileCaveat(caveat, dialect, limits).problems,
  );
  const isWrong = problems.some(({ severity }) => severity === "error");
  return { schema: isWrong ? null : schema, problems: [...parsed.problems, ...problems] };
}

/** The internal form of a schema that was accepted when it was written, under whatever limits. */
export function acceptedSchema({ dialect, text }: AcceptedSchema, limits: Limits): Schema {
  const { schema, problems } = parseText(text, dialect, acceptedLimits(limits));
  assert(schema !== null, `a stored schema is valid: ${problems[0]?.message ?? "it is empty"}`);
  return schema;
}

/** Limits under which all that was accepted once stays accepted: those of what is written are gone. */
export function acceptedLimits(limits: Limits): Limits {
  const none = Number.POSITIVE_INFINITY;
  return {
    ...limits,
    authzSchema: none,
    authzTypes: none,
    authzRelations: none,
    authzNames: none,
    authzExpression: none,
    authzName: none,
    authzCaveatParameters: none,
    authzCaveatText: none,
  };
}

export type AcceptedSchema = Pick<SchemaDescription, "dialect" | "text">;

/** Models of OpenFGA are JSON when they come over HTTP, and in files they are not. */
function parseText(text: string, dialect: SchemaDialect, limits: Limits): ParsedSchema {
  if (dialect === "native") return parseNativeSchema(text, limits);
  return isJson(text) ? parseOpenfgaJson(text, limits) : parseOpenfgaDsl(text, limits);
}

/** The text of a schema, in the layout of its language; JSON where OpenFGA's DSL cannot say it. */
export function printSchema(schema: Schema): string {
  if (schema.dialect === "native") return printNativeSchema(schema);
  return printOpenfgaDsl(schema).text ?? JSON.stringify(toOpenfgaJson(schema), null, 2);
}

/** Which language a text is written in, by its first words. */
export function dialectOf(text: string): SchemaDialect {
  if (isJson(text)) return "openfga";
  const lines = text.split("\n").map((line) => line.trim());
  const first = lines.find((line) => line !== "" && !line.startsWith("#"));
  return first !== undefined && /^(model|module)\b/.test(first) ? "openfga" : "native";
}

function isJson(text: string): boolean {
  return text.trimStart().startsWith("{");
}
