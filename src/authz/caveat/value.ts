import type { IpAddress } from "./ip.ts";

/**
 * The values of CEL while a caveat is evaluated. An `int` is a bigint, a `double` a number; what
 * JavaScript has no type for has a class here. All of them are immutable.
 */
export type Value =
  | null
  | boolean
  | string
  | number
  | bigint
  | Uint
  | Uint8Array
  | Duration
  | Timestamp
  | IpAddress
  | Optional
  | TypeName
  | ListValue
  | MapValue;

export interface ListValue extends ReadonlyArray<Value> {}
/** Keys of all integer types are equal when their numbers are, so a bigint stands for each. */
export interface MapValue extends ReadonlyMap<MapKey, Value> {}
export type MapKey = string | bigint | boolean;

/** What evaluating an expression comes to. */
export type Outcome = Value | Unknown | Failure;

/** It depends on parameters that were not given. */
export class Unknown {
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    this.names = names;
  }
}

/** It cannot be evaluated: overflow, a missing key, an index out of range, … */
export class Failure {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** An unsigned integer of 64 bits. */
export class Uint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** A span of time that fits into 64 bits of nanoseconds, as in Go. */
export class Duration {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A moment between the years 1 and 9999, in nanoseconds since 1970. */
export class Timestamp {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** What `map[?key]` and `map.?field` give. */
export class Optional {
  readonly value: Value | undefined;

  constructor(value: Value | undefined) {
    this.value = value;
  }
}

/** What `type(x)` gives. */
export class TypeName {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** The value is not there: unknown, or not to be had. */
export function isOpen(outcome: Outcome | undefined): outcome is Unknown | Failure {
  return outcome instanceof Unknown || outcome instanceof Failure;
}

export function isMap(value: Outcome | undefined): value is MapValue {
  return value instanceof Map;
}

export function isList(value: Outcome | undefined): value is ListValue {
  return Array.isArray(value);
}

export function mergeUnknowns(one: Unknown, other: Unknown): Unknown {
  if (one === other || other.names.every((name) => one.names.includes(name))) return one;
  return new Unknown([...new Set([...one.names, ...other.names])]);
}

/**
 * What a function with these operands comes to when one of them is open: the function fails whatever
 * the unknown ones turn out to be, if one of them failed.
 */
export function openOf(left: Outcome, right: Outcome): Unknown | Failure | undefined {
  if (left instanceof Failure) return left;
  if (right instanceof Failure) return right;
  if (!(left instanceof Unknown)) return right instanceof Unknown ? right : undefined;
  return right instanceof Unknown ? mergeUnknowns(left, right) : left;
}

/** The name of the type of a value, as CEL writes it. */
export function typeOf(value: Value): string {
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "string":
      return "string";
    case "number":
      return "double";
    case "bigint":
      return "int";
    default:
      return value === null ? "null_type" : typeOfObject(value);
  }
}

function typeOfObject(value: Value & object): string {
  if (isList(value)) return "list";
  if (isMap(value)) return "map";
  if (value instanceof Uint) return "uint";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof TypeName) return "type";
  return value instanceof Optional ? "optional_type" : "IPAddress";
}
