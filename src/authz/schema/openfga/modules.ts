import type { ParsedSchema, SchemaProblem } from "../schema.ts";
import { compile } from "./compile.ts";
import { type ModelLimits, sizeProblems } from "./limits.ts";
import { parseOpenfgaMod } from "./mod-file.ts";
import {
  type Model,
  type ModelCondition,
  type ModelRelation,
  type ModelType,
  nowhere,
  problem,
} from "./model.ts";
import { readDsl } from "./read-dsl.ts";
import { validate } from "./validate.ts";

/** The name under which problems of the `fga.mod` itself are told. */
export const modFileName = "fga.mod";

export interface ModuleFiles {
  /** Texts by the name under which the `fga.mod` lists them. */
  readonly files: ReadonlyMap<string, string>;
  readonly limits: ModelLimits;
  /** Default: true, as for the DSL. */
  readonly strict?: boolean;
}

/**
 * A model in several files: the `fga.mod` lists them, each is one module. Problems name their file.
 * The text of the schema is that of the files, one after the other.
 */
export function parseOpenfgaModules(
  modFile: string,
  { files, limits, strict = true }: ModuleFiles,
): ParsedSchema {
  const { mod, problems } = parseOpenfgaMod(modFile);
  if (mod === null) {
    return { schema: null, problems: problems.map((one) => ({ ...one, file: modFileName })) };
  }
  const merge = new Merge(limits);
  for (const { value, at } of mod.contents) {
    const text = files.get(value);
    if (text === undefined) {
      const message = `the file ${value} is missing`;
      merge.problems.push(problem("missing-file", message, { at: { ...at, file: modFileName } }));
    } else {
      merge.add(value, text);
    }
  }
  const version = { text: mod.schema.value, at: { ...mod.schema.at, file: modFileName } };
  const model = { ...merge.finish(), version };
  const sizes = sizeProblems(model, limits);
  const found = sizes.length > 0 ? sizes : validate(model, { strict });
  const all = [...merge.problems, ...found];
  if (all.some(({ severity }) => severity === "error")) return { schema: null, problems: all };
  const source = mod.contents.map(({ value }) => files.get(value) ?? "").join("\n");
  return { schema: compile(model, source), problems: all };
}

class Merge {
  readonly problems: SchemaProblem[] = [];
  readonly #limits: ModelLimits;
  readonly #types = new Map<ModelType["name"], ModelType>();
  readonly #extensions: ModelType[] = [];
  readonly #conditions = new Map<string, ModelCondition>();

  constructor(limits: ModelLimits) {
    this.#limits = limits;
  }

  add(file: string, text: string): void {
    const { model, problems } = readDsl(text, { limits: this.#limits, file });
    this.problems.push(...problems);
    if (model === null || problems.length > 0) return;
    if (model.version !== null) {
      const message = "file is not a module";
      this.problems.push(problem("not-a-module", message, { at: { ...nowhere, file } }));
      return;
    }
    for (const type of model.types) {
      const placed = inFile(type, file);
      if (type.extends) this.#extensions.push(placed);
      else this.#types.set(type.name, placed);
    }
    for (const condition of model.conditions) this.#condition(inFile(condition, file));
  }

  #condition(condition: ModelCondition): void {
    const { key, name } = condition;
    if (this.#conditions.has(key)) {
      const place = { at: name.at, length: key.length };
      this.problems.push(problem("duplicate-condition", `duplicate condition ${key}`, place));
    } else {
      this.#conditions.set(key, condition);
    }
  }

  finish(): Omit<Model, "version"> {
    const byName = new Map<string, ModelType>();
    for (const type of this.#types.values()) {
      if (!byName.has(type.name.text)) byName.set(type.name.text, type);
    }
    for (const extension of this.#extensions) {
      const { text, at } = extension.name;
      const extended = byName.get(text);
      if (extended === undefined) {
        const message = `extended type ${text} does not exist`;
        this.problems.push(problem("unknown-extended-type", message, { at, length: text.length }));
        continue;
      }
      const relations = this.#extended(extended, extension);
      const whole = { ...extended, relations };
      byName.set(text, whole);
      this.#types.set(extended.name, whole);
    }
    return { types: [...this.#types.values()], conditions: [...this.#conditions.values()] };
  }

  #extended(type: ModelType, extension: ModelType): readonly ModelRelation[] {
    const known = new Set(type.relations.map(({ name }) => name.text));
    const added = extension.relations.filter(({ name }) => {
      if (!known.has(name.text)) return true;
      const message = `relation ${name.text} already exists on type ${type.name.text}`;
      const place = { at: name.at, length: name.text.length };
      this.problems.push(problem("duplicate-relation", message, place));
      return false;
    });
    const file = extension.origin?.file ?? "";
    return [...type.relations, ...added.map((relation) => inFile(relation, file))];
  }
}

/** The reader knows the module; of which file it is read is known here. */
function inFile<T extends Pick<ModelType, "origin">>(part: T, file: string): T {
  return part.origin === undefined ? part : { ...part, origin: { ...part.origin, file } };
}
