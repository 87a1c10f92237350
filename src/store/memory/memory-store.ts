import { fail, reasonOf } from "../../model/errors.ts";
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
import type { MemoryDisk, Write } from "./memory-disk.ts";
import { queryTables } from "./query.ts";
import * as read from "./read.ts";
import { MemoryRelations } from "./relation-reads.ts";
import { freezeBatch } from "./tables.ts";

/** What is made to go wrong with a commit. */
export type CommitFault =
  /** `store-full`: nothing is written. */
  | "full"
  /** `store-failed`, and nothing was written. */
  | "failed"
  /** `store-failed`, although everything was written and is durable. */
  | "failed-written";

export interface MemoryOptions {
  /** How long the disk takes: resolves when what was written before the call is durable. */
  readonly sync?: () => Promise<void>;
  /** Asked once per commit, when it is called. */
  readonly fault?: (batch: Batch) => CommitFault | null;
}

/**
 * A store in memory, for simulation and tests. Knows neither clock nor chance: when a commit ends
 * and what goes wrong is decided by the options alone.
 */
export function openMemoryStore(disk: MemoryDisk, options: MemoryOptions = {}): Store {
  return new MemoryStore(disk, options);
}

/** Enough for simulation to find what overlapping can break. */
const overlapMax = 4;

class MemoryStore implements Store {
  readonly info: StoreInfo;
  readonly location = "memory";
  readonly relations: MemoryRelations;
  readonly #disk: MemoryDisk;
  readonly #sync: () => Promise<void>;
  readonly #fault: (batch: Batch) => CommitFault | null;
  readonly #crashes: number;
  #outstanding = 0;
  #held = false;
  #closed = false;

  constructor(disk: MemoryDisk, options: MemoryOptions) {
    this.info = disk.info;
    this.#disk = disk;
    this.#sync = options.sync ?? (() => Promise.resolve());
    this.#fault = options.fault ?? (() => null);
    this.#crashes = disk.crashes;
    this.relations = new MemoryRelations(() => this.#tables().relations);
  }

  async claim(partitions: readonly number[], owner: string): Promise<PartitionClaim[]> {
    this.#checkOpen();
    for (const partition of partitions) {
      assert(partition >= 0 && partition < this.info.partitions, `no partition ${partition}`);
    }
    const written = this.#write((tables) => {
      for (const partition of partitions) tables.claim(partition, owner);
    });
    // Read now: by the time it is durable, the next owner may have claimed them.
    const claims = partitions.map((partition) => {
      const row = this.#disk.visible.partitions.get(partition);
      assert(row !== undefined, `partition ${partition} was claimed`);
      return { partition, epoch: row.epoch, counter: row.counter };
    });
    await written;
    return claims;
  }

  commit(batch: Batch): Promise<void> {
    this.#checkOpen();
    assert(this.#outstanding === 0 || this.canOverlap, "this commit must wait for the ones before");
    this.#outstanding++;
    const done = this.#commit(freezeBatch(batch));
    return done.finally(() => {
      this.#outstanding--;
      if (this.#outstanding === 0) this.#held = false;
    });
  }

  get canOverlap(): boolean {
    return !this.#held && this.#outstanding < overlapMax;
  }

  /** Up to the first await this runs inside the call of `commit`. */
  async #commit(batch: Batch): Promise<void> {
    let fault: CommitFault | null;
    try {
      this.#checkEpochs(batch);
      fault = this.#fault(batch);
    } catch (error) {
      this.#held = true;
      throw error;
    }
    if (fault !== null) this.#held = true;
    if (fault === "full") throw fail("store-full", { reason: "the simulated disk is full" });
    if (fault === "failed") throw fail("store-failed", { reason: "the simulated disk failed" });
    try {
      await this.#write((tables) => tables.apply(batch));
    } catch (error) {
      this.#held = true;
      throw fail("store-failed", { reason: reasonOf(error) }, error);
    }
    if (fault === "failed-written") {
      throw fail("store-failed", { reason: "the simulated disk wrote, and failed then" });
    }
  }

  #checkEpochs(batch: Batch): void {
    const { partitions } = this.#disk.visible;
    for (const [partition, epoch] of batch.epochs) {
      if (partitions.get(partition)?.epoch !== epoch) throw fail("fenced-out", { partition });
    }
  }

  /** A sync that rejects is made good, as SQLite's store does with a checkpoint. */
  async #write(write: Write): Promise<void> {
    const position = this.#disk.write(write);
    try {
      await this.#sync();
    } finally {
      await this.#survive();
      this.#disk.settle(position);
    }
  }

  /** After a crash of the disk the process is gone as well: what waits waits for ever. */
  #survive(): Promise<void> {
    if (this.#disk.crashes === this.#crashes) return Promise.resolve();
    return new Promise(() => undefined);
  }

  load(request: LoadRequest): Loaded {
    return read.load(this.#tables(), request);
  }

  scanActive(partition: number, after: InvocationNumber, limit: number): Invocation[] {
    return read.scanActive(this.#tables(), partition, after).slice(0, limit);
  }

  scanTimers(until: number, limit: number): Timer[] {
    return read.scanTimers(this.#tables(), until).slice(0, limit);
  }

  nextTimer(): number | null {
    return read.nextTimer(this.#tables());
  }

  scanExpired(until: number, limit: number): InvocationNumber[] {
    return read.scanExpired(this.#tables(), until).slice(0, limit);
  }

  scanExpiredIdempotency(until: number, limit: number): IdempotencyAddress[] {
    return read.scanExpiredIdempotency(this.#tables(), until).slice(0, limit);
  }

  nextExpiry(): number | null {
    return read.nextExpiry(this.#tables());
  }

  scanOutbox(partition: number, after: number, limit: number): OutboxMessage[] {
    return read.scanOutbox(this.#tables(), partition, after).slice(0, limit);
  }

  loadReceived(partition: number): { source: number; sequence: number }[] {
    return read.loadReceived(this.#tables(), partition);
  }

  loadSchedules(): Schedule[] {
    return read.loadSchedules(this.#tables());
  }

  countByStatus(): Record<string, number> {
    return read.countByStatus(this.#tables());
  }

  /** On this thread, so that simulation stays exact; a query without end is not stopped here. */
  async query(
    sql: string,
    parameters: readonly SqlValue[],
    bounds: QueryBounds,
  ): Promise<QueryResult> {
    const result = queryTables(this.#tables(), this.info, { sql, parameters, bounds });
    // Nothing leaves before it is durable: an empty write is durable after all before it.
    await this.#write(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #tables(): MemoryDisk["visible"] {
    this.#checkOpen();
    return this.#disk.visible;
  }

  #checkOpen(): void {
    assert(!this.#closed, "a call to a store that was closed");
    assert(this.#disk.crashes === this.#crashes, "a call to a store whose disk has crashed since");
  }
}
