import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { at, claim, type Opened, open, type Run, type StorePlace } from "./conformance/place.ts";
import { testQueries } from "./conformance/queries.ts";
import { testInvocations, testKeys } from "./conformance/records.ts";
import { testRelationReads, testRelationsAgainstModel } from "./conformance/relation-reads.ts";
import { testRelations } from "./conformance/relations.ts";
import { BatchMaker, baseTime, sampleInvocation } from "./conformance/samples.ts";
import { testMessages, testScans } from "./conformance/scans.ts";
import { MemoryDisk } from "./memory/memory-disk.ts";
import { openMemoryStore } from "./memory/memory-store.ts";
import { type Batch, makeBatch, type Store } from "./store.ts";

/** What every store must do, as tests. */
export function testStore(name: string, makePlace: () => Promise<StorePlace>): void {
  const run = (title: string, body: (opened: Opened) => Promise<void>): void => {
    test(title, async () => {
      const place = await makePlace();
      const opened = await open(place);
      try {
        await body(opened);
      } finally {
        await opened.store.close();
        await place.remove();
      }
    });
  };
  describe(name, () => {
    describe("ownership", () => testOwnership(run));
    describe("invocations and journals", () => testInvocations(run));
    describe("keys", () => testKeys(run));
    describe("scans", () => testScans(run));
    describe("messages and the rest", () => testMessages(run));
    describe("commits", () => testCommits(run));
    describe("relations", () => testRelations(run));
    describe("relations, read", () => testRelationReads(run));
    describe("queries", () => testQueries(makePlace));
    testAgainstModel(makePlace);
    testRelationsAgainstModel(makePlace);
  });
}

function testOwnership(run: Run): void {
  run("each claim raises the epoch of its partitions only", async ({ store, epochs }) => {
    const claims = await store.claim([1, 2], "again");
    assert.deepEqual(
      claims.map(({ epoch }) => epoch),
      [epochs.get(1)! + 1, epochs.get(2)! + 1],
    );
    assert.equal((await store.claim([0], "again"))[0]?.epoch, epochs.get(0)! + 1);
  });

  run("a commit with an epoch of before is refused whole", async (opened) => {
    await opened.store.claim([1], "other");
    const stale = opened.write((batch) => batch.insertInvocations.push(sampleInvocation(at(1))));
    await assert.rejects(stale, { code: "fenced-out" });
    const loaded = await opened.store.load({ invocations: [at(1)] });
    assert.deepEqual(loaded.invocations, [null]);
    // Partitions that were not taken go on.
    const batch = makeBatch(new Map([[0, opened.epochs.get(0)!]]));
    batch.insertInvocations.push(sampleInvocation(at(1)));
    await opened.store.commit(batch);
  });

  run("a commit for a partition that was never claimed is refused", async ({ store }) => {
    await assert.rejects(store.commit(makeBatch(new Map([[9, 0]]))), { code: "fenced-out" });
    await assert.rejects(store.commit(makeBatch(new Map([[9, 1]]))), { code: "fenced-out" });
  });

  run("the counter starts where it was reserved, and never falls", async (opened) => {
    const counterOf = async (): Promise<number> => (await opened.store.claim([3], "x"))[0]!.counter;
    const first = await counterOf();
    assert.ok(first > 0, "no invocation has the number 0");
    await claim(opened);
    await opened.write((batch) => {
      batch.reserveCounters.push({ partition: 3, counter: 500 }, { partition: 3, counter: 400 });
    });
    assert.equal(await counterOf(), 500);
    await opened.reopen();
    assert.equal(await counterOf(), 500);
  });

  run("tag and number of partitions survive reopening", async (opened) => {
    const { info } = opened.store;
    assert.match(info.tag, /^[0-9a-z]{4}$/);
    await opened.reopen();
    assert.deepEqual(opened.store.info, info);
  });
}

function testCommits(run: Run): void {
  run("a batch that cannot be written leaves nothing behind", async (opened) => {
    await opened.write((batch) => batch.insertInvocations.push(sampleInvocation(at(1))));
    const impossible: ((batch: Batch) => void)[] = [
      (batch) => batch.insertInvocations.push(sampleInvocation(at(1))),
      (batch) => batch.updateInvocations.push(sampleInvocation(at(9))),
      (batch) => batch.reserveCounters.push({ partition: 9, counter: 5 }),
    ];
    for (const spoil of impossible) {
      const spoilt = opened.write((batch) => {
        batch.insertInvocations.push(sampleInvocation(at(2)));
        batch.writeState.push({ service: "s", key: "k", name: "n", value: "1" });
        spoil(batch);
      });
      await assert.rejects(spoilt, { code: "store-failed" });
    }
    const loaded = await opened.store.load({
      invocations: [at(1), at(2)],
      keys: [{ service: "s", key: "k" }],
    });
    assert.deepEqual(
      loaded.invocations.map((it) => it !== null),
      [true, false],
    );
    assert.deepEqual(loaded.keys[0]?.state, []);
    await opened.write((batch) => batch.insertInvocations.push(sampleInvocation(at(2))));
  });

  run("commits may overlap while the store says so, and no further", async (opened) => {
    const flying: Promise<void>[] = [];
    const insert = (batch: Batch): void => {
      batch.insertInvocations.push(sampleInvocation(at(flying.length + 1)));
    };
    do flying.push(opened.write(insert));
    while (opened.store.canOverlap);
    assert.ok(flying.length > 1);
    assert.throws(() => void opened.write(insert), /must wait/);
    await Promise.all(flying);
    assert.ok(opened.store.canOverlap);
    assert.equal((await opened.store.scanActive(0, 0, 100)).length, flying.length);
  });

  run("after a refused commit none may overlap until all have settled", async (opened) => {
    const good = opened.write(() => undefined);
    const stale = makeBatch(new Map([[0, 0]]));
    const refused = opened.store.commit(stale);
    assert.equal(opened.store.canOverlap, false);
    assert.throws(() => void opened.write(() => undefined), /must wait/);
    await assert.rejects(refused, { code: "fenced-out" });
    await good;
    await opened.write(() => undefined);
  });

  run("what was committed is there after closing", async (opened) => {
    for (let counter = 1; counter <= 20; counter++) {
      await opened.write((batch) => {
        batch.insertInvocations.push(sampleInvocation(at(counter), { key: `k${counter}` }));
      });
    }
    await opened.reopen();
    assert.equal((await opened.store.scanActive(0, 0, 100)).length, 20);
  });
}

/** Random batches, written to this store and to the one in memory, must read the same. */
function testAgainstModel(makePlace: () => Promise<StorePlace>): void {
  test("random batches read as they do from memory", async () => {
    const property = fc.asyncProperty(fc.integer(), fc.nat(12), async (seed, rounds) => {
      const place = await makePlace();
      const opened = await open(place);
      const disk = new MemoryDisk({ random: () => 0 }, opened.store.info.partitions);
      const model = openMemoryStore(disk);
      await model.claim([0, 1, 2, 3], "test");
      const maker = new BatchMaker(seed, 4);
      try {
        for (let round = 0; round < rounds; round++) {
          const batch = maker.next(opened.epochs);
          await Promise.all([opened.store.commit(batch), model.commit(batch)]);
        }
        const expected = await readAll(model, maker.counters);
        assert.deepEqual(await readAll(opened.store, maker.counters), expected);
        await opened.reopen();
        assert.deepEqual(await readAll(opened.store, maker.counters), expected);
      } finally {
        await opened.store.close();
        await place.remove();
      }
    });
    await fc.assert(property, { numRuns: 12 });
  });
}

async function readAll(store: Store, counters: number): Promise<unknown> {
  const late = baseTime * 2;
  const numbers = Array.from({ length: counters * 4 }, (_, i) => at(i >> 2, i & 3));
  const words = ["a", "b", "ä", "\uff5e", "\u{1f600}", "a b", "'", "%"];
  const pairs = words.flatMap((first) => words.map((second) => [first, second] as const));
  const perPartition = async (partition: number): Promise<unknown> => ({
    active: await store.scanActive(partition, 0, 50),
    outbox: await store.scanOutbox(partition, 3, 50),
    received: await store.loadReceived(partition),
  });
  return {
    loaded: await store.load({
      invocations: numbers,
      journals: numbers,
      keys: pairs.map(([service, key]) => ({ service, key })),
      idempotency: pairs.map(([scope, idempotencyKey]) => ({ scope, idempotencyKey })),
      promises: numbers.flatMap((number) => words.map((name) => ({ number, name }))),
    }),
    partitions: await Promise.all([0, 1, 2, 3].map(perPartition)),
    timers: await store.scanTimers(late, 1000),
    nextTimer: await store.nextTimer(),
    expired: await store.scanExpired(late, 1000),
    expiredIdempotency: await store.scanExpiredIdempotency(late, 1000),
    nextExpiry: await store.nextExpiry(),
    schedules: await store.loadSchedules(),
    counts: { ...(await store.countByStatus()) },
  };
}
