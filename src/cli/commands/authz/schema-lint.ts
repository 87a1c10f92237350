import type { Command } from "commander";
import { lintSchema } from "../../../authz/schema/lint.ts";
import { describeProblem } from "../../../authz/schema/problem.ts";
import { exitCodes } from "../../failure.ts";
import { print, say, stderr } from "../../terminal.ts";
import { parseOrTell, problemLine, readSchemaFile } from "./schema-file.ts";

interface LintOptions {
  readonly dialect?: string;
  readonly json?: boolean;
  readonly strict?: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["schema.zed", "what is legal and probably not meant"],
  ["schema.zed --strict", "fails if there is any"],
];

export function define(command: Command): void {
  command
    .argument("<file>", "the schema, or - for standard input")
    .option("--dialect <name>", "native or openfga (default: what it looks like)")
    .option("--strict", "end with 1 if there are warnings")
    .option("--json", "print JSON, for programs")
    .action(lint);
}

async function lint(file: string, options: LintOptions): Promise<void> {
  const { schema, problems } = parseOrTell(await readSchemaFile(file, options.dialect), options);
  const warnings = [...problems, ...lintSchema(schema)].map(describeProblem);
  if (options.json === true) print(JSON.stringify(warnings));
  else if (warnings.length === 0) say(stderr.style.dim("nothing to say"));
  else for (const warning of warnings) print(problemLine(file, warning));
  if (options.strict === true && warnings.length > 0) process.exitCode = exitCodes.failed.code;
}
