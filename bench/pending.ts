// Invocations of `steps` as a killed process leaves them: running, with some steps in the journal.
import { makeNumber, partitionOfKey } from "../src/model/ids.ts";
import { BareStore, stepEntry } from "./bare-store.ts";

export const version = "bench";

/** Leaves one invocation per key `p0`, `p1`, …, with so many of its steps done. */
export async function writePending(
  path: string,
  options: { readonly count: number; readonly steps: number; readonly done: number },
): Promise<void> {
  const bare = await BareStore.open(path);
  const { partitions } = bare.store.info;
  let writing: Promise<void>[] = [];
  for (let i = 0; i < options.count; i++) {
    const number = makeNumber(i + 1, partitionOfKey("steps", `p${i}`, partitions));
    const written = bare.write((batch) => {
      batch.insertInvocations.push({
        number,
        service: "steps",
        handler: "run",
        mode: "workflow",
        key: `p${i}`,
        status: "running",
        input: String(options.steps),
        output: null,
        createdAt: Date.now(),
        endedAt: null,
        expiresAt: null,
        deployment: version,
        seed: i,
        position: number,
        entries: options.done,
        extra: null,
      });
      for (let step = 0; step < options.done; step++) {
        batch.appendEntries.push({ number, entry: stepEntry(step, "step", "1") });
      }
    });
    writing.push(written);
    if (writing.length < 5_000) continue;
    await Promise.all(writing);
    writing = [];
  }
  for (let partition = 0; partition < partitions; partition++) {
    const counter = options.count + 1;
    writing.push(bare.write((batch) => batch.reserveCounters.push({ partition, counter })));
  }
  await Promise.all(writing);
  await bare.close();
}
