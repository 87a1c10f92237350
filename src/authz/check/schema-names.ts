import type { Expression, Schema } from "../schema/schema.ts";
import { nameNestedArrows } from "./nested-arrows.ts";

const known = new WeakMap<Schema, ReadonlySet<string>>();

/**
 * Every name for which a schema needs a number once it is compiled: those of its types, relations and
 * caveats, and those that nested arrows are given.
 */
export function namesOfSchema(schema: Schema): ReadonlySet<string> {
  let names = known.get(schema);
  if (names === undefined) {
    names = collect(schema);
    known.set(schema, names);
  }
  return names;
}

function collect(schema: Schema): ReadonlySet<string> {
  const names = new Set<string>(schema.caveats.keys());
  for (const type of nameNestedArrows(schema.types).values()) {
    names.add(type.name);
    for (const relation of type.relations.values()) {
      names.add(relation.name);
      addTargets(relation.rewrite, names);
    }
  }
  return names;
}

/** What an arrow leads to need not be there on any type; all else that is named is. */
function addTargets(expression: Expression, names: Set<string>): void {
  switch (expression.kind) {
    case "arrow":
      if (expression.target.kind === "relation") names.add(expression.target.name);
      return;
    case "union":
    case "intersection":
      for (const operand of expression.operands) addTargets(operand, names);
      return;
    case "exclusion":
      addTargets(expression.base, names);
      addTargets(expression.subtract, names);
      return;
    default:
  }
}
