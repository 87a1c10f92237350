import type { Command } from "commander";
import type { SchemaWritten } from "../../../model/authz.ts";
import { fail } from "../../../model/errors.ts";
import { formatRelationship } from "../../../model/relationship.ts";
import { SchemaInvalid } from "../../../model/schema-invalid.ts";
import { note } from "../../connection.ts";
import { plain } from "../../failure.ts";
import { print, say, stderr } from "../../terminal.ts";
import { type AuthzOptions, addTenantOptions, withTenant } from "./ground.ts";
import { lineOf } from "./lines.ts";
import { problemLine, readSchemaFile, toldInvalid } from "./schema-file.ts";

interface WriteOptions extends AuthzOptions {
  readonly dialect?: string;
  readonly dryRun?: boolean;
  readonly keepOrphans?: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["schema.zed", "check it against what is stored, and make it the current one"],
  ["schema.zed --dry-run", "say what would be orphaned, and write nothing"],
  ["model.fga --tenant acme", "a model of OpenFGA; the language shows in the text"],
];

export function define(command: Command): void {
  command
    .argument("<file>", "the schema, or - for standard input")
    .option("--dialect <name>", "native or openfga (default: what it looks like)")
    .option("--dry-run", "write nothing")
    .option(
      "--keep-orphans",
      "keep relationships that it has no place for; they count for nothing",
    );
  addTenantOptions(command).action(write);
}

async function write(file: string, options: WriteOptions): Promise<void> {
  const { text, dialect } = await readSchemaFile(file, options.dialect);
  const dryRun = options.dryRun === true;
  const orphans = options.keepOrphans === true ? { orphans: "keep" as const } : {};
  const written = await withTenant(options, (tenant) =>
    tenant.writeSchema({ dialect, text, dryRun, ...orphans }),
  ).catch((error: unknown) => {
    throw error instanceof SchemaInvalid ? toldInvalid(file, error, options) : error;
  });
  if (options.json === true) print(JSON.stringify(written));
  else tell(written, file);
  // What only models of OpenFGA may do without being told so.
  const isRefused = dialect === "native" && options.keepOrphans !== true && written.orphanCount > 0;
  if (dryRun && isRefused) {
    const examples = written.orphans.slice(0, 5).map(formatRelationship).join(", ");
    throw fail("schema-orphans", { count: written.orphanCount, examples });
  }
  if (options.json === true) return;
  if (dryRun) note("it is valid; nothing was written", options);
  else print(written.id);
}

const orphansShown = 20;

function tell({ problems, orphans, orphanCount }: SchemaWritten, file: string): void {
  for (const problem of problems) say(problemLine(file, problem));
  if (orphanCount === 0) return;
  const shown = orphans.slice(0, orphansShown);
  const count = orphanCount === 1 ? "1 relationship has" : `${orphanCount} relationships have`;
  say(`${stderr.style.yellow("!")} ${count} no place in it:`);
  for (const orphan of shown) say(`  ${plain(lineOf(orphan))}`);
  if (shown.length < orphanCount) say(stderr.style.dim("  …"));
}
