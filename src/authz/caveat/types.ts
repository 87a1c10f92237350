import type { CaveatType } from "../schema/schema.ts";

/** The static types of CEL, as far as caveats need them. `dyn` is what is known only when it runs. */
export type Type =
  | { readonly kind: ScalarKind }
  | { readonly kind: "list" | "optional"; readonly of: Type }
  | { readonly kind: "map"; readonly key: Type; readonly of: Type };

export type ScalarKind =
  | "dyn"
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "duration"
  | "timestamp"
  | "ipaddress"
  | "null"
  | "type";

export const dyn: Type = { kind: "dyn" };
export const bool: Type = { kind: "bool" };
export const int: Type = { kind: "int" };
export const string: Type = { kind: "string" };

export function scalar(kind: ScalarKind): Type {
  return { kind };
}

export function listOf(of: Type): Type {
  return { kind: "list", of };
}

export function mapOf(key: Type, of: Type): Type {
  return { kind: "map", key, of };
}

export function optionalOf(of: Type): Type {
  return { kind: "optional", of };
}

/** Maps have strings as keys. With `uintAsInt` a `uint` is an `int` that is not negative (SpiceDB). */
export function typeOfParameter(type: CaveatType, options: { readonly uintAsInt: boolean }): Type {
  switch (type.kind) {
    case "any":
      return dyn;
    case "uint":
      return options.uintAsInt ? int : scalar("uint");
    case "list":
      return listOf(typeOfParameter(type.of, options));
    case "map":
      return mapOf(string, typeOfParameter(type.of, options));
    default:
      return scalar(type.kind);
  }
}

/** Whether a value of one type may be one of the other; with `dyn` inside, maybe is yes. */
export function fits(one: Type, other: Type): boolean {
  if (one.kind === "dyn" || other.kind === "dyn") return true;
  if (one.kind === "map") {
    return other.kind === "map" && fits(one.key, other.key) && fits(one.of, other.of);
  }
  if (one.kind === "list" || one.kind === "optional") {
    return other.kind === one.kind && fits(one.of, other.of);
  }
  return one.kind === other.kind;
}

/** The type of something that is one or the other; null when they do not fit. */
export function joinTypes(one: Type, other: Type): Type | null {
  if (one.kind === "dyn" || other.kind === "dyn") return dyn;
  if (one.kind === "map" && other.kind === "map") {
    const [key, of] = [joinTypes(one.key, other.key), joinTypes(one.of, other.of)];
    return key === null || of === null ? null : mapOf(key, of);
  }
  if (one.kind === "list" && other.kind === "list") {
    const of = joinTypes(one.of, other.of);
    return of === null ? null : listOf(of);
  }
  if (one.kind === "optional" && other.kind === "optional") {
    const of = joinTypes(one.of, other.of);
    return of === null ? null : optionalOf(of);
  }
  return one.kind === other.kind ? one : null;
}

export function formatType(type: Type): string {
  switch (type.kind) {
    case "dyn":
      return "any";
    case "map": {
      const key = type.key.kind === "string" ? "" : `${formatType(type.key)}, `;
      return `map<${key}${formatType(type.of)}>`;
    }
    case "list":
    case "optional":
      return `${type.kind}<${formatType(type.of)}>`;
    default:
      return type.kind;
  }
}
