import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { open } from "holdfast";
import { BareStore } from "./bare-store.ts";
import { expectEqual, type Figure, inFolder, type Outcome, type Size } from "./harness.ts";
import { version, writePending } from "./pending.ts";
import { makeSteps } from "./programs.ts";

const counts = { tiny: 500, quick: 100_000, full: 100_000 };
const stepsDone = 1;
const stepsInAll = 2;

/** Opening a store in which so many workflows stand after the first of two steps. */
export function recover(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    const count = counts[size];
    const path = join(folder, "pending.db");
    await writePending(path, { count, steps: stepsInAll, done: stepsDone });
    const bareMs = await readBare(path);
    let steps = 0;
    let firstStep = 0;
    const onStep = (): void => {
      if (++steps === 1) firstStep = performance.now();
    };
    const begun = performance.now();
    const app = await open({ services: [makeSteps({ onStep })], store: path, version });
    const opened = performance.now();
    const { engine } = app;
    const { counts: done } = engine.core;
    while (done.succeeded === 0) await setTimeout(1);
    await engine.barrier();
    const firstEnd = performance.now();
    while (!engine.recovered) await setTimeout(1);
    const recovered = performance.now();
    while (done.succeeded < count) await setTimeout(1);
    await engine.barrier();
    const ended = performance.now();
    const { rows } = await app.query<{ n: number }>(
      "SELECT count(*) AS n FROM invocations WHERE status = 'succeeded' AND output = '2'",
    );
    const check = expectEqual("recovered invocations", rows[0]?.n ?? 0, count);
    expectEqual("steps that ran", steps, count);
    await app.close();
    const figure = (name: string, at: number, reference: number | null = null): Figure => {
      const ours = at - begun;
      const ratio = reference === null ? null : ours / reference;
      return { case: name, ours, reference, ratio, unit: "ms" };
    };
    return {
      figures: [
        figure("recover.open", opened),
        figure("recover.first-step", firstStep),
        figure("recover.first-end", firstEnd),
        figure("recover.ready", recovered),
        figure("recover.all-ended", ended, bareMs),
      ],
      check,
      notes: [`reading ${count} invocations and their journals bare: ${Math.round(bareMs)} ms`],
    };
  });
}

/** Milliseconds to read all of it from the bare store, page by page. */
async function readBare(path: string): Promise<number> {
  const begun = performance.now();
  const { store } = await BareStore.open(path);
  for (let partition = 0; partition < store.info.partitions; partition++) {
    for (let after = 0; ; ) {
      const rows = await store.scanActive(partition, after, 256);
      const numbers = rows.map((row) => row.number);
      await store.load({ invocations: numbers, journals: numbers });
      after = numbers.at(-1) ?? after;
      if (rows.length < 256) break;
    }
  }
  const took = performance.now() - begun;
  await store.close();
  return took;
}
