import { checkInt, checkUint } from "./arithmetic.ts";
import { formatIp, IpAddress, parseIp } from "./ip.ts";
import {
  formatDuration,
  formatTimestamp,
  makeTimestamp,
  parseDuration,
  parseTimestamp,
} from "./time.ts";
import { Duration, Failure, type Outcome, Timestamp, typeOf, Uint, type Value } from "./value.ts";

/** The functions that are named like the type that they give. */

export function toInt(value: Value): Outcome {
  if (typeof value === "bigint") return checkInt(value);
  if (value instanceof Uint) return checkInt(value.value);
  if (typeof value === "number") return fromDouble(value, checkInt);
  if (value instanceof Timestamp) return floorSeconds(value.nanos);
  if (typeof value !== "string") return cannot(value, "int");
  return /^[+-]?\d{1,40}$/.test(value) ? checkInt(bigintOf(value)) : cannotRead(value, "int");
}

export function toUint(value: Value): Outcome {
  if (value instanceof Uint) return value;
  if (typeof value === "bigint") return checkUint(value);
  if (typeof value === "number") return fromDouble(value, checkUint);
  if (typeof value !== "string") return cannot(value, "uint");
  return /^\d{1,40}$/.test(value) ? checkUint(BigInt(value)) : cannotRead(value, "uint");
}

export function toDouble(value: Value): Outcome {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (typeof value !== "string") return cannot(value, "double");
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(value);
  if (special !== null) {
    if (special[2]?.toLowerCase() === "nan") return Number.NaN;
    return special[1] === "-" ? -Infinity : Infinity;
  }
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value);
  const number = isNumber ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : cannotRead(value, "double");
}

export function toText(value: Value): Outcome {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") return formatDouble(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof IpAddress) return formatIp(value);
  if (!(value instanceof Uint8Array)) return cannot(value, "string");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return new Failure("the bytes are not valid UTF-8");
  }
}

export function toBytes(value: Value): Outcome {
  if (value instanceof Uint8Array) return value;
  return typeof value === "string" ? new TextEncoder().encode(value) : cannot(value, "bytes");
}

export function toBool(value: Value): Outcome {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return cannot(value, "bool");
  if (["true", "True", "TRUE", "t", "1"].includes(value)) return true;
  if (["false", "False", "FALSE", "f", "0"].includes(value)) return false;
  return cannotRead(value, "bool");
}

export function toTimestamp(value: Value): Outcome {
  if (value instanceof Timestamp) return value;
  if (typeof value === "bigint") return makeTimestamp(value * 1_000_000_000n);
  if (typeof value !== "string") return cannot(value, "timestamp");
  return parseTimestamp(value) ?? cannotRead(value, "timestamp");
}

export function toDuration(value: Value): Outcome {
  if (value instanceof Duration) return value;
  if (typeof value !== "string") return cannot(value, "duration");
  return parseDuration(value) ?? cannotRead(value, "duration");
}

export function toIp(value: Value): Outcome {
  if (value instanceof IpAddress) return value;
  if (typeof value !== "string") return cannot(value, "ipaddress");
  return parseIp(value) ?? cannotRead(value, "ipaddress");
}

/** The shortest text that reads back as the same number, with an exponent where Go has one (`%g`). */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  const size = String(Math.abs(power)).padStart(2, "0");
  return `${digits}e${power < 0 ? "-" : "+"}${size}`;
}

/** Rounds to zero. */
function fromDouble(value: number, check: (value: bigint) => Outcome): Outcome {
  if (!Number.isFinite(value)) return new Failure(`${formatDouble(value)} is no whole number`);
  return check(BigInt(Math.trunc(value)));
}

function floorSeconds(nanos: bigint): bigint {
  const seconds = nanos / 1_000_000_000n;
  return nanos < 0n && seconds * 1_000_000_000n !== nanos ? seconds - 1n : seconds;
}

/** BigInt does not read a sign `+`. */
function bigintOf(digits: string): bigint {
  return BigInt(digits.startsWith("+") ? digits.slice(1) : digits);
}

function cannot(value: Value, type: string): Failure {
  return new Failure(`${type}() does not take ${typeOf(value)}`);
}

function cannotRead(text: string, type: string): Failure {
  const shown = text.length > 64 ? `${text.slice(0, 64)}…` : text;
  return new Failure(`${JSON.stringify(shown)} cannot be read as ${type}`);
}
