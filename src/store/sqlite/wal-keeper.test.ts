import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { makeNodeHost } from "../../host/node-host.ts";
import { sampleEntry } from "../conformance/samples.ts";
import { makeBatch, type Store } from "../store.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const walBytes = 1024 * 1024;
const batchBytes = 100_000;

describe("the WAL", () => {
  let folder: string;
  let store: Store;
  let written = 0;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-wal-"));
    // A disk that syncs at once makes the WAL grow as fast as it can.
    const sync = (): Promise<void> => Promise.resolve();
    const path = join(folder, "store.db");
    store = await openSqliteStore({ path, host: makeNodeHost(), walBytes, sync });
    await store.claim([0], "test");
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  const walSize = (): number => statSync(join(folder, "store.db-wal")).size;

  async function write(): Promise<void> {
    const batch = makeBatch(new Map([[0, 1]]));
    const payload = JSON.stringify("x".repeat(batchBytes));
    batch.appendEntries.push({ number: 4096 * ++written, entry: sampleEntry(0, { payload }) });
    await store.commit(batch);
  }

  test("stays within twice its limit under load without a pause", async () => {
    let largest = 0;
    for (let round = 0; round < 300; round++) {
      await write();
      largest = Math.max(largest, walSize());
    }
    assert.ok(largest > walBytes / 2, "it was put to the test");
    assert.ok(largest <= walBytes * 2 + batchBytes * 1.2, `it grew to ${largest} bytes`);
  });

  test("grows while a query holds its snapshot, and is emptied after it", async () => {
    const endless = `WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)
      SELECT count(*) FROM c, journal`;
    await write();
    await store.query("SELECT count(*) FROM journal", [], { timeoutMs: 10_000, rowsMax: 1 });
    let over = false;
    const query = store.query(endless, [], { timeoutMs: 2_000, rowsMax: 1 }).catch(() => {
      over = true;
    });
    let largest = 0;
    while (!over) {
      await write();
      largest = Math.max(largest, walSize());
      await new Promise((resolve) => setImmediate(resolve));
    }
    await query;
    assert.ok(largest > walBytes * 2, `it grew to ${largest} bytes only`);
    for (let round = 0; walSize() > walBytes * 2; round++) {
      assert.ok(round < 100, "it was not emptied after the query");
      await write();
    }
  });
});
