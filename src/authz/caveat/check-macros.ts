import type { ASTNode } from "@marcbachmann/cel-js";
import { makeHas } from "./access.ts";
import type { Call } from "./check-calls.ts";
import { type Checked, type Checking, isBool } from "./checked.ts";
import { type Loop, makeExistsOne, makeList, makeOptionalMap, makeQuantifier } from "./macros.ts";
import { bool, dyn, formatType, listOf, optionalOf, type Type } from "./types.ts";

/** Calls whose parameters are not values but expressions; undefined when it is none of them. */
export function checkMacro(call: Call, checking: Checking): Checked | undefined {
  const { name, receiver, parameters } = call;
  if (receiver === undefined) {
    return name === "has" && parameters.length === 1 ? checkHas(call, checking) : undefined;
  }
  const isOptional = (name === "optMap" || name === "optFlatMap") && checking.dialect === "native";
  const counts = isOptional ? [2] : macroCounts.get(name);
  if (counts?.includes(parameters.length) !== true) return undefined;
  return isOptional ? checkOptionalMap(call, checking) : checkLoop(call, checking);
}

/** How many parameters each takes. */
const macroCounts: ReadonlyMap<string, readonly number[]> = new Map([
  ["all", [2]],
  ["exists", [2]],
  ["exists_one", [2]],
  ["filter", [2]],
  ["map", [2, 3]],
]);

function checkHas({ node, parameters }: Call, checking: Checking): Checked {
  const [field] = parameters;
  if (field?.op !== "." && field?.op !== ".?") {
    return checking.refuse(node, {
      code: "caveat-has",
      message: "has() takes a field of a map, as in has(user.name)",
    });
  }
  const [operand, name] = field.args;
  const map = checking.check(operand);
  if (!["map", "dyn", "optional"].includes(map.type.kind)) {
    return checking.refuse(node, {
      code: "caveat-field",
      message: `${formatType(map.type)} has no fields`,
    });
  }
  return { type: bool, run: makeHas(map.run, name) };
}

function checkLoop(call: Call, checking: Checking): Checked {
  const { node, name, receiver, parameters } = call;
  const range = receiver && checking.check(receiver);
  const element = range && elementOf(range.type);
  if (range === undefined || element === undefined) {
    const type = range === undefined ? "nothing" : formatType(range.type);
    return checking.refuse(node, {
      code: "caveat-type",
      message: `${name}() goes over a list or the keys of a map, not over ${type}`,
    });
  }
  return bindVariable(call, { element, checking, body });

  function body(slot: number): Checked {
    const [, first, second] = parameters.map((parameter, at) =>
      at === 0 ? undefined : checking.check(parameter),
    );
    const uintKeys =
      range?.type.kind === "map" && ["uint", "natural"].includes(range.type.key.kind);
    const loop = { range: range?.run ?? nothing, slot, uintKeys, body: first?.run ?? nothing };
    if (name === "map" && second === undefined) {
      const always = { ...loop, body: () => true };
      return { type: listOf(first?.type ?? dyn), run: makeList(always, first?.run) };
    }
    if (first !== undefined && !isBool(first)) {
      return checking.refuse(parameters[1] ?? node, {
        code: "caveat-type",
        message: `The condition of ${name}() must be bool, not ${formatType(first.type)}`,
      });
    }
    return makeLoop(name, { loop, element: element ?? dyn, transform: second });
  }
}

function makeLoop(
  name: string,
  {
    loop,
    element,
    transform,
  }: { readonly loop: Loop; readonly element: Type; readonly transform: Checked | undefined },
): Checked {
  switch (name) {
    case "all":
    case "exists":
      return { type: bool, run: makeQuantifier(name, loop) };
    case "exists_one":
      return { type: bool, run: makeExistsOne(loop) };
    default:
      return { type: listOf(transform?.type ?? element), run: makeList(loop, transform?.run) };
  }
}

function checkOptionalMap(call: Call, checking: Checking): Checked {
  const { node, name, receiver, parameters } = call;
  const [, transform] = parameters;
  const range = receiver && checking.check(receiver);
  const type = range?.type;
  if (range === undefined || (type?.kind !== "optional" && type?.kind !== "dyn")) {
    const found = type === undefined ? "nothing" : formatType(type);
    return checking.refuse(node, {
      code: "caveat-type",
      message: `${name}() works on optional values, not on ${found}`,
    });
  }
  const element = type.kind === "optional" ? type.of : dyn;
  return bindVariable(call, {
    element,
    checking,
    body: (slot) => {
      const made = transform === undefined ? undefined : checking.check(transform);
      const flat = name === "optFlatMap";
      const loop = { range: range.run, slot, uintKeys: false, body: made?.run ?? nothing };
      return {
        type: flat ? (made?.type ?? dyn) : optionalOf(made?.type ?? dyn),
        run: makeOptionalMap(loop, { flat }),
      };
    },
  });
}

interface Binding {
  readonly element: Type;
  readonly checking: Checking;
  readonly body: (slot: number) => Checked;
}

/** The first parameter of a macro is the name of its variable. */
function bindVariable(call: Call, { element, checking, body }: Binding): Checked {
  const variable: ASTNode | undefined = call.parameters[0];
  if (variable?.op !== "id") {
    return checking.refuse(variable ?? call.node, {
      code: "caveat-syntax",
      message: `The first parameter of ${call.name}() is the name of a variable`,
    });
  }
  return checking.checkWith({ name: variable.args, type: element }, body);
}

function elementOf(type: Type): Type | undefined {
  if (type.kind === "list") return type.of;
  if (type.kind === "map") return type.key;
  return type.kind === "dyn" ? dyn : undefined;
}

/** For what cannot be missing: the number of parameters was looked at. */
function nothing(): null {
  return null;
}
