import type { Command } from "commander";
import { printRelationship } from "../../../authz/relationship-text.ts";
import { note } from "../../connection.ts";
import { plain } from "../../failure.ts";
import { print, say, stderr } from "../../terminal.ts";
import { type AuthzOptions, addTenantOptions, withTenant } from "./ground.ts";
import { problemLine, readSchemaFile } from "./schema-file.ts";

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
  );
  if (options.json === true) {
    print(JSON.stringify(written));
    return;
  }
  for (const problem of written.problems) say(problemLine(file, problem));
  if (written.orphanCount > 0) {
    const shown = written.orphans.slice(0, 20);
    say(`${stderr.style.yellow("!")} ${written.orphanCount} relationships have no place in it:`);
    for (const orphan of shown) say(`  ${plain(printRelationship(orphan))}`);
    if (shown.length < written.orphanCount) say(stderr.style.dim("  …"));
  }
  if (dryRun) note("it is valid; nothing was written", options);
  else print(written.id);
}
