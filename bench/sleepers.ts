import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Holdfast, open } from "holdfast";
import { expectEqual, inFolder, type Outcome, type Size } from "./harness.ts";
import { sleeper } from "./programs.ts";

const plan = {
  tiny: { sleepers: 100, startMs: 300 },
  quick: { sleepers: 100_000, startMs: 14_000 },
  full: { sleepers: 100_000, startMs: 30_000 },
};
const startedAtOnce = 500;

/** Workflows that sleep until one moment: what each costs, and how late the last one ends. */
export function sleepers(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    const count = plan[size].sleepers;
    const app = await open({ services: [sleeper], store: join(folder, "ours.db") });
    await collectGarbage();
    const before = process.memoryUsage();
    const due = Date.now() + plan[size].startMs;
    const startedIn = await startAll(app, count, due);
    await app.engine.settled();
    await collectGarbage();
    const after = process.memoryUsage();
    if (Date.now() > due) throw new Error("not all slept before the first was due");
    await setTimeout(due - Date.now());
    const lateness = await allEnded(app, count, due);
    const check = await checkAll(app, count);
    await app.close();
    const perSleeper = (bytes: number): number => bytes / count;
    const alone = { reference: null, ratio: null };
    return {
      figures: [
        {
          case: "sleepers.heap",
          ours: perSleeper(after.heapUsed - before.heapUsed),
          ...alone,
          unit: "bytes each",
        },
        {
          case: "sleepers.rss",
          ours: perSleeper(after.rss - before.rss),
          ...alone,
          unit: "bytes each",
        },
        { case: "sleepers.late", ours: lateness, ...alone, unit: "ms" },
      ],
      check,
      notes: [`${count} started in ${Math.round(startedIn)} ms`],
    };
  });
}

async function startAll(app: Holdfast, count: number, due: number): Promise<number> {
  const begun = performance.now();
  let started = 0;
  async function worker(): Promise<void> {
    while (started < count) await app.send(sleeper, `s${started++}`).run(due);
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

async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void; // exposed by the flag
  for (let i = 0; i < 3; i++) {
    collect();
    await setTimeout(50);
  }
}
