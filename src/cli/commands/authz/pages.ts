/** Answers that come in pages: one of them, or all. */
import type { Command } from "commander";
import { fail } from "../../../model/errors.ts";
import { plain } from "../../failure.ts";
import { print, say, stderr, stdout } from "../../terminal.ts";
import type { QuestionOptions } from "./ground.ts";

export interface PageOptions extends QuestionOptions {
  readonly limit?: string;
  readonly after?: string;
  readonly all?: boolean;
}

const limitDefault = 100;
const limitMax = 1_000;

export function addPageOptions(command: Command): Command {
  return command
    .option("--limit <count>", `how many at most (default: ${limitDefault}, most: ${limitMax})`)
    .option("--after <cursor>", "the next page: what `more` said")
    .option("--all", "page after page to the end");
}

/** @param after wins over the option: the page that comes next. */
export function pageOf(
  { limit, after: option, all }: Pick<PageOptions, "limit" | "after" | "all">,
  after: string | null,
): { readonly limit: number; readonly after?: string } {
  const from = after ?? option;
  return {
    limit: limit === undefined ? (all === true ? limitMax : limitDefault) : parseLimit(limit),
    ...(from === undefined ? {} : { after: from }),
  };
}

function parseLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= limitMax) return limit;
  const reason = `it is not a whole number from 1 to ${limitMax}`;
  throw fail("invalid-argument", { what: `--limit ${JSON.stringify(text)}`, reason });
}

interface Found {
  readonly verdict: "yes" | "conditional";
  readonly missing: readonly string[];
}

/** Prints one page, or all; with `--json` the page as it is, or one item a line. */
export async function printFound<T extends Found>(
  options: PageOptions,
  {
    ask,
    show,
  }: {
    readonly ask: (
      after: string | null,
    ) => Promise<{ readonly items: readonly T[]; readonly next: string | null }>;
    readonly show: (item: T) => string;
  },
): Promise<void> {
  let after: string | null = null;
  let count = 0;
  do {
    const page = await ask(after);
    if (options.json === true && options.all !== true) print(JSON.stringify(page));
    for (const item of page.items) {
      count++;
      if (options.json !== true) print(foundText(show(item), item));
      else if (options.all === true) print(JSON.stringify(item));
    }
    after = page.next;
  } while (options.all === true && after !== null);
  if (options.json === true) return;
  if (count === 0) say(stderr.style.dim("none"));
  if (after !== null) say(stderr.style.dim(`more: --after ${after}`));
}

function foundText(text: string, { verdict, missing }: Found): string {
  if (verdict === "yes") return plain(text);
  return `${plain(text)}  ${stdout.style.yellow(`if ${missing.map(plain).join(", ")}`)}`;
}
