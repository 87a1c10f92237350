import { parseNativeSchema } from "../../authz/schema/native/parse.ts";
import { parseOpenfgaDsl, parseOpenfgaJson } from "../../authz/schema/openfga/openfga.ts";
import type { Schema } from "../../authz/schema/schema.ts";
import type { SchemaDescription } from "../../model/authz.ts";
import { fail } from "../../model/errors.ts";
import type { Limits } from "../../model/limits.ts";

/** The internal form of a schema that the port describes: it was accepted, so it is valid. */
export function parseDescribed({ dialect, text }: SchemaDescription, limits: Limits): Schema {
  const { schema, problems } =
    dialect === "native"
      ? parseNativeSchema(text, limits)
      : text.trimStart().startsWith("{")
        ? parseOpenfgaJson(text, limits)
        : parseOpenfgaDsl(text, limits, { strict: false });
  if (schema !== null) return schema;
  const reason = `a stored schema cannot be read: ${problems[0]?.message ?? "it is empty"}`;
  throw fail("internal", { reason });
}
