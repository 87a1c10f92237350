import type { Entry } from "../../model/entry.ts";
import { makeNumber } from "../../model/ids.ts";
import type { HandlerMode, Invocation, Status } from "../../model/invocation.ts";
import { hasEnded } from "../../model/invocation.ts";
import { Prng } from "../../std/prng.ts";
import { type Batch, type DurablePromise, makeBatch, type Schedule, type Timer } from "../store.ts";

/* Records and random batches for the tests of stores. */

export const baseTime = 1_780_000_000_000;

export function sampleInvocation(number: number, differing: Partial<Invocation> = {}): Invocation {
  return {
    number,
    service: "cart",
    handler: "add",
    mode: "exclusive",
    key: "k1",
    status: "running",
    input: '{"item":1}',
    output: null,
    createdAt: baseTime,
    endedAt: null,
    expiresAt: null,
    deployment: "d1",
    seed: 7,
    position: number,
    entries: 0,
    extra: null,
    ...differing,
  };
}

export function sampleEntry(index: number, differing: Partial<Entry> = {}): Entry {
  return {
    index,
    kind: "run",
    command: index,
    name: "step",
    payload: '{"ok":true}',
    failed: false,
    at: baseTime + index,
    ...differing,
  };
}

export function sampleTimer(number: number, differing: Partial<Timer> = {}): Timer {
  return { due: baseTime + 1000, number, command: 0, kind: "sleep", ...differing };
}

export function samplePromise(
  number: number,
  differing: Partial<DurablePromise> = {},
): DurablePromise {
  return {
    number,
    name: "approved",
    status: "pending",
    value: null,
    waiters: [],
    createdAt: baseTime,
    settledAt: null,
    ...differing,
  };
}

export function sampleSchedule(name: string, differing: Partial<Schedule> = {}): Schedule {
  return {
    name,
    cron: "0 * * * *",
    timeZone: "Europe/Berlin",
    service: "report",
    handler: "make",
    key: null,
    input: null,
    overlap: "skip",
    backfill: "last",
    paused: false,
    declared: true,
    createdAt: baseTime,
    lastAt: null,
    lastNumber: null,
    nextAt: baseTime + 3_600_000,
    pending: 0,
    ...differing,
  };
}

const modes: readonly HandlerMode[] = ["stateless", "exclusive", "shared", "workflow"];
const statuses: readonly Status[] = [
  "scheduled",
  "queued",
  "running",
  "suspended",
  "backing-off",
  "paused",
  "succeeded",
  "failed",
  "cancelled",
  "killed",
];
/** Among them texts that sort differently by UTF-16 units than by code points. */
const words = ["a", "b", "ä", "\uff5e", "\u{1f600}", "a b", "'", "%"];

/** Makes batch after batch that an engine might write, from one seed. */
export class BatchMaker {
  readonly #random: Prng;
  readonly #partitions: number;
  readonly #kept = new Map<number, Invocation>();
  #counter = 1;
  #sequence = 1;

  constructor(seed: number, partitions: number) {
    this.#random = new Prng(seed);
    this.#partitions = partitions;
  }

  /** Numbers of all invocations ever inserted. */
  get counters(): number {
    return this.#counter;
  }

  next(epochs: ReadonlyMap<number, number>): Batch {
    const batch = makeBatch(epochs);
    this.#change(batch);
    this.#insert(batch);
    this.#delete(batch);
    this.#writeKeyed(batch);
    this.#writeMessages(batch);
    return batch;
  }

  #insert(batch: Batch): void {
    for (let i = this.#below(6); i > 0; i--) {
      const number = makeNumber(this.#counter++, this.#below(this.#partitions));
      const mode = this.#pick(modes);
      const invocation = this.#withStatus(
        sampleInvocation(number, {
          mode,
          service: this.#pick(words),
          key: mode === "stateless" ? null : this.#pick(words),
          input: this.#below(2) === 0 ? null : JSON.stringify(this.#pick(words)),
        }),
      );
      this.#kept.set(number, invocation);
      batch.insertInvocations.push(invocation);
      this.#append(batch, invocation, 0);
    }
  }

  #change(batch: Batch): void {
    for (const invocation of this.#kept.values()) {
      if (this.#below(3) > 0) continue;
      let from = invocation.entries;
      if (this.#below(4) === 0) {
        from = this.#below(invocation.entries + 1);
        batch.truncateJournals.push({ number: invocation.number, from });
      }
      this.#withStatus(invocation);
      this.#append(batch, invocation, from);
      batch.updateInvocations.push(invocation);
    }
  }

  #append(batch: Batch, invocation: Invocation, from: number): void {
    const { number } = invocation;
    const count = this.#below(4);
    for (let index = from; index < from + count; index++) {
      const failed = this.#below(4) === 0;
      const entry = sampleEntry(index, { failed, name: this.#pick(words) });
      batch.appendEntries.push({ number, entry });
    }
    invocation.entries = from + count;
    const timer = sampleTimer(number, { due: baseTime + this.#below(50), command: this.#below(3) });
    if (this.#below(2) === 0) batch.insertTimers.push(timer);
    else batch.deleteTimers.push(timer);
    if (this.#below(3) === 0) {
      const waiters = [{ number, command: this.#below(9) }];
      const status = this.#pick(["pending", "resolved", "rejected"] as const);
      batch.putPromises.push(samplePromise(number, { name: this.#pick(words), status, waiters }));
    }
  }

  #delete(batch: Batch): void {
    for (const { number, status } of this.#kept.values()) {
      if (!hasEnded(status) || this.#below(4) > 0) continue;
      this.#kept.delete(number);
      batch.deleteInvocations.push(number);
    }
  }

  #writeKeyed(batch: Batch): void {
    for (let i = this.#below(5); i > 0; i--) {
      const value = this.#below(3) === 0 ? null : String(this.#below(100));
      const [service, key, name] = [this.#pick(words), this.#pick(words), this.#pick(words)];
      batch.writeState.push({ service, key, name, value });
      const address = { scope: this.#pick(words), idempotencyKey: this.#pick(words) };
      if (value === null) batch.deleteIdempotency.push(address);
      else {
        const rest = { partition: 0, number: 4096, inputHash: 1, expiresAt: baseTime + i };
        batch.putIdempotency.push({ ...address, ...rest });
      }
      const paused = this.#below(2) === 0;
      if (value === null) batch.deleteSchedules.push(name);
      else batch.putSchedules.push(sampleSchedule(name, { paused, nextAt: null }));
    }
  }

  #writeMessages(batch: Batch): void {
    for (let i = this.#below(5); i > 0; i--) {
      const partition = this.#below(this.#partitions);
      const destination = this.#below(this.#partitions);
      const sequence = this.#sequence++;
      batch.insertOutbox.push({ partition, destination, sequence, payload: "{}" });
      if (this.#below(2) === 0) {
        batch.truncateOutbox.push({ partition, destination, upTo: this.#below(sequence + 1) });
      }
      batch.putReceived.push({ partition, source: destination, sequence });
      batch.reserveCounters.push({ partition, counter: this.#below(500) });
    }
  }

  #withStatus(invocation: Invocation): Invocation {
    const ended = (status: Status): number | null =>
      hasEnded(status) ? baseTime + this.#below(100) : null;
    invocation.status = this.#pick(statuses);
    invocation.endedAt = ended(invocation.status);
    invocation.expiresAt = ended(invocation.status);
    invocation.output = invocation.endedAt === null ? null : '"out"';
    invocation.position = this.#below(1000);
    invocation.extra = this.#below(2) === 0 ? null : { attempts: this.#below(3), caller: "é" };
    return invocation;
  }

  #below(limit: number): number {
    return this.#random.below(limit);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T; // below the length
  }
}
