import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Entry } from "../../model/entry.ts";
import type { Extra, Invocation, Status } from "../../model/invocation.ts";
import type { DurablePromise, Idempotency, Schedule, Timer } from "../store.ts";
import {
  backfills,
  entryKinds,
  modes,
  overlaps,
  promiseStatuses,
  statuses,
  timerKinds,
  wordOf,
} from "./codes.ts";

/*
 * Rows as arrays, and the records they stand for. Column lists and decoders stand side by side; the
 * casts say what the STRICT tables of format.ts promise.
 */

export type Cell = string | number | null;
export type Row = readonly Cell[];

/** A prepared question that answers in arrays, which is faster than in objects. */
export class Question {
  readonly #statement: StatementSync;

  constructor(db: DatabaseSync, sql: string) {
    this.#statement = db.prepare(sql);
    this.#statement.setReturnArrays(true);
  }

  all(...parameters: Cell[]): Row[] {
    return this.#statement.all(...parameters) as unknown as Row[]; // setReturnArrays makes it so
  }

  first(...parameters: Cell[]): Row | undefined {
    return this.#statement.get(...parameters) as unknown as Row | undefined; // the same
  }
}

export const invocationColumns = `number, service, handler, mode, key, status, input, output,
  created_at, ended_at, expires_at, deployment, seed, position, entries, extra`;

export function decodeInvocation(row: Row): Invocation {
  const extra = row[15] as string | null;
  return {
    number: row[0] as number,
    service: row[1] as string,
    handler: row[2] as string,
    mode: wordOf(modes, row[3] as number),
    key: row[4] as string | null,
    status: wordOf(statuses, row[5] as number),
    input: row[6] as string | null,
    output: row[7] as string | null,
    createdAt: row[8] as number,
    endedAt: row[9] as number | null,
    expiresAt: row[10] as number | null,
    deployment: row[11] as string,
    seed: row[12] as number,
    position: row[13] as number,
    entries: row[14] as number,
    extra: extra === null ? null : (JSON.parse(extra) as Extra),
  };
}

/** `number, status` of what holds a key or waits for it. */
export function decodeOpen(row: Row): { number: number; status: Status } {
  return { number: row[0] as number, status: wordOf(statuses, row[1] as number) };
}

/** `name, value` of a state entry. */
export function decodeStateEntry(row: Row): readonly [name: string, value: string] {
  return [row[0] as string, row[1] as string];
}

export const entryColumns = "idx, kind, command, name, payload, failed, at";

export function decodeEntry(row: Row): Entry {
  return {
    index: row[0] as number,
    kind: wordOf(entryKinds, row[1] as number),
    command: row[2] as number,
    name: row[3] as string,
    payload: row[4] as string | null,
    failed: row[5] === 1,
    at: row[6] as number,
  };
}

export const timerColumns = "due, number, command, kind";

export function decodeTimer(row: Row): Timer {
  return {
    due: row[0] as number,
    number: row[1] as number,
    command: row[2] as number,
    kind: wordOf(timerKinds, row[3] as number),
  };
}

export const promiseColumns = "number, name, status, value, waiters, created_at, settled_at";

export function decodePromise(row: Row): DurablePromise {
  return {
    number: row[0] as number,
    name: row[1] as string,
    status: wordOf(promiseStatuses, row[2] as number),
    value: row[3] as string | null,
    waiters: JSON.parse(row[4] as string) as DurablePromise["waiters"],
    createdAt: row[5] as number,
    settledAt: row[6] as number | null,
  };
}

export const idempotencyColumns =
  "scope, idempotency_key, partition, number, input_hash, expires_at";

export function decodeIdempotency(row: Row): Idempotency {
  return {
    scope: row[0] as string,
    idempotencyKey: row[1] as string,
    partition: row[2] as number,
    number: row[3] as number,
    inputHash: row[4] as number,
    expiresAt: row[5] as number,
  };
}

export const scheduleColumns = `name, cron, time_zone, service, handler, key, input, overlap,
  backfill, paused, declared, created_at, last_at, last_number, next_at, pending`;

export function decodeSchedule(row: Row): Schedule {
  return {
    name: row[0] as string,
    cron: row[1] as string,
    timeZone: row[2] as string,
    service: row[3] as string,
    handler: row[4] as string,
    key: row[5] as string | null,
    input: row[6] as string | null,
    overlap: wordOf(overlaps, row[7] as number),
    backfill: wordOf(backfills, row[8] as number),
    paused: row[9] === 1,
    declared: row[10] === 1,
    createdAt: row[11] as number,
    lastAt: row[12] as number | null,
    lastNumber: row[13] as number | null,
    nextAt: row[14] as number | null,
    pending: row[15] as number,
  };
}
