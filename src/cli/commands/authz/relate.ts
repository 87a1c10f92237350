import type { Command } from "commander";
import { placeError } from "../../../authz/placed.ts";
import type { RelationshipsWritten } from "../../../model/authz.ts";
import type { RelationshipOperation } from "../../../model/relationship.ts";
import { note, parseValue } from "../../connection.ts";
import { print } from "../../terminal.ts";
import { type AuthzOptions, addTenantOptions, readRelationships, withTenant } from "./ground.ts";

interface RelateOptions extends AuthzOptions {
  readonly create?: boolean;
  readonly metadata?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  ["document:1#viewer@user:ada", "she is a viewer from now on"],
  ["document:1#viewer@group:x#member document:1#owner@user:bob", "both, in one transaction"],
  ["'document:1#viewer@user:eve[expiration:2030-01-01T00:00:00Z]'", "until then"],
  [`'document:1#viewer@user:eve[office:{"net": "10.0.0.0/8"}]'`, "under a caveat"],
  ["@relationships.txt --create", "from a file; refused if one is there already"],
];

export function define(command: Command): void {
  command
    .argument("<relationships...>", "object#relation@subject, @file, or - for standard input")
    .option("--create", "refuse what is there already")
    .option("--metadata <json>", "travels with the change to those who watch");
  addTenantOptions(command).action(relate);
}

function relate(texts: readonly string[], options: RelateOptions): Promise<void> {
  return write(texts, { ...options, operation: options.create === true ? "create" : "touch" });
}

/** All in one transaction; prints the zookie. */
export async function write(
  texts: readonly string[],
  options: RelateOptions & { readonly operation: RelationshipOperation },
): Promise<void> {
  const { operation } = options;
  const metadata = (await parseValue(options.metadata, "metadata")) as Record<string, unknown>; // checked by the port
  const placed = await readRelationships(texts);
  const updates = placed.map(({ relationship }) => ({ operation, relationship }));
  const request = { updates, ...(metadata === undefined ? {} : { metadata }) };
  const written = await withTenant(options, (tenant) => tenant.write(request)).catch(
    (error: unknown) => {
      throw placeError(error, placed);
    },
  );
  if (options.json === true) print(JSON.stringify(written));
  else {
    note(`${outcomeOf(operation, written)}; the zookie of it:`, options);
    print(written.zookie);
  }
}

function outcomeOf(
  operation: RelationshipOperation,
  { written, deleted }: RelationshipsWritten,
): string {
  if (operation === "delete") return deleted === 0 ? "nothing to delete" : `${deleted} deleted`;
  return written === 0 ? "nothing to write: all of it is there" : `${written} written`;
}
