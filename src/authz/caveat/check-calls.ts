import type { ASTNode } from "@marcbachmann/cel-js";
import { didYouMean } from "../../std/suggest.ts";
import type { Checked, Checking } from "./checked.ts";
import { Frame, type Run } from "./frame.ts";
import { type FunctionRow, functionTable, matchPattern } from "./functions.ts";
import { fitTo } from "./naturals.ts";
import { parsePattern } from "./pattern.ts";
import { dyn, fits, formatType, int, scalar, type Type } from "./types.ts";
import { Failure, isOpen, openOf, type Value } from "./value.ts";

/** A call of a function; macros are not among them. */
export interface Call {
  readonly node: ASTNode;
  readonly name: string;
  readonly receiver: ASTNode | undefined;
  readonly parameters: readonly ASTNode[];
}

export function checkCall(call: Call, checking: Checking): Checked {
  const { node, name, receiver } = call;
  const nodes = receiver === undefined ? call.parameters : [receiver, ...call.parameters];
  const given = nodes.map((operand) => checking.check(operand));
  const row = functionTable.get(name);
  if (row === undefined || (row.only !== undefined && row.only !== checking.dialect)) {
    return checking.refuse(node, {
      code: "caveat-unknown-function",
      message: `There is no function ${name}`,
      suggestion: didYouMean(name, functionTable.keys()),
    });
  }
  const operands = given.map((operand, at) => (takesUint(row, at) ? operand : fitTo(int, operand)));
  const result = resultOf(row, { isMember: receiver !== undefined, operands });
  if (result === null) return refuseOperands(call, { operands, row, checking });
  const run = makeCall(row, operands);
  if (name === "matches") return checkMatches(node, { operands, run, checking });
  return operands.every(({ constant }) => constant !== undefined)
    ? foldCall(node, { run, type: result, checking })
    : { type: result, run };
}

function takesUint({ overloads }: FunctionRow, at: number): boolean {
  return overloads.some(({ parameters }) => fits(parameters[at] ?? dyn, scalar("uint")));
}

/** null when there is no such way to call it. */
function resultOf(
  { overloads }: FunctionRow,
  { isMember, operands }: { readonly isMember: boolean; readonly operands: readonly Checked[] },
): Type | null {
  const fitting = overloads.filter(
    (overload) =>
      overload.isMember === isMember &&
      overload.parameters.length === operands.length &&
      overload.parameters.every((type, at) => fits(type, operands[at]?.type ?? dyn)),
  );
  const [first] = fitting;
  if (first === undefined) return null;
  return fitting.every(({ result }) => result.kind === first.result.kind) ? first.result : dyn;
}

interface Refused {
  readonly operands: readonly Checked[];
  readonly row: FunctionRow;
  readonly checking: Checking;
}

function refuseOperands(call: Call, { operands, row, checking }: Refused): Checked {
  const isMember = call.receiver !== undefined;
  const [first = "nothing", ...rest] = operands.map(({ type }) => formatType(type));
  const given = isMember
    ? `${first}.${call.name}(${rest.join(", ")})`
    : `${call.name}(${operands.length === 0 ? "" : [first, ...rest].join(", ")})`;
  const ways = row.overloads.map((overload) => {
    const types = overload.parameters.map(formatType);
    return overload.isMember
      ? `${types[0]}.${call.name}(${types.slice(1).join(", ")})`
      : `${call.name}(${types.join(", ")})`;
  });
  return checking.refuse(call.node, {
    code: "caveat-type",
    message: `There is no ${given}`,
    suggestion: `There is ${ways.slice(0, 4).join(", ")}${ways.length > 4 ? ", …" : ""}`,
  });
}

function makeCall({ apply }: FunctionRow, operands: readonly Checked[]): Run {
  const [first, second] = operands.map(({ run }) => run);
  if (first === undefined) return () => new Failure("nothing to work on");
  return (frame) => {
    frame.cost++;
    const one = first(frame);
    if (second === undefined) return isOpen(one) ? one : apply(one, undefined, frame);
    const other = second(frame);
    const open = openOf(one, other);
    return open ?? apply(one as Value, other as Value, frame); // neither is open
  };
}

/** A pattern that stands in the expression is read once, and must be one. */
function checkMatches(
  node: ASTNode,
  { operands, run, checking }: { operands: readonly Checked[]; run: Run; checking: Checking },
): Checked {
  const [text, pattern] = operands;
  const type: Type = { kind: "bool" };
  if (text === undefined || typeof pattern?.constant !== "string") return { type, run };
  const parsed = parsePattern(pattern.constant);
  if (parsed instanceof Failure) {
    return checking.refuse(node, { code: "caveat-pattern", message: parsed.reason });
  }
  return {
    type,
    run: (frame) => {
      frame.cost++;
      const outcome = text.run(frame);
      if (typeof outcome === "string") return matchPattern(outcome, parsed, frame);
      return isOpen(outcome) ? outcome : new Failure("matches takes strings");
    },
  };
}

/** `timestamp("2026-01-01T00:00:00Z")` is read once. */
function foldCall(
  node: ASTNode,
  { run, type, checking }: { run: Run; type: Type; checking: Checking },
): Checked {
  const outcome = run(new Frame([], Number.POSITIVE_INFINITY));
  if (!isOpen(outcome)) return { type, run: () => outcome, constant: outcome };
  const reason = outcome instanceof Failure ? outcome.reason : "it is unknown";
  checking.warn(node, { code: "caveat-constant", message: `This always fails: ${reason}` });
  return { type, run };
}
