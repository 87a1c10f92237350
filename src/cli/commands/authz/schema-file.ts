/** Schemas from files, and what is wrong with them, for the commands that have to do with them. */
import { dialectOf, parseSchema } from "../../../authz/schema/dialect.ts";
import type { Schema, SchemaProblem } from "../../../authz/schema/schema.ts";
import type { SchemaDialect, SchemaProblemDescription, TenantPort } from "../../../model/authz.ts";
import { fail } from "../../../model/errors.ts";
import { readSource } from "../../connection.ts";
import { plain, usageError } from "../../failure.ts";
import { say, stderr } from "../../terminal.ts";

export interface ReadSchema {
  /** As people named it. */
  readonly file: string;
  readonly text: string;
  readonly dialect: SchemaDialect;
}

/** A path, or - for standard input. */
export async function readSchemaFile(file: string, dialect?: string): Promise<ReadSchema> {
  if (dialect !== undefined && dialect !== "native" && dialect !== "openfga") {
    throw usageError(`${JSON.stringify(dialect)} is neither native nor openfga`, "authz schema");
  }
  const text = await readSource(file === "-" ? "-" : `@${file}`);
  return { file, text, dialect: dialect ?? dialectOf(text) };
}

/** The schema; `schema-invalid` with all problems told before, one a line. */
export function parseOrTell({ file, text, dialect }: ReadSchema): {
  readonly schema: Schema;
  readonly problems: readonly SchemaProblem[];
} {
  const { schema, problems } = parseSchema(text, { dialect });
  if (schema !== null) return { schema, problems };
  for (const problem of problems) say(problemLine(file, describe(problem)));
  const count = problems.filter(({ severity }) => severity === "error").length;
  const reason = `${file} has ${count} ${count === 1 ? "error" : "errors"}, told above`;
  throw fail("schema-invalid", { reason });
}

/** The current schema of a tenant, in the internal form. */
export async function currentSchema(tenant: TenantPort, id?: string): Promise<Schema> {
  const { text, dialect } = await tenant.readSchema(id);
  return parseOrTell({ file: "the schema of the tenant", text, dialect }).schema;
}

export function describe({ at, ...problem }: SchemaProblem): SchemaProblemDescription {
  const { code, severity, message, suggestion } = problem;
  const more = suggestion === undefined ? {} : { suggestion };
  return { code, severity, message, line: at.line, column: at.column, ...more };
}

/** `schema.zed:3:12: warning: … [code]`, as compilers tell it. */
export function problemLine(file: string, problem: SchemaProblemDescription): string {
  const { code, severity, message, line, column, suggestion } = problem;
  const { red, yellow, dim } = stderr.style;
  const what = severity === "error" ? red("error") : yellow("warning");
  const more = suggestion === undefined ? "" : `. ${plain(suggestion)}`;
  return `${plain(file)}:${line}:${column}: ${what}: ${plain(message)}${more} ${dim(`[${code}]`)}`;
}
