import { equal } from "./compare.ts";
import {
  toBool,
  toBytes,
  toDouble,
  toDuration,
  toInt,
  toIp,
  toText,
  toTimestamp,
  toUint,
} from "./conversions.ts";
import { type Frame, textCost } from "./frame.ts";
import { IpAddress, isInNetwork, parseCidr } from "./ip.ts";
import { type Pattern, parsePattern } from "./pattern.ts";
import { durationPart, timestampPart, timestampParts } from "./time.ts";
import { bool, dyn, int, listOf, mapOf, scalar, string, type Type } from "./types.ts";
import {
  Duration,
  Failure,
  isList,
  isMap,
  type MapValue,
  type Outcome,
  Timestamp,
  TypeName,
  typeOf,
  type Value,
} from "./value.ts";

/** One way to call a function. */
export interface Overload {
  /** `first.name(second)`, not `name(first, second)`. */
  readonly isMember: boolean;
  readonly parameters: readonly Type[];
  readonly result: Type;
}

export interface FunctionRow {
  readonly overloads: readonly Overload[];
  /** Only in the language of one product. */
  readonly only?: "native" | "openfga";
  /** Its operands are there; checks their types itself, since they may be known only now. */
  readonly apply: (first: Value, second: Value | undefined, frame: Frame) => Outcome;
}

const bytes = scalar("bytes");
const [timestamp, duration, ipaddress] = [
  scalar("timestamp"),
  scalar("duration"),
  scalar("ipaddress"),
];
const anyMap = mapOf(string, dyn);
const sized = [string, bytes, listOf(dyn), mapOf(dyn, dyn)];
const numbers = [int, scalar("uint"), scalar("double")];

/** All functions there are, by name. Operators and macros are not among them. */
export const functionTable: ReadonlyMap<string, FunctionRow> = new Map<string, FunctionRow>([
  ["size", { overloads: [...members(sized, int), ...globals(sized, int)], apply: sizeOf }],
  ["contains", onText((text, part) => text.includes(part))],
  ["startsWith", onText((text, part) => text.startsWith(part))],
  ["endsWith", onText((text, part) => text.endsWith(part))],
  [
    "matches",
    { overloads: [method([string, string], bool), plain([string, string], bool)], apply: matches },
  ],
  ["in_cidr", { overloads: [method([ipaddress, string], bool)], apply: isInCidr }],
  ["ipaddress", { overloads: [plain([string], ipaddress)], only: "openfga", apply: toIp }],
  [
    "isSubtreeOf",
    { overloads: [method([anyMap, anyMap], bool)], only: "native", apply: isSubtree },
  ],
  ["int", conversion([...numbers, string, timestamp], int, toInt)],
  ["uint", conversion([...numbers, string], scalar("uint"), toUint)],
  ["double", conversion([...numbers, string], scalar("double"), toDouble)],
  [
    "string",
    conversion([...numbers, string, bool, bytes, timestamp, duration, ipaddress], string, toText),
  ],
  ["bytes", conversion([bytes, string], bytes, toBytes)],
  ["bool", conversion([bool, string], bool, toBool)],
  ["timestamp", conversion([timestamp, string, int], timestamp, toTimestamp)],
  ["duration", conversion([duration, string], duration, toDuration)],
  ["dyn", conversion([dyn], dyn, (value) => value)],
  ["type", conversion([dyn], scalar("type"), (value) => new TypeName(typeOf(value)))],
  ...timestampParts.map((part): [string, FunctionRow] => [
    part,
    {
      overloads: [
        method([timestamp], int),
        method([timestamp, string], int),
        ...(durationPart(new Duration(0n), part) === undefined ? [] : [method([duration], int)]),
      ],
      apply: (value, zone) => {
        if (value instanceof Timestamp) {
          if (zone === undefined) return timestampPart(value, part, {});
          if (typeof zone === "string") return timestampPart(value, part, { zone });
        }
        const whole = value instanceof Duration ? durationPart(value, part) : undefined;
        return whole ?? refuse(part, [value, zone]);
      },
    },
  ]),
]);

/** Names that stand for types, as in `type(x) == string`. */
export const typeNames: ReadonlySet<string> = new Set(
  "bool int uint double string bytes list map null_type type".split(" "),
);

/** `pattern` as it was read when the caveat was compiled, or the text that is only known now. */
export function matchPattern(text: string, pattern: Pattern, frame: Frame): Outcome {
  frame.cost += textCost(text.length + 1) * Math.ceil(pattern.size / 2);
  return frame.cost > frame.max ? new Failure("too much to do") : pattern.test(text);
}

function method(parameters: readonly Type[], result: Type): Overload {
  return { isMember: true, parameters, result };
}

function plain(parameters: readonly Type[], result: Type): Overload {
  return { isMember: false, parameters, result };
}

function members(types: readonly Type[], result: Type): readonly Overload[] {
  return types.map((type) => method([type], result));
}

function globals(types: readonly Type[], result: Type): readonly Overload[] {
  return types.map((type) => plain([type], result));
}

function conversion(
  types: readonly Type[],
  result: Type,
  apply: (value: Value) => Outcome,
): FunctionRow {
  return {
    overloads: globals(types, result),
    apply: (value, _none, frame) => {
      if (typeof value === "string") frame.cost += textCost(value.length);
      else if (value instanceof Uint8Array) frame.cost += textCost(value.length);
      return apply(value);
    },
  };
}

function onText(test: (text: string, part: string) => boolean): FunctionRow {
  return {
    overloads: [method([string, string], bool)],
    apply: (text, part, frame) => {
      if (typeof text !== "string" || typeof part !== "string") return refuse("it", [text, part]);
      frame.cost += textCost(text.length) + textCost(part.length);
      return test(text, part);
    },
  };
}

/** Of a string: its code points. */
function sizeOf(value: Value, _none: Value | undefined, frame: Frame): Outcome {
  if (isList(value) || value instanceof Uint8Array) return BigInt(value.length);
  if (isMap(value)) return BigInt(value.size);
  if (typeof value !== "string") return refuse("size", [value, undefined]);
  frame.cost += textCost(value.length);
  let size = 0;
  for (const _ of value) size++;
  return BigInt(size);
}

function matches(text: Value, pattern: Value | undefined, frame: Frame): Outcome {
  if (typeof text !== "string" || typeof pattern !== "string") {
    return refuse("matches", [text, pattern]);
  }
  frame.cost += pattern.length;
  const parsed = parsePattern(pattern);
  if (parsed instanceof Failure) return parsed;
  frame.cost += parsed.size * 4; // making it took longer than reading it: `a{1000}` is a thousand steps
  return matchPattern(text, parsed, frame);
}

function isInCidr(address: Value, cidr: Value | undefined): Outcome {
  if (!(address instanceof IpAddress) || typeof cidr !== "string") {
    return refuse("in_cidr", [address, cidr]);
  }
  const network = parseCidr(cidr);
  if (network !== undefined) return isInNetwork(address, network);
  return new Failure(`${JSON.stringify(cidr.slice(0, 64))} is no network (CIDR)`);
}

function isSubtree(part: Value, whole: Value | undefined, frame: Frame): Outcome {
  if (!isMap(part) || !isMap(whole)) return refuse("isSubtreeOf", [part, whole]);
  return isWithin(part, whole, frame);
}

/** Every key of `part` is in `whole`: maps again as subtrees, everything else equal. */
function isWithin(part: MapValue, whole: MapValue, frame: Frame): boolean {
  for (const [key, value] of part) {
    frame.cost++;
    const other = whole.get(key);
    if (other === undefined || frame.cost > frame.max) return false;
    const isThere = isMap(value)
      ? isMap(other) && isWithin(value, other, frame)
      : equal(value, other, frame);
    if (!isThere) return false;
  }
  return true;
}

function refuse(name: string, values: readonly (Value | undefined)[]): Failure {
  const types = values.flatMap((value) => (value === undefined ? [] : [typeOf(value)]));
  return new Failure(`${name} does not take ${types.join(" and ")}`);
}
