import { join } from "node:path";
import { open } from "holdfast";
import { BareStore, stepEntry } from "./bare-store.ts";
import {
  compare,
  expectEqual,
  inFolder,
  inTurn,
  keepBusy,
  type Outcome,
  type Size,
  spread,
} from "./harness.ts";
import { stepsPerWorkflow, wf10, wf10Result } from "./programs.ts";

const inFlight = 200;
const plan = {
  tiny: { warmupMs: 20, roundMs: 30, rounds: 1 },
  quick: { warmupMs: 600, roundMs: 500, rounds: 3 },
  full: { warmupMs: 3_000, roundMs: 3_000, rounds: 5 },
};

/** Ten-step workflows in this process, against one journal row a commit from as many writers. */
export function wf10Embedded(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    const { warmupMs, roundMs, rounds } = plan[size];
    const app = await open({ services: [wf10], store: join(folder, "ours.db") });
    const bare = await BareStore.open(join(folder, "bare.db"));
    let started = 0;
    const ours = async (forMs: number): Promise<number> => {
      const load = await keepBusy(
        async () => {
          const result = await app.call(wf10, `w${started++}`).run();
          expectEqual("the sum of a workflow's steps", result, wf10Result);
        },
        { inFlight, forMs },
      );
      return load.perSecond * stepsPerWorkflow;
    };
    await ours(warmupMs);
    await bareSteps(bare, warmupMs);
    const values = await inTurn(
      rounds,
      () => ours(roundMs),
      () => bareSteps(bare, roundMs),
    );
    const { rows } = await app.query<{ n: number }>("SELECT count(*) AS n FROM journal");
    const check = expectEqual("journal rows", rows[0]?.n ?? 0, started * stepsPerWorkflow);
    await app.close();
    await bare.close();
    return {
      figures: [compare("wf10.embedded", "steps/s", values)],
      check,
      notes: [spread("steps/s", values.ours), spread("bare rows/s", values.reference)],
    };
  });
}

async function bareSteps(bare: BareStore, forMs: number): Promise<number> {
  const until = performance.now() + forMs;
  const begun = performance.now();
  let rows = 0;
  async function writer(): Promise<void> {
    while (performance.now() < until) {
      const number = bare.nextNumber();
      for (let i = 0; i < stepsPerWorkflow; i++) {
        const entry = stepEntry(i, `step${i}`, String(i));
        await bare.write((batch) => batch.appendEntries.push({ number, entry }));
        rows++;
      }
    }
  }
  await Promise.all(Array.from({ length: inFlight }, writer));
  return (rows * 1_000) / (performance.now() - begun);
}
