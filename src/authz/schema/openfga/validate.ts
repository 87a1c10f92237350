import type { SchemaProblem } from "../schema.ts";
import { cycles, entryPoints, type TypeMap, typeMapOf } from "./entry-points.ts";
import { isRelationName, isTypeName, relationRule, typeRule } from "./identifiers.ts";
import {
  leavesOf,
  type Model,
  type ModelRelation,
  type ModelType,
  nowhere,
  problem,
  type Rewrite,
  restrictionText,
} from "./model.ts";
import { ReferenceCheck } from "./references.ts";

export interface Strictness {
  /**
   * OpenFGA's tools refuse some models that its server takes: with unused conditions, or with the
   * same thing said twice. Strict: these are errors; otherwise warnings.
   */
  readonly strict: boolean;
}

/**
 * What is wrong with a model whose form is right, in the order and the words of OpenFGA's tools, and
 * then what its server alone refuses. As there, what can only be a consequence is not looked for.
 */
export function validate(model: Model, { strict }: Strictness): readonly SchemaProblem[] {
  const found: SchemaProblem[] = [];
  const tolerated = (problems: readonly SchemaProblem[]): readonly SchemaProblem[] =>
    strict ? problems : problems.map((one) => ({ ...one, severity: "warning" }));
  const isClean = (): boolean => found.every(({ severity }) => severity === "warning");
  found.push(...nameProblems(model), ...versionProblems(model));
  const files = new Map<string, Set<string>>();
  if (isClean()) {
    const types = typeMapOf(model.types);
    const references = new ReferenceCheck(types, model);
    for (const type of model.types) found.push(...references.of(type));
    if (isClean()) found.push(...duplicateProblems(model, tolerated));
    if (isClean()) {
      found.push(...entryProblems(model, types));
      if (isClean()) found.push(...serverProblems(model, types));
    }
    found.push(...conditionProblems(model, tolerated));
  }
  noteFiles(model, files);
  found.push(...tolerated(fileProblems(files)));
  return found;
}

function isReserved(name: string): boolean {
  return name === "self" || name === "this";
}

function nameProblems(model: Model): readonly SchemaProblem[] {
  const found: SchemaProblem[] = [];
  for (const { name, relations } of model.types) {
    const place = { at: name.at, length: name.text.length };
    if (isReserved(name.text)) {
      const message = "a type cannot be named 'self' or 'this'.";
      found.push(problem("reserved-type-keywords", message, place));
    }
    if (!isTypeName(name.text)) {
      const message = `type '${name.text}' does not match naming rule: '${typeRule}'.`;
      found.push(problem("invalid-name", message, place));
    }
    for (const relation of relations) found.push(...relationNameProblems(relation, name.text));
  }
  return found;
}

function relationNameProblems({ name }: ModelRelation, type: string): readonly SchemaProblem[] {
  const found: SchemaProblem[] = [];
  const place = { at: name.at, length: name.text.length };
  if (isReserved(name.text)) {
    const message = "a relation cannot be named 'self' or 'this'.";
    found.push(problem("reserved-relation-keywords", message, place));
  }
  if (!isRelationName(name.text)) {
    const message = `relation '${name.text}' of type '${type}' does not match naming rule: '${relationRule}'.`;
    found.push(problem("invalid-name", message, place));
  }
  return found;
}

function versionProblems({ version }: Model): readonly SchemaProblem[] {
  if (version === null || version.text === "") {
    return [problem("schema-version-required", "schema version required", { at: nowhere })];
  }
  if (version.text === "1.1" || version.text === "1.2") return [];
  const place = { at: version.at, length: version.text.length };
  return [problem("invalid-schema", `invalid schema ${version.text}`, place)];
}

type Tolerance = (problems: readonly SchemaProblem[]) => readonly SchemaProblem[];

function duplicateProblems(model: Model, tolerated: Tolerance): readonly SchemaProblem[] {
  const found: SchemaProblem[] = [];
  const first = new Map<string, ModelType>();
  for (const type of model.types) {
    const { text } = type.name;
    const before = first.get(text);
    if (before === undefined) {
      first.set(text, type);
    } else {
      const place = { at: before.name.at, length: text.length };
      found.push(problem("duplicated-error", `the type \`${text}\` is a duplicate.`, place));
    }
    for (const relation of type.relations) {
      found.push(...tolerated(duplicateRestrictions(relation)));
      found.push(...tolerated(duplicateOperands(relation)));
    }
  }
  return found;
}

function duplicateRestrictions({ name, restrictions }: ModelRelation): readonly SchemaProblem[] {
  const texts = restrictions.map((restriction) => ({
    at: restriction.at,
    text: restrictionText(restriction, { condition: true }),
  }));
  return repeated(texts).map(({ at, text }) => {
    const message = `the type restriction \`${text}\` is a duplicate in the relation \`${name.text}\`.`;
    return problem("duplicated-error", message, { at, length: text.length });
  });
}

/** Only at the top, as in OpenFGA. */
function duplicateOperands({ name, rewrite }: ModelRelation): readonly SchemaProblem[] {
  const operands =
    "children" in rewrite
      ? rewrite.children
      : rewrite.kind === "difference"
        ? [rewrite.base, rewrite.subtract]
        : [];
  return repeated(operands.flatMap(operandText)).map(({ at, text }) => {
    const message = `the partial relation definition \`${text}\` is a duplicate in the relation \`${name.text}\`.`;
    return problem("duplicated-error", message, { at, length: text.length });
  });
}

type Placed = Pick<SchemaProblem, "at"> & { readonly text: string };

function operandText(operand: Rewrite): readonly Placed[] {
  if (operand.kind === "computed") return [{ at: operand.at, text: operand.relation }];
  if (operand.kind !== "from") return [];
  return [{ at: operand.at, text: `${operand.relation} from ${operand.tupleset.text}` }];
}

/** For each repetition the first occurrence. */
function repeated(texts: readonly Placed[]): readonly Placed[] {
  const first = new Map<string, Placed>();
  return texts.flatMap((placed) => {
    const before = first.get(placed.text);
    if (before === undefined) first.set(placed.text, placed);
    return before === undefined ? [] : [before];
  });
}

function entryProblems(model: Model, types: TypeMap): readonly SchemaProblem[] {
  const entryPointOf = entryPoints(types);
  return model.types.flatMap((type) =>
    type.relations.flatMap((relation) => {
      const { has, loop } = entryPointOf(relation);
      if (has) return [];
      const why = loop ? "potential loop" : "no entrypoint";
      const { text, at } = relation.name;
      const message = `\`${text}\` is an impossible relation for \`${type.name.text}\` (${why}).`;
      return [problem("relation-no-entry-point", message, { at, length: text.length })];
    }),
  );
}

/** What OpenFGA's tools take and its server refuses. */
function serverProblems(model: Model, types: TypeMap): readonly SchemaProblem[] {
  const cyclic = cycles(types);
  return model.types.flatMap((type) =>
    type.relations.flatMap((relation) => {
      const { text, at } = relation.name;
      const place = { at, length: text.length };
      const assignable = leavesOf(relation.rewrite).some(({ kind }) => kind === "this");
      if (!assignable && relation.restrictions.length > 0) {
        const message = `the non-assignable relation \`${text}\` of \`${type.name.text}\` must not have types.`;
        return [problem("non-assignable-relation-with-type", message, place)];
      }
      if (!cyclic.has(relation)) return [];
      const message = `the definition of \`${text}\` in \`${type.name.text}\` refers to itself (cycle).`;
      return [problem("relation-cycle", message, place)];
    }),
  );
}

function conditionProblems(model: Model, tolerated: Tolerance): readonly SchemaProblem[] {
  const used = new Set(
    model.types.flatMap(({ relations }) =>
      relations.flatMap(({ restrictions }) =>
        restrictions.flatMap(({ condition }) => (condition === null ? [] : [condition.text])),
      ),
    ),
  );
  return model.conditions.flatMap(({ key, name }) => {
    const found: SchemaProblem[] = [];
    if (key !== name.text) {
      const message = `condition key is \`${key}\` but nested name property is ${name.text}`;
      found.push(problem("different-nested-condition-name", message, { at: nowhere }));
    }
    if (!used.has(key)) {
      const place = { at: name.at, length: key.length };
      const message = `\`${key}\` condition is not used in the model.`;
      found.push(...tolerated([problem("condition-not-used", message, place)]));
    }
    return found;
  });
}

function noteFiles(model: Model, files: Map<string, Set<string>>): void {
  const relations = model.types.flatMap((type) => type.relations);
  for (const { origin } of [...model.types, ...relations, ...model.conditions]) {
    if (origin === undefined || origin.file === null) continue;
    const modules = files.get(origin.file) ?? new Set();
    files.set(origin.file, modules.add(origin.module));
  }
}

function fileProblems(files: ReadonlyMap<string, ReadonlySet<string>>): readonly SchemaProblem[] {
  return [...files].flatMap(([file, modules]) => {
    if (modules.size === 1) return [];
    const names = [...modules].join(", ");
    const message = `file ${file} would contain multiple module definitions (${names}) when transforming to DSL. Only one module can be defined per file.`;
    return [problem("multiple-modules-in-file", message, { at: nowhere })];
  });
}
