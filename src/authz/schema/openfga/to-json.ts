import { assert } from "../../../std/assert.ts";
import type {
  AllowedSubject,
  CaveatDefinition,
  CaveatType,
  Expression,
  Origin,
  RelationDefinition,
  Schema,
  TypeDefinition,
} from "../schema.ts";
import { parameterTypeNames } from "./type-names.ts";

/**
 * What OpenFGA's HTTP API answers for a model, but for its `id`: empty fields are written out, as
 * there. Only for schemas that came from OpenFGA's language.
 */
export function toOpenfgaJson(schema: Schema): OpenfgaModelJson {
  assert(schema.dialect === "openfga", "only OpenFGA models have that JSON form");
  const conditions = [...schema.caveats.values()].map(
    (caveat) => [caveat.name, conditionJson(caveat)] as const,
  );
  return {
    schema_version: schema.version ?? "1.1",
    type_definitions: [...schema.types.values()].map(typeJson),
    conditions: record(conditions),
  };
}

export interface OpenfgaModelJson {
  readonly schema_version: string;
  readonly type_definitions: readonly unknown[];
  readonly conditions: Json;
}

type Json = Readonly<Record<string, unknown>>;

function typeJson({ name, relations, origin }: TypeDefinition): unknown {
  const all = [...relations.values()];
  const details = all.map((relation) => [relation.name, relationDetails(relation)] as const);
  const bare = all.length === 0 && origin === undefined;
  return {
    type: name,
    relations: record(
      all.map((relation) => [relation.name, rewriteJson(relation.rewrite)] as const),
    ),
    metadata: bare ? null : { relations: record(details), ...originJson(origin) },
  };
}

function relationDetails({ allowed, origin }: RelationDefinition): unknown {
  return { directly_related_user_types: allowed.map(allowedJson), ...originJson(origin) };
}

function allowedJson({ type, relation, wildcard, caveat }: AllowedSubject): unknown {
  const subject = wildcard ? { wildcard: {} } : relation === null ? {} : { relation };
  return { type, ...subject, condition: caveat ?? "" };
}

function originJson(origin: Origin | undefined): Json {
  const file = origin?.file ?? null;
  return { module: origin?.module ?? "", source_info: file === null ? null : { file } };
}

function rewriteJson(expression: Expression): unknown {
  switch (expression.kind) {
    case "this":
      return { this: {} };
    case "relation":
      return { computedUserset: relationJson(expression.name) };
    case "arrow": {
      const { target, over, all } = expression;
      assert(target.kind === "relation" && !all, "OpenFGA has plain arrows only");
      const tupleset = relationJson(over);
      return { tupleToUserset: { tupleset, computedUserset: relationJson(target.name) } };
    }
    case "union":
    case "intersection":
      return { [expression.kind]: { child: expression.operands.map(rewriteJson) } };
    case "exclusion": {
      const base = rewriteJson(expression.base);
      return { difference: { base, subtract: rewriteJson(expression.subtract) } };
    }
    case "nil":
    case "self":
      assert(false, `OpenFGA has no ${expression.kind}`);
  }
}

function relationJson(relation: string): Json {
  return { object: "", relation };
}

function conditionJson({ name, expression, parameters, origin }: CaveatDefinition): unknown {
  const types = [...parameters].map(
    ([parameter, type]) => [parameter, parameterJson(type)] as const,
  );
  const metadata = origin === undefined ? null : originJson(origin);
  return { name, expression, parameters: record(types), metadata };
}

function parameterJson(type: CaveatType): unknown {
  const name = parameterTypeNames.find(([, kind]) => kind === type.kind)?.[0];
  assert(name !== undefined, `OpenFGA has no parameters of type ${type.kind}`);
  return { type_name: name, generic_types: "of" in type ? [parameterJson(type.of)] : [] };
}

/** Own properties whatever they are called, `__proto__` included. */
function record(entries: Iterable<readonly [string, unknown]>): Json {
  return Object.fromEntries(entries);
}
