/**
 * Of which types the subjects of each relation and permission can be, operators taken at their word:
 * an intersection has only types that all its operands have. A set of types is a bit mask.
 */
import { unreachable } from "../../std/assert.ts";
import { type ReachGraph, type ReachNode, reachGraph } from "./reach.ts";
import type { Expression, Schema } from "./schema.ts";

/** Evaluations of one relation: real schemas need one or two of each. */
const mostEvaluations = 1_000_000;

export interface PossibleTypes {
  /** Of an expression that stands in a type. Zero: nothing can ever be in it. */
  of(type: string, expression: Expression): bigint;
  /** Of a relation or permission. */
  ofRelation(type: string, name: string): bigint;
}

/** Undefined when the schema is too tangled to find out. */
export function possibleTypes(schema: Schema): PossibleTypes | undefined {
  const possible = new Possible(schema);
  return possible.settle() ? possible : undefined;
}

class Possible implements PossibleTypes {
  readonly #graph: ReachGraph;
  readonly #bits: ReadonlyMap<string, bigint>;
  readonly #types: bigint[];

  constructor(schema: Schema) {
    this.#graph = reachGraph(schema);
    this.#bits = new Map(
      Array.from(schema.types.keys(), (name, index) => [name, 1n << BigInt(index)]),
    );
    this.#types = this.#graph.nodes.map(() => 0n);
  }

  /** From nothing upwards until nothing is added; operators never take away what was there. */
  settle(): boolean {
    const users = this.#graph.nodes.map((): number[] => []);
    for (const [id, node] of this.#graph.nodes.entries()) {
      for (const used of node.draws) users[used]?.push(id);
    }
    const waiting = new Set(this.#graph.nodes.keys());
    let evaluations = 0;
    for (const id of waiting) {
      waiting.delete(id);
      if (++evaluations > mostEvaluations) return false;
      const types = this.#evaluate(this.#graph.node(id));
      if (types === this.#types[id]) continue;
      this.#types[id] = types;
      for (const user of users[id] ?? []) waiting.add(user);
    }
    return true;
  }

  ofRelation(type: string, name: string): bigint {
    return this.#at(this.#graph.id(type, name));
  }

  of(type: string, expression: Expression): bigint {
    switch (expression.kind) {
      case "this":
      case "nil":
        return 0n;
      case "self":
        return this.#bit(type);
      case "relation":
        return this.ofRelation(type, expression.name);
      case "arrow":
        return this.#at(this.#graph.arrowId(type, expression));
      case "union":
        return expression.operands.reduce((types, operand) => types | this.of(type, operand), 0n);
      case "intersection":
        return expression.operands.reduce((types, operand) => types & this.of(type, operand), -1n);
      case "exclusion":
        return this.of(type, expression.base);
      default:
        return unreachable(expression);
    }
  }

  #evaluate({ type, definition, draws }: ReachNode): bigint {
    if (definition === null) return draws.reduce((types, id) => types | this.#at(id), 0n);
    let stored = 0n;
    for (const { type: subject, relation } of definition.allowed) {
      stored |= relation === null ? this.#bit(subject) : this.ofRelation(subject, relation);
    }
    return this.#withStored(type, { expression: definition.rewrite, stored });
  }

  /** `this` is what is stored, wherever it stands. */
  #withStored(
    type: string,
    { expression, stored }: { expression: Expression; stored: bigint },
  ): bigint {
    const each = (operand: Expression) => this.#withStored(type, { expression: operand, stored });
    switch (expression.kind) {
      case "this":
        return stored;
      case "union":
        return expression.operands.reduce((types, operand) => types | each(operand), 0n);
      case "intersection":
        return expression.operands.reduce((types, operand) => types & each(operand), -1n);
      case "exclusion":
        return each(expression.base);
      default:
        return this.of(type, expression);
    }
  }

  #bit(type: string): bigint {
    return this.#bits.get(type) ?? 0n;
  }

  #at(id: number | undefined): bigint {
    return id === undefined ? 0n : (this.#types[id] ?? 0n);
  }
}
