import type { CaveatType, Origin, SchemaProblem } from "../schema.ts";
import { jsonPlaces, placeOfError } from "./json-places.ts";
import { type ModelLimits, textProblem, tooDeep } from "./limits.ts";
import {
  type Model,
  type ModelCondition,
  type ModelRelation,
  type ModelType,
  type Name,
  nowhere,
  type Place,
  problem,
  type ReadModel,
  type Restriction,
  type Rewrite,
} from "./model.ts";
import { parameterTypeNames } from "./type-names.ts";

/**
 * Reads a model in the JSON form of OpenFGA's HTTP API: its text, or the value of it. As there,
 * fields that are unknown or null count for nothing. `source` is the text.
 */
export function readJson(
  json: unknown,
  limits: ModelLimits,
): ReadModel & { readonly source: string } {
  const source = typeof json === "string" ? json : textOf(json);
  if (source === undefined) {
    const problems = [problem("invalid-json", "the model is not plain JSON", { at: nowhere })];
    return { model: null, problems, source: "" };
  }
  const tooLarge = textProblem(source, limits);
  if (tooLarge !== undefined) return { model: null, problems: [tooLarge], source };
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    const at = placeOfError(source, error);
    const problems = [problem("invalid-json", "the model is not JSON", { at })];
    return { model: null, problems, source };
  }
  const reader = new JsonReader(limits, jsonPlaces(source));
  const model = reader.model(value);
  return { model: reader.problems.length > 0 ? null : model, problems: reader.problems, source };
}

function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value); // undefined for what JSON does not know, whatever its type says
  } catch {
    return undefined;
  }
}

type Fields = ReadonlyMap<string, unknown>;

const noFields: Fields = new Map();

/** The first so many problems say enough. */
const mostProblems = 100;

class JsonReader {
  readonly problems: SchemaProblem[] = [];
  readonly #limits: ModelLimits;
  readonly #places: ReadonlyMap<string, Place>;

  constructor(limits: ModelLimits, places: ReadonlyMap<string, Place>) {
    this.#limits = limits;
    this.#places = places;
  }

  model(value: unknown): Model {
    const fields = this.#object(value, "the model");
    const version = this.#text(fields, "schema_version", "");
    const types = this.#list(fields, "type_definitions", "").map((type, index) =>
      this.#type(type, `type_definitions[${index}]`),
    );
    const conditions = [...this.#object(fields.get("conditions"), "conditions")].map(
      ([key, condition]) => this.#condition(key, condition),
    );
    return {
      version: version === "" ? null : this.#name(version, "schema_version"),
      types,
      conditions,
    };
  }

  #type(value: unknown, path: string): ModelType {
    const fields = this.#object(value, path);
    const name = this.#text(fields, "type", path);
    if (name === "") this.#refuse(path, "needs a `type`");
    const metadata = this.#object(fields.get("metadata"), `${path}.metadata`);
    const details = this.#object(metadata.get("relations"), `${path}.metadata.relations`);
    const relations = [...this.#object(fields.get("relations"), `${path}.relations`)].map(
      ([relation, rewrite]): ModelRelation => {
        const at = `${path}.relations.${relation}`;
        const detail = this.#object(
          details.get(relation),
          `${path}.metadata.relations.${relation}`,
        );
        const types = `${path}.metadata.relations.${relation}.directly_related_user_types`;
        const restrictions = this.#list(detail, "directly_related_user_types", path).map(
          (restriction, index) => this.#restriction(restriction, `${types}[${index}]`),
        );
        const origin = this.#origin(detail, at);
        const read = this.#rewrite(rewrite, { path: at, depth: 0 });
        return {
          name: this.#name(relation, at),
          doc: null,
          restrictions,
          rewrite: read,
          ...origin,
        };
      },
    );
    const origin = this.#origin(metadata, path);
    return {
      name: this.#name(name, `${path}.type`),
      doc: null,
      extends: false,
      relations,
      ...origin,
    };
  }

  #restriction(value: unknown, path: string): Restriction {
    const fields = this.#object(value, path);
    const type = this.#text(fields, "type", path);
    if (type === "") this.#refuse(path, "needs a `type`");
    const relation = this.#text(fields, "relation", path);
    const condition = this.#text(fields, "condition", path);
    return {
      at: this.#place(`${path}.type`),
      type,
      relation: relation === "" ? null : relation,
      wildcard: isPresent(fields.get("wildcard")),
      condition: condition === "" ? null : this.#name(condition, `${path}.condition`),
    };
  }

  #rewrite(value: unknown, place: { readonly path: string; readonly depth: number }): Rewrite {
    const { path, depth } = place;
    const nothing: Rewrite = { kind: "this", at: this.#place(path) };
    // The outermost operator needs no parentheses, and what is named in the innermost counts for none.
    if (depth > this.#limits.authzExpression + 1) {
      return this.#refuse(path, tooDeep(this.#limits), "expression-too-deep", nothing);
    }
    const fields = this.#object(value, path);
    const kinds = [...fields].filter(
      ([name, field]) => rewriteFields.includes(fieldName(name)) && isPresent(field),
    );
    const [only] = kinds;
    if (only === undefined || kinds.length > 1) {
      const message = `needs one of ${rewriteFields.join(", ")}`;
      return this.#refuse(path, message, "invalid-model", nothing);
    }
    const [name, field] = only;
    const kind = fieldName(name);
    const inner = { path: `${path}.${kind}`, depth: depth + 1 };
    switch (kind) {
      case "computedUserset":
        return {
          kind: "computed",
          relation: this.#relation(field, inner.path),
          at: this.#place(`${path}.${name}.relation`),
        };
      case "tupleToUserset":
        return this.#from(this.#object(field, inner.path), inner.path, `${path}.${name}`);
      case "union":
      case "intersection":
        return this.#children(kind, field, inner);
      case "difference": {
        const sides = this.#object(field, inner.path);
        const base = this.#rewrite(sides.get("base"), { ...inner, path: `${inner.path}.base` });
        const path = `${inner.path}.subtract`;
        return { kind, base, subtract: this.#rewrite(sides.get("subtract"), { ...inner, path }) };
      }
      default:
        return nothing;
    }
  }

  #children(
    kind: "union" | "intersection",
    value: unknown,
    { path, depth }: { readonly path: string; readonly depth: number },
  ): Rewrite {
    const list = this.#list(this.#object(value, path), "child", path);
    if (list.length < 2) this.#refuse(path, "needs at least two children");
    const children = list.map((child, index) =>
      this.#rewrite(child, { path: `${path}.child[${index}]`, depth }),
    );
    return { kind, children };
  }

  /** @param given the path in the names that stand in the text. */
  #from(fields: Fields, path: string, given: string): Rewrite {
    const computed = fields.get("computedUserset") ?? fields.get("computed_userset");
    const relation = this.#relation(computed, `${path}.computedUserset`);
    const over = this.#relation(fields.get("tupleset"), `${path}.tupleset`);
    const tupleset = this.#name(over, `${given}.tupleset.relation`);
    return { kind: "from", relation, tupleset, at: this.#place(given) };
  }

  #relation(value: unknown, path: string): string {
    const relation = this.#text(this.#object(value, path), "relation", path);
    if (relation === "") this.#refuse(path, "needs a `relation`");
    return relation;
  }

  #condition(key: string, value: unknown): ModelCondition {
    const path = `conditions.${key}`;
    const fields = this.#object(value, path);
    const name = this.#name(this.#text(fields, "name", path), `${path}.name`);
    const expression = this.#text(fields, "expression", path);
    const parameters = new Map(
      [...this.#object(fields.get("parameters"), `${path}.parameters`)].map(
        ([parameter, type]) =>
          [parameter, this.#parameterType(type, `${path}.parameters.${parameter}`, 0)] as const,
      ),
    );
    const origin = this.#origin(this.#object(fields.get("metadata"), `${path}.metadata`), path);
    const expressionAt = this.#place(`${path}.expression`);
    return { key, name, doc: null, parameters, expression, expressionAt, ...origin };
  }

  #parameterType(value: unknown, path: string, depth: number): CaveatType {
    const fields = this.#object(value, path);
    const given = fields.get("type_name");
    const index =
      typeof given === "number" ? given : parameterTypeNames.findIndex(([n]) => n === given);
    const kind = parameterTypeNames[index]?.[1];
    const any: CaveatType = { kind: "any" };
    if (kind === undefined) {
      return this.#refuse(path, "needs a `type_name` that is known", "invalid-model", any);
    }
    const generic = this.#list(fields, "generic_types", path);
    const [of] = generic;
    const container = kind === "list" || kind === "map";
    if (generic.length !== (container ? 1 : 0) || depth > deepestType) {
      const message = container ? "needs one generic type" : "takes no generic type";
      return this.#refuse(path, message, "invalid-model", any);
    }
    if (!container) return { kind };
    return { kind, of: this.#parameterType(of, `${path}.generic_types[0]`, depth + 1) };
  }

  #origin(fields: Fields, path: string): { readonly origin?: Origin } {
    const module = this.#text(fields, "module", path);
    const source = this.#object(fields.get("source_info"), `${path}.source_info`);
    const file = this.#text(source, "file", path);
    return module === "" ? {} : { origin: { module, file: file === "" ? null : file } };
  }

  // --- Fields -----------------------------------------------------------------------------------

  #object(value: unknown, path: string): Fields {
    if (!isPresent(value)) return noFields;
    if (typeof value !== "object" || Array.isArray(value)) {
      this.#refuse(path, "must be an object");
      return noFields;
    }
    return new Map(Object.entries(value));
  }

  #list(fields: Fields, name: string, path: string): readonly unknown[] {
    const value = fields.get(name);
    if (!isPresent(value)) return [];
    if (Array.isArray(value)) return value;
    this.#refuse(path === "" ? name : `${path}.${name}`, "must be a list");
    return [];
  }

  #text(fields: Fields, name: string, path: string): string {
    const value = fields.get(name);
    if (!isPresent(value)) return "";
    if (typeof value === "string") return value;
    this.#refuse(path === "" ? name : `${path}.${name}`, "must be a string");
    return "";
  }

  #name(text: string, path: string): Name {
    return { text, at: this.#place(path) };
  }

  /** Of what stands at the path, or of what is around it where nothing does. */
  #place(path: string): Place {
    for (let at = path; at !== ""; at = at.replace(/(?:^|\.)[^.]*$|\[\d+\]$/, "")) {
      const place = this.#places.get(at);
      if (place !== undefined) return place;
    }
    return nowhere;
  }

  #refuse(path: string, message: string): undefined;
  #refuse<T>(path: string, message: string, code: string, instead: T): T;
  #refuse<T>(path: string, message: string, code = "invalid-model", instead?: T): T | undefined {
    if (this.problems.length < mostProblems) {
      this.problems.push(problem(code, `${path}: ${message}`, { at: this.#place(path) }));
    }
    return instead;
  }
}

const rewriteFields: readonly string[] = [
  "this",
  "computedUserset",
  "tupleToUserset",
  "union",
  "intersection",
  "difference",
];

/** The names of the protocol buffers behind the API are taken, too. */
function fieldName(name: string): string {
  if (name === "computed_userset") return "computedUserset";
  return name === "tuple_to_userset" ? "tupleToUserset" : name;
}

const deepestType = 10;

function isPresent(value: unknown): value is NonNullable<unknown> {
  return value !== undefined && value !== null;
}
