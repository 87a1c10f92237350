import type { Command } from "commander";
import { requireType } from "../../../authz/schema/place.ts";
import { makeNodeHost } from "../../../host/node-host.ts";
import type { TenantPort, WatchEvent, WatchRequest } from "../../../model/authz.ts";
import { HoldfastError } from "../../../model/errors.ts";
import { formatDuration } from "../../../std/duration.ts";
import { plain, reportFailure } from "../../failure.ts";
import { print, say, stderr } from "../../terminal.ts";
import { changeLines } from "./changes.ts";
import { type AuthzOptions, addTenantOptions, collect, withTenant } from "./ground.ts";
import { currentSchema } from "./schema-file.ts";

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
    .option("--type <name>", "only of resources of this type; may be given several times", collect);
  addTenantOptions(command).action(watch);
}

async function watch(options: WatchOptions): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  const watcher = new Watcher(options, stop.signal);
  await withTenant(options, async (tenant) => {
    if (options.type !== undefined) await checkTypes(tenant, options.type, options);
    try {
      await watcher.run(tenant);
    } catch (error) {
      const { last: after } = watcher;
      const more = after === undefined ? {} : { after };
      process.exitCode = reportFailure(error, { json: options.json === true, more });
    }
  });
  if (options.json !== true && watcher.last !== undefined) {
    say(stderr.style.dim(`go on with: --after ${watcher.last}`));
  }
}

/** A watch for a type that there is none of would wait for ever. */
async function checkTypes(
  tenant: TenantPort,
  types: readonly string[],
  options: WatchOptions,
): Promise<void> {
  const schema = await currentSchema(tenant, options);
  for (const type of types) requireType(schema, type);
}

/** Between attempts to reach a server that was lost: longer from one to the next. */
const restMs = { first: 500, longest: 30_000 };

class Watcher {
  /** The zookie after which nothing was told yet. */
  last: string | undefined;
  readonly #options: WatchOptions;
  readonly #signal: AbortSignal;
  #restMs = restMs.first;

  constructor(options: WatchOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.last = options.after;
  }

  /** Until the signal, or until something is wrong that waiting does not mend. */
  async run(tenant: TenantPort): Promise<void> {
    let listens = false;
    while (!this.#signal.aborted) {
      try {
        for await (const event of tenant.watch(this.#request())) {
          this.#tell(event, listens);
          listens = true;
        }
        return;
      } catch (error) {
        if (this.#signal.aborted) return;
        const isLost = error instanceof HoldfastError && error.status === 503;
        if (!isLost || !listens) throw error;
        await this.#rest(error);
      }
    }
  }

  #request(): WatchRequest {
    const { type } = this.#options;
    return {
      signal: this.#signal,
      ...(this.last === undefined ? {} : { after: this.last }),
      ...(type === undefined ? {} : { resourceTypes: type }),
    };
  }

  #tell(event: WatchEvent, listens: boolean): void {
    this.last = event.kind === "change" ? event.change.zookie : event.zookie;
    if (this.#options.json === true) print(JSON.stringify(event));
    else if (event.kind === "change") for (const line of changeLines(event.change)) print(line);
    if (this.#options.json !== true) {
      if (!listens) say(stderr.style.dim("watching; Ctrl-C ends it"));
      else if (this.#restMs > restMs.first) say(stderr.style.dim("watching again"));
    }
    this.#restMs = restMs.first;
  }

  async #rest(error: HoldfastError): Promise<void> {
    if (this.#options.json !== true) {
      const { yellow, dim } = stderr.style;
      const next = dim(`trying again in ${formatDuration(this.#restMs)}`);
      say(`${yellow("!")} ${plain(error.message)}; ${next}`);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = makeNodeHost().setTimer(this.#restMs, resolve);
    this.#signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    cancel();
    this.#restMs = Math.min(this.#restMs * 2, restMs.longest);
  }
}
