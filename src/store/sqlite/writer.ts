import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Invocation } from "../../model/invocation.ts";
import { assert } from "../../std/assert.ts";
import type { Batch, DurablePromise, Schedule, Timer } from "../store.ts";
import {
  backfills,
  entryKindCode,
  modeCode,
  overlaps,
  promiseStatuses,
  statusCode,
  timerKindCode,
} from "./codes.ts";
import { isWorkflow } from "./format.ts";
import type { FreshVersions } from "./fresh-versions.ts";
import type { Names } from "./names.ts";
import { RelationWriter } from "./relation-writer.ts";

const statementTexts = {
  insertInvocation: `INSERT INTO invocations VALUES (${marks(16)})`,
  updateInvocation: `UPDATE invocations SET status = ?, output = ?, ended_at = ?, expires_at = ?,
    deployment = ?, entries = ?, extra = ? WHERE number = ?`,
  moveInvocation: "UPDATE invocations SET position = ?1 WHERE number = ?2 AND position <> ?1",
  deleteInvocation: "DELETE FROM invocations WHERE number = ?",
  deleteJournal: "DELETE FROM journal WHERE number = ?",
  deleteStateOf: `DELETE FROM state WHERE (service, key) = (SELECT service, key FROM invocations AS i
    WHERE i.number = ?1 AND i.${isWorkflow} AND NOT EXISTS (SELECT 1 FROM invocations AS later
      WHERE later.service = i.service AND later.key = i.key AND later.${isWorkflow}
        AND later.number > ?1))`,
  deletePromises: "DELETE FROM promises WHERE number = ?",
  truncateJournal: "DELETE FROM journal WHERE number = ? AND idx >= ?",
  appendEntry: `INSERT INTO journal VALUES (${marks(8)})`,
  putState: "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)",
  deleteState: "DELETE FROM state WHERE service = ? AND key = ? AND name = ?",
  insertTimer: "INSERT OR IGNORE INTO timers VALUES (?, ?, ?, ?)",
  deleteTimer: "DELETE FROM timers WHERE due = ? AND number = ? AND command = ? AND kind = ?",
  putPromise: `INSERT OR REPLACE INTO promises VALUES (${marks(7)})`,
  putIdempotency: `INSERT OR REPLACE INTO idempotency VALUES (${marks(6)})`,
  deleteIdempotency: "DELETE FROM idempotency WHERE scope = ? AND idempotency_key = ?",
  insertOutbox: "INSERT INTO outbox VALUES (?, ?, ?, ?)",
  truncateOutbox: "DELETE FROM outbox WHERE partition = ? AND sequence <= ? AND destination = ?",
  putReceived: "INSERT OR REPLACE INTO received VALUES (?, ?, ?)",
  putSchedule: `INSERT OR REPLACE INTO schedules VALUES (${marks(16)})`,
  deleteSchedule: "DELETE FROM schedules WHERE name = ?",
  reserveCounter: "UPDATE partitions SET counter = max(counter, ?) WHERE partition = ?",
} as const;

type Statements = Readonly<Record<keyof typeof statementTexts, StatementSync>>;

/**
 * Writes a batch with prepared statements, one row each: binding several rows to one statement was
 * measured and is no faster. The caller holds the transaction.
 */
export class BatchWriter {
  readonly #run: Statements;
  readonly #relations: RelationWriter;

  constructor(db: DatabaseSync, names: Names, fresh: FreshVersions) {
    this.#relations = new RelationWriter(db, names, fresh);
    // fromEntries forgets the key type
    this.#run = Object.fromEntries(
      Object.entries(statementTexts).map(([name, text]) => [name, db.prepare(text)]),
    ) as Statements;
  }

  /** In the order that the contract states. */
  write(batch: Batch): void {
    this.#writeInvocations(batch);
    this.#writeJournals(batch);
    this.#writeTimers(batch);
    this.#writeKeyed(batch);
    this.#writeMessages(batch);
    const run = this.#run;
    for (const name of batch.deleteSchedules) run.deleteSchedule.run(name);
    for (const schedule of batch.putSchedules) this.#putSchedule(schedule);
    for (const row of batch.reserveCounters) {
      const { changes } = run.reserveCounter.run(row.counter, row.partition);
      assert(changes === 1, `counter reserved for partition ${row.partition}, not claimed`);
    }
    for (const number of batch.deleteInvocations) {
      run.deleteJournal.run(number);
      run.deletePromises.run(number);
      run.deleteStateOf.run(number);
      run.deleteInvocation.run(number);
    }
    this.#relations.write(batch);
  }

  #writeInvocations(batch: Batch): void {
    for (const invocation of batch.insertInvocations) this.#insertInvocation(invocation);
    for (const it of batch.updateInvocations) {
      const { changes } = this.#run.updateInvocation.run(
        statusCode[it.status],
        it.output,
        it.endedAt,
        it.expiresAt,
        it.deployment,
        it.entries,
        it.extra === null ? null : JSON.stringify(it.extra),
        it.number,
      );
      // Only what was delayed moves; setting an indexed column would rewrite the index each time.
      if (it.position !== it.number) this.#run.moveInvocation.run(it.position, it.number);
      assert(changes === 1, `update of invocation ${it.number}, which is not in the store`);
    }
  }

  #insertInvocation(it: Invocation): void {
    this.#run.insertInvocation.run(
      it.number,
      it.service,
      it.handler,
      modeCode[it.mode],
      it.key,
      statusCode[it.status],
      it.position,
      it.entries,
      it.createdAt,
      it.endedAt,
      it.expiresAt,
      it.deployment,
      it.seed,
      it.input,
      it.output,
      it.extra === null ? null : JSON.stringify(it.extra),
    );
  }

  #writeJournals(batch: Batch): void {
    const { truncateJournal, appendEntry } = this.#run;
    for (const cut of batch.truncateJournals) truncateJournal.run(cut.number, cut.from);
    for (const { number, entry } of batch.appendEntries) {
      appendEntry.run(
        number,
        entry.index,
        entryKindCode[entry.kind],
        entry.command,
        entry.name,
        entry.payload,
        entry.failed ? 1 : 0,
        entry.at,
      );
    }
  }

  #writeTimers(batch: Batch): void {
    const run = this.#run;
    const bind = (timer: Timer): [number, number, number, number] => [
      timer.due,
      timer.number,
      timer.command,
      timerKindCode[timer.kind],
    ];
    for (const timer of batch.insertTimers) run.insertTimer.run(...bind(timer));
    for (const timer of batch.deleteTimers) run.deleteTimer.run(...bind(timer));
  }

  #writeKeyed(batch: Batch): void {
    const run = this.#run;
    for (const { service, key, name, value } of batch.writeState) {
      if (value === null) run.deleteState.run(service, key, name);
      else run.putState.run(service, key, name, value);
    }
    for (const promise of batch.putPromises) this.#putPromise(promise);
    for (const it of batch.deleteIdempotency) {
      run.deleteIdempotency.run(it.scope, it.idempotencyKey);
    }
    for (const it of batch.putIdempotency) {
      run.putIdempotency.run(
        it.scope,
        it.idempotencyKey,
        it.partition,
        it.number,
        it.inputHash,
        it.expiresAt,
      );
    }
  }

  #writeMessages(batch: Batch): void {
    const run = this.#run;
    for (const it of batch.insertOutbox) {
      run.insertOutbox.run(it.partition, it.sequence, it.destination, it.payload);
    }
    for (const it of batch.truncateOutbox) {
      run.truncateOutbox.run(it.partition, it.upTo, it.destination);
    }
    for (const it of batch.putReceived) run.putReceived.run(it.partition, it.source, it.sequence);
  }

  #putPromise(promise: DurablePromise): void {
    this.#run.putPromise.run(
      promise.number,
      promise.name,
      promiseStatuses.indexOf(promise.status),
      promise.value,
      JSON.stringify(promise.waiters),
      promise.createdAt,
      promise.settledAt,
    );
  }

  #putSchedule(schedule: Schedule): void {
    this.#run.putSchedule.run(
      schedule.name,
      schedule.cron,
      schedule.timeZone,
      schedule.service,
      schedule.handler,
      schedule.key,
      schedule.input,
      overlaps.indexOf(schedule.overlap),
      backfills.indexOf(schedule.backfill),
      schedule.paused ? 1 : 0,
      schedule.declared ? 1 : 0,
      schedule.createdAt,
      schedule.lastAt,
      schedule.lastNumber,
      schedule.nextAt,
      schedule.pending,
    );
  }
}

function marks(count: number): string {
  return new Array(count).fill("?").join(", ");
}
