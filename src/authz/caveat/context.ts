import type { CaveatType } from "../schema/schema.ts";
import { parseIp } from "./ip.ts";
import { parseDuration, parseTimestamp } from "./time.ts";
import { Failure, Uint, type Value } from "./value.ts";

/** Arrays and objects within each other; more is refused. */
const maxDepth = 100;

/**
 * Plain JSON to values, by the declared types; a failure says what does not fit. Both products take a
 * number for each numeric type, or its decimal digits as a string, since JSON has no 64-bit integers;
 * a fraction is no integer. What is too large is refused, where SpiceDB takes the nearest number that
 * fits.
 */
export function readValue(json: unknown, type: CaveatType): Value | Failure {
  return readAt(json, type, 0);
}

/** @param depth arrays and objects around this value. */
function readAt(json: unknown, type: CaveatType, depth: number): Value | Failure {
  if (depth > maxDepth) return new Failure(`more than ${maxDepth} levels deep`);
  switch (type.kind) {
    case "any":
      return readAny(json, depth);
    case "bool":
      return typeof json === "boolean" ? json : misfit(json, "bool");
    case "string":
      return typeof json === "string" ? json : misfit(json, "string");
    case "int":
      return readInteger(json, int64);
    case "uint": {
      const value = readInteger(json, uint64);
      return typeof value === "bigint" ? new Uint(value) : value;
    }
    case "double":
      return readDouble(json);
    case "bytes":
      return readBytes(json);
    case "duration":
    case "timestamp":
    case "ipaddress":
      return readText(json, type.kind);
    case "list":
      return readList(json, type.of, depth);
    case "map":
      return readMap(json, type.of, depth);
  }
}

function readAny(json: unknown, depth: number): Value | Failure {
  if (json === null || typeof json === "string" || typeof json === "boolean") return json;
  if (typeof json === "number") return readDouble(json);
  if (Array.isArray(json)) return readList(json, { kind: "any" }, depth);
  return typeof json === "object"
    ? readMap(json, { kind: "any" }, depth)
    : misfit(json, "plain JSON");
}

function readList(json: unknown, of: CaveatType, depth: number): Value | Failure {
  if (!Array.isArray(json)) return misfit(json, "list");
  const values: Value[] = [];
  for (const [at, item] of json.entries()) {
    const value = readAt(item, of, depth + 1);
    if (value instanceof Failure) return new Failure(`item ${at}: ${value.reason}`);
    values.push(value);
  }
  return values;
}

function readMap(json: unknown, of: CaveatType, depth: number): Value | Failure {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return misfit(json, "map");
  const values = new Map<string, Value>();
  for (const [key, item] of Object.entries(json)) {
    const value = readAt(item, of, depth + 1);
    if (value instanceof Failure) return new Failure(`key ${quote(key)}: ${value.reason}`);
    values.set(key, value);
  }
  return values;
}

interface Range {
  readonly type: "int" | "uint";
  readonly min: bigint;
  readonly max: bigint;
}

const int64: Range = { type: "int", min: -(2n ** 63n), max: 2n ** 63n - 1n };
const uint64: Range = { type: "uint", min: 0n, max: 2n ** 64n - 1n };

function readInteger(json: unknown, { type, min, max }: Range): bigint | Failure {
  let value: bigint | undefined;
  if (typeof json === "bigint") value = json;
  else if (typeof json === "number") value = Number.isInteger(json) ? BigInt(json) : undefined;
  else if (typeof json === "string") value = integerOf(json);
  if (value === undefined) return misfit(json, type);
  if (value >= min && value <= max) return value;
  return new Failure(`${describe(json)} is beyond the range of ${type}`);
}

/** `42`, `42.0` and `4.2e1` are the same integer. */
function integerOf(text: string): bigint | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null || text.length > 64) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  if (whole === "" && fraction === "") return undefined;
  const digits = BigInt(whole + fraction);
  const power = Number(exponent) - fraction.length;
  const scale = 10n ** BigInt(Math.abs(power));
  if (power < 0 && digits % scale !== 0n) return undefined;
  const size = power < 0 ? digits / scale : digits * scale;
  return sign === "-" ? -size : size;
}

function readDouble(json: unknown): number | Failure {
  const isText = typeof json === "string" && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(json);
  if (!isText && typeof json !== "number" && typeof json !== "bigint")
    return misfit(json, "double");
  const value = Number(json);
  if (Number.isFinite(value)) return value;
  return new Failure("the number cannot be represented as a double");
}

function readBytes(json: unknown): Uint8Array | Failure {
  const isBase64 =
    typeof json === "string" &&
    json.length % 4 === 0 &&
    /^[A-Za-z0-9+/]*={0,2}$/.test(json.replace(/[\r\n]/g, ""));
  if (!isBase64) return misfit(json, "bytes in base64");
  return new Uint8Array(Buffer.from(json, "base64"));
}

function readText(json: unknown, type: "duration" | "timestamp" | "ipaddress"): Value | Failure {
  const parse = { duration: parseDuration, timestamp: parseTimestamp, ipaddress: parseIp }[type];
  const value = typeof json === "string" ? parse(json) : undefined;
  if (value === undefined)
    return misfit(json, type === "timestamp" ? "timestamp (RFC 3339)" : type);
  return value;
}

function misfit(json: unknown, expected: string): Failure {
  return new Failure(`expected ${expected}, found ${describe(json)}`);
}

function describe(json: unknown): string {
  if (json === null) return "null";
  if (Array.isArray(json)) return "a list";
  if (typeof json === "object") return "an object";
  if (typeof json !== "string") return `${typeof json} ${String(json)}`;
  return quote(json);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
