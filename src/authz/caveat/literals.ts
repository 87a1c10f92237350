import type { ASTNode } from "@marcbachmann/cel-js";
import { checkInt } from "./arithmetic.ts";
import type { Checked, Checking } from "./checked.ts";
import { keyOf } from "./compare.ts";
import type { Run } from "./frame.ts";
import { type ScalarKind, scalar } from "./types.ts";
import {
  Failure,
  isOpen,
  type MapKey,
  mergeUnknowns,
  type Outcome,
  typeOf,
  Uint,
  Unknown,
  type Value,
} from "./value.ts";

type Literal = ASTNode & { readonly op: "value" };

/** A number, a string, … as it stands in the expression. */
export function literalOf(
  node: Literal,
  checking: Checking,
  { isNegated = false }: { readonly isNegated?: boolean } = {},
): Checked {
  const { args } = node;
  if (args === null) return constantOf("null", null);
  switch (typeof args) {
    case "boolean":
      return constantOf("bool", args);
    case "string":
      return constantOf("string", args);
    case "number":
      return constantOf("double", args);
    case "bigint": {
      const isInRange = !isOpen(checkInt(isNegated ? -args : args));
      const message = "The integer does not fit into 64 bits";
      return isInRange
        ? constantOf("int", args)
        : checking.refuse(node, { code: "caveat-syntax", message });
    }
    default:
      return args instanceof Uint8Array
        ? bytesOf(node, { bytes: args, checking })
        : constantOf("uint", new Uint(args.value));
  }
}

/** The parser takes characters for bytes, so only those that are both may stand there. */
function bytesOf(
  node: Literal,
  { bytes, checking }: { readonly bytes: Uint8Array; readonly checking: Checking },
): Checked {
  const text = node.input.slice(node.start, node.end);
  if (Array.from(text).every((character) => character < "\u0080")) {
    return constantOf("bytes", bytes);
  }
  const message = "Bytes beyond ASCII are written as escapes, as in b'\\xc3\\xa9'";
  return checking.refuse(node, { code: "caveat-syntax", message });
}

/** With one unknown element the whole is unknown. */
export function makeListLiteral(elements: readonly Checked[]): Pick<Checked, "run" | "constant"> {
  const constants = elements.flatMap(({ constant }) => (constant === undefined ? [] : [constant]));
  if (constants.length === elements.length) return { run: () => constants, constant: constants };
  const runs = elements.map(({ run }) => run);
  const run: Run = (frame) => {
    frame.cost++;
    const values: Value[] = [];
    let open: Unknown | Failure | undefined;
    for (const element of runs) {
      const outcome = element(frame);
      if (isOpen(outcome)) open = mergeOpen(open, outcome);
      else values.push(outcome);
    }
    return open ?? values;
  };
  return { run };
}

export function makeMapLiteral({
  keys,
  values,
}: {
  readonly keys: readonly Checked[];
  readonly values: readonly Checked[];
}): Run {
  const entries = keys.flatMap(({ run }, at) => {
    const value = values[at];
    return value === undefined ? [] : [{ key: run, value: value.run }];
  });
  return (frame) => {
    frame.cost++;
    const map = new Map<MapKey, Value>();
    let open: Unknown | Failure | undefined;
    for (const entry of entries) {
      const [key, value] = [entry.key(frame), entry.value(frame)];
      if (isOpen(key)) open = mergeOpen(open, key);
      if (isOpen(value)) open = mergeOpen(open, value);
      else if (!isOpen(key)) open = mergeOpen(open, put(map, { key, value }));
    }
    return open ?? map;
  };
}

/** A failure when it cannot be done. */
function put(
  map: Map<MapKey, Value>,
  { key, value }: { readonly key: Value; readonly value: Value },
): Failure | undefined {
  const found = typeof key === "number" ? undefined : keyOf(key);
  if (found === undefined) return new Failure(`${typeOf(key)} cannot be the key of a map`);
  if (map.has(found)) return new Failure(`the key ${String(found).slice(0, 64)} is there twice`);
  map.set(found, value);
  return undefined;
}

/** What failed counts before what is unknown, as with the operands of a function. */
function mergeOpen(
  before: Unknown | Failure | undefined,
  next: Unknown | Failure | undefined,
): Unknown | Failure | undefined {
  if (before === undefined || before instanceof Failure) return before ?? next;
  return next instanceof Unknown ? mergeUnknowns(before, next) : (next ?? before);
}

function constantOf(kind: ScalarKind, constant: Value): Checked {
  const outcome: Outcome = constant;
  return { type: scalar(kind), run: () => outcome, constant };
}
