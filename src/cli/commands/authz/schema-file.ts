/** Schemas from files, and what is wrong with them, for the commands that have to do with them. */
import { dialectOf, parseSchema } from "../../../authz/schema/dialect.ts";
import { problemText, schemaInvalid } from "../../../authz/schema/problem.ts";
import type { Schema, SchemaProblem } from "../../../authz/schema/schema.ts";
import type { SchemaDialect, SchemaProblemDescription, TenantPort } from "../../../model/authz.ts";
import { fail } from "../../../model/errors.ts";
import { SchemaInvalid } from "../../../model/schema-invalid.ts";
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
  if (text.trim() === "") throw fail("schema-invalid", { reason: `${file} is empty` });
  return { file, text, dialect: dialect ?? dialectOf(text) };
}

/** The schema; `schema-invalid` for one that is none. */
export function parseOrTell(
  { file, text, dialect }: ReadSchema,
  options: JsonOption,
): { readonly schema: Schema; readonly problems: readonly SchemaProblem[] } {
  const { schema, problems } = parseSchema(text, { dialect });
  if (schema !== null) return { schema, problems };
  throw toldInvalid(file, schemaInvalid(problems), options);
}

/** Tells all problems, one a line; or gives them to `--json`, as part of the error. */
export function toldInvalid(
  file: string,
  { problems, details }: SchemaInvalid,
  { json }: JsonOption,
): SchemaInvalid {
  if (json !== true) for (const problem of problems) say(problemLine(file, problem));
  const count = problems.length === 1 ? "1 error" : `${problems.length} errors`;
  const reason = `${file} has ${count}${json === true ? "" : ", told above"}`;
  return new SchemaInvalid({ ...details, reason }, problems);
}

interface JsonOption {
  readonly json?: boolean;
}

/** The current schema of a tenant, in the internal form. */
export async function currentSchema(tenant: TenantPort, options: JsonOption): Promise<Schema> {
  const { text, dialect } = await tenant.readSchema();
  return parseOrTell({ file: "the schema of the tenant", text, dialect }, options).schema;
}

/** `schema.zed:3:12: warning: … [code]`, as compilers tell it. */
export function problemLine(file: string, problem: SchemaProblemDescription): string {
  const { code, severity, line, column } = problem;
  const { red, yellow, dim } = stderr.style;
  const what = severity === "error" ? red("error") : yellow("warning");
  return `${plain(file)}:${line}:${column}: ${what}: ${plain(problemText(problem))} ${dim(`[${code}]`)}`;
}
