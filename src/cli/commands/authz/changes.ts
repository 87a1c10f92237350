import type { Command } from "commander";
import type { Change } from "../../../model/authz.ts";
import { plain } from "../../failure.ts";
import { print, say, stderr, stdout } from "../../terminal.ts";
import { formatTime } from "../../time.ts";
import { type AuthzOptions, addTenantOptions, collect, withTenant } from "./ground.ts";
import { lineOf } from "./lines.ts";
import { addPageOptions, pageOf } from "./pages.ts";

interface ChangesOptions extends AuthzOptions {
  readonly after?: string;
  readonly limit?: string;
  readonly all?: boolean;
  readonly type?: readonly string[];
}

export const examples: readonly (readonly [string, string])[] = [
  ["", "what changed, as far back as history is kept, oldest first"],
  ["--type document --all", "of documents alone, to the end"],
];

export function define(command: Command): void {
  addPageOptions(command).option(
    "--type <name>",
    "only of resources of this type; may be given several times",
    collect,
  );
  addTenantOptions(command).action(changes);
}

async function changes(options: ChangesOptions): Promise<void> {
  const types = options.type === undefined ? {} : { resourceTypes: options.type };
  await withTenant(options, async (tenant) => {
    let after: string | null = null;
    for (;;) {
      const asked = pageOf(options, after);
      const page = await tenant.changes({ ...asked, ...types });
      if (options.json === true) print(JSON.stringify(page));
      else for (const change of page.items) for (const line of changeLines(change)) print(line);
      after = page.next;
      if (options.all === true && page.items.length > 0) continue;
      if (options.json === true) return;
      // `next` is where to go on later, too: there can be more only after a page that is full.
      const isFull = page.items.length >= asked.limit;
      const rest = { after: page.next, limit: 1, ...types };
      const hasMore = isFull && (await tenant.changes(rest)).items.length > 0;
      say(stderr.style.dim(`${hasMore ? "more" : "what comes later"}: --after ${page.next}`));
      return;
    }
  });
}

/** One line for each update of the transaction. */
export function changeLines({ at, updates, schema, metadata }: Change): string[] {
  const { dim, green, red, cyan } = stdout.style;
  const time = dim(formatTime(at));
  const more = metadata === undefined ? "" : `  ${dim(plain(JSON.stringify(metadata)))}`;
  const lines = updates.map(({ operation, relationship }) => {
    const text = plain(lineOf(relationship));
    return operation === "delete" ? red(`- ${text}`) : green(`+ ${text}`);
  });
  const head = schema === undefined ? [] : [cyan(`schema ${schema}`)];
  return [...head, ...lines].map((line) => `${time} ${line}${more}`);
}
