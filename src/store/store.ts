import type { Entry } from "../model/entry.ts";
import type { InvocationNumber } from "../model/ids.ts";
import type { Invocation, Status } from "../model/invocation.ts";
import type { Awaitable } from "./awaitable.ts";
import type { RelationReads, RelationWrites } from "./relations.ts";

/**
 * Where it all lives. One writer: the engine's loop, which calls `commit` once per batch, and while
 * others are under way only if `canOverlap` says so. Reads may happen at any time and see every batch for which
 * `commit` was called before them, durable or not; the engine keeps what it read from leaving before
 * it is durable.
 */
export interface Store {
  readonly info: StoreInfo;
  /** Path or address, for people. */
  readonly location: string;

  /**
   * Takes the partitions for this owner: raises their epochs, which fences every earlier owner out.
   * @returns the new epoch of each partition, and where its counter goes on.
   */
  claim(partitions: readonly number[], owner: string): Awaitable<PartitionClaim[]>;

  /**
   * Whether another commit may be called while some have not settled. Never true after one of them
   * has failed, so that nothing is ever written on top of a batch that is missing.
   */
  readonly canOverlap: boolean;

  /**
   * Writes all of the batch or nothing. The batch is read before the call returns, so the engine
   * goes on changing its records at once. Resolves when everything is durable (as after fsync).
   *
   * Rejects with `fenced-out` when an epoch is no longer current, `store-full` when there is no room
   * or the disk is read-only (nothing was written), `store-failed` for all else (it is not known
   * whether it was written; the store has re-read its own state before it rejects, so that later
   * reads and commits can be trusted).
   */
  commit(batch: Batch): Promise<void>;

  /** Everything one batch of commands touches, in one round trip; answers in the order asked. */
  load(request: LoadRequest): Awaitable<Loaded>;

  /** Invocations with status `running` or `backing-off`, by number, after the given one. */
  scanActive(partition: number, after: InvocationNumber, limit: number): Awaitable<Invocation[]>;
  /** Timers with `due <= until`, ordered by due time, then number, then command. */
  scanTimers(until: number, limit: number): Awaitable<Timer[]>;
  /** The earliest due time of all timers, or null. */
  nextTimer(): Awaitable<number | null>;
  /** Ended invocations with `expiresAt <= until`, earliest first. */
  scanExpired(until: number, limit: number): Awaitable<InvocationNumber[]>;
  /** Idempotency rows with `expiresAt <= until`. */
  scanExpiredIdempotency(until: number, limit: number): Awaitable<IdempotencyAddress[]>;
  /** Earliest `expiresAt` of invocations and idempotency keys, or null. */
  nextExpiry(): Awaitable<number | null>;
  /** Messages of a partition not yet received by their destination, in order of sequence. */
  scanOutbox(partition: number, after: number, limit: number): Awaitable<OutboxMessage[]>;
  /** The highest sequence received per source, for one partition. */
  loadReceived(partition: number): Awaitable<{ source: number; sequence: number }[]>;
  loadSchedules(): Awaitable<Schedule[]>;
  /** Live invocations by status, for metrics. */
  countByStatus(): Awaitable<Record<string, number>>;
  /** What is kept for authorization. */
  readonly relations: RelationReads;

  /**
   * Runs one read-only statement over the documented views, in another thread or process, so that a
   * heavy question does not stop the loop. Rejects with `invalid-query` or `query-timed-out`.
   */
  query(sql: string, parameters: readonly SqlValue[], bounds: QueryBounds): Promise<QueryResult>;

  /** Ends what runs, and lets go of the file. No call may follow. */
  close(): Promise<void>;
}

export interface StoreInfo {
  /** Four characters that mark the ids of this store. */
  readonly tag: string;
  /** How many partitions it has; fixed when it was made. */
  readonly partitions: number;
}

export interface PartitionClaim {
  readonly partition: number;
  readonly epoch: number;
  /** No number with this counter or a higher one was ever given out. */
  readonly counter: number;
}

export interface KeyAddress {
  readonly service: string;
  readonly key: string;
}

export interface IdempotencyAddress {
  /** `service/handler`, and `/key` for keyed services. */
  readonly scope: string;
  readonly idempotencyKey: string;
}

export interface Idempotency extends IdempotencyAddress {
  readonly partition: number;
  readonly number: InvocationNumber;
  /** Hash of the input, to tell a repetition from a mistake. */
  readonly inputHash: number;
  /** With its invocation; until that ends, never. */
  expiresAt: number;
}

export interface Timer {
  readonly due: number;
  readonly number: InvocationNumber;
  /** The command it answers for `sleep`; -1 otherwise. */
  readonly command: number;
  readonly kind: TimerKind;
}

/** `sleep` answers a command; `start` makes a scheduled invocation due; `retry` the next attempt; `deadline` ends it. */
export type TimerKind = "sleep" | "start" | "retry" | "deadline";

export interface StateWrite {
  readonly service: string;
  readonly key: string;
  readonly name: string;
  /** JSON, or null to delete. */
  readonly value: string | null;
}

export interface DurablePromise {
  /** The invocation it belongs to. */
  readonly number: InvocationNumber;
  readonly name: string;
  status: "pending" | "resolved" | "rejected";
  value: string | null;
  waiters: { number: InvocationNumber; command: number }[];
  readonly createdAt: number;
  settledAt: number | null;
}

export interface OutboxMessage {
  /** Source partition. */
  readonly partition: number;
  /** Grows by one per message of a source partition and destination partition pair's source. */
  readonly sequence: number;
  readonly destination: number;
  /** A JSON-encoded command. */
  readonly payload: string;
}

export interface Schedule {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly service: string;
  readonly handler: string;
  readonly key: string | null;
  readonly input: string | null;
  /** What to do when the last run is still going: start anyway, skip, or wait for it. */
  readonly overlap: "allow" | "skip" | "queue";
  /** Runs missed while nothing was running: none, the last one, or all. */
  readonly backfill: "none" | "last" | "all";
  paused: boolean;
  /** Whether it came from the application's definitions (and leaves with them). */
  readonly declared: boolean;
  readonly createdAt: number;
  lastAt: number | null;
  lastNumber: InvocationNumber | null;
  nextAt: number | null;
  /** Runs held back by `overlap: "queue"`. */
  pending: number;
}

/**
 * Everything one batch writes. Records are shared with the engine and read at once.
 *
 * It is applied in this order, which matters where lists name the same row: invocations inserted,
 * then updated; journals truncated, then continued; timers inserted, then deleted; idempotency keys
 * deleted, then put; outbox appended, then truncated; schedules deleted, then put; then the
 * invocations deleted, with what belongs to them; at last what is written for authorization.
 */
export interface Batch extends RelationWrites {
  /** Partition and the epoch that the engine believes in, for each partition touched. */
  readonly epochs: ReadonlyMap<number, number>;
  readonly insertInvocations: Invocation[];
  /** Only status, output, endedAt, expiresAt, deployment, position, entries and extra may differ. */
  readonly updateInvocations: Invocation[];
  /**
   * Deletes the invocation, its journal and its promises, and with the latest run of a workflow the
   * state of its key. Its timers were deleted when it ended.
   */
  readonly deleteInvocations: InvocationNumber[];
  readonly appendEntries: { readonly number: InvocationNumber; readonly entry: Entry }[];
  /** Deletes the entries from this index on. */
  readonly truncateJournals: { readonly number: InvocationNumber; readonly from: number }[];
  readonly writeState: StateWrite[];
  readonly insertTimers: Timer[];
  readonly deleteTimers: Timer[];
  readonly putPromises: DurablePromise[];
  readonly putIdempotency: Idempotency[];
  readonly deleteIdempotency: IdempotencyAddress[];
  readonly insertOutbox: OutboxMessage[];
  /** Forgets the messages of a source partition to a destination up to a sequence. */
  readonly truncateOutbox: {
    readonly partition: number;
    readonly destination: number;
    readonly upTo: number;
  }[];
  readonly putReceived: {
    readonly partition: number;
    readonly source: number;
    readonly sequence: number;
  }[];
  readonly putSchedules: Schedule[];
  readonly deleteSchedules: string[];
  /** Reserves counters: numbers below it may be given out without another write. */
  readonly reserveCounters: { readonly partition: number; readonly counter: number }[];
}

export interface LoadRequest {
  readonly invocations?: readonly InvocationNumber[];
  readonly journals?: readonly InvocationNumber[];
  readonly keys?: readonly KeyAddress[];
  readonly idempotency?: readonly IdempotencyAddress[];
  readonly promises?: readonly { readonly number: InvocationNumber; readonly name: string }[];
}

export interface Loaded {
  readonly invocations: readonly (Invocation | null)[];
  readonly journals: readonly Entry[][];
  readonly keys: readonly LoadedKey[];
  readonly idempotency: readonly (Idempotency | null)[];
  readonly promises: readonly (DurablePromise | null)[];
}

export interface LoadedKey {
  /** State entries: name and JSON. */
  readonly state: readonly (readonly [name: string, value: string])[];
  /** Invocations of the key with mode `exclusive` that have not ended and are not `scheduled`, by position. */
  readonly open: readonly { readonly number: InvocationNumber; readonly status: Status }[];
  /** The latest invocation with mode `workflow`, ended or not; null if none is kept. */
  readonly workflow: InvocationNumber | null;
}

export type SqlValue = string | number | null;

export interface QueryBounds {
  readonly timeoutMs: number;
  readonly rowsMax: number;
}

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  /** Whether there were more rows than `rowsMax`. */
  readonly truncated: boolean;
}

/** An empty batch with these epochs. */
export function makeBatch(epochs: ReadonlyMap<number, number>): Batch {
  return {
    epochs,
    insertInvocations: [],
    updateInvocations: [],
    deleteInvocations: [],
    appendEntries: [],
    truncateJournals: [],
    writeState: [],
    insertTimers: [],
    deleteTimers: [],
    putPromises: [],
    putIdempotency: [],
    deleteIdempotency: [],
    insertOutbox: [],
    truncateOutbox: [],
    putReceived: [],
    putSchedules: [],
    deleteSchedules: [],
    reserveCounters: [],
    putTenants: [],
    putSchemas: [],
    putDocuments: [],
    relations: [],
    trimRelations: [],
    deleteTenants: [],
  };
}
