import type { Command } from "commander";
import { diffSchemas, type SchemaDifference } from "../../../authz/schema/diff.ts";
import { caveatTypeText, expressionText, subjectText } from "../../../authz/schema/text.ts";
import { exitCodes, plain } from "../../failure.ts";
import { print, say, stderr, stdout } from "../../terminal.ts";
import { type AuthzOptions, addTenantOptions, withTenant } from "./ground.ts";
import { currentSchema, parseOrTell, readSchemaFile } from "./schema-file.ts";

interface DiffOptions extends AuthzOptions {
  readonly exitCode?: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["schema.zed", "what would change if it were written"],
  ["old.zed new.zed", "between two files; no server is asked"],
];

export function define(command: Command): void {
  command
    .argument("<file>", "a schema; with one file it is what the tenant's would become")
    .argument("[other]", "another, newer one")
    .option("--exit-code", "end with 1 if they differ; without it, with 0 whatever they are");
  addTenantOptions(command).action(diff);
}

async function diff(file: string, other: string | undefined, options: DiffOptions): Promise<void> {
  const first = parseOrTell(await readSchemaFile(file), options).schema;
  const [before, after] =
    other === undefined
      ? [await withTenant(options, (tenant) => currentSchema(tenant, options)), first]
      : [first, parseOrTell(await readSchemaFile(other), options).schema];
  const differences = diffSchemas(before, after);
  if (options.json === true) print(JSON.stringify(differences));
  else if (differences.length === 0) say(stderr.style.dim("they mean the same"));
  else for (const difference of differences) print(differenceLine(difference));
  if (options.exitCode === true && differences.length > 0) {
    process.exitCode = exitCodes.failed.code;
  }
}

function differenceLine(difference: SchemaDifference): string {
  const { green, red, yellow } = stdout.style;
  const text = plain(differenceText(difference));
  if (difference.kind.endsWith("-added")) return green(`+ ${text}`);
  return difference.kind.endsWith("-removed") ? red(`- ${text}`) : yellow(`~ ${text}`);
}

function differenceText(difference: SchemaDifference): string {
  switch (difference.kind) {
    case "subject-added":
    case "subject-removed":
      return `${difference.type}#${difference.relation} takes ${subjectText(difference.subject)}`;
    case "expression-changed": {
      const { before, after } = difference;
      const change = `${expressionText(before)} → ${expressionText(after)}`;
      return `${difference.type}#${difference.relation} = ${change}`;
    }
    case "parameter-added":
    case "parameter-removed":
      return `caveat ${difference.caveat}: ${difference.parameter} ${caveatTypeText(difference.type)}`;
    case "parameter-changed": {
      const { before, after } = difference;
      const change = `${caveatTypeText(before)} → ${caveatTypeText(after)}`;
      return `caveat ${difference.caveat}: ${difference.parameter} ${change}`;
    }
    case "caveat-expression-changed":
      return `caveat ${difference.caveat}: ${difference.before} → ${difference.after}`;
    default:
      return whole(difference);
  }
}

/** A thing that came, went, or has other words beside it. */
function whole(
  difference: Extract<SchemaDifference, { readonly type: string } | { readonly caveat: string }>,
): string {
  const [noun = "", second] = difference.kind.split("-");
  const change = second === "doc" ? " (its comment)" : noun === "annotation" ? " (its types)" : "";
  if ("relation" in difference) return `${noun} ${difference.type}#${difference.relation}${change}`;
  const name = "caveat" in difference ? difference.caveat : difference.type;
  return `${noun} ${name}${change}`;
}
