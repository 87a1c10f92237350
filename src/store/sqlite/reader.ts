import type { DatabaseSync } from "node:sqlite";
import type { Entry } from "../../model/entry.ts";
import { type InvocationNumber, partitionsMax } from "../../model/ids.ts";
import type { Invocation } from "../../model/invocation.ts";
import type {
  DurablePromise,
  Idempotency,
  IdempotencyAddress,
  KeyAddress,
  Loaded,
  LoadedKey,
  LoadRequest,
  OutboxMessage,
  Schedule,
  Timer,
} from "../store.ts";
import { BulkReader, bulkTexts } from "./bulk-reader.ts";
import { statuses, wordOf } from "./codes.ts";
import { holdsKey, isLive, isWorkflow } from "./format.ts";
import {
  decodeEntry,
  decodeIdempotency,
  decodeInvocation,
  decodeOpen,
  decodePromise,
  decodeSchedule,
  decodeStateEntry,
  decodeTimer,
  entryColumns,
  idempotencyColumns,
  invocationColumns,
  promiseColumns,
  Question,
  scheduleColumns,
  timerColumns,
} from "./rows.ts";

const partitionOf = `number % ${partitionsMax}`;

// The two statuses are asked for one by one, so that each is one range of the index and the two
// are merged in order of number without sorting.
const activeWith = (status: number): string => `SELECT ${invocationColumns} FROM invocations
  WHERE status = ${status} AND ${isLive} AND ${partitionOf} = ?1 AND number > ?2`;

const questionTexts = {
  invocation: `SELECT ${invocationColumns} FROM invocations WHERE number = ?`,
  journal: `SELECT ${entryColumns} FROM journal WHERE number = ? ORDER BY idx`,
  state: "SELECT name, value FROM state WHERE service = ? AND key = ? ORDER BY name",
  open: `SELECT number, status FROM invocations
    WHERE service = ? AND key = ? AND ${holdsKey} ORDER BY position, number`,
  workflow: `SELECT max(number) FROM invocations
    WHERE service = ? AND key = ? AND ${isWorkflow}`,
  idempotency: `SELECT ${idempotencyColumns} FROM idempotency
    WHERE scope = ? AND idempotency_key = ?`,
  promise: `SELECT ${promiseColumns} FROM promises WHERE number = ? AND name = ?`,
  active: `${activeWith(2)} UNION ALL ${activeWith(4)} ORDER BY number LIMIT ?3`,
  timers: `SELECT ${timerColumns} FROM timers WHERE due <= ?
    ORDER BY due, number, command, kind LIMIT ?`,
  nextTimer: "SELECT min(due) FROM timers",
  expired: `SELECT number FROM invocations WHERE expires_at <= ?
    ORDER BY expires_at, number LIMIT ?`,
  expiredIdempotency: `SELECT scope, idempotency_key FROM idempotency WHERE expires_at <= ?
    ORDER BY expires_at, scope, idempotency_key LIMIT ?`,
  nextExpiry: `SELECT min(at) FROM (
    SELECT min(expires_at) AS at FROM invocations WHERE expires_at IS NOT NULL
    UNION ALL SELECT min(expires_at) FROM idempotency)`,
  outbox: `SELECT partition, sequence, destination, payload FROM outbox
    WHERE partition = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
  received: "SELECT source, sequence FROM received WHERE partition = ? ORDER BY source",
  schedules: `SELECT ${scheduleColumns} FROM schedules ORDER BY name`,
  countByStatus: `SELECT status, count(*) FROM invocations WHERE ${isLive}
    GROUP BY status ORDER BY status`,
} as const;

/** From so many on, one question for all is faster than one for each. */
const bulkFrom = 8;

/** The texts, for the test that each is answered from an index. */
export const questions: Readonly<Record<string, string>> = { ...questionTexts, ...bulkTexts };

/** All that the engine reads, as prepared questions: each answers at once, on the caller's thread. */
export class Reader {
  readonly #ask: Readonly<Record<keyof typeof questionTexts, Question>>;
  readonly #bulk: BulkReader;

  constructor(db: DatabaseSync) {
    this.#bulk = new BulkReader(db);
    // fromEntries forgets the key type
    this.#ask = Object.fromEntries(
      Object.entries(questionTexts).map(([name, text]) => [name, new Question(db, text)]),
    ) as Record<keyof typeof questionTexts, Question>;
  }

  load(request: LoadRequest): Loaded {
    const { invocations = [], journals = [], keys = [] } = request;
    const bulk = this.#bulk;
    return {
      invocations:
        invocations.length < bulkFrom
          ? invocations.map((number) => this.#invocation(number))
          : bulk.invocations(invocations),
      journals:
        journals.length < bulkFrom
          ? journals.map((number) => this.#journal(number))
          : bulk.journals(journals),
      keys: keys.length < bulkFrom ? keys.map((address) => this.#key(address)) : bulk.keys(keys),
      idempotency: (request.idempotency ?? []).map((address) => this.#idempotency(address)),
      promises: (request.promises ?? []).map((it) => this.#promise(it.number, it.name)),
    };
  }

  scanActive(partition: number, after: InvocationNumber, limit: number): Invocation[] {
    return this.#ask.active.all(partition, after, limit).map(decodeInvocation);
  }

  scanTimers(until: number, limit: number): Timer[] {
    return this.#ask.timers.all(until, limit).map(decodeTimer);
  }

  nextTimer(): number | null {
    return this.#number("nextTimer");
  }

  scanExpired(until: number, limit: number): InvocationNumber[] {
    return this.#ask.expired.all(until, limit).map((row) => row[0] as number); // the key
  }

  scanExpiredIdempotency(until: number, limit: number): IdempotencyAddress[] {
    return this.#ask.expiredIdempotency
      .all(until, limit)
      .map((row) => ({ scope: row[0] as string, idempotencyKey: row[1] as string })); // NOT NULL
  }

  nextExpiry(): number | null {
    return this.#number("nextExpiry");
  }

  scanOutbox(partition: number, after: number, limit: number): OutboxMessage[] {
    return this.#ask.outbox.all(partition, after, limit).map((row) => ({
      partition: row[0] as number, // the columns are NOT NULL and STRICT
      sequence: row[1] as number,
      destination: row[2] as number,
      payload: row[3] as string,
    }));
  }

  loadReceived(partition: number): { source: number; sequence: number }[] {
    return this.#ask.received
      .all(partition)
      .map((row) => ({ source: row[0] as number, sequence: row[1] as number })); // NOT NULL
  }

  loadSchedules(): Schedule[] {
    return this.#ask.schedules.all().map(decodeSchedule);
  }

  countByStatus(): Record<string, number> {
    const rows = this.#ask.countByStatus.all();
    return Object.fromEntries(
      rows.map((row) => [wordOf(statuses, row[0] as number), row[1] as number]), // NOT NULL
    );
  }

  #number(name: "nextTimer" | "nextExpiry"): number | null {
    return (this.#ask[name].first()?.[0] ?? null) as number | null; // min() of INTEGER
  }

  #invocation(number: InvocationNumber): Invocation | null {
    const row = this.#ask.invocation.first(number);
    return row === undefined ? null : decodeInvocation(row);
  }

  #journal(number: InvocationNumber): Entry[] {
    return this.#ask.journal.all(number).map(decodeEntry);
  }

  #key({ service, key }: KeyAddress): LoadedKey {
    return {
      state: this.#ask.state.all(service, key).map(decodeStateEntry),
      open: this.#ask.open.all(service, key).map(decodeOpen),
      workflow: (this.#ask.workflow.first(service, key)?.[0] ?? null) as number | null, // INTEGER
    };
  }

  #idempotency(address: IdempotencyAddress): Idempotency | null {
    const row = this.#ask.idempotency.first(address.scope, address.idempotencyKey);
    return row === undefined ? null : decodeIdempotency(row);
  }

  #promise(number: InvocationNumber, name: string): DurablePromise | null {
    const row = this.#ask.promise.first(number, name);
    return row === undefined ? null : decodePromise(row);
  }
}
