import { assert, unreachable } from "../../../std/assert.ts";
import type { Expression } from "../schema.ts";
import type { Problems } from "./problems.ts";
import type { ExpressionNode, Name, PermissionNode } from "./syntax.ts";

interface Compiled {
  readonly expression: Expression;
  /** How many operators and arrows lie within each other. */
  readonly depth: number;
}

const nil: Compiled = { expression: { kind: "nil" }, depth: 0 };

/** The parser bounds how deep parentheses lie; what else makes an expression deep is bounded here. */
export function compileExpression(
  permission: PermissionNode,
  { problems, deepest }: { problems: Problems; deepest: number },
): Expression {
  const { expression, depth } = compiled(permission.expression);
  if (depth <= deepest) return expression;
  const message = `Permission "${permission.name.text}" has ${depth} operators within each other, more than the limit of ${deepest}`;
  problems.add("expression-too-deep", permission.name, { message });
  return { kind: "nil" };
}

function compiled(node: ExpressionNode): Compiled {
  switch (node.kind) {
    case "name":
      return { expression: { kind: "relation", name: node.name.text }, depth: 0 };
    case "nil":
      return nil;
    case "self":
      return { expression: { kind: "self" }, depth: 0 };
    case "broken":
      return nil;
    case "arrow":
      return arrow(node.steps, node.all);
    case "union":
    case "intersection": {
      const operands: Compiled[] = [];
      flatten(node, operands);
      const expressions = operands.map(({ expression }) => expression);
      const depth = operands.reduce((most, operand) => Math.max(most, operand.depth), 0);
      return { expression: { kind: node.kind, operands: expressions }, depth: depth + 1 };
    }
    case "exclusion":
      return exclusion(node.operands);
    default:
      return unreachable(node);
  }
}

/** `a + (b + c)` is `a + b + c`. */
function flatten(
  node: Extract<ExpressionNode, { operands: readonly ExpressionNode[] }>,
  into: Compiled[],
): void {
  for (const operand of node.operands) {
    if (operand.kind === node.kind) flatten(operand, into);
    else into.push(compiled(operand));
  }
}

function exclusion(operands: readonly ExpressionNode[]): Compiled {
  const [first, ...rest] = operands;
  assert(first !== undefined, "an exclusion has operands");
  return rest.map(compiled).reduce(
    (base, subtract) => ({
      expression: { kind: "exclusion", base: base.expression, subtract: subtract.expression },
      depth: Math.max(base.depth, subtract.depth) + 1,
    }),
    compiled(first),
  );
}

/** From the last step back to the first. */
function arrow(steps: readonly Name[], all: boolean): Compiled {
  const names = steps.map(({ text }) => text);
  const last = names.at(-1);
  assert(last !== undefined, "an arrow leads somewhere");
  const expression = names
    .slice(0, -1)
    .reduceRight<Expression>((target, over) => ({ kind: "arrow", over, target, all }), {
      kind: "relation",
      name: last,
    });
  return { expression, depth: steps.length - 1 };
}
