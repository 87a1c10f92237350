// The server of the HTTP cases, in a process of its own.
// Started with: <path of the store> <milliseconds that a sync takes at least>. Sends its address;
// "begin" makes it watch its event loop, "end" makes it send a report.
import { fdatasync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { serve } from "holdfast";
import { makeNodeHost } from "../src/host/node-host.ts";
import { openSqliteStore } from "../src/store/sqlite/sqlite-store.ts";
import { counter, noop, wf10 } from "./programs.ts";

export interface ServerReport {
  /** 99th percentile of how late the event loop was. */
  readonly loopDelayMs: number;
  readonly invocations: number;
}

const resolutionMs = 1;
const syncFile = promisify(fdatasync);

async function main(path: string, syncMs: number): Promise<void> {
  const sync = async (fd: number): Promise<void> => {
    await Promise.all([syncFile(fd), setTimeout(syncMs)]);
  };
  const host = makeNodeHost();
  const store = await openSqliteStore({ path, host, ...(syncMs > 0 ? { sync } : {}) });
  const server = await serve({
    services: [wf10, noop, counter],
    store,
    hostname: "127.0.0.1",
    port: 0,
    log: host.log,
  });
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  process.on("message", async (message) => {
    if (message === "begin") {
      delay.reset();
      delay.enable();
      process.send?.("begun");
      return;
    }
    delay.disable();
    const { rows } = await server.query<{ n: number }>("SELECT count(*) AS n FROM invocations");
    process.send?.({
      loopDelayMs: Math.max(0, delay.percentile(99) / 1e6 - resolutionMs),
      invocations: rows[0]?.n ?? 0,
    } satisfies ServerReport);
  });
  process.once("disconnect", () => process.exit(1));
  process.once("SIGTERM", () => void server.close().finally(() => process.exit(0)));
  process.send?.(server.url);
}

if (import.meta.main) await main(process.argv[2] ?? "", Number(process.argv[3] ?? 0));
