import type { Limits } from "../../../model/limits.ts";
import type { SchemaProblem } from "../schema.ts";
import { type Model, nowhere, problem } from "./model.ts";

/** The limits that a model is held to. Names have the bounds that OpenFGA gives them. */
export type ModelLimits = Pick<
  Limits,
  | "authzSchema"
  | "authzTypes"
  | "authzRelations"
  | "authzExpression"
  | "authzCaveatParameters"
  | "authzCaveatText"
>;

/** What must hold before a text is even looked at. */
export function textProblem(text: string, limits: ModelLimits): SchemaProblem | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limits.authzSchema) return undefined;
  const message = `the model has ${bytes} bytes, more than the limit of ${limits.authzSchema}`;
  return problem("schema-too-large", message, { at: nowhere });
}

export function tooDeep(limits: ModelLimits): string {
  return `the expression is nested more than ${limits.authzExpression} deep`;
}

export function sizeProblems(model: Model, limits: ModelLimits): readonly SchemaProblem[] {
  const { authzTypes, authzRelations, authzCaveatParameters, authzCaveatText } = limits;
  const found: SchemaProblem[] = [];
  const surplus = model.types[authzTypes];
  if (surplus !== undefined) {
    const message = `the model has ${model.types.length} types, more than the limit of ${authzTypes}`;
    found.push(problem("too-many-types", message, { at: surplus.name.at }));
  }
  for (const type of model.types) {
    const extra = type.relations[authzRelations];
    if (extra === undefined) continue;
    const message = `\`${type.name.text}\` has ${type.relations.length} relations, more than the limit of ${authzRelations}`;
    found.push(problem("too-many-relations", message, { at: extra.name.at }));
  }
  for (const { key, name, parameters, expression, expressionAt } of model.conditions) {
    if (parameters.size > authzCaveatParameters) {
      const message = `\`${key}\` has ${parameters.size} parameters, more than the limit of ${authzCaveatParameters}`;
      found.push(problem("too-many-parameters", message, { at: name.at }));
    }
    const bytes = Buffer.byteLength(expression);
    if (bytes > authzCaveatText) {
      const message = `the expression of \`${key}\` has ${bytes} bytes, more than the limit of ${authzCaveatText}`;
      found.push(problem("caveat-too-long", message, { at: expressionAt }));
    }
  }
  return found;
}
