import { type Frame, textCost } from "./frame.ts";
import { makeDuration, makeTimestamp } from "./time.ts";
import { dyn, fits, joinNaturals, joinTypes, listOf, scalar, type Type } from "./types.ts";
import {
  Duration,
  Failure,
  isList,
  isOpen,
  type Outcome,
  openOf,
  Timestamp,
  typeOf,
  Uint,
  type Value,
} from "./value.ts";

export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%";

/** What operators take and give: left, right, result. */
const signatures: Readonly<Record<ArithmeticOperator, readonly (readonly [Type, Type, Type])[]>> =
  (() => {
    const same = (...kinds: readonly ("int" | "uint" | "double" | "string" | "bytes")[]) =>
      kinds.map((kind) => [scalar(kind), scalar(kind), scalar(kind)] as const);
    const [timestamp, duration] = [scalar("timestamp"), scalar("duration")];
    const both = [duration, duration, duration] as const;
    const numbers = same("int", "uint", "double");
    return {
      "+": [
        ...numbers,
        ...same("string", "bytes"),
        [timestamp, duration, timestamp],
        [duration, timestamp, timestamp],
        both,
        [listOf(dyn), listOf(dyn), listOf(dyn)],
      ],
      "-": [...numbers, [timestamp, duration, timestamp], [timestamp, timestamp, duration], both],
      "*": numbers,
      "/": numbers,
      "%": same("int", "uint"),
    };
  })();

export function isArithmetic(operator: string): operator is ArithmeticOperator {
  return Object.hasOwn(signatures, operator);
}

/** null when the operator does not take them. */
export function typeOfArithmetic(
  operator: ArithmeticOperator,
  [left, right]: readonly [Type, Type],
): Type | null {
  if (left.kind === "list" && right.kind === "list" && operator === "+") {
    if (!fits(left, right)) return null;
    return left.of.kind === "dyn" ? left : joinTypes(left, right);
  }
  if (left.kind === "natural" || right.kind === "natural") {
    const isAny = left.kind === "dyn" || right.kind === "dyn";
    return isAny ? dyn : joinNaturals(left, right);
  }
  const fitting = signatures[operator].filter(
    ([one, other]) => fits(one, left) && fits(other, right),
  );
  const [first] = fitting;
  if (first === undefined) return null;
  return fitting.every(([, , result]) => result.kind === first[2].kind) ? first[2] : dyn;
}

/** The operator itself, for operands that are there or not. */
export const arithmetic: Readonly<
  Record<ArithmeticOperator, (left: Outcome, right: Outcome, frame: Frame) => Outcome>
> = {
  "+": (left, right, frame) => {
    if (typeof left === "bigint" && typeof right === "bigint") return checkInt(left + right);
    if (typeof left === "number" && typeof right === "number") return left + right;
    return openOf(left, right) ?? addObjects(left as Value, right as Value, frame); // neither is open
  },
  "-": (left, right) => {
    if (typeof left === "bigint" && typeof right === "bigint") return checkInt(left - right);
    if (typeof left === "number" && typeof right === "number") return left - right;
    return openOf(left, right) ?? subtractObjects(left as Value, right as Value); // neither is open
  },
  "*": (left, right) => {
    if (typeof left === "bigint" && typeof right === "bigint") return checkInt(left * right);
    if (typeof left === "number" && typeof right === "number") return left * right;
    if (left instanceof Uint && right instanceof Uint) return checkUint(left.value * right.value);
    return openOf(left, right) ?? refuse("*", [left, right]);
  },
  "/": (left, right) => {
    if (typeof left === "number" && typeof right === "number") return left / right;
    return divide("/", [left, right]);
  },
  "%": (left, right) => divide("%", [left, right]),
};

/** Of an int or a double; there is no negative uint. */
export function negate(value: Outcome): Outcome {
  if (typeof value === "bigint") return checkInt(-value);
  if (typeof value === "number") return -value;
  return isOpen(value) ? value : new Failure(`- does not take ${typeOf(value)}`);
}

export function checkInt(value: bigint): Outcome {
  return BigInt.asIntN(64, value) === value ? value : new Failure("integer overflow");
}

export function checkUint(value: bigint): Outcome {
  if (BigInt.asUintN(64, value) === value) return new Uint(value);
  return new Failure("unsigned integer overflow");
}

function addObjects(left: Value, right: Value, frame: Frame): Outcome {
  if (typeof left === "string" && typeof right === "string") {
    frame.cost += textCost(left.length + right.length);
    return left + right;
  }
  if (left instanceof Uint && right instanceof Uint) return checkUint(left.value + right.value);
  if (left instanceof Duration && right instanceof Duration) {
    return makeDuration(left.nanos + right.nanos);
  }
  if (left instanceof Timestamp && right instanceof Duration) {
    return makeTimestamp(left.nanos + right.nanos);
  }
  if (left instanceof Duration && right instanceof Timestamp) {
    return makeTimestamp(left.nanos + right.nanos);
  }
  if (isList(left) && isList(right)) {
    frame.cost += left.length + right.length;
    return [...left, ...right];
  }
  if (left instanceof Uint8Array && right instanceof Uint8Array) {
    frame.cost += textCost(left.length + right.length);
    return Uint8Array.from([...left, ...right]);
  }
  return refuse("+", [left, right]);
}

function subtractObjects(left: Value, right: Value): Outcome {
  if (left instanceof Uint && right instanceof Uint) return checkUint(left.value - right.value);
  if (left instanceof Timestamp && right instanceof Timestamp) {
    return makeDuration(left.nanos - right.nanos);
  }
  if (left instanceof Timestamp && right instanceof Duration) {
    return makeTimestamp(left.nanos - right.nanos);
  }
  if (left instanceof Duration && right instanceof Duration) {
    return makeDuration(left.nanos - right.nanos);
  }
  return refuse("-", [left, right]);
}

/** Of whole numbers, rounded to zero; the remainder has the sign of the left one. */
function divide(operator: "/" | "%", [left, right]: readonly [Outcome, Outcome]): Outcome {
  if (typeof left === "bigint" && typeof right === "bigint") {
    if (right === 0n) return new Failure(operator === "/" ? "division by zero" : "modulus by zero");
    return checkInt(operator === "/" ? left / right : left % right);
  }
  if (left instanceof Uint && right instanceof Uint) {
    const result = divide(operator, [left.value, right.value]);
    return typeof result === "bigint" ? checkUint(result) : result;
  }
  return openOf(left, right) ?? refuse(operator, [left, right]);
}

function refuse(operator: string, operands: readonly [Outcome, Outcome]): Failure {
  const [left, right] = operands.map((value) => typeOf(value as Value)); // open ones were sorted out
  return new Failure(`${operator} does not take ${left} and ${right}`);
}
