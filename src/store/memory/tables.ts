import type { Entry } from "../../model/entry.ts";
import { type InvocationNumber, partitionOfNumber } from "../../model/ids.ts";
import { hasEnded, type Invocation } from "../../model/invocation.ts";
import { assert } from "../../std/assert.ts";
import {
  type Batch,
  type DurablePromise,
  type Idempotency,
  type IdempotencyAddress,
  type KeyAddress,
  makeBatch,
  type OutboxMessage,
  type Schedule,
  type Timer,
} from "../store.ts";
import { checkRelations } from "./relation-check.ts";
import { RelationTables } from "./relation-tables.ts";

export interface PartitionRow {
  epoch: number;
  counter: number;
  owner: string;
}

/** What lies in a store, as plain maps. Records inside are never handed out, only copies. */
export class Tables {
  readonly partitions: Map<number, PartitionRow> = new Map();
  readonly invocations: Map<InvocationNumber, Invocation> = new Map();
  /** Numbers of the invocations of each key, whatever their mode and status. */
  readonly byKey: Map<string, Set<InvocationNumber>> = new Map();
  readonly journals: Map<InvocationNumber, Entry[]> = new Map();
  readonly state: Map<string, Map<string, string>> = new Map();
  readonly timers: Map<string, Timer> = new Map();
  readonly promises: Map<InvocationNumber, Map<string, DurablePromise>> = new Map();
  readonly idempotency: Map<string, Idempotency> = new Map();
  readonly outbox: Map<number, Map<number, OutboxMessage>> = new Map();
  readonly received: Map<number, Map<number, number>> = new Map();
  readonly schedules: Map<string, Schedule> = new Map();
  relations: RelationTables = new RelationTables();

  claim(partition: number, owner: string): PartitionRow {
    const row = this.partitions.get(partition) ?? { epoch: 0, counter: 1, owner };
    const claimed = { ...row, epoch: row.epoch + 1, owner };
    this.partitions.set(partition, claimed);
    return claimed;
  }

  /** In the order that the contract states. */
  apply(batch: Batch): void {
    this.#check(batch);
    for (const invocation of batch.insertInvocations) this.#insert(invocation);
    for (const it of batch.updateInvocations) this.invocations.set(it.number, copyInvocation(it));
    for (const cut of batch.truncateJournals) this.journals.get(cut.number)?.splice(cut.from);
    for (const { number, entry } of batch.appendEntries)
      at(this.journals, number, list).push(entry);
    this.#applyKeyed(batch);
    for (const timer of batch.insertTimers) this.timers.set(timerId(timer), timer);
    for (const timer of batch.deleteTimers) this.timers.delete(timerId(timer));
    this.#applyMessages(batch);
    for (const name of batch.deleteSchedules) this.schedules.delete(name);
    for (const schedule of batch.putSchedules) this.schedules.set(schedule.name, { ...schedule });
    for (const { partition, counter } of batch.reserveCounters) {
      const row = this.partitions.get(partition);
      if (row !== undefined) row.counter = Math.max(row.counter, counter);
    }
    for (const number of batch.deleteInvocations) this.#delete(number);
    this.relations.apply(batch);
  }

  /** Everything but the relations as one batch, and so as a copy of it. */
  dump(): Batch {
    const batch = makeBatch(new Map());
    batch.insertInvocations.push(...this.invocations.values());
    for (const [number, entries] of this.journals) {
      for (const entry of entries) batch.appendEntries.push({ number, entry });
    }
    for (const [id, values] of this.state) {
      const address = keyAddress(id);
      for (const [name, value] of values) batch.writeState.push({ ...address, name, value });
    }
    batch.insertTimers.push(...this.timers.values());
    for (const ofOne of this.promises.values()) batch.putPromises.push(...ofOne.values());
    batch.putIdempotency.push(...this.idempotency.values());
    for (const messages of this.outbox.values()) batch.insertOutbox.push(...messages.values());
    for (const [partition, sources] of this.received) {
      for (const [source, sequence] of sources) {
        batch.putReceived.push({ partition, source, sequence });
      }
    }
    batch.putSchedules.push(...this.schedules.values());
    return batch;
  }

  copy(): Tables {
    const tables = new Tables();
    for (const [partition, row] of this.partitions) tables.partitions.set(partition, { ...row });
    tables.apply(this.dump());
    tables.relations = this.relations.copy();
    return tables;
  }

  /** Refuses, before anything is written, what SQLite would refuse in the middle. */
  #check(batch: Batch): void {
    for (const { number } of batch.insertInvocations) {
      assert(!this.invocations.has(number), `insert of invocation ${number}, which is there`);
    }
    const inserted = new Set(batch.insertInvocations.map((it) => it.number));
    for (const { number } of batch.updateInvocations) {
      assert(
        this.invocations.has(number) || inserted.has(number),
        `update of invocation ${number}, which is not in the store`,
      );
    }
    for (const { partition } of batch.reserveCounters) {
      const claimed = this.partitions.has(partition);
      assert(claimed, `counter reserved for partition ${partition}, not claimed`);
    }
    this.#checkJournals(batch);
    checkRelations(this.relations, batch);
  }

  #checkJournals(batch: Batch): void {
    const next = new Map<InvocationNumber, number>();
    for (const { number, from } of batch.truncateJournals) {
      const length = this.journals.get(number)?.length ?? 0;
      next.set(number, Math.min(from, length, next.get(number) ?? length));
    }
    for (const { number, entry } of batch.appendEntries) {
      const expected = next.get(number) ?? this.journals.get(number)?.length ?? 0;
      assert(
        entry.index === expected,
        `entry ${entry.index} of invocation ${number}, whose journal has ${expected}`,
      );
      next.set(number, expected + 1);
    }
  }

  #insert(invocation: Invocation): void {
    this.invocations.set(invocation.number, copyInvocation(invocation));
    const { service, key, number } = invocation;
    if (key !== null) at(this.byKey, keyId({ service, key }), set).add(number);
  }

  #delete(number: InvocationNumber): void {
    const invocation = this.invocations.get(number);
    this.invocations.delete(number);
    this.journals.delete(number);
    this.promises.delete(number);
    if (invocation === undefined || invocation.key === null) return;
    const id = keyId({ service: invocation.service, key: invocation.key });
    const numbers = this.byKey.get(id);
    numbers?.delete(number);
    if (numbers?.size === 0) this.byKey.delete(id);
    if (invocation.mode === "workflow" && !this.#hasLater(numbers, number)) this.state.delete(id);
  }

  #hasLater(numbers: ReadonlySet<InvocationNumber> | undefined, than: InvocationNumber): boolean {
    for (const number of numbers ?? []) {
      if (number > than && this.invocations.get(number)?.mode === "workflow") return true;
    }
    return false;
  }

  #applyKeyed(batch: Batch): void {
    for (const { service, key, name, value } of batch.writeState) {
      const id = keyId({ service, key });
      if (value !== null) at(this.state, id, map<string, string>).set(name, value);
      else this.state.get(id)?.delete(name);
    }
    for (const promise of batch.putPromises) {
      const ofOne = at(this.promises, promise.number, map<string, DurablePromise>);
      ofOne.set(promise.name, copyPromise(promise));
    }
    for (const address of batch.deleteIdempotency) this.idempotency.delete(idempotencyId(address));
    for (const row of batch.putIdempotency) this.idempotency.set(idempotencyId(row), { ...row });
  }

  #applyMessages(batch: Batch): void {
    for (const message of batch.insertOutbox) {
      at(this.outbox, message.partition, map<number, OutboxMessage>).set(message.sequence, message);
    }
    for (const { partition, destination, upTo } of batch.truncateOutbox) {
      const messages = this.outbox.get(partition);
      for (const [sequence, message] of messages ?? []) {
        if (sequence <= upTo && message.destination === destination) messages?.delete(sequence);
      }
    }
    for (const { partition, source, sequence } of batch.putReceived) {
      at(this.received, partition, map<number, number>).set(source, sequence);
    }
  }
}

/** The batch as it is now: whoever made it goes on changing its records. */
export function freezeBatch(batch: Batch): Batch {
  return {
    ...batch,
    epochs: new Map(batch.epochs),
    insertInvocations: batch.insertInvocations.map(copyInvocation),
    updateInvocations: batch.updateInvocations.map(copyInvocation),
    deleteInvocations: [...batch.deleteInvocations],
    appendEntries: [...batch.appendEntries],
    truncateJournals: [...batch.truncateJournals],
    writeState: [...batch.writeState],
    insertTimers: [...batch.insertTimers],
    deleteTimers: [...batch.deleteTimers],
    putPromises: batch.putPromises.map(copyPromise),
    putIdempotency: [...batch.putIdempotency],
    deleteIdempotency: [...batch.deleteIdempotency],
    insertOutbox: [...batch.insertOutbox],
    truncateOutbox: [...batch.truncateOutbox],
    putReceived: [...batch.putReceived],
    putSchedules: batch.putSchedules.map((schedule) => ({ ...schedule })),
    deleteSchedules: [...batch.deleteSchedules],
    reserveCounters: [...batch.reserveCounters],
    putTenants: [...batch.putTenants],
    putSchemas: [...batch.putSchemas],
    putDocuments: [...batch.putDocuments],
    relations: batch.relations.map((commit) => ({
      ...commit,
      inserts: [...commit.inserts],
      deletes: [...commit.deletes],
    })),
    trimRelations: [...batch.trimRelations],
    deleteTenants: [...batch.deleteTenants],
  };
}

export function copyInvocation(invocation: Invocation): Invocation {
  // Through JSON, as in a database, so that what JSON drops is dropped here too.
  const extra = invocation.extra === null ? null : JSON.parse(JSON.stringify(invocation.extra));
  return { ...invocation, extra };
}

export function copyPromise(promise: DurablePromise): DurablePromise {
  return { ...promise, waiters: promise.waiters.map((waiter) => ({ ...waiter })) };
}

/** Whether it is among the open ones of its key. */
export function holdsKey({ mode, status }: Invocation): boolean {
  return mode === "exclusive" && status !== "scheduled" && !hasEnded(status);
}

export function isOf(partition: number, number: InvocationNumber): boolean {
  return partitionOfNumber(number) === partition;
}

export function keyId({ service, key }: KeyAddress): string {
  return JSON.stringify([service, key]);
}

function keyAddress(id: string): KeyAddress {
  const [service, key] = JSON.parse(id) as [string, string]; // made by keyId
  return { service, key };
}

export function idempotencyId({ scope, idempotencyKey }: IdempotencyAddress): string {
  return JSON.stringify([scope, idempotencyKey]);
}

function timerId({ due, number, command, kind }: Timer): string {
  return `${due} ${number} ${command} ${kind}`;
}

function at<K, V>(among: Map<K, V>, key: K, make: () => V): V {
  let value = among.get(key);
  if (value === undefined) {
    value = make();
    among.set(key, value);
  }
  return value;
}

function map<K, V>(): Map<K, V> {
  return new Map();
}

function set(): Set<InvocationNumber> {
  return new Set();
}

function list(): Entry[] {
  return [];
}
