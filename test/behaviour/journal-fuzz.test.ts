import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { open, service, workflow } from "holdfast";
import { makeNodeHost } from "../../src/host/node-host.ts";
import type { Entry, EntryKind } from "../../src/model/entry.ts";
import { makeNumber, partitionOfKey } from "../../src/model/ids.ts";
import { MemoryDisk } from "../../src/store/memory/memory-disk.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { makeBatch } from "../../src/store/store.ts";
import { until } from "./harness.ts";

const kinds: readonly EntryKind[] = [
  "run",
  "get",
  "set",
  "send",
  "call",
  "id",
  "sleep",
  "promise",
  "await-signal",
  "patched",
  "accepted",
  "done",
  "signal",
  "cancel",
];

const echo = service("echo", { handlers: { say: (_ctx, text: string) => text } });
const busy = workflow("busy", {
  state: { stage: "new" },
  async run(ctx) {
    const step = await ctx.run("step", () => 1);
    ctx.set("stage", "stepped");
    const said = await ctx.call(echo).say("hello");
    await ctx.sleep(1);
    return [step, said, ctx.get("stage")];
  },
});

const entries = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    command: fc.integer({ min: -1, max: 4 }),
    name: fc.constantFrom("", "step", "stage", "echo/say", "other"),
    payload: fc.oneof(fc.json(), fc.constantFrom(null, "", "{", "\u0000", '{"number":-1}')),
    failed: fc.boolean(),
    at: fc.integer({ min: 0, max: 2_000_000_000_000 }),
  }),
  { minLength: 1, maxLength: 12 },
);

/** A store in which the workflow `busy/a` is in the middle of this journal. */
async function storeWith(journal: readonly Omit<Entry, "index">[]): Promise<MemoryDisk> {
  const disk = new MemoryDisk(makeNodeHost());
  const store = openMemoryStore(disk);
  const partition = partitionOfKey("busy", "a", store.info.partitions);
  const [claim] = await store.claim([partition], "test");
  const batch = makeBatch(new Map([[partition, claim?.epoch ?? 0]]));
  const number = makeNumber(1, partition);
  batch.reserveCounters.push({ partition, counter: 2 });
  batch.insertInvocations.push({
    number,
    service: "busy",
    handler: "run",
    mode: "workflow",
    key: "a",
    status: "running",
    input: null,
    output: null,
    createdAt: 1,
    endedAt: null,
    expiresAt: null,
    deployment: "1",
    seed: 1,
    position: number,
    entries: journal.length,
    extra: null,
  });
  for (const [index, entry] of journal.entries()) {
    batch.appendEntries.push({ number, entry: { ...entry, index } });
  }
  await store.commit(batch);
  await store.close();
  return disk;
}

test("whatever a journal says, only its own invocation is harmed", async () => {
  await fc.assert(
    fc.asyncProperty(entries, async (journal) => {
      const faults: string[] = [];
      const disk = await storeWith(journal);
      const app = await open({
        services: [echo, busy],
        version: "1",
        store: openMemoryStore(disk),
        log: (level, message) => void (level === "error" && faults.push(message)),
      });
      try {
        assert.deepEqual(await app.call(busy, "b").run(), [1, "hello", "stepped"]);
        await until(() => app.engine.recovered);
        await app.engine.settled();
        const { status } = await app.get(busy, "a").describe();
        const calm = ["running", "suspended", "backing-off", "paused", "succeeded", "failed"];
        assert.ok([...calm, "cancelled"].includes(status), status);
        assert.deepEqual(faults, []);
      } finally {
        await app.close();
      }
    }),
    { numRuns: 300 },
  );
});
