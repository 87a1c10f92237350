// The least that waking sleepers costs: their rows read and written, a page at a time.
import { BareStore, endedCall, stepEntry } from "./bare-store.ts";

const pageSize = 4_096;

/** @returns milliseconds to find, read and end so many sleepers that are due. */
export async function wakeBare(path: string, count: number): Promise<number> {
  const bare = await BareStore.open(path);
  const { store } = bare;
  const due = Date.now();
  for (let from = 0; from < count; from += pageSize) {
    await bare.write((batch) => {
      for (let i = from; i < Math.min(count, from + pageSize); i++) {
        const number = bare.nextNumber();
        const of = { key: `s${i}`, status: "suspended", endedAt: null, expiresAt: null } as const;
        batch.insertInvocations.push(endedCall(number, { ...of, mode: "workflow" }));
        batch.appendEntries.push({ number, entry: stepEntry(0, "", String(due)) });
        batch.insertTimers.push({ due, number, command: 0, kind: "sleep" });
      }
    });
  }
  const begun = performance.now();
  for (;;) {
    const timers = await store.scanTimers(due, pageSize);
    if (timers.length === 0) break;
    const numbers = timers.map((timer) => timer.number);
    const { invocations } = await store.load({ invocations: numbers, journals: numbers });
    await bare.write((batch) => {
      batch.deleteTimers.push(...timers);
      for (const row of invocations) {
        if (row === null) continue;
        batch.updateInvocations.push({ ...row, status: "succeeded", endedAt: due, entries: 2 });
        const entry = { ...stepEntry(1, "", ""), kind: "done", command: 0 } as const;
        batch.appendEntries.push({ number: row.number, entry });
      }
    });
  }
  const took = performance.now() - begun;
  await bare.close();
  return took;
}
