import type { Command } from "commander";
import { parseObject } from "../../../authz/relationship-text.ts";
import type { RelationshipsDeleted } from "../../../model/authz.ts";
import { reportDone } from "../../connection.ts";
import { usageError } from "../../failure.ts";
import { showStatus } from "../../terminal.ts";
import {
  type AuthzOptions,
  addFilterOptions,
  addTenantOptions,
  type FilterOptions,
  filterOf,
  withTenant,
} from "./ground.ts";

interface DeleteOptions extends AuthzOptions, FilterOptions {
  readonly object?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  ["--subject user:ada", "everything that was given to her"],
  ["--resource document:1 --relation viewer", "all viewers of one document"],
  ["--object document:1", "all about one object, as resource and as subject"],
];

export function define(command: Command): void {
  addFilterOptions(command).option(
    "--object <type:id>",
    "everything in which this object stands, on either side",
  );
  addTenantOptions(command).action(deleteRelationships);
}

async function deleteRelationships(options: DeleteOptions): Promise<void> {
  const filter = filterOf(options);
  const { object } = options;
  if ((filter === undefined) === (object === undefined)) {
    throw usageError("either --object or a filter must be given", "authz delete");
  }
  const deleted = await withTenant(options, async (tenant) => {
    const once = (): Promise<RelationshipsDeleted> =>
      filter === undefined
        ? tenant.deleteObject(parseObject(object ?? ""))
        : tenant.deleteRelationships({ filter });
    return deleteAll(once);
  });
  const { zookie, count } = deleted;
  const word = count === 1 ? "relationship" : "relationships";
  reportDone(`${count} ${word} deleted`, { deleted: count, zookie }, options);
}

/** Call after call, since one takes no more than a limit. */
async function deleteAll(
  once: () => Promise<RelationshipsDeleted>,
): Promise<{ count: number; zookie: string }> {
  let count = 0;
  for (;;) {
    const { deleted, complete, zookie } = await once();
    count += deleted;
    if (complete) {
      showStatus(undefined);
      return { count, zookie };
    }
    showStatus(`${count} deleted …`);
  }
}
