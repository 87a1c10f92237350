import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  describeTuples,
  sampleTenant,
  sampleTuple,
  scanAll,
  TenantWriter,
} from "../conformance/relation-samples.ts";
import { type Batch, makeBatch, type Store } from "../store.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { type CommitFault, openMemoryStore } from "./memory-store.ts";

function commit(writer: TenantWriter, id: number): Batch {
  const batch = makeBatch(new Map([[0, 1]]));
  if (writer.revision === 0) batch.putTenants.push(sampleTenant(writer.tenant));
  batch.relations.push(writer.commit([sampleTuple(`t:${id}#r@u:1`)]));
  return batch;
}

async function idsIn(store: Store): Promise<string[]> {
  return (await scanAll(store, 1)).map((row) => row.resourceId);
}

async function revisionIn(store: Store): Promise<number | undefined> {
  return (await store.relations.loadTenants())[0]?.revision;
}

describe("relations on a memory disk", () => {
  for (const keep of [0, 1, 2]) {
    test(`a crash keeps those of the first ${keep} unsynced batches`, async () => {
      const disk = new MemoryDisk({ random: () => 42 });
      const writer = new TenantWriter(1);
      const first = openMemoryStore(disk);
      await first.claim([0], "a");
      await first.commit(commit(writer, 1));
      const stuck = { sync: () => new Promise<void>(() => undefined) };
      for (const id of [2, 3]) void openMemoryStore(disk, stuck).commit(commit(writer, id));
      assert.equal((await idsIn(first)).length, 3);
      disk.crash(keep);
      const store = openMemoryStore(disk);
      assert.deepEqual(await idsIn(store), ["1", "2", "3"].slice(0, keep + 1));
      assert.equal(await revisionIn(store), keep + 1);
      // What is read is a copy of what is kept: later writes do not reach into it.
      const again = new TenantWriter(1);
      again.revision = keep + 1;
      await store.commit(commit(again, 9));
      disk.crash(0);
      assert.equal(await revisionIn(openMemoryStore(disk)), keep + 2);
    });
  }

  test("an outcome that is not known is one of the two", async () => {
    for (const fault of ["failed", "failed-written"] as const) {
      const disk = new MemoryDisk({ random: () => 42 });
      let next: CommitFault | null = null;
      const store = openMemoryStore(disk, { fault: () => next });
      await store.claim([0], "a");
      const writer = new TenantWriter(1);
      await store.commit(commit(writer, 1));
      next = fault;
      await assert.rejects(store.commit(commit(writer, 2)), { code: "store-failed" });
      next = null;
      const revision = fault === "failed" ? 1 : 2;
      assert.equal(await revisionIn(store), revision);
      const known = new TenantWriter(1);
      known.revision = revision;
      await store.commit(commit(known, 3));
      const held = describeTuples(await scanAll(store, 1));
      assert.deepEqual(held.at(-1), `t:3#r@u:1 ${revision + 1}..`);
    }
  });
});
