import type { Command } from "commander";
import { print, say, stderr } from "../../terminal.ts";
import { changeLines } from "./changes.ts";
import { type AuthzOptions, addTenantOptions, withTenant } from "./ground.ts";

interface WatchOptions extends AuthzOptions {
  readonly after?: string;
  readonly type?: readonly string[];
}

export const examples: readonly (readonly [string, string])[] = [
  ["", "changes as they become durable, until Ctrl-C"],
  ["--after <zookie> --json", "from a place on, with heartbeats, for programs"],
];

export function define(command: Command): void {
  command
    .option("--after <zookie>", "everything after this (default: from now on)")
    .option("--type <name...>", "only of resources of these types");
  addTenantOptions(command).action(watch);
}

async function watch(options: WatchOptions): Promise<void> {
  const { after, type, json } = options;
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  let last = after;
  await withTenant(options, async (tenant) => {
    const events = tenant.watch({
      signal: stop.signal,
      ...(after === undefined ? {} : { after }),
      ...(type === undefined ? {} : { resourceTypes: type }),
    });
    let listens = false;
    try {
      for await (const event of events) {
        last = event.kind === "change" ? event.change.zookie : event.zookie;
        if (json === true) print(JSON.stringify(event));
        else if (event.kind === "change") for (const line of changeLines(event.change)) print(line);
        else if (!listens) say(stderr.style.dim("watching; Ctrl-C ends it"));
        listens = true;
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
  });
  if (json !== true && last !== undefined) say(stderr.style.dim(`go on with: --after ${last}`));
}
