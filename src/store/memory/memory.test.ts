import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { StorePlace } from "../conformance/place.ts";
import { sampleInvocation } from "../conformance/samples.ts";
import { testStore } from "../conformance.ts";
import { type Batch, makeBatch, type Store } from "../store.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { type CommitFault, openMemoryStore } from "./memory-store.ts";

const chance = { random: () => 42 };

testStore("memory store", async (): Promise<StorePlace> => {
  const disk = new MemoryDisk(chance);
  return { open: async () => openMemoryStore(disk), remove: async () => undefined };
});

/** A sync that ends when told to. */
function makeGate(): { sync: () => Promise<void>; open: () => void } {
  const waiting: (() => void)[] = [];
  return {
    sync: () => new Promise((resolve) => waiting.push(resolve)),
    open: () => waiting.shift()?.(),
  };
}

function insert(epoch: number, number: number): Batch {
  const batch = makeBatch(new Map([[0, epoch]]));
  batch.insertInvocations.push(sampleInvocation(number, { key: `k${number}` }));
  return batch;
}

async function numbersIn(store: Store): Promise<number[]> {
  return (await store.scanActive(0, 0, 100)).map((it) => it.number);
}

describe("memory disk", () => {
  test("a commit is visible at once, and durable when its sync ends", async () => {
    const disk = new MemoryDisk(chance);
    const gate = makeGate();
    await openMemoryStore(disk).claim([0], "a");
    const store = openMemoryStore(disk, gate);
    let settled = false;
    const done = store.commit(insert(1, 4096)).then(() => {
      settled = true;
    });
    assert.deepEqual(await numbersIn(store), [4096]);
    assert.equal(disk.unsynced, 1);
    assert.equal(settled, false);
    gate.open();
    await done;
    assert.equal(disk.unsynced, 0);
  });

  for (const keep of [0, 1, 2, 3]) {
    test(`a crash keeps the first ${keep} unsynced batches`, async () => {
      const disk = new MemoryDisk(chance);
      const first = openMemoryStore(disk);
      await first.claim([0], "a");
      await first.commit(insert(1, 4096));
      const gate = makeGate();
      // Three stores, so that three commits can be under way at once.
      for (const number of [2, 3, 4]) {
        void openMemoryStore(disk, gate).commit(insert(1, number * 4096));
      }
      disk.crash(keep);
      gate.open();
      const survivors = [4096, 8192, 12_288, 16_384].slice(0, keep + 1);
      assert.deepEqual(await numbersIn(openMemoryStore(disk)), survivors);
      assert.throws(() => first.nextTimer(), /crashed/);
    });
  }

  test("a sync makes durable all that was written before it", async () => {
    const disk = new MemoryDisk(chance);
    await openMemoryStore(disk).claim([0], "a");
    const slow = openMemoryStore(disk, makeGate());
    void slow.commit(insert(1, 4096));
    await openMemoryStore(disk).commit(insert(1, 8192));
    disk.crash(0);
    assert.deepEqual(await numbersIn(openMemoryStore(disk)), [4096, 8192]);
  });

  test("two stores on one disk: the later owner fences the earlier one out", async () => {
    const disk = new MemoryDisk(chance);
    const one = openMemoryStore(disk);
    const two = openMemoryStore(disk);
    await one.claim([0], "one");
    await one.commit(insert(1, 4096));
    const [claim] = await two.claim([0], "two");
    assert.equal(claim?.epoch, 2);
    await assert.rejects(one.commit(insert(1, 8192)), { code: "fenced-out" });
    await two.commit(insert(2, 8192));
    assert.deepEqual(await numbersIn(one), [4096, 8192]);
  });

  test("simulated faults reject as the contract says", async () => {
    const disk = new MemoryDisk(chance);
    let fault: CommitFault | null = null;
    const store = openMemoryStore(disk, { fault: () => fault });
    await store.claim([0], "a");
    fault = "full";
    await assert.rejects(store.commit(insert(1, 4096)), { code: "store-full" });
    fault = "failed";
    await assert.rejects(store.commit(insert(1, 4096)), { code: "store-failed" });
    assert.deepEqual(await numbersIn(store), []);
    fault = "failed-written";
    await assert.rejects(store.commit(insert(1, 4096)), { code: "store-failed" });
    disk.crash(0);
    assert.deepEqual(await numbersIn(openMemoryStore(disk)), [4096]);
  });

  test("a sync that fails leaves the batch written and durable", async () => {
    const disk = new MemoryDisk(chance);
    await openMemoryStore(disk).claim([0], "a");
    const store = openMemoryStore(disk, { sync: () => Promise.reject(new Error("EIO")) });
    await assert.rejects(store.commit(insert(1, 4096)), { code: "store-failed" });
    assert.deepEqual(await numbersIn(store), [4096]);
    disk.crash(0);
    assert.deepEqual(await numbersIn(openMemoryStore(disk)), [4096]);
  });

  test("a query waits until what it saw is durable", async () => {
    const disk = new MemoryDisk(chance);
    const gate = makeGate();
    await openMemoryStore(disk).claim([0], "a");
    const store = openMemoryStore(disk, gate);
    const commit = store.commit(insert(1, 4096));
    let rows: unknown;
    const query = store
      .query("SELECT count(*) FROM invocations", [], { timeoutMs: 1, rowsMax: 1 })
      .then((result) => {
        rows = result.rows;
      });
    await Promise.resolve();
    assert.equal(rows, undefined);
    gate.open();
    gate.open();
    await Promise.all([commit, query]);
    assert.deepEqual(rows, [[1]]);
  });
});
