import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { fdatasync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { promisify } from "node:util";
import { makeNodeHost } from "../../host/node-host.ts";
import { sampleInvocation } from "../conformance/samples.ts";
import { type Batch, makeBatch, type Store } from "../store.ts";
import { openSqliteStore, type SqliteOptions } from "./sqlite-store.ts";

const host = makeNodeHost();
const bounds = { timeoutMs: 10_000, rowsMax: 10 };

function insert(counter: number, bytes = 10): Batch {
  const batch = makeBatch(new Map([[0, 1]]));
  const input = JSON.stringify("x".repeat(bytes));
  batch.insertInvocations.push(sampleInvocation(counter * 4096, { key: `k${counter}`, input }));
  return batch;
}

async function countersIn(store: Store): Promise<number[]> {
  return (await store.scanActive(0, 0, 100_000)).map((it) => it.number / 4096);
}

/** Commits until one is refused. @returns the counter of that one. */
async function fill(store: Store, bytes: number): Promise<number> {
  for (let counter = 1; counter < 10_000; counter++) {
    try {
      await store.commit(insert(counter, bytes));
    } catch (error) {
      assert.equal((error as { code?: string }).code, "store-full"); // whatever it is, compared
      return counter;
    }
  }
  return assert.fail("the disk never became full");
}

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-faults-"));
  path = join(folder, "store.db");
});
afterEach(() => rm(folder, { recursive: true }));

async function open(options: Partial<SqliteOptions> = {}): Promise<Store> {
  const store = await openSqliteStore({ path, host, ...options });
  await store.claim([0], "test");
  return store;
}

describe("a sync that fails", () => {
  /** Fails while `failing` is true. */
  function makeSync(): { sync: (fd: number) => Promise<void>; failing: boolean } {
    const it = {
      failing: false,
      sync: async (fd: number) => {
        if (it.failing)
          throw Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" });
        await promisify(fdatasync)(fd);
      },
    };
    return it;
  }

  test("rejects the commit, is made good by a checkpoint, and work goes on", async () => {
    const disk = makeSync();
    const store = await open({ sync: disk.sync });
    await store.commit(insert(1));
    disk.failing = true;
    await assert.rejects(store.commit(insert(2)), { code: "store-failed", message: /EIO/ });
    assert.equal(statSync(`${path}-wal`).size, 0, "everything is in the database file");
    disk.failing = false;
    await store.commit(insert(3));
    assert.deepEqual(await countersIn(store), [1, 2, 3]);
    const { rows } = await store.query("SELECT count(*) FROM invocations", [], bounds);
    assert.deepEqual(rows, [[3]]);
    await store.close();
  });

  test("a query under way is given up for the checkpoint", async () => {
    const disk = makeSync();
    const store = await open({ sync: disk.sync });
    await store.commit(insert(1));
    await store.query("SELECT 1", [], bounds);
    const endless = `WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)
      SELECT count(*) FROM c, invocations`;
    const query = assert.rejects(store.query(endless, [], bounds), { code: "shutting-down" });
    disk.failing = true;
    await assert.rejects(store.commit(insert(2)), { code: "store-failed" });
    await query;
    disk.failing = false;
    await store.commit(insert(3));
    await store.close();
  });

  test("a query does not tell what a failing sync may have lost", async () => {
    let release: (() => void) | undefined;
    let held = false;
    const sync = (): Promise<void> =>
      held
        ? new Promise((resolve) => {
            release = resolve;
          })
        : Promise.resolve();
    const store = await open({ sync });
    held = true;
    const commit = store.commit(insert(1));
    let told = false;
    const query = store.query("SELECT count(*) FROM invocations", [], bounds).then((result) => {
      told = true;
      return result.rows;
    });
    // The answer is there once a second query on the same process has been refused.
    await assert.rejects(store.query("SELECT nothing", [], bounds), { code: "invalid-query" });
    assert.equal(told, false);
    held = false;
    release?.();
    await commit;
    assert.deepEqual(await query, [[1]]);
    await store.close();
  });
});

describe("a disk without room", () => {
  test("refuses what does not fit, and takes what makes room", async () => {
    const store = await open({ pragmas: "PRAGMA max_page_count = 100" });
    const refused = await fill(store, 10_000);
    assert.equal((await countersIn(store)).length, refused - 1);
    const room = makeBatch(new Map([[0, 1]]));
    room.deleteInvocations.push(4096, 8192);
    await store.commit(room);
    await store.commit(insert(refused, 10_000));
    assert.equal((await countersIn(store)).length, refused - 2);
    await store.close();
  });

  const mounted = canMount();
  const needsMount = { skip: !mounted && "it needs to mount a small file system" };

  /** Everything of the store on a file system of that size. */
  async function onSmallDisk(megabytes: number, body: () => Promise<void>): Promise<void> {
    const at = join(folder, "small");
    execFileSync("mkdir", [at]);
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", at]);
    path = join(at, "store.db");
    try {
      await body();
    } finally {
      execFileSync("umount", [at]);
    }
  }

  test("a full disk: nothing told is lost, and room is used again", needsMount, async () => {
    await onSmallDisk(4, async () => {
      const ballast = join(folder, "small", "ballast");
      writeFileSync(ballast, Buffer.alloc(2 * 1024 * 1024));
      const store = await open();
      const refused = await fill(store, 20_000);
      await assert.rejects(store.commit(insert(refused, 20_000)), { code: "store-full" });
      const told = Array.from({ length: refused - 1 }, (_, i) => i + 1);
      assert.deepEqual(await countersIn(store), told);
      rmSync(ballast);
      await store.commit(insert(refused, 20_000));
      await store.close();
      const again = await open();
      assert.deepEqual(await countersIn(again), [...told, refused]);
      await again.close();
    });
  });

  test("a store cannot be made on a full disk, nor leaves anything", needsMount, async () => {
    await onSmallDisk(1, async () => {
      const ballast = join(folder, "small", "ballast");
      writeFileSync(ballast, Buffer.alloc(1020 * 1024));
      await assert.rejects(open(), { code: "store-full" });
      rmSync(ballast);
      await (await open()).close();
    });
  });

  test("a read-only disk is refused when opening", needsMount, async () => {
    await onSmallDisk(4, async () => {
      const store = await open();
      await store.commit(insert(1));
      await store.close();
      const at = join(folder, "small");
      execFileSync("mount", ["-o", "remount,ro", at]);
      await assert.rejects(open(), { code: "store-full" });
      execFileSync("mount", ["-o", "remount,rw", at]);
      const again = await openSqliteStore({ path, host });
      assert.deepEqual(await countersIn(again), [1]);
      await again.close();
    });
  });
});

function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    execFileSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
