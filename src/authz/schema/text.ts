/** Parts of the internal form as text, in the words of the native language. */
import { unreachable } from "../../std/assert.ts";
import type { AllowedSubject, CaveatType, Expression } from "./schema.ts";

/** `user | user:* | group#member with some_caveat and expiration`: one alternative of it. */
export function subjectText({
  type,
  relation,
  wildcard,
  caveat,
  expiration,
}: AllowedSubject): string {
  const what = wildcard ? `${type}:*` : relation === null ? type : `${type}#${relation}`;
  const traits = [...(caveat === null ? [] : [caveat]), ...(expiration ? ["expiration"] : [])];
  return traits.length === 0 ? what : `${what} with ${traits.join(" and ")}`;
}

/** `list<string>` */
export function caveatTypeText(type: CaveatType): string {
  return "of" in type ? `${type.kind}<${caveatTypeText(type.of)}>` : type.kind;
}

/**
 * `(owner + parent->view) & member`. Operators of another kind within one are in parentheses, so
 * that nobody need know which binds tighter. What is stored in the relation itself is `this`, which
 * the native language has no word for and needs none.
 */
export function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case "this":
    case "nil":
    case "self":
      return expression.kind;
    case "relation":
      return expression.name;
    case "arrow":
      return expression.all
        ? `${expression.over}.all(${expressionText(expression.target)})`
        : `${expression.over}->${expressionText(expression.target)}`;
    case "union":
      return expression.operands.map(operandText).join(" + ");
    case "intersection":
      return expression.operands.map(operandText).join(" & ");
    case "exclusion": {
      const { base, subtract } = expression;
      const left = base.kind === "exclusion" ? expressionText(base) : operandText(base);
      return `${left} - ${operandText(subtract)}`;
    }
    default:
      return unreachable(expression);
  }
}

function operandText(expression: Expression): string {
  const text = expressionText(expression);
  const { kind } = expression;
  const isOperator = kind === "union" || kind === "intersection" || kind === "exclusion";
  return isOperator ? `(${text})` : text;
}
