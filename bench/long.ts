import { join } from "node:path";
import { open } from "holdfast";
import { BareStore } from "./bare-store.ts";
import { expectEqual, inFolder, median, type Outcome, type Size, spread } from "./harness.ts";
import { version, writePending } from "./pending.ts";
import { makeSteps } from "./programs.ts";

const plan = {
  tiny: { short: 50, long: 500, liveSteps: 20, rounds: 1 },
  quick: { short: 5_000, long: 50_000, liveSteps: 300, rounds: 3 },
  full: { short: 5_000, long: 50_000, liveSteps: 2_000, rounds: 5 },
};

interface Times {
  /** From opening to the first step that is not in the journal. */
  readonly recoverMs: number;
  /** Each step after that. */
  readonly stepUs: number;
  readonly bareMs: number;
}

/** One long journal: how long its recovery takes, and whether an entry costs more at its end. */
export function long(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    const { short, long, liveSteps, rounds } = plan[size];
    const times = { short: [] as Times[], long: [] as Times[] };
    for (let round = 0; round < rounds; round++) {
      const at = (length: number): string => join(folder, `${length}-${round}.db`);
      times.short.push(await recoverOne(at(short), short, liveSteps));
      times.long.push(await recoverOne(at(long), long, liveSteps));
    }
    const of = (which: "short" | "long", what: keyof Times): number[] =>
      times[which].map((it) => it[what]);
    const figure = (name: string, unit: string, ours: number, reference: number) => ({
      case: name,
      ours,
      reference,
      ratio: ours / reference,
      unit,
    });
    const recoverMs = median(of("long", "recoverMs"));
    return {
      figures: [
        figure("long.recover", "ms", recoverMs, median(of("long", "bareMs"))),
        figure(
          "long.replay",
          "us/entry",
          (recoverMs * 1_000) / long,
          (median(of("short", "recoverMs")) * 1_000) / short,
        ),
        figure(
          "long.append",
          "us/entry",
          median(of("long", "stepUs")),
          median(of("short", "stepUs")),
        ),
      ],
      check: `journals of ${short + liveSteps} and ${long + liveSteps} ended with their sum`,
      notes: [
        spread(`recovery of ${long} entries, ms`, of("long", "recoverMs")),
        spread(`recovery of ${short} entries, ms`, of("short", "recoverMs")),
        spread(`reading ${long} entries bare, ms`, of("long", "bareMs")),
        spread(`a step after ${long} entries, us`, of("long", "stepUs")),
        spread(`a step after ${short} entries, us`, of("short", "stepUs")),
      ],
    };
  });
}

async function recoverOne(path: string, done: number, liveSteps: number): Promise<Times> {
  const steps = done + liveSteps;
  await writePending(path, { count: 1, steps, done });
  const bareMs = await readBare(path);
  const at: number[] = [];
  const program = makeSteps({ onStep: () => void at.push(performance.now()) });
  const begun = performance.now();
  const app = await open({ services: [program], store: path, version });
  expectEqual("the sum of the steps", await app.get(program, "p0").result(), steps);
  await app.close();
  const first = at[0] ?? Number.NaN;
  const last = at.at(-1) ?? Number.NaN;
  expectEqual("steps that ran after the recovery", at.length, liveSteps);
  return {
    recoverMs: first - begun,
    stepUs: ((last - first) * 1_000) / (liveSteps - 1),
    bareMs,
  };
}

async function readBare(path: string): Promise<number> {
  const begun = performance.now();
  const { store } = await BareStore.open(path);
  const rows = [];
  for (let partition = 0; partition < store.info.partitions; partition++) {
    rows.push(...(await store.scanActive(partition, 0, 10)));
  }
  await store.load({ journals: rows.map((row) => row.number) });
  const took = performance.now() - begun;
  await store.close();
  return took;
}
