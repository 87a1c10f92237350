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
  /** A parameter that SpiceDB's language declares `uint`: see naturals.ts. */
  | "natural"
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

/** Maps have strings as keys. With `naturals` a `uint` may stand beside ints, as in SpiceDB. */
export function typeOfParameter(type: CaveatType, options: { readonly naturals: boolean }): Type {
  switch (type.kind) {
    case "any":
      return dyn;
    case "uint":
      return scalar(options.naturals ? "natural" : "uint");
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
  return one.kind === other.kind || joinNaturals(one, other) !== null;
}

/** What a natural number comes to beside another integer; null when it is something else. */
export function joinNaturals(one: Type, other: Type): Type | null {
  if (one.kind === "natural") return isInteger(other) ? other : null;
  return other.kind === "natural" && isInteger(one) ? one : null;
}

function isInteger({ kind }: Type): boolean {
  return kind === "int" || kind === "uint" || kind === "natural";
}

/** The type of something that is one or the other; null when they do not fit. */
export function joinTypes(one: Type, other: Type): Type | null {
  if (one.kind === "dyn" || other.kind === "dyn") return dyn;
  if (one.kind === "map" && other.kind === "map") {
    const [key, of] = [joinInner(one.key, other.key), joinInner(one.of, other.of)];
    return key === null || of === null ? null : mapOf(key, of);
  }
  if (one.kind === "list" && other.kind === "list") {
    const of = joinInner(one.of, other.of);
    return of === null ? null : listOf(of);
  }
  if (one.kind === "optional" && other.kind === "optional") {
    const of = joinInner(one.of, other.of);
    return of === null ? null : optionalOf(of);
  }
  return one.kind === other.kind ? one : joinNaturals(one, other);
}

/** Values that are inside others stay as they are, so that one may be an int and another a uint. */
function joinInner(one: Type, other: Type): Type | null {
  const joined = joinTypes(one, other);
  const isMixed = joined?.kind === "int" && one.kind !== other.kind;
  return isMixed ? dyn : joined;
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
    case "natural":
      return "uint";
    default:
      return type.kind;
  }
}
