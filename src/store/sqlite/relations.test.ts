import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, test } from "node:test";
import { makeNodeHost } from "../../host/node-host.ts";
import {
  describeTuples,
  sampleTenant,
  sampleTuple,
  scanAll,
  TenantWriter,
} from "../conformance/relation-samples.ts";
import type { TupleRow } from "../relations.ts";
import { type Batch, makeBatch, type Store } from "../store.ts";
import { openSqliteStore, type SqliteOptions } from "./sqlite-store.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-relations-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function open(options: Partial<SqliteOptions> = {}): Promise<Store> {
  const path = join(folder, "store.db");
  return openSqliteStore({ path, host: makeNodeHost(), freshMax: 50, ...options });
}

async function batchOf(store: Store, fill: (batch: Batch) => void): Promise<Batch> {
  const [claim] = await store.claim([0], "test");
  const batch = makeBatch(new Map([[0, claim?.epoch ?? 0]]));
  fill(batch);
  return batch;
}

const rows = (from: number, count: number): TupleRow[] =>
  Array.from({ length: count }, (_, i) => sampleTuple(`t${from}:${from + i}#r@u:${i % 7}`));

/** Found along the table, and along the index by subject. */
async function bothWays(store: Store): Promise<[string[], string[]]> {
  const subjects = Array.from({ length: 7 }, (_, i) => ({ type: "u", id: String(i) }));
  const found = await store.relations.loadTuples({ tenant: 1, subjects });
  return [describeTuples(await scanAll(store, 1, 50)), describeTuples(found)];
}

describe("relations in a file", () => {
  test("a sync that fails is made good, and they go on where they were", async () => {
    let failing = false;
    const sync = (): Promise<void> =>
      failing ? Promise.reject(new Error("EIO")) : Promise.resolve();
    const store = await open({ sync });
    const writer = new TenantWriter(1);
    await store.commit(
      await batchOf(store, (batch) => {
        batch.putTenants.push(sampleTenant(1));
        batch.relations.push(writer.commit(rows(0, 80)));
      }),
    );
    const next = await batchOf(store, (batch) =>
      batch.relations.push(writer.commit(rows(100, 80))),
    );
    const scan = store.relations.scanTuples({ tenant: 1, after: null, limit: 10 });
    const more = store.relations.scanTuples({ tenant: 1, after: (await scan).next, limit: 10 });
    failing = true;
    await assert.rejects(store.commit(next), { code: "store-failed" });
    failing = false;
    assert.equal((await more).count, 10);
    assert.equal((await store.relations.loadTenants())[0]?.revision, 2);
    const [along, by] = await bothWays(store);
    assert.equal(along.length, 160);
    assert.deepEqual(by, along);
    await store.close();
  });

  for (const freshMax of [50, 100_000]) {
    test(`what does not fit leaves nothing: no row, no name, no entry (${freshMax} wait)`, async () => {
      await fillUp(freshMax);
    });
  }

  /** Until the disk is full, and looks at what is there. */
  async function fillUp(freshMax: number): Promise<void> {
    const store = await open({ pragmas: "PRAGMA max_page_count = 150", freshMax });
    const writer = new TenantWriter(1);
    await store.commit(await batchOf(store, (batch) => batch.putTenants.push(sampleTenant(1))));
    let committed = 0;
    for (let i = 0; ; i++) {
      const put = rows(i * 100, 90);
      const batch = await batchOf(store, (it) => it.relations.push(writer.commit(put)));
      try {
        await store.commit(batch);
        committed += put.length;
      } catch (error) {
        assert.equal((error as { code?: string }).code, "store-full"); // whatever it is, compared
        writer.revision--;
        break;
      }
    }
    assert.ok(committed > 0);
    for (let round = 0; round < 2; round++) {
      const [along, by] = await bothWays(store);
      assert.equal(along.length, committed);
      assert.deepEqual(by, along);
      // A name that was seen first in the batch that failed, and small enough to fit.
      const small = sampleTuple(`small${round}:1#r@u:1`);
      const batch = await batchOf(store, (it) => it.relations.push(writer.commit([small])));
      await store.commit(batch);
      committed++;
    }
    await store.close();
  }

  test("what waits has its place when it is asked for, while more is written", async () => {
    const store = await open({ freshMax: 100_000 });
    const writer = new TenantWriter(1);
    await store.commit(await batchOf(store, (batch) => batch.putTenants.push(sampleTenant(1))));
    const write = async (from: number): Promise<void> => {
      const commit = writer.commit(rows(from, 100));
      await store.commit(await batchOf(store, (batch) => batch.relations.push(commit)));
    };
    for (let i = 0; i < 30; i++) await write(i * 100);
    const page = store.relations.readTuples({
      tenant: 1,
      filter: { subjectType: "u", subjectId: "3" },
      revision: 30,
      after: null,
      limit: 10_000,
    });
    const counted = store.query("SELECT count(*) FROM relationships", [], {
      timeoutMs: 10_000,
      rowsMax: 10,
    });
    for (let i = 30; i < 40; i++) await write(i * 100);
    assert.equal((await page).rows.length, 420);
    assert.ok(Number((await counted).rows[0]?.[0]) >= 3_000);
    const [along, by] = await bothWays(store);
    assert.equal(along.length, 4_000);
    assert.deepEqual(by, along);
    await store.close();
  });

  test("a tenant with the number of one that was deleted has all of its own, and no more", async () => {
    const store = await open({ freshMax: 300 });
    const other = new TenantWriter(2);
    await store.commit(await batchOf(store, (batch) => batch.putTenants.push(sampleTenant(2))));
    // The lap of one round is gone on with in the next.
    for (let round = 0; round < 6; round++) {
      const writer = new TenantWriter(1);
      await store.commit(await batchOf(store, (batch) => batch.putTenants.push(sampleTenant(1))));
      for (let i = 0; i < 5; i++) {
        const batch = await batchOf(store, (it) => {
          it.relations.push(writer.commit(rows(i * 100, 30)));
          it.relations.push(other.commit(rows(round * 1_000 + i * 100, 10)));
        });
        await store.commit(batch);
      }
      const [along, by] = await bothWays(store);
      assert.equal(along.length, 150);
      assert.deepEqual(by, along);
      assert.equal((await scanAll(store, 2, 50)).length, (round + 1) * 50);
      await store.commit(await batchOf(store, (batch) => batch.deleteTenants.push(1)));
      while (await store.relations.hasTrimmable(1, 0)) {
        const trim = { tenant: 1, upTo: 0, limit: 40 };
        await store.commit(await batchOf(store, (batch) => batch.trimRelations.push(trim)));
      }
    }
    await store.close();
    const again = await open();
    assert.equal((await scanAll(again, 2, 50)).length, 300);
    assert.deepEqual(await scanAll(again, 1, 50), []);
    await again.close();
  });

  test("closing ends a scan that was left in the middle", async () => {
    const store = await open();
    const writer = new TenantWriter(1);
    await store.commit(
      await batchOf(store, (batch) => {
        batch.putTenants.push(sampleTenant(1));
        batch.relations.push(writer.commit(rows(0, 30)));
      }),
    );
    const first = await store.relations.scanTuples({ tenant: 1, after: null, limit: 10 });
    const second = store.relations.scanTuples({ tenant: 1, after: first.next, limit: 10 });
    await store.close();
    assert.equal((await second).count, 10);
  });

  test("a tenant is trimmed and deleted with its entries in the index by subject", async () => {
    const store = await open();
    const writer = new TenantWriter(1);
    await store.commit(await batchOf(store, (batch) => batch.putTenants.push(sampleTenant(1))));
    for (let i = 0; i < 10; i++) {
      const commit = writer.commit(rows(i * 100, 30), i > 5 ? rows((i - 4) * 100, 15) : []);
      await store.commit(await batchOf(store, (batch) => batch.relations.push(commit)));
    }
    const size = async (): Promise<unknown> => {
      // Queries see what is in its place, so all is put there before.
      await store.query("SELECT 1", [], { timeoutMs: 5_000, rowsMax: 10 });
      const db = new DatabaseSync(store.location, { readOnly: true });
      const sql = `SELECT (SELECT count(*) FROM tuples) AS tuples,
        (SELECT count(*) FROM by_subject) AS entries`;
      const row = { ...db.prepare(sql).get() };
      db.close();
      return row;
    };
    assert.deepEqual(await size(), { tuples: 300, entries: 300 });
    while (await store.relations.hasTrimmable(1, 10)) {
      const trim = { tenant: 1, upTo: 10, limit: 25 };
      await store.commit(await batchOf(store, (batch) => batch.trimRelations.push(trim)));
    }
    assert.deepEqual(await size(), { tuples: 240, entries: 240 });
    const [along, by] = await bothWays(store);
    assert.deepEqual(by, along);
    await store.commit(await batchOf(store, (batch) => batch.deleteTenants.push(1)));
    while (await store.relations.hasTrimmable(1, 0)) {
      const trim = { tenant: 1, upTo: 0, limit: 25 };
      await store.commit(await batchOf(store, (batch) => batch.trimRelations.push(trim)));
    }
    assert.deepEqual(await size(), { tuples: 0, entries: 0 });
    await store.close();
  });
});
