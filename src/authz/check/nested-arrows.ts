import type { Expression, RelationDefinition, TypeDefinition } from "../schema/schema.ts";

/**
 * An arrow over an arrow, `a->b->c`, asks `b->c` of what `a` leads to. Here every type that has `b`
 * gets a permission of that name, which no schema can write, so that all arrows lead to names.
 */
export function nameNestedArrows(
  types: ReadonlyMap<string, TypeDefinition>,
): ReadonlyMap<string, TypeDefinition> {
  const made = new Map<string, Expression & { kind: "arrow" }>();
  const named = new Map<string, Map<string, RelationDefinition>>();
  for (const type of types.values()) {
    const relations = new Map<string, RelationDefinition>();
    for (const relation of type.relations.values()) {
      relations.set(relation.name, { ...relation, rewrite: rename(relation.rewrite, made) });
    }
    named.set(type.name, relations);
  }
  if (made.size === 0) return types;
  for (const [name, arrow] of made) {
    for (const [type, relations] of named) {
      const over = types.get(type)?.relations.get(arrow.over);
      if (over === undefined) continue;
      relations.set(name, { name, doc: null, at: over.at, allowed: [], rewrite: arrow });
    }
  }
  return new Map(
    [...types].map(([name, type]) => [name, { ...type, relations: named.get(name) ?? new Map() }]),
  );
}

/** Whether a name was made here. */
export function isNestedArrow(name: string): boolean {
  return name.includes("->");
}

function rename(
  expression: Expression,
  made: Map<string, Expression & { kind: "arrow" }>,
): Expression {
  switch (expression.kind) {
    case "arrow": {
      if (expression.target.kind !== "arrow") return expression;
      const target = rename(expression.target, made) as Expression & { kind: "arrow" }; // of an arrow
      const name = nameOf(target);
      made.set(name, target);
      return { ...expression, target: { kind: "relation", name } };
    }
    case "union":
    case "intersection": {
      const operands = expression.operands.map((operand) => rename(operand, made));
      return { ...expression, operands };
    }
    case "exclusion": {
      const base = rename(expression.base, made);
      return { ...expression, base, subtract: rename(expression.subtract, made) };
    }
    default:
      return expression;
  }
}

function nameOf({ over, target, all }: Expression & { kind: "arrow" }): string {
  const to = target.kind === "relation" ? target.name : "";
  return `${over}->${all ? "all " : ""}${to}`;
}
