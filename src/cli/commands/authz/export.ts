import type { Command } from "commander";
import type { RelationshipPage, TenantPort } from "../../../model/authz.ts";
import { usageError } from "../../failure.ts";
import { drained, print, say, showStatus, stderr, stdout } from "../../terminal.ts";
import {
  type AuthzOptions,
  addFilterOptions,
  addTenantOptions,
  type FilterOptions,
  filterOf,
  withTenant,
} from "./ground.ts";
import { lineOf } from "./lines.ts";

interface ExportOptions extends AuthzOptions, FilterOptions {
  readonly format?: string;
  readonly after?: string;
  readonly at?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  ["> relationships.txt", "everything of one revision, one a line"],
  ["--json > relationships.jsonl", "the same as JSON; both can be imported"],
  ["--resource document", "only what a filter says"],
];

const pageSize = 1_000;

export function define(command: Command): void {
  addFilterOptions(command)
    .option("--format <name>", "text or json (default: text)")
    .option("--at <zookie>", "of this revision (default: the latest)")
    .option("--after <cursor>", "go on where it stopped, with --at");
  addTenantOptions(command).action(exportAll);
}

async function exportAll(options: ExportOptions): Promise<void> {
  const format = options.format ?? (options.json === true ? "json" : "text");
  if (format !== "text" && format !== "json") {
    throw usageError(`${JSON.stringify(format)} is neither text nor json`, "authz export");
  }
  await withTenant(options, (tenant) => exportFrom(tenant, options, format));
}

async function exportFrom(
  tenant: TenantPort,
  options: ExportOptions,
  format: "text" | "json",
): Promise<void> {
  const filter = filterOf(options);
  let { after, at } = options;
  let count = 0;
  try {
    for (;;) {
      const page: RelationshipPage = await tenant.read({
        limit: pageSize,
        ...(filter === undefined ? {} : { filter }),
        ...(after === undefined ? {} : { after }),
        ...(at === undefined ? {} : { consistency: { kind: "exact-snapshot", zookie: at } }),
      });
      const lines = page.items.map(({ writtenAt: _, ...item }) =>
        format === "json" ? JSON.stringify(item) : lineOf(item),
      );
      if (lines.length > 0) print(lines.join("\n"));
      await drained();
      count += lines.length;
      at = page.zookie;
      if (page.next === null) break;
      after = page.next;
      if (!stdout.isTerminal) showStatus(`${count.toLocaleString("en-US")} exported …`);
    }
  } catch (error) {
    showStatus(undefined);
    if (after !== undefined && at !== undefined) {
      say(stderr.style.dim(`${count} are exported; go on with: --at ${at} --after ${after}`));
    }
    throw error;
  }
  showStatus(undefined);
  if (options.json !== true && !stdout.isTerminal) {
    say(stderr.style.dim(`${count.toLocaleString("en-US")} relationships exported at ${at}`));
  }
}
