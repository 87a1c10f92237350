import type { CaveatType } from "../schema.ts";

/** Types of condition parameters as the JSON form names them, by number. */
export const parameterTypeNames: readonly (readonly [string, CaveatType["kind"] | undefined])[] = [
  ["TYPE_NAME_UNSPECIFIED", undefined],
  ["TYPE_NAME_ANY", "any"],
  ["TYPE_NAME_BOOL", "bool"],
  ["TYPE_NAME_STRING", "string"],
  ["TYPE_NAME_INT", "int"],
  ["TYPE_NAME_UINT", "uint"],
  ["TYPE_NAME_DOUBLE", "double"],
  ["TYPE_NAME_DURATION", "duration"],
  ["TYPE_NAME_TIMESTAMP", "timestamp"],
  ["TYPE_NAME_MAP", "map"],
  ["TYPE_NAME_LIST", "list"],
  ["TYPE_NAME_IPADDRESS", "ipaddress"],
];
