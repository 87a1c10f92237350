import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Holdfast, open } from "holdfast";
import { wakeBare } from "./bare-wake.ts";
import { compare, expectEqual, type Figure, inFolder, type Outcome, type Size } from "./harness.ts";
import { sleeper } from "./programs.ts";

const counts = { tiny: 100, quick: 100_000, full: 100_000 };
/** They show how fast the others will start. */
const firstShare = 0.02;
const marginMs = 500;
const startedAtOnce = 500;

/** Workflows that sleep until one moment: what each costs, and how late the last one ends. */
export function sleepers(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    const count = counts[size];
    const app = await open({ services: [sleeper], store: join(folder, "ours.db") });
    const first = Math.ceil(count * firstShare);
    const firstMs = await startAll(app, { from: 0, to: first, due: Date.now() });
    await app.engine.settled();
    const before = await memory();
    const due = Date.now() + (firstMs / firstShare) * 1.5 + marginMs;
    const startedMs = await startAll(app, { from: first, to: first + count, due });
    await app.engine.settled();
    const after = await memory();
    if (Date.now() > due) throw new Error("not all slept before they were due");
    await setTimeout(due - Date.now());
    const lateness = await allEnded(app, first + count, due);
    const check = await checkAll(app, first + count);
    await app.close();
    const bareMs = await wakeBare(join(folder, "bare.db"), count);
    const perSleeper = (name: string, bytes: number): Figure => ({
      case: `sleepers.${name}`,
      ours: bytes / count,
      reference: null,
      ratio: null,
      unit: "bytes each",
    });
    return {
      figures: [
        perSleeper("heap", after.heapUsed - before.heapUsed),
        perSleeper("rss", after.rss - before.rss),
        compare("sleepers.late", "ms", { ours: [lateness], reference: [bareMs] }),
      ],
      check,
      notes: [
        `${count} started in ${Math.round(startedMs)} ms`,
        `rss ${mebibytes(before.rss)} before and ${mebibytes(after.rss)} with all asleep`,
      ],
    };
  });
}

async function startAll(
  app: Holdfast,
  { from, to, due }: { readonly from: number; readonly to: number; readonly due: number },
): Promise<number> {
  const begun = performance.now();
  let next = from;
  async function worker(): Promise<void> {
    while (next < to) await app.send(sleeper, `s${next++}`).run(due);
  }
  await Promise.all(Array.from({ length: startedAtOnce }, worker));
  return performance.now() - begun;
}

/** @returns milliseconds after `due` at which the last end was durable. */
async function allEnded(app: Holdfast, count: number, due: number): Promise<number> {
  while (app.engine.core.counts.succeeded < count) await setTimeout(2);
  await app.engine.barrier();
  return Date.now() - due;
}

/** All ended well, and none woke early. */
async function checkAll(app: Holdfast, count: number): Promise<string> {
  const { rows } = await app.query<{ n: number; early: number }>(`
    SELECT count(*) AS n, sum(CAST(output AS REAL)) AS early FROM invocations
    WHERE status = 'succeeded'`);
  expectEqual("milliseconds woken early", rows[0]?.early ?? 0, 0);
  return expectEqual("sleepers that ended", rows[0]?.n ?? 0, count);
}

/** What is held when all garbage is gone. */
async function memory(): Promise<NodeJS.MemoryUsage> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void; // exposed by the flag
  for (let i = 0; i < 3; i++) {
    collect();
    await setTimeout(50);
  }
  return process.memoryUsage();
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
