import type { Command } from "commander";
import type { RelationshipPage } from "../../../model/authz.ts";
import { plain } from "../../failure.ts";
import { print, say, stderr } from "../../terminal.ts";
import {
  addFilterOptions,
  addTenantOptions,
  consistencyOf,
  type FilterOptions,
  filterOf,
  withTenant,
} from "./ground.ts";
import { lineOf } from "./lines.ts";
import { addPageOptions, type PageOptions, pageOf } from "./pages.ts";

type ReadOptions = PageOptions & FilterOptions;

export const examples: readonly (readonly [string, string])[] = [
  ["", "the first hundred, whatever they are"],
  ["--resource document:1", "who has what on one object; --subject says what it has elsewhere"],
  ["--subject user:ada --all", "everything that was given to her"],
  ["--resource document --relation owner --json", "for programs"],
];

export function define(command: Command): void {
  addPageOptions(addFilterOptions(command))
    .option("--fresh <zookie>", "at least as fresh as this")
    .option("--at <zookie>", "at just this revision")
    .option("--latest", "after everything acknowledged before");
  addTenantOptions(command).action(read);
}

async function read(options: ReadOptions): Promise<void> {
  const filter = filterOf(options);
  let consistency = consistencyOf(options);
  let after: string | null = null;
  await withTenant(options, async (tenant) => {
    let count = 0;
    do {
      const page: RelationshipPage = await tenant.read({
        ...pageOf(options, after),
        ...(filter === undefined ? {} : { filter }),
        ...(consistency === undefined ? {} : { consistency }),
      });
      if (options.json === true && options.all !== true) print(JSON.stringify(page));
      else
        for (const item of page.items)
          print(options.json === true ? JSON.stringify(item) : plain(lineOf(item)));
      count += page.items.length;
      after = page.next;
      // The pages that follow are of the same revision.
      consistency = { kind: "exact-snapshot", zookie: page.zookie };
    } while (options.all === true && after !== null);
    if (options.json === true) return;
    if (count === 0) say(stderr.style.dim("no relationships"));
    if (after !== null) say(stderr.style.dim(`more: --after ${after}`));
  });
}
