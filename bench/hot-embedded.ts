import { join } from "node:path";
import { open } from "holdfast";
import { BareStore, endedCall } from "./bare-store.ts";
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
import { counter } from "./programs.ts";

const inFlight = 200;
const plan = {
  tiny: { warmupMs: 20, roundMs: 30, rounds: 1 },
  quick: { warmupMs: 600, roundMs: 500, rounds: 3 },
  full: { warmupMs: 3_000, roundMs: 3_000, rounds: 5 },
};

/** Calls of one actor key in this process, against one row a call and the state once a batch. */
export function hotEmbedded(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    const { warmupMs, roundMs, rounds } = plan[size];
    const app = await open({ services: [counter], store: join(folder, "ours.db") });
    const bare = await BareStore.open(join(folder, "bare.db"));
    let calls = 0;
    let highest = 0;
    const ours = async (forMs: number): Promise<number> => {
      const load = await keepBusy(
        async () => {
          highest = Math.max(highest, await app.call(counter, "hot").add());
        },
        { inFlight, forMs },
      );
      calls += load.calls;
      return load.perSecond;
    };
    await ours(warmupMs);
    await bareCalls(bare, warmupMs);
    const values = await inTurn(
      rounds,
      () => ours(roundMs),
      () => bareCalls(bare, roundMs),
    );
    expectEqual("the highest answer", highest, calls);
    const { rows } = await app.query<{ n: number }>(
      "SELECT CAST(value AS INTEGER) AS n FROM state",
    );
    const check = expectEqual("the counter in the store", rows[0]?.n ?? 0, calls);
    await app.close();
    await bare.close();
    return {
      figures: [compare("hot.embedded", "calls/s", values)],
      check,
      notes: [spread("calls/s", values.ours), spread("bare rows/s", values.reference)],
    };
  });
}

async function bareCalls(bare: BareStore, forMs: number): Promise<number> {
  let count = 0;
  const load = await keepBusy(
    () =>
      bare.write((batch) => {
        const value = String(++count);
        batch.insertInvocations.push(endedCall(bare.nextNumber(), { key: "hot", output: value }));
        batch.writeState[0] = { service: "counter", key: "hot", name: "count", value };
      }),
    { inFlight, forMs },
  );
  return load.perSecond;
}
