import type { ParsedSchema, SchemaProblem } from "../schema.ts";
import { compile } from "./compile.ts";
import { type ModelLimits, sizeProblems } from "./limits.ts";
import type { ReadModel } from "./model.ts";
import { readDsl } from "./read-dsl.ts";
import { readJson } from "./read-json.ts";
import { type Strictness, validate } from "./validate.ts";

/**
 * A model in OpenFGA's DSL (schema 1.1 and 1.2). Never throws; takes time in proportion to the text.
 * Strict by default: people write it, and OpenFGA's tools would tell them the same.
 */
export function parseOpenfgaDsl(
  text: string,
  limits: ModelLimits,
  { strict = true }: Partial<Strictness> = {},
): ParsedSchema {
  return finish(readDsl(text, { limits }), { source: text, limits, strict });
}

/**
 * A model in the JSON form of OpenFGA's HTTP API, as text or as the value of it. Never throws. By
 * default it takes whatever OpenFGA's server would take.
 */
export function parseOpenfgaJson(
  json: unknown,
  limits: ModelLimits,
  { strict = false }: Partial<Strictness> = {},
): ParsedSchema {
  const { source, ...read } = readJson(json, limits);
  return finish(read, { source, limits, strict });
}

function finish(
  { model, problems }: ReadModel,
  options: { readonly source: string; readonly limits: ModelLimits; readonly strict: boolean },
): ParsedSchema {
  if (model === null || hasErrors(problems)) return { schema: null, problems };
  const sizes = sizeProblems(model, options.limits);
  const all = [...problems, ...(sizes.length > 0 ? sizes : validate(model, options))];
  if (hasErrors(all)) return { schema: null, problems: all };
  return { schema: compile(model, options.source), problems: all };
}

function hasErrors(problems: readonly SchemaProblem[]): boolean {
  return problems.some(({ severity }) => severity === "error");
}
