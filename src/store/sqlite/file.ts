import {
  closeSync,
  fsyncSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { Host } from "../../host/host.ts";
import { fail, HoldfastError, reasonOf } from "../../model/errors.ts";
import { partitionsMax } from "../../model/ids.ts";
import { assert } from "../../std/assert.ts";
import { encodeBase32 } from "../../std/base32.ts";
import type { StoreInfo } from "../store.ts";
import { isFull } from "./faults.ts";
import { applicationId, formatVersion, migrations, schema } from "./format.ts";

/** Files up to this size are checked whole when they are opened; that takes some 10 ms. */
const quickCheckMax = 8 * 1024 * 1024;

/** Byte positions in the first 100 of an SQLite file (sqlite.org/fileformat2.html, section 1.3). */
const header = {
  length: 100,
  magic: "SQLite format 3\0",
  pageSize: 16,
  changeCounter: 24,
  pageCount: 28,
  userVersion: 60,
  applicationId: 68,
  validFor: 92,
} as const;

/** The one path of a file, through whatever links it was named. @throws `invalid-configuration` */
export function canonicalPath(path: string): string {
  const full = resolve(path);
  const folder = dirname(full);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    const reason = `${folder} is not a folder; the store's file must lie in one`;
    throw fail("invalid-configuration", { name: `path ${path}`, reason });
  }
  if (statSync(full, { throwIfNoEntry: false }) !== undefined) return realpathSync(full);
  return join(realpathSync(folder), basename(full));
}

/**
 * Makes the file if there is none, else refuses it unless it is a whole store of a known format. A
 * refused file is not touched. Only under the lock, and before any connection is open: closing a
 * file that SQLite has open would drop SQLite's locks on it (a rule of POSIX).
 *
 * @throws `store-foreign`, `store-damaged`, `store-newer`, `store-full`.
 */
export function prepareFile(path: string, partitions: number, host: Host): void {
  const size = sizeOf(path);
  if (size > 0) {
    inspectFile(path, size);
    return;
  }
  for (const remains of [`${path}-wal`, `${path}-journal`]) {
    if (sizeOf(remains) === 0) continue;
    throw fail("store-damaged", { path, reason: `it is empty, but ${remains} is not` });
  }
  makeFile(path, partitions, host);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Migrates if need be. The connection is fresh, and nobody else's. */
export function migrateFile(db: DatabaseSync, path: string): void {
  const row = db.prepare("PRAGMA user_version").get();
  const found = Number(row?.["user_version"]);
  if (found > formatVersion) throw newer(path, found);
  if (found === formatVersion) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    migrate(db, found, migrations);
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/** Runs the steps from a format on, and notes the one reached. Exported for its test. */
export function migrate(
  db: DatabaseSync,
  from: number,
  steps: readonly ((db: DatabaseSync) => void)[],
): void {
  assert(from >= 1, `a store of format ${from}`);
  for (const step of steps.slice(from - 1)) step(db);
  db.exec(`PRAGMA user_version = ${steps.length + 1}`);
}

export function readInfo(db: DatabaseSync): StoreInfo {
  const rows = db.prepare("SELECT name, value FROM meta").all();
  const values = new Map(rows.map((row) => [row["name"], row["value"]]));
  const tag = values.get("tag");
  const partitions = Number(values.get("partitions"));
  assert(typeof tag === "string" && tag.length === 4, "the store has no tag");
  assert(partitions >= 1 && partitions <= partitionsMax, "the store has no partitions");
  return { tag, partitions };
}

/**
 * A new store is made whole under another name and then renamed, so a crash leaves either none or a
 * finished one.
 */
function makeFile(path: string, partitions: number, host: Host): void {
  assert(
    Number.isInteger(partitions) && partitions >= 1 && partitions <= partitionsMax,
    `a store has 1 to ${partitionsMax} partitions, not ${partitions}`,
  );
  const draft = `${path}-new`;
  try {
    for (const leftover of [draft, `${draft}-journal`]) rmSync(leftover, { force: true });
    const db = new DatabaseSync(draft);
    try {
      db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion};
        PRAGMA synchronous = OFF; BEGIN`);
      makeTables(db, { tag: encodeBase32(host.random() % 32 ** 4, 4), partitions });
      db.exec("COMMIT");
    } finally {
      db.close();
    }
    syncPath(draft);
    renameSync(draft, path);
    syncPath(dirname(path));
  } catch (error) {
    if (!isFull(error)) throw error;
    throw fail("store-full", { reason: `${path}: ${reasonOf(error)}` }, error);
  }
}

/** The empty tables of a store, in a connection that has none. */
export function makeTables(db: DatabaseSync, info: StoreInfo): void {
  db.exec(schema);
  const put = db.prepare("INSERT INTO meta VALUES (?, ?)");
  put.run("tag", info.tag);
  put.run("partitions", String(info.partitions));
}

function syncPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function inspectFile(path: string, size: number): void {
  if (!statSync(path).isFile()) throw fail("store-foreign", { path, reason: "it is not a file" });
  const head = readHead(path);
  if (head.toString("latin1", 0, header.magic.length) !== header.magic) {
    throw fail("store-foreign", { path, reason: "it is not an SQLite file" });
  }
  if (head.length < header.length) {
    throw fail("store-damaged", { path, reason: `it ends after ${size} bytes` });
  }
  if (head.readUInt32BE(header.applicationId) !== applicationId) {
    throw fail("store-foreign", { path, reason: "it is a database of another application" });
  }
  const version = head.readUInt32BE(header.userVersion);
  if (version > formatVersion) throw newer(path, version);
  // With a WAL beside it the file itself may be behind: SQLite brings it up to date.
  if (sizeOf(`${path}-wal`) > 0) return;
  checkSize(path, head, size);
  if (size <= quickCheckMax) quickCheck(path);
}

function readHead(path: string): Buffer {
  const head = Buffer.alloc(header.length);
  const fd = openSync(path, "r");
  try {
    return head.subarray(0, readSync(fd, head, 0, head.length, 0));
  } finally {
    closeSync(fd);
  }
}

function checkSize(path: string, head: Buffer, size: number): void {
  // SQLite itself trusts the page count only under this condition.
  if (head.readUInt32BE(header.changeCounter) !== head.readUInt32BE(header.validFor)) return;
  const pageSize = head.readUInt16BE(header.pageSize);
  const expected = head.readUInt32BE(header.pageCount) * (pageSize === 1 ? 65_536 : pageSize);
  if (size >= expected) return;
  const reason = `it has ${size} bytes where its header says ${expected}`;
  throw fail("store-damaged", { path, reason });
}

/** `immutable`: neither locks nor recovery, so nothing beside the file appears either. */
function quickCheck(path: string): void {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  try {
    const db = new DatabaseSync(url, { readOnly: true });
    try {
      const found = db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
      if (found !== "ok") throw fail("store-damaged", { path, reason: String(found) });
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw fail("store-damaged", { path, reason: reasonOf(error) }, error);
  }
}

function newer(path: string, found: number): HoldfastError {
  return fail("store-newer", { path, found, known: formatVersion });
}
