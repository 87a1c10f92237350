import type { Limits } from "../../../model/limits.ts";
import type { ParsedSchema } from "../schema.ts";
import { compile } from "./compile.ts";
import { parseFile } from "./parser.ts";
import { Problems } from "./problems.ts";

/**
 * Reads SpiceDB's schema language, composable schemas of one text included. Never throws: what is
 * wrong comes back as problems, as many in one go as can be told apart.
 */
export function parseNativeSchema(text: string, limits: Limits): ParsedSchema {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.authzSchema) {
    const message = `The schema has ${bytes} bytes, more than the limit of ${limits.authzSchema}`;
    const at = { line: 1, column: 1 };
    return {
      schema: null,
      problems: [{ code: "schema-too-large", severity: "error", message, at }],
    };
  }
  const problems = new Problems(text);
  const schema = compile(parseFile(text, { problems, limits }), text, { problems, limits });
  return problems.any ? { schema: null, problems: problems.sorted } : { schema, problems: [] };
}
