import { type Frame, textCost } from "./frame.ts";
import { equalIps, IpAddress } from "./ip.ts";
import {
  Duration,
  Failure,
  isList,
  isMap,
  type MapKey,
  type MapValue,
  Optional,
  Timestamp,
  TypeName,
  Uint,
  type Value,
} from "./value.ts";

/**
 * Numbers are equal when they are the same number, whatever their types; otherwise values of
 * different types are different.
 */
export function equal(left: Value, right: Value, frame: Frame): boolean {
  if (typeof left === "string" && typeof right === "string") {
    frame.cost += textCost(Math.min(left.length, right.length));
    return left === right;
  }
  if (typeof left !== "object" || typeof right !== "object") return equalNumbers(left, right);
  if (left === null || right === null) return left === right;
  if (isList(left)) {
    return (
      isList(right) &&
      left.length === right.length &&
      left.every((value, at) => equalElements(value, right[at] ?? null, frame))
    );
  }
  if (isMap(left)) return isMap(right) && equalMaps(left, right, frame);
  return equalObjects(left, right, frame);
}

/** Negative, zero or positive; NaN when they have no order; a failure when their types have none. */
export function compare(left: Value, right: Value, frame: Frame): number | Failure {
  if (typeof left === "string" && typeof right === "string") {
    frame.cost += textCost(Math.min(left.length, right.length));
    return compareText(left, right);
  }
  if (typeof left === "boolean" && typeof right === "boolean") return Number(left) - Number(right);
  const [one, other] = [numberOf(left), numberOf(right)];
  if (one !== undefined && other !== undefined) return order(one, other);
  if (left instanceof Timestamp && right instanceof Timestamp) {
    return order(left.nanos, right.nanos);
  }
  if (left instanceof Duration && right instanceof Duration) return order(left.nanos, right.nanos);
  if (left instanceof Uint8Array && right instanceof Uint8Array) {
    frame.cost += textCost(Math.min(left.length, right.length));
    return Buffer.compare(left, right);
  }
  return new Failure("values of these types have no order");
}

/** What stands for a value as the key of a map; undefined when it cannot be one. */
export function keyOf(value: Value): MapKey | undefined {
  if (typeof value === "string" || typeof value === "bigint" || typeof value === "boolean") {
    return value;
  }
  if (value instanceof Uint) return value.value;
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : undefined;
}

/** The number itself: JavaScript compares bigints with numbers exactly. */
export function numberOf(value: Value): bigint | number | undefined {
  if (typeof value === "bigint" || typeof value === "number") return value;
  return value instanceof Uint ? value.value : undefined;
}

/** In the order of code points, which UTF-16 does not keep beyond the basic plane. */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const [one, other] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (one === other) continue;
    const areSurrogates = [one >= 0xd800 && one < 0xe000, other >= 0xd800 && other < 0xe000];
    if (areSurrogates[0] !== areSurrogates[1]) return areSurrogates[0] ? 1 : -1;
    return one - other;
  }
  return left.length - right.length;
}

function order(one: bigint | number, other: bigint | number): number {
  if (one < other) return -1;
  if (one > other) return 1;
  // biome-ignore lint/suspicious/noDoubleEquals: 1n and 1 are the same number; NaN is none
  return one == other ? 0 : Number.NaN;
}

function equalNumbers(left: Value, right: Value): boolean {
  const [one, other] = [numberOf(left), numberOf(right)];
  if (one === undefined || other === undefined) return left === right;
  // biome-ignore lint/suspicious/noDoubleEquals: 1n and 1 are the same number
  return one == other;
}

function equalElements(left: Value, right: Value, frame: Frame): boolean {
  frame.cost++;
  return frame.cost <= frame.max && equal(left, right, frame);
}

function equalMaps(left: MapValue, right: MapValue, frame: Frame): boolean {
  if (left.size !== right.size) return false;
  for (const [key, value] of left) {
    const other = right.get(key);
    if (other === undefined || !equalElements(value, other, frame)) return false;
  }
  return true;
}

function equalObjects(left: Value & object, right: Value & object, frame: Frame): boolean {
  if (left instanceof Uint) return right instanceof Uint && left.value === right.value;
  if (left instanceof Timestamp) return right instanceof Timestamp && left.nanos === right.nanos;
  if (left instanceof Duration) return right instanceof Duration && left.nanos === right.nanos;
  if (left instanceof IpAddress) return right instanceof IpAddress && equalIps(left, right);
  if (left instanceof TypeName) return right instanceof TypeName && left.name === right.name;
  if (left instanceof Uint8Array) {
    if (!(right instanceof Uint8Array)) return false;
    frame.cost += textCost(Math.min(left.length, right.length));
    return left.length === right.length && Buffer.compare(left, right) === 0;
  }
  if (!(left instanceof Optional) || !(right instanceof Optional)) return false;
  if (left.value === undefined || right.value === undefined) return left.value === right.value;
  return equal(left.value, right.value, frame);
}
