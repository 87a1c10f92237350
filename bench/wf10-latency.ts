import { join } from "node:path";
import { open } from "holdfast";
import { BareStore, stepEntry } from "./bare-store.ts";
import {
  compare,
  expectEqual,
  inFolder,
  inTurn,
  median,
  type Outcome,
  quantile,
  type Size,
  spread,
} from "./harness.ts";
import { stepsPerWorkflow, wf10, wf10Result } from "./programs.ts";

/** A commit for the start and one for each step; the end shares the commit of the last step. */
const commitsPerWorkflow = stepsPerWorkflow + 1;
const plan = {
  tiny: { warmup: 2, perRound: 5, rounds: 1 },
  quick: { warmup: 100, perRound: 100, rounds: 3 },
  full: { warmup: 500, perRound: 1_000, rounds: 5 },
};

/** One ten-step workflow at a time in this process, against its commits one after another. */
export function wf10Latency(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    const { warmup, perRound, rounds } = plan[size];
    const app = await open({ services: [wf10], store: join(folder, "ours.db") });
    const bare = await BareStore.open(join(folder, "bare.db"));
    let started = 0;
    const tails: number[] = [];
    const ours = async (count: number): Promise<number> => {
      const times = await timesOf(count, async () => {
        const result = await app.call(wf10, `w${started++}`).run();
        expectEqual("the sum of a workflow's steps", result, wf10Result);
      });
      tails.push(quantile(times, 0.99));
      return median(times);
    };
    const reference = async (count: number): Promise<number> =>
      median(await timesOf(count, () => commitAll(bare)));
    await ours(warmup);
    await reference(warmup);
    tails.length = 0;
    const values = await inTurn(
      rounds,
      () => ours(perRound),
      () => reference(perRound),
    );
    const { rows } = await app.query<{ n: number }>("SELECT count(*) AS n FROM journal");
    const check = expectEqual("journal rows", rows[0]?.n ?? 0, started * stepsPerWorkflow);
    await app.close();
    await bare.close();
    return {
      figures: [compare("wf10.latency", "ms p50", values)],
      check,
      notes: [
        spread("p50 ms", values.ours),
        spread("p99 ms", tails),
        spread(`${commitsPerWorkflow} bare commits, p50 ms`, values.reference),
      ],
    };
  });
}

async function timesOf(count: number, call: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    await call();
    times.push(performance.now() - begun);
  }
  return times;
}

async function commitAll(bare: BareStore): Promise<void> {
  const number = bare.nextNumber();
  for (let i = 0; i < commitsPerWorkflow; i++) {
    const entry = stepEntry(i, `step${i}`, String(i));
    await bare.write((batch) => batch.appendEntries.push({ number, entry }));
  }
}
