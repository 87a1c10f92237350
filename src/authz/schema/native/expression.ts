/**
 * What a permission is computed from. `+` binds tightest, then `&`, then `-`; all from left to right.
 * Parentheses nest as deep as the limit says, so that nothing here or after it can exhaust the stack.
 */
import type { TokenStream } from "./stream.ts";
import type { ExpressionNode, Name } from "./syntax.ts";

const broken: ExpressionNode = { kind: "broken" };

/** From the loosest to the tightest. */
const operators = [
  { sign: "-", kind: "exclusion" },
  { sign: "&", kind: "intersection" },
  { sign: "+", kind: "union" },
] as const;

/** Ends in front of what it cannot read; then a problem was told and the expression is `broken`. */
export function parseExpression(stream: TokenStream, deepest: number): ExpressionNode {
  return new ExpressionParser(stream, deepest).parse();
}

class ExpressionParser {
  readonly #stream: TokenStream;
  readonly #deepest: number;
  #depth = 0;
  #broken = false;

  constructor(stream: TokenStream, deepest: number) {
    this.#stream = stream;
    this.#deepest = deepest;
  }

  parse(): ExpressionNode {
    const expression = this.#operation(0);
    return this.#broken ? broken : expression;
  }

  #operation(level: number): ExpressionNode {
    const operator = operators[level];
    if (operator === undefined) return this.#operand();
    const first = this.#operation(level + 1);
    if (!this.#isOperator(operator.sign)) return first;
    const operands = [first];
    while (!this.#broken && this.#isOperator(operator.sign)) {
      this.#stream.advance();
      operands.push(this.#operation(level + 1));
    }
    return { kind: operator.kind, operands };
  }

  #isOperator(sign: string): boolean {
    const stream = this.#stream;
    if (stream.isSymbol(sign)) return true;
    if ((sign !== "&" || !stream.isSymbol("&&")) && (sign !== "+" || !stream.isSymbol("||"))) {
      return false;
    }
    stream.problems.add("unexpected-token", stream.token, {
      message: `"${stream.token.text}" is no operator of a schema`,
      suggest: () => `Write "${sign}".`,
    });
    return true;
  }

  #operand(): ExpressionNode {
    const stream = this.#stream;
    if (stream.acceptKeyword("nil")) return this.#noArrowAfter({ kind: "nil" });
    if (stream.acceptKeyword("self")) return this.#noArrowAfter({ kind: "self" });
    if (stream.isSymbol("(")) return this.#parentheses();
    const name = stream.expectName("a relation, a permission or an expression in parentheses");
    if (name === undefined) return this.#fail();
    return this.#arrow(name);
  }

  #parentheses(): ExpressionNode {
    const stream = this.#stream;
    if (++this.#depth > this.#deepest) {
      stream.problems.add("expression-too-deep", stream.token, {
        message: `An expression goes at most ${this.#deepest} levels deep`,
      });
      return this.#fail();
    }
    stream.advance();
    const inner = this.#operation(0);
    if (this.#broken) return broken;
    if (!stream.expectSymbol(")", "the expression that a parenthesis opens")) return this.#fail();
    this.#depth--;
    return this.#noArrowAfter(inner);
  }

  #noArrowAfter(expression: ExpressionNode): ExpressionNode {
    const stream = this.#stream;
    if (!stream.isSymbol("->") && !stream.isSymbol(".")) return expression;
    stream.problems.add("arrow-over-expression", stream.token, {
      message: "An arrow goes over a relation, and not over what is computed",
    });
    return this.#fail();
  }

  #arrow(first: Name): ExpressionNode {
    const stream = this.#stream;
    const steps = [first];
    let all: Name | undefined;
    while (stream.isSymbol("->") || stream.isSymbol(".")) {
      const isCall = stream.advance().text === ".";
      const call = isCall ? this.#function() : undefined;
      if (isCall && call === undefined) return this.#fail();
      const target = stream.expectName("the relation or permission that the arrow leads to");
      if (target === undefined) return this.#fail();
      if (isCall && !stream.expectSymbol(")", "what the arrow leads to")) return this.#fail();
      steps.push(target);
      if (call?.text === "all") all ??= call;
    }
    if (steps.length === 1) return { kind: "name", name: first };
    if (all !== undefined && steps.length > 2) {
      stream.problems.add("nested-all-arrow", all, {
        message: 'Arrows of which one is ".all" do not follow each other',
        suggest: () => "Give the second arrow a permission of its own and lead the first to that.",
      });
    }
    return { kind: "arrow", steps, all: all !== undefined };
  }

  /** `any(` or `all(`, after the dot. */
  #function(): Name | undefined {
    const stream = this.#stream;
    if (!stream.isWord("any") && !stream.isWord("all")) {
      stream.unexpected('"any" or "all"', ["any", "all"]);
      return undefined;
    }
    const name = stream.advance();
    return stream.expectSymbol("(", `"${name.text}"`) ? name : undefined;
  }

  #fail(): ExpressionNode {
    this.#broken = true;
    return broken;
  }
}
