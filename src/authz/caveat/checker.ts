import type { ASTNode } from "@marcbachmann/cel-js";
import type { SchemaDialect } from "../../model/authz.ts";
import { didYouMean } from "../../std/suggest.ts";
import { makeField, makeIndex, makeOptionalIndex } from "./access.ts";
import { arithmetic, isArithmetic, negate, typeOfArithmetic } from "./arithmetic.ts";
import { type Call, checkCall } from "./check-calls.ts";
import { checkMacro } from "./check-macros.ts";
import {
  type Checked,
  type Checking,
  type Complaint,
  type ExpressionProblem,
  isBool,
  type Variable,
} from "./checked.ts";
import { typeNames } from "./functions.ts";
import { literalOf, makeListLiteral, makeMapLiteral } from "./literals.ts";
import {
  isOrdering,
  makeEquality,
  makeIn,
  makeLogic,
  makeNot,
  makeOrdering,
  makeTernary,
} from "./logic.ts";
import { fitTo } from "./naturals.ts";
import { checkOptional } from "./optionals.ts";
import {
  bool,
  dyn,
  fits,
  formatType,
  int,
  joinTypes,
  listOf,
  mapOf,
  optionalOf,
  scalar,
  type Type,
} from "./types.ts";
import { Failure, isOpen, TypeName } from "./value.ts";

/** Operators and calls within each other; deeper is refused, so that the stack is never at risk. */
const maxDepth = 200;

/** Stands for a node with a problem; it is never evaluated. */
const refused: Checked = { type: dyn, run: () => new Failure("it was refused") };

/** Checks the types of an expression and makes of each node what evaluates it. */
export class Checker implements Checking {
  readonly dialect: SchemaDialect;
  readonly problems: ExpressionProblem[] = [];
  /** Parameters that the expression looks at. */
  readonly used: Set<string> = new Set();
  /** As many slots as a frame needs. */
  slots = 0;
  readonly #scope = new Map<string, { readonly slot: number; readonly type: Type }>();
  readonly #parameters: number;
  #depth = 0;
  #open: number;

  constructor(dialect: SchemaDialect, parameters: readonly Variable[]) {
    this.dialect = dialect;
    for (const { name, type } of parameters) this.#scope.set(name, { slot: this.slots++, type });
    this.#parameters = parameters.length;
    this.#open = parameters.length;
  }

  check(node: ASTNode): Checked {
    if (this.#depth >= maxDepth) {
      return this.#refuseDepth(node);
    }
    this.#depth++;
    const checked = this.#checkNode(node);
    this.#depth--;
    return checked;
  }

  refuse(node: ASTNode, complaint: Complaint): Checked {
    this.#report(node, { ...complaint, severity: "error" });
    return refused;
  }

  /** Once is enough: a long chain has thousands of them. */
  #refuseDepth(node: ASTNode): Checked {
    const code = "caveat-nesting";
    if (this.problems.some((problem) => problem.code === code)) return refused;
    const message = `More than ${maxDepth} operators or calls within each other`;
    return this.refuse(node, { code, message });
  }

  warn(node: ASTNode, complaint: Complaint): void {
    this.#report(node, { ...complaint, severity: "warning" });
  }

  checkWith({ name, type }: Variable, body: (slot: number) => Checked): Checked {
    const hidden = this.#scope.get(name);
    const slot = this.#open++;
    this.slots = Math.max(this.slots, this.#open);
    this.#scope.set(name, { slot, type });
    const checked = body(slot);
    this.#open--;
    if (hidden === undefined) this.#scope.delete(name);
    else this.#scope.set(name, hidden);
    return checked;
  }

  isVariable(name: string): boolean {
    return this.#scope.has(name);
  }

  #report(
    node: ASTNode,
    { suggestion, ...rest }: Complaint & { readonly severity: "error" | "warning" },
  ): void {
    const place = { start: node.pos, end: node.end };
    this.problems.push({ ...rest, ...place, ...(suggestion === undefined ? {} : { suggestion }) });
  }

  #checkNode(node: ASTNode): Checked {
    switch (node.op) {
      case "value":
        return literalOf(node, this);
      case "id":
        return this.#checkName(node, node.args);
      case ".":
        return this.#checkField(node, node.args);
      case "[]":
        return this.#checkIndex(node, node.args);
      case ".?":
        return this.#checkOptionalIndex(node, [node.args[0], undefined, node.args[1]]);
      case "[?]":
        return this.#checkOptionalIndex(node, [node.args[0], node.args[1], ""]);
      case "call":
        return this.#checkCall({
          node,
          name: node.args[0],
          receiver: undefined,
          parameters: node.args[1],
        });
      case "rcall": {
        const [name, receiver, parameters] = node.args;
        return this.#checkCall({ node, name, receiver, parameters });
      }
      case "list":
        return this.#checkList(node.args);
      case "map":
        return this.#checkMap(node, node.args);
      case "?:":
        return this.#checkTernary(node, node.args);
      case "&&":
      case "||":
        return this.#checkLogic(node);
      case "!_":
        return this.#checkNot(node.args);
      case "-_":
        return this.#checkNegation(node, node.args);
      default:
        return this.#checkBinary(node, { operator: node.op, operands: node.args });
    }
  }

  #checkName(node: ASTNode, name: string): Checked {
    const variable = this.#scope.get(name);
    if (variable !== undefined) {
      const { slot, type } = variable;
      if (slot < this.#parameters) this.used.add(name);
      return {
        type,
        run: (frame) => {
          frame.cost++;
          return frame.slots[slot] ?? null;
        },
      };
    }
    if (typeNames.has(name)) {
      const constant = new TypeName(name);
      return { type: scalar("type"), run: () => constant, constant };
    }
    return this.refuse(node, {
      code: "caveat-unknown-name",
      message: `There is no parameter ${name}`,
      suggestion: didYouMean(name, this.#scope.keys()),
    });
  }

  #checkField(node: ASTNode, [operandNode, field]: readonly [ASTNode, string]): Checked {
    const operand = this.check(operandNode);
    const result = elementType(operand.type, scalar("string"));
    if (result !== null && operand.type.kind !== "list") {
      return { type: result, run: makeField(operand.run, field) };
    }
    return this.refuse(node, {
      code: "caveat-field",
      message: `${formatType(operand.type)} has no field ${field}`,
    });
  }

  #checkIndex(node: ASTNode, nodes: readonly [ASTNode, ASTNode]): Checked {
    const [operand, index] = [this.check(nodes[0]), this.check(nodes[1])];
    const result = elementType(operand.type, index.type);
    if (result !== null) return { type: result, run: makeIndex([operand.run, index.run]) };
    return this.#refuseIndex(node, [operand.type, index.type]);
  }

  #checkOptionalIndex(
    node: ASTNode,
    [operandNode, indexNode, field]: readonly [ASTNode, ASTNode | undefined, string],
  ): Checked {
    const operand = this.check(operandNode);
    const index: Checked =
      indexNode === undefined
        ? { type: scalar("string"), run: () => field }
        : this.check(indexNode);
    const result = elementType(operand.type, index.type);
    if (result === null) return this.#refuseIndex(node, [operand.type, index.type]);
    const type = operand.type.kind === "optional" ? result : optionalOf(result);
    return { type, run: makeOptionalIndex([operand.run, index.run]) };
  }

  #refuseIndex(node: ASTNode, [operand, index]: readonly [Type, Type]): Checked {
    return this.refuse(node, {
      code: "caveat-type",
      message: `${formatType(operand)} has no elements by ${formatType(index)}`,
    });
  }

  #checkCall(call: Call): Checked {
    return checkMacro(call, this) ?? checkOptional(call, this) ?? checkCall(call, this);
  }

  /** Elements that do not fit together make a list of anything. */
  #checkList(nodes: readonly ASTNode[]): Checked {
    const elements = nodes.map((node) => this.check(node));
    const of = joinAll(elements);
    return { type: listOf(of), ...makeListLiteral(elements.map((one) => fitTo(of, one))) };
  }

  #checkMap(node: ASTNode, nodes: readonly (readonly [ASTNode, ASTNode])[]): Checked {
    const keys = nodes.map(([key]) => this.check(key));
    const values = nodes.map(([, value]) => this.check(value));
    for (const [at, { type }] of keys.entries()) {
      if (keyKinds.includes(type.kind)) continue;
      return this.refuse(nodes[at]?.[0] ?? node, {
        code: "caveat-type",
        message: `${formatType(type)} cannot be the key of a map`,
      });
    }
    const of = joinAll(values);
    const run = makeMapLiteral({ keys, values: values.map((one) => fitTo(of, one)) });
    return { type: mapOf(joinAll(keys), of), run };
  }

  #checkTernary(node: ASTNode, nodes: readonly [ASTNode, ASTNode, ASTNode]): Checked {
    const [condition, chosen, otherwise] = nodes.map((part) => this.check(part)) as [
      Checked,
      Checked,
      Checked,
    ]; // as many as nodes
    this.#expectBool(nodes[0], condition);
    const type = joinTypes(chosen.type, otherwise.type);
    if (type === null) {
      return this.refuse(node, {
        code: "caveat-type",
        message: `The branches of ?: differ: ${formatType(chosen.type)} and ${formatType(otherwise.type)}`,
      });
    }
    // One of them may be anything: the other says what is expected, and it is looked at when it runs.
    const known = chosen.type.kind === "dyn" ? otherwise.type : chosen.type;
    const run = makeTernary(condition.run, {
      chosen: fitTo(type, chosen).run,
      otherwise: fitTo(type, otherwise).run,
    });
    return { type: type.kind === "dyn" ? known : type, run };
  }

  /** A chain of the same operator is one node, however long it is. */
  #checkLogic(node: ASTNode & { readonly op: "&&" | "||" }): Checked {
    const operands: ASTNode[] = [];
    const pending: ASTNode[] = [node];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (next.op === node.op) pending.push(next.args[1], next.args[0]);
      else operands.push(next);
    }
    const checked = operands.map((operand) => this.#expectBool(operand, this.check(operand)));
    return {
      type: bool,
      run: makeLogic(
        node.op,
        checked.map(({ run }) => run),
      ),
    };
  }

  #checkNot(operandNode: ASTNode): Checked {
    const operand = this.#expectBool(operandNode, this.check(operandNode));
    return { type: bool, run: makeNot(operand.run) };
  }

  #expectBool(node: ASTNode, checked: Checked): Checked {
    if (isBool(checked)) return checked;
    return this.refuse(node, {
      code: "caveat-type",
      message: `Expected bool, found ${formatType(checked.type)}`,
    });
  }

  #checkNegation(node: ASTNode, operandNode: ASTNode): Checked {
    const isInteger = operandNode.op === "value" && typeof operandNode.args === "bigint";
    const operand = isInteger
      ? literalOf(operandNode, this, { isNegated: true })
      : fitTo(int, this.check(operandNode));
    const { type, run } = operand;
    if (!["int", "double", "dyn"].includes(type.kind)) {
      const message = `- does not take ${formatType(type)}`;
      return this.refuse(node, { code: "caveat-type", message });
    }
    if (operand.constant !== undefined) {
      const constant = negate(operand.constant);
      if (!isOpen(constant)) return { type, run: () => constant, constant };
    }
    return {
      type,
      run: (frame) => {
        frame.cost++;
        return negate(run(frame));
      },
    };
  }

  #checkBinary(node: ASTNode, { operator, operands }: Binary): Checked {
    const [left, right] = [this.check(operands[0]), this.check(operands[1])];
    const runs = [left.run, right.run] as const;
    const types = [left.type, right.type] as const;
    if (isArithmetic(operator)) {
      const type = typeOfArithmetic(operator, types);
      const apply = arithmetic[operator];
      if (type === null) return this.#refuseBinary(node, { operator, types });
      const [one, other] = [fitTo(type, left).run, fitTo(type, right).run];
      return {
        type,
        run: (frame) => {
          frame.cost++;
          return apply(one(frame), other(frame), frame);
        },
      };
    }
    if (isOrdering(operator)) {
      if (!isOrdered(...types)) return this.#refuseBinary(node, { operator, types });
      return { type: bool, run: makeOrdering(operator, runs) };
    }
    if (operator === "in") {
      const { type } = right;
      const element = type.kind === "list" ? type.of : type.kind === "map" ? type.key : type;
      const isRange = type.kind === "list" || type.kind === "map" || type.kind === "dyn";
      if (!isRange || !fits(element, left.type))
        return this.#refuseBinary(node, { operator, types });
      return { type: bool, run: makeIn(runs) };
    }
    if (!fits(...types)) return this.#refuseBinary(node, { operator, types });
    return { type: bool, run: makeEquality(operator === "!=" ? "!=" : "==", runs) };
  }

  #refuseBinary(
    node: ASTNode,
    { operator, types }: { readonly operator: string; readonly types: readonly [Type, Type] },
  ): Checked {
    const [left, right] = types.map(formatType);
    return this.refuse(node, {
      code: "caveat-type",
      message: `${operator} does not take ${left} and ${right}`,
    });
  }
}

const keyKinds: readonly string[] = ["string", "int", "uint", "natural", "bool", "dyn"];

interface Binary {
  readonly operator: string;
  readonly operands: readonly [ASTNode, ASTNode];
}

/** Of a list, a map, an optional one, or anything; null when the index does not fit. */
function elementType(type: Type, index: Type): Type | null {
  if (type.kind === "dyn") return dyn;
  if (type.kind === "list") return fits(scalar("int"), index) ? type.of : null;
  if (type.kind === "map") return fits(type.key, index) ? type.of : null;
  if (type.kind !== "optional") return null;
  const inner = elementType(type.of, index);
  return inner === null ? null : optionalOf(inner);
}

function isOrdered(left: Type, right: Type): boolean {
  const isOrderable = ({ kind }: Type) =>
    !["list", "map", "optional", "ipaddress", "null", "type"].includes(kind);
  return fits(left, right) && isOrderable(left) && isOrderable(right);
}

function joinAll(checked: readonly Checked[]): Type {
  const [first, ...rest] = checked.map(({ type }) => type);
  if (first === undefined) return dyn;
  return rest.reduce((one, other) => joinTypes(one, other) ?? dyn, first);
}
