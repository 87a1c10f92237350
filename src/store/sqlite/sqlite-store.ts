import { closeSync, fdatasync, fdatasyncSync, fstatSync, openSync, writeSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { promisify } from "node:util";
import type { Host } from "../../host/host.ts";
import { fail, HoldfastError, reasonOf } from "../../model/errors.ts";
import type { InvocationNumber } from "../../model/ids.ts";
import type { Invocation } from "../../model/invocation.ts";
import { assert } from "../../std/assert.ts";
import type {
  Batch,
  IdempotencyAddress,
  Loaded,
  LoadRequest,
  OutboxMessage,
  PartitionClaim,
  QueryBounds,
  QueryResult,
  Schedule,
  SqlValue,
  Store,
  StoreInfo,
  Timer,
} from "../store.ts";
import { commitFault, primaryCode, resultCodes } from "./faults.ts";
import { canonicalPath, migrateFile, prepareFile, readInfo } from "./file.ts";
import { FreshVersions } from "./fresh-versions.ts";
import { type FileLock, lockFile } from "./lock.ts";
import { Names } from "./names.ts";
import { QueryRunner } from "./query-runner.ts";
import { Reader } from "./reader.ts";
import { SqliteRelations } from "./relation-reader.ts";
import { Question } from "./rows.ts";
import { ScanRunner } from "./scan-runner.ts";
import { WalKeeper, walBytesDefault } from "./wal-keeper.ts";
import { BatchWriter } from "./writer.ts";

export interface SqliteOptions {
  readonly path: string;
  readonly host: Host;
  /** How many partitions a new store gets; an existing one keeps its own. */
  readonly partitions?: number;
  /** Makes the WAL durable: fdatasync. Replaced to simulate a slow or failing disk. */
  readonly sync?: (fd: number) => Promise<void>;
  /** Past this size the WAL is emptied; it may grow to twice as much under heavy load. */
  readonly walBytes?: number;
  /** PRAGMAs to set after opening, such as `max_page_count`, to simulate a full disk. */
  readonly pragmas?: string;
  /** How many versions wait before they go to their places; fewer to see that happen. */
  readonly freshMax?: number;
}

/**
 * Opens the store in a file, making it if there is none.
 *
 * The connection lives on the calling thread, with `synchronous=NORMAL` and no automatic
 * checkpoints. A batch is one transaction of prepared statements, which only writes to the page
 * cache; the WAL is then made durable with one fdatasync in libuv's thread pool, and the commit
 * resolves when that has ended. That is what `synchronous=FULL` does, fsync for fsync, except that
 * the event loop does not wait for the disk. Measured, both write as many rows a second, and this
 * way the thread is free for about half of that time.
 *
 * After a failed fdatasync the kernel may have dropped what it could not write, and the next
 * fdatasync would not say so. So the pages are written a second time, into the database file, by a
 * full checkpoint, and no commit is accepted until that is durable.
 *
 * @throws `store-in-use`, `store-foreign`, `store-damaged`, `store-newer`, `store-full`.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const path = canonicalPath(options.path);
  const lock = takeLock(path, options.host);
  try {
    prepareFile(path, options.partitions ?? 16, options.host);
  } catch (error) {
    lock.undo();
    throw error;
  }
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 1000 });
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;
      PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; ${options.pragmas ?? ""}`);
    migrateFile(db, path);
    // Makes the WAL file, and fails now rather than later where nothing can be written.
    db.exec("BEGIN IMMEDIATE; UPDATE meta SET value = value WHERE name = 'tag'; COMMIT");
    const store = new SqliteStore(path, db, lock, options);
    // What a killed process left in the WAL is visible from here on, so it must be durable first.
    await store.settle();
    return store;
  } catch (error) {
    db?.close();
    lock.release();
    throw openFault(error, path);
  }
}

function takeLock(path: string, host: Host): FileLock {
  try {
    return lockFile(path, host);
  } catch (error) {
    throw openFault(error, path);
  }
}

function openFault(error: unknown, path: string): unknown {
  if (error instanceof HoldfastError) return error;
  const code = primaryCode(error);
  if (code === resultCodes.corrupt || code === resultCodes.notADatabase) {
    return fail("store-damaged", { path, reason: reasonOf(error) }, error);
  }
  return code === 0 ? error : commitFault(error);
}

/**
 * How many commits may be under way at once. While the disk is busy with some, the next is already
 * written, so a slow sync costs each request one wait and not two. Measured with 200 callers and a
 * sync of 10 ms: 8,700 calls/s with one, 12,100 with two, 13,500 with eight, 14,500 with sixteen.
 */
const overlapMax = 16;

/** A batch of so few rows, when it is alone, is made durable without leaving the thread. */
const inlineRows = 16;
/** So many versions are put in their places at once, where they are asked for there. */
const placedAtOnce = 500;
/** And only while syncs take less than this many milliseconds. */
const blockMs = 1;

function countRows(batch: Batch): number {
  let rows =
    batch.appendEntries.length + batch.insertInvocations.length + batch.updateInvocations.length;
  for (const { inserts, deletes } of batch.relations) rows += inserts.length + deletes.length;
  for (const { limit } of batch.trimRelations) rows += limit;
  return rows;
}

/**
 * Writes zeros into an empty WAL, so that commits overwrite and do not extend it: a sync that need
 * not make a new length durable is a quarter cheaper (measured on ext4: 130 instead of 175 us).
 * SQLite takes what follows its last valid frame for nothing, as after a crash.
 */
function reserve(fd: number, bytes: number): void {
  if (fstatSync(fd).size > 0) return;
  const zeros = new Uint8Array(256 * 1024);
  for (let at = 0; at < bytes; at += zeros.length) {
    writeSync(fd, zeros, 0, Math.min(zeros.length, bytes - at), at);
  }
}

class SqliteStore implements Store {
  readonly info: StoreInfo;
  readonly location: string;
  readonly relations: SqliteRelations;
  readonly #db: DatabaseSync;
  readonly #lock: FileLock;
  readonly #host: Host;
  readonly #sync: (fd: number) => Promise<void>;
  readonly #walFd: number;
  readonly #wal: WalKeeper;
  readonly #reader: Reader;
  readonly #writer: BatchWriter;
  readonly #queries: QueryRunner;
  readonly #scans: ScanRunner;
  readonly #names: Names;
  readonly #fresh: FreshVersions;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  readonly #dataVersion: Question;
  /** What the table `partitions` says, as of `#version`. */
  readonly #epochs = new Map<number, number>();
  #version = -1;
  /** How long syncs have taken of late. */
  #syncMs = blockMs;
  /** Whether the caller brought its own sync. */
  readonly #replaced: boolean;
  /** Commits that have not settled. */
  #outstanding = 0;
  /** One of them has failed, or the WAL is being emptied: no other may be written before they settle. */
  #held = false;
  /** A failed sync could not be made good yet; until then nothing is written. */
  #suspect = false;
  /** Settles when all that is written is durable. */
  #durable: Promise<void> = Promise.resolve();
  /** Settles when what waited for its place has it. */
  #placing: Promise<void> = Promise.resolve();
  #closing = false;

  constructor(path: string, db: DatabaseSync, lock: FileLock, options: SqliteOptions) {
    this.location = path;
    this.info = readInfo(db);
    this.#db = db;
    this.#lock = lock;
    this.#host = options.host;
    this.#sync = options.sync ?? promisify(fdatasync);
    this.#replaced = options.sync !== undefined;
    // SQLite keeps no locks on the WAL, so another descriptor of it may come and go.
    this.#walFd = openSync(`${path}-wal`, "r+");
    this.#wal = new WalKeeper(path, {
      size: () => fstatSync(this.#walFd).size,
      reserve: (bytes) => reserve(this.#walFd, bytes),
      bytes: options.walBytes ?? walBytesDefault,
      log: options.host.log,
    });
    this.#reader = new Reader(db);
    this.#names = new Names(db, "write");
    this.#fresh = new FreshVersions(db, options.freshMax);
    this.#writer = new BatchWriter(db, this.#names, this.#fresh);
    this.#scans = new ScanRunner(path);
    this.relations = new SqliteRelations(db, {
      names: this.#names,
      fresh: this.#fresh,
      scans: this.#scans,
      place: () => this.#place().catch(() => undefined),
    });
    this.#queries = new QueryRunner(path, this.info.tag, options.host);
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#end = db.prepare("COMMIT");
    this.#dataVersion = new Question(db, "PRAGMA data_version");
  }

  commit(batch: Batch): Promise<void> {
    assert(this.#outstanding === 0 || this.canOverlap, "this commit must wait for the ones before");
    return this.#write(() => {
      this.#checkEpochs(batch.epochs);
      this.#writer.write(batch);
    }, countRows(batch));
  }

  async claim(partitions: readonly number[], owner: string): Promise<PartitionClaim[]> {
    let claims: PartitionClaim[] = [];
    await this.#durable.catch(() => undefined);
    await this.#write(() => {
      const raise = this.#db.prepare(`INSERT INTO partitions VALUES (?, 1, 1, ?)
        ON CONFLICT DO UPDATE SET epoch = epoch + 1, owner = excluded.owner
        RETURNING epoch, counter`);
      claims = partitions.map((partition) => {
        assert(partition >= 0 && partition < this.info.partitions, `no partition ${partition}`);
        const row = raise.get(partition, owner);
        return { partition, epoch: Number(row?.["epoch"]), counter: Number(row?.["counter"]) };
      });
    });
    for (const { partition, epoch } of claims) this.#epochs.set(partition, epoch);
    return claims;
  }

  /** Makes durable what is in the WAL. */
  settle(): Promise<void> {
    this.#outstanding++;
    this.#durable = this.#harden();
    return this.#settling(this.#durable);
  }

  /** With the last that settles, what one of them held is let go. */
  #settling(written: Promise<void>): Promise<void> {
    return written.finally(() => {
      this.#outstanding--;
      if (this.#outstanding === 0) this.#held = false;
    });
  }

  /** One transaction, at once; the promise is for its durability. */
  #write(work: () => void, rows = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#suspect) return this.#retryRecovery();
    this.#outstanding++;
    let written: Promise<void>;
    try {
      this.#transact(work);
      written = rows <= inlineRows && this.#mayBlock ? this.#hardenInline() : this.#harden();
      this.#durable = written;
    } catch (error) {
      written = this.#refuse(commitFault(error));
    }
    this.#durable.catch(() => undefined); // the caller has it too; a query may never ask
    return this.#settling(written);
  }

  get canOverlap(): boolean {
    return !this.#held && !this.#suspect && this.#outstanding < overlapMax;
  }

  #transact(work: () => void): void {
    this.#begin.run();
    try {
      work();
      this.#end.run();
    } catch (error) {
      // Some errors, a full disk among them, make SQLite roll back by itself.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      this.#version = -1;
      this.#names.reload();
      this.#fresh.reload();
      throw error;
    }
  }

  /**
   * Puts all versions that wait now in their places, a few milliseconds at a time. That they are kept
   * is durable already, so nobody waits for this to be.
   */
  #place(): Promise<void> {
    const before = this.#placing.catch(() => undefined);
    this.#placing = before.then(() => this.#placeWaiting());
    return this.#placing;
  }

  async #placeWaiting(): Promise<void> {
    const fresh = this.#fresh;
    const until = fresh.laps + (fresh.inLap ? 2 : 1);
    while (fresh.size > 0 && fresh.laps < until && !this.#closing) {
      if (this.#suspect) throw fail("store-failed", { reason: "a sync failed before" });
      // While the WAL is emptied nothing is written.
      if (this.#held) await this.#durable.catch(() => undefined);
      else this.#placeSome();
      await new Promise<void>((resolve) => this.#host.defer(resolve));
    }
  }

  #placeSome(): void {
    try {
      this.#transact(() => this.#fresh.place(placedAtOnce));
    } catch (error) {
      throw commitFault(error);
    }
  }

  /** Nothing was written. A full disk may have room again once the WAL is emptied. */
  async #refuse(error: HoldfastError): Promise<void> {
    this.#held = true;
    if (error.code === "store-full") await this.#wal.empty();
    throw error;
  }

  /**
   * Inside the transaction, where nobody else can write. `data_version` changes whenever another
   * connection has written; as long as it has not, the epochs in memory are those in the table.
   */
  #checkEpochs(believed: ReadonlyMap<number, number>): void {
    const version = this.#dataVersion.first()?.[0];
    assert(typeof version === "number", "PRAGMA data_version gave no number");
    if (version !== this.#version) {
      for (const row of this.#db.prepare("SELECT partition, epoch FROM partitions").iterate()) {
        this.#epochs.set(Number(row["partition"]), Number(row["epoch"]));
      }
      this.#version = version;
    }
    for (const [partition, epoch] of believed) {
      if (this.#epochs.get(partition) !== epoch) throw fail("fenced-out", { partition });
    }
  }

  /** A disk that has been fast, and nothing else under way: blocking costs less than a thread does. */
  get #mayBlock(): boolean {
    return this.#syncMs < blockMs && this.#outstanding === 1 && !this.#replaced;
  }

  #hardenInline(): Promise<void> {
    const start = this.#host.monotonic();
    try {
      fdatasyncSync(this.#walFd);
    } catch (error) {
      return this.#syncFailed(error);
    }
    this.#noteSync(start);
    return this.#wal.isDue() ? this.#keep() : Promise.resolve();
  }

  /** A moving average, which one slow sync sets back at once. */
  #noteSync(start: number): void {
    const took = this.#host.monotonic() - start;
    this.#syncMs = took > blockMs ? took : this.#syncMs * 0.9 + took * 0.1;
  }

  async #keep(): Promise<void> {
    this.#held = true;
    await this.#wal.keep();
  }

  async #harden(): Promise<void> {
    const start = this.#host.monotonic();
    try {
      await this.#sync(this.#walFd);
      this.#noteSync(start);
    } catch (error) {
      return this.#syncFailed(error);
    }
    if (this.#wal.isDue()) await this.#keep();
  }

  async #syncFailed(error: unknown): Promise<never> {
    this.#held = true;
    await this.#recover(reasonOf(error));
    throw fail("store-failed", { reason: reasonOf(error) }, error);
  }

  async #recover(reason: string): Promise<void> {
    this.#suspect = true;
    // A query's snapshot would keep the checkpoint from completing.
    await this.#queries.stop();
    await this.#scans.settle();
    this.#suspect = !(await this.#wal.empty());
    this.#version = -1;
    if (!this.#suspect) this.#durable = Promise.resolve();
    const outcome = this.#suspect ? "and cannot be made good yet" : "and was made good";
    this.#host.log("error", `A sync of the store failed, ${outcome}`, { reason });
  }

  async #retryRecovery(): Promise<void> {
    await this.#recover("a sync that failed before");
    const reason = this.#suspect
      ? "an earlier sync failed, and the file cannot be written either"
      : "an earlier sync failed; the store has just recovered from it";
    throw fail("store-failed", { reason });
  }

  load(request: LoadRequest): Loaded {
    return this.#reader.load(request);
  }

  scanActive(partition: number, after: InvocationNumber, limit: number): Invocation[] {
    return this.#reader.scanActive(partition, after, limit);
  }

  scanTimers(until: number, limit: number): Timer[] {
    return this.#reader.scanTimers(until, limit);
  }

  nextTimer(): number | null {
    return this.#reader.nextTimer();
  }

  scanExpired(until: number, limit: number): InvocationNumber[] {
    return this.#reader.scanExpired(until, limit);
  }

  scanExpiredIdempotency(until: number, limit: number): IdempotencyAddress[] {
    return this.#reader.scanExpiredIdempotency(until, limit);
  }

  nextExpiry(): number | null {
    return this.#reader.nextExpiry();
  }

  scanOutbox(partition: number, after: number, limit: number): OutboxMessage[] {
    return this.#reader.scanOutbox(partition, after, limit);
  }

  loadReceived(partition: number): { source: number; sequence: number }[] {
    return this.#reader.loadReceived(partition);
  }

  loadSchedules(): Schedule[] {
    return this.#reader.loadSchedules();
  }

  countByStatus(): Record<string, number> {
    return this.#reader.countByStatus();
  }

  async query(
    sql: string,
    parameters: readonly SqlValue[],
    bounds: QueryBounds,
  ): Promise<QueryResult> {
    // Queries see tables and nothing else.
    if (this.#fresh.size > 0) await this.#place();
    const result = await this.#queries.run(sql, parameters, bounds);
    // The query may have seen a batch whose sync still runs.
    await this.#durable;
    return result;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#placing.catch(() => undefined);
    await this.#durable.catch(() => undefined);
    await this.#queries.stop();
    await this.#scans.close();
    await this.#wal.close();
    closeSync(this.#walFd);
    this.#db.close();
    this.#lock.release();
  }
}
