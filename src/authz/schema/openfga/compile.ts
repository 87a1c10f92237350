import type {
  AllowedSubject,
  Expression,
  Origin,
  RelationDefinition,
  Schema,
  TypeDefinition,
} from "../schema.ts";
import type { Model, ModelRelation, ModelType, Restriction, Rewrite } from "./model.ts";

/** Of a model in which nothing is wrong. */
export function compile(model: Model, source: string): Schema {
  const types = new Map(model.types.map((type) => [type.name.text, compileType(type)]));
  const caveats = new Map(
    model.conditions.map(({ key, name, doc, parameters, expression, expressionAt, origin }) => {
      const caveat = { name: key, doc, at: name.at, parameters, expression, expressionAt };
      return [key, { ...caveat, ...originOf(origin) }];
    }),
  );
  const version = model.version === null ? {} : { version: model.version.text };
  return { dialect: "openfga", types, caveats, source, ...version };
}

function compileType({ name, doc, relations, origin }: ModelType): TypeDefinition {
  const compiled = new Map(
    relations.map((relation) => [relation.name.text, compileRelation(relation)]),
  );
  return { name: name.text, doc, at: name.at, relations: compiled, ...originOf(origin) };
}

function compileRelation(relation: ModelRelation): RelationDefinition {
  const { name, doc, restrictions, rewrite, origin } = relation;
  const allowed = restrictions.map(compileRestriction);
  const compiled = { name: name.text, doc, at: name.at, allowed, rewrite: compileRewrite(rewrite) };
  return { ...compiled, ...originOf(origin) };
}

function compileRestriction({ type, relation, wildcard, condition }: Restriction): AllowedSubject {
  return { type, relation, wildcard, caveat: condition?.text ?? null, expiration: false };
}

function compileRewrite(rewrite: Rewrite): Expression {
  switch (rewrite.kind) {
    case "this":
      return { kind: "this" };
    case "computed":
      return { kind: "relation", name: rewrite.relation };
    case "from": {
      const target = { kind: "relation", name: rewrite.relation } as const;
      return { kind: "arrow", over: rewrite.tupleset.text, target, all: false };
    }
    case "union":
    case "intersection":
      return { kind: rewrite.kind, operands: rewrite.children.map(compileRewrite) };
    case "difference": {
      const base = compileRewrite(rewrite.base);
      return { kind: "exclusion", base, subtract: compileRewrite(rewrite.subtract) };
    }
  }
}

function originOf(origin: Origin | undefined): { readonly origin?: Origin } {
  return origin === undefined ? {} : { origin };
}
