import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { type Holdfast, open } from "holdfast";
import { BareStore } from "./bare-store.ts";
import { expectEqual, type Figure, inFolder, type Outcome, type Size } from "./harness.ts";
import { version, writePending } from "./pending.ts";
import { makeSteps } from "./programs.ts";

const counts = { tiny: 500, quick: 100_000, full: 100_000 };
const stepsDone = 1;
const stepsInAll = 2;
const pageSize = 256;

/** Opening a store in which so many workflows stand after the first of two steps. */
export function recover(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    const count = counts[size];
    const path = join(folder, "pending.db");
    await writePending(path, { count, steps: stepsInAll, done: stepsDone });
    const bareMs = await readBare(path);
    const loop = monitorEventLoopDelay({ resolution: 1 });
    loop.enable();
    let steps = 0;
    const program = makeSteps({ onStep: () => void steps++ });
    const begun = performance.now();
    const app = await open({ services: [program], store: path, version });
    const opened = performance.now();
    const at = await milestones(app, count);
    loop.disable();
    const { rows } = await app.query<{ n: number }>(
      "SELECT count(*) AS n FROM invocations WHERE status = 'succeeded' AND output = '2'",
    );
    const check = expectEqual("recovered invocations", rows[0]?.n ?? 0, count);
    expectEqual("steps that ran", steps, count);
    await app.close();
    const figure = (name: string, ours: number, reference: number | null = null): Figure => {
      const ratio = reference === null ? null : ours / reference;
      return { case: name, ours, reference, ratio, unit: "ms" };
    };
    return {
      figures: [
        figure("recover.open", opened - begun),
        figure("recover.progress", at.progress - begun),
        figure("recover.ready", at.ready - begun),
        figure("recover.all-ended", at.ended - begun, bareMs),
        figure("recover.loop-max", loop.max / 1e6),
      ],
      check,
    };
  });
}

interface Milestones {
  /** The first result of a recovered invocation was durable. */
  readonly progress: number;
  /** `/ready` would say yes. */
  readonly ready: number;
  readonly ended: number;
}

/** When each was reached, as somebody sees it who looks every millisecond. */
async function milestones({ engine }: Holdfast, count: number): Promise<Milestones> {
  const { counts: done } = engine.core;
  const until = async (reached: () => boolean): Promise<number> => {
    while (!reached()) await setTimeout(1);
    await engine.barrier();
    return performance.now();
  };
  const [progress, ready, ended] = await Promise.all([
    until(() => done.entries > 0),
    until(() => engine.recovered),
    until(() => done.succeeded >= count),
  ]);
  return { progress, ready, ended };
}

/** Milliseconds to read all of it from the bare store, page by page. */
async function readBare(path: string): Promise<number> {
  const begun = performance.now();
  const { store } = await BareStore.open(path);
  for (let partition = 0; partition < store.info.partitions; partition++) {
    for (let after = 0; ; ) {
      const rows = await store.scanActive(partition, after, pageSize);
      const numbers = rows.map((row) => row.number);
      await store.load({ invocations: numbers, journals: numbers });
      after = numbers.at(-1) ?? after;
      if (rows.length < pageSize) break;
    }
  }
  const took = performance.now() - begun;
  await store.close();
  return took;
}
