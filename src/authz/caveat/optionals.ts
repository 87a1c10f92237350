import type { Call } from "./check-calls.ts";
import type { Checked, Checking } from "./checked.ts";
import type { Frame, Run } from "./frame.ts";
import { runAsInt } from "./naturals.ts";
import { bool, dyn, formatType, joinTypes, optionalOf, type Type } from "./types.ts";
import {
  Failure,
  isList,
  isMap,
  isOpen,
  Optional,
  type Outcome,
  typeOf,
  Uint,
  type Value,
} from "./value.ts";

/**
 * Optional values, which SpiceDB's language has: `map[?key].orValue(0)`. undefined when the call is
 * none of theirs.
 */
export function checkOptional(call: Call, checking: Checking): Checked | undefined {
  const { name, receiver, parameters } = call;
  if (receiver === undefined || checking.dialect !== "native") return undefined;
  if (receiver.op === "id" && receiver.args === "optional" && !checking.isVariable("optional")) {
    return checkMaker(call, checking);
  }
  const count = { hasValue: 0, value: 0, orValue: 1, or: 1 }[name];
  if (count === undefined || parameters.length !== count) return undefined;
  const operand = checking.check(receiver);
  const [parameter] = parameters.map((node) => checking.check(node));
  const { type } = operand;
  if (type.kind !== "optional" && type.kind !== "dyn") {
    return checking.refuse(call.node, {
      code: "caveat-type",
      message: `${name}() works on optional values, not on ${formatType(type)}`,
    });
  }
  const result = resultOf(name, { of: type.kind === "optional" ? type.of : dyn, parameter });
  if (result === null) {
    return checking.refuse(call.node, {
      code: "caveat-type",
      message: `${formatType(type)}.${name}() does not take ${formatType(parameter?.type ?? dyn)}`,
    });
  }
  const run = makeMethod(name, { operand: operand.run, parameter: parameter?.run });
  return { type: result, run: result.kind === "int" ? runAsInt(run) : run };
}

function resultOf(
  name: string,
  { of, parameter }: { readonly of: Type; readonly parameter: Checked | undefined },
): Type | null {
  if (name === "hasValue") return bool;
  if (name === "value" || parameter === undefined) return of;
  return joinTypes(name === "or" ? optionalOf(of) : of, parameter.type);
}

function makeMethod(
  name: string,
  { operand, parameter }: { readonly operand: Run; readonly parameter: Run | undefined },
): Run {
  return (frame: Frame): Outcome => {
    frame.cost++;
    const outcome = operand(frame);
    if (isOpen(outcome)) return outcome;
    if (!(outcome instanceof Optional)) return new Failure(`${typeOf(outcome)} is not optional`);
    if (name === "hasValue") return outcome.value !== undefined;
    if (outcome.value !== undefined) return name === "or" ? outcome : outcome.value;
    return parameter === undefined
      ? new Failure("the optional value is not there")
      : parameter(frame);
  };
}

/** `optional.of(x)`, `optional.ofNonZeroValue(x)`, `optional.none()`. */
function checkMaker({ node, name, parameters }: Call, checking: Checking): Checked {
  const [operand] = parameters.map((parameter) => checking.check(parameter));
  if (name === "none" && parameters.length === 0) {
    const none = new Optional(undefined);
    return { type: optionalOf(dyn), run: () => none };
  }
  const isMaker = name === "of" || name === "ofNonZeroValue";
  if (!isMaker || operand === undefined || parameters.length !== 1) {
    return checking.refuse(node, {
      code: "caveat-unknown-function",
      message: `There is no function optional.${name} with ${parameters.length} parameters`,
    });
  }
  const run: Run = (frame) => {
    frame.cost++;
    const value = operand.run(frame);
    if (isOpen(value)) return value;
    return new Optional(name === "ofNonZeroValue" && isZero(value) ? undefined : value);
  };
  return { type: optionalOf(operand.type), run };
}

function isZero(value: Value): boolean {
  if (value instanceof Uint) return value.value === 0n;
  if (isList(value) || value instanceof Uint8Array) return value.length === 0;
  return isMap(value) ? value.size === 0 : !value;
}
