import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, test } from "node:test";
import { makeNodeHost } from "../../host/node-host.ts";
import { sampleInvocation } from "../conformance/samples.ts";
import { makeBatch, type Store } from "../store.ts";
import { migrate } from "./file.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const host = makeNodeHost();

describe("store file", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-file-"));
    path = join(folder, "store.db");
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = (): Promise<Store> => openSqliteStore({ path, host });

  /** A store with something in it, closed. */
  async function makeStore(): Promise<void> {
    const store = await open();
    const [claim] = await store.claim([0], "test");
    const batch = makeBatch(new Map([[0, claim!.epoch]]));
    for (let i = 1; i <= 200; i++) batch.insertInvocations.push(sampleInvocation(i * 4096));
    await store.commit(batch);
    await store.close();
  }

  /** Expects the file to be refused, and everything to lie there as before. */
  async function refuse(code: string, reason: RegExp): Promise<void> {
    const before = snapshot(folder);
    await assert.rejects(open(), (error: Error & { code?: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, reason);
      return true;
    });
    assert.deepEqual(snapshot(folder), before);
  }

  test("a closed store is one file, beside the empty one that was its lock", async () => {
    await makeStore();
    assert.deepEqual(readdirSync(folder), ["store.db", "store.db-lock"]);
  });

  test("an empty file becomes a store", async () => {
    writeFileSync(path, "");
    await (await open()).close();
    assert.ok(readFileSync(path).length > 0);
  });

  test("a file that is not SQLite's is refused as foreign", async () => {
    writeFileSync(path, "Dear diary, today I was opened by mistake.".repeat(100));
    await refuse("store-foreign", /not an SQLite file/);
  });

  test("a database of another application is refused as foreign", async () => {
    const db = new DatabaseSync(path);
    db.exec("CREATE TABLE theirs (a)");
    db.close();
    await refuse("store-foreign", /another application/);
  });

  test("a folder is refused as foreign", async () => {
    mkdirSync(path);
    await refuse("store-foreign", /not a file/);
  });

  test("a newer format is refused as newer", async () => {
    await makeStore();
    const db = new DatabaseSync(path);
    db.exec("PRAGMA user_version = 99");
    db.close();
    await refuse("store-newer", /format 99/);
  });

  for (const [title, cut] of [
    ["a page", 4096],
    ["half a page", 2048],
    ["one byte", 1],
  ] as const) {
    test(`a file that lost ${title} at its end is refused as damaged`, async () => {
      await makeStore();
      truncateSync(path, readFileSync(path).length - cut);
      await refuse("store-damaged", /where its header says/);
    });
  }

  test("a file of which only the first bytes are left is refused as damaged", async () => {
    await makeStore();
    truncateSync(path, 50);
    await refuse("store-damaged", /ends after 50 bytes/);
  });

  test("a file with a page overwritten is refused as damaged", async () => {
    await makeStore();
    const bytes = readFileSync(path);
    bytes.fill(0xaa, 4096, 8192);
    writeFileSync(path, bytes);
    await refuse("store-damaged", /./);
  });

  test("an empty file whose WAL is not empty is refused as damaged", async () => {
    writeFileSync(path, "");
    writeFileSync(`${path}-wal`, "left over");
    await refuse("store-damaged", /-wal is not/);
  });

  test("a folder that does not exist is refused", async () => {
    path = join(folder, "none", "store.db");
    await refuse("invalid-configuration", /not a folder/);
  });

  test("random damage never passes unnoticed into a crash", async () => {
    await makeStore();
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at += 1013) {
      const bytes = Buffer.from(whole);
      bytes.fill(0xff, at, at + 16);
      writeFileSync(path, bytes);
      try {
        const store = await open();
        await store.load({ invocations: [4096] });
        await store.close();
      } catch (error) {
        const { code } = error as { code?: string }; // checked on the next line
        assert.ok(code === "store-damaged" || code === "store-foreign" || code === "store-newer");
      }
    }
  });
});

describe("migrations", () => {
  const steps = [
    (db: DatabaseSync) => db.exec("ALTER TABLE t ADD COLUMN b"),
    (db: DatabaseSync) => db.exec("UPDATE t SET b = a * 2"),
  ];
  const versionOf = (db: DatabaseSync): unknown =>
    db.prepare("PRAGMA user_version").get()!["user_version"];

  test("run from the format found to the one known", () => {
    const db = new DatabaseSync(":memory:");
    db.exec("CREATE TABLE t (a); INSERT INTO t VALUES (21)");
    migrate(db, 1, steps);
    assert.equal(db.prepare("SELECT b FROM t").get()!["b"], 42);
    assert.equal(versionOf(db), 3);
  });

  test("run none that ran before", () => {
    const db = new DatabaseSync(":memory:");
    db.exec("CREATE TABLE t (a, b); INSERT INTO t VALUES (21, 0)");
    migrate(db, 2, steps);
    assert.equal(db.prepare("SELECT b FROM t").get()!["b"], 42);
  });

  test("leave nothing behind when they fail inside a transaction", () => {
    const db = new DatabaseSync(":memory:");
    db.exec("CREATE TABLE t (a); PRAGMA user_version = 1; BEGIN");
    const broken = [...steps, (it: DatabaseSync) => it.exec("no such statement")];
    assert.throws(() => migrate(db, 1, broken));
    db.exec("ROLLBACK");
    assert.equal(versionOf(db), 1);
    assert.equal(db.prepare("SELECT * FROM t").columns().length, 1);
  });
});

function snapshot(folder: string): [string, string][] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.name.endsWith("-lock"))
    .map((entry) => [
      entry.name,
      entry.isFile() ? readFileSync(join(folder, entry.name)).toString("base64") : "folder",
    ]);
}
