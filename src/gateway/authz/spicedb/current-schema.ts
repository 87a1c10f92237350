import { acceptedSchema } from "../../../authz/schema/dialect.ts";
import { parseNativeSchema } from "../../../authz/schema/native/parse.ts";
import type { Schema } from "../../../authz/schema/schema.ts";
import { fail, HoldfastError } from "../../../model/errors.ts";
import type { Limits } from "../../../model/limits.ts";
import type { SpiceCall } from "./call.ts";

/** The current schema. With this API a server without one has the empty one. */
export async function readCurrent({ ask, tenant }: Pick<SpiceCall, "ask" | "tenant">): Promise<{
  readonly schema: Schema;
  readonly zookie: string;
}> {
  const { limits } = ask;
  try {
    const description = await tenant.readSchema();
    return { schema: acceptedSchema(description, limits), zookie: description.zookie };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "schema-missing") throw error;
    const { zookie } = await tenant.read({ limit: 1 });
    return { schema: parseGiven("", limits), zookie };
  }
}

export function parseGiven(text: string, limits: Limits): Schema {
  const { schema, problems } = parseNativeSchema(text, limits);
  if (schema !== null) return schema;
  const [first] = problems.filter(({ severity }) => severity === "error");
  const at = first === undefined ? "" : `line ${first.at.line}, column ${first.at.column}: `;
  const reason = `${at}${first?.message ?? "it cannot be read"}`;
  throw fail("schema-invalid", { reason, problem: first?.code ?? "empty" });
}
