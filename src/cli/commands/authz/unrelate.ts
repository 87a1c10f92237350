import type { Command } from "commander";
import { type AuthzOptions, addTenantOptions } from "./ground.ts";
import { write } from "./relate.ts";

export const examples: readonly (readonly [string, string])[] = [
  ["document:1#viewer@user:ada", "she is none any more; nothing happens if she was none"],
  ["@relationships.txt", "from a file, in one transaction"],
];

export function define(command: Command): void {
  command
    .argument("<relationships...>", "object#relation@subject, @file, or - for standard input")
    .option("--metadata <json>", "travels with the change to those who watch");
  addTenantOptions(command).action(unrelate);
}

function unrelate(
  texts: readonly string[],
  options: AuthzOptions & { readonly metadata?: string },
): Promise<void> {
  return write(texts, { ...options, operation: "delete" });
}
