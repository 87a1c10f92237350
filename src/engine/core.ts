import type { Host } from "../host/host.ts";
import type { Entry, EntryKind } from "../model/entry.ts";
import { openKinds, readSendPayload } from "../model/entry.ts";
import type { HoldfastError } from "../model/errors.ts";
import {
  formatInvocationId,
  type InvocationNumber,
  makeNumber,
  partitionOfKey,
  partitionOfNumber,
} from "../model/ids.ts";
import { hasEnded, type Invocation } from "../model/invocation.ts";
import type { Limits } from "../model/limits.ts";
import { assert } from "../std/assert.ts";
import { Prng } from "../std/prng.ts";
import {
  type Batch,
  type DurablePromise,
  type Idempotency,
  type LoadedKey,
  makeBatch,
  type OutboxMessage,
  type Schedule,
  type Timer,
} from "../store/store.ts";
import type { Deployments, HandlerRuntime } from "./deployments.ts";
import type {
  Command,
  Executor,
  Outcome,
  Parcel,
  RelationKeeper,
  Reply,
  StartGuard,
} from "./engine.ts";
import { Key, Live, type OpenCommand } from "./state.ts";

/** How many numbers one write reserves; after a crash the unused rest of a block is lost. */
const counterBlock = 1 << 16;

export interface CoreOptions {
  readonly host: Host;
  readonly limits: Limits;
  readonly deployments: Deployments;
  readonly executor: Executor;
  readonly relations: RelationKeeper;
  /** Null: nobody asks for a permission. */
  readonly guard: StartGuard | null;
  readonly tag: string;
  readonly partitions: number;
  /** Told of every timer that the open batch arms. */
  readonly armTimer: (timer: Timer) => void;
  /** Sends every message between partitions through the outbox, even within this node. */
  readonly outboxAlways: boolean;
  /** Whether everything leaves memory as soon as it waits. */
  readonly evictIdle: boolean;
}

export interface OwnedPartition {
  readonly epoch: number;
  reserved: number;
  /** Next row of its outbox, and the last sequence given out per destination. */
  outboxRow: number;
  readonly sent: Map<number, number>;
  /** Highest sequence received per source. */
  readonly received: Map<number, number>;
}

/** Since the node started, for metrics. */
export interface Counts {
  commands: number;
  batches: number;
  started: number;
  succeeded: number;
  failed: number;
  entries: number;
  retries: number;
  replays: number;
  outbox: number;
  duplicates: number;
}

/** A closed batch, and what waits for it to be durable. */
export interface Sealed {
  readonly batch: Batch;
  readonly held: HeldReply[];
  readonly parcels: OutboxMessage[];
  readonly number: number;
  readonly touched: Live[];
}

/** A reply, held until the batch that it speaks of is durable. */
export interface HeldReply {
  deliver(): void;
  refuse(error: unknown): void;
}

/**
 * The state that commands are applied to, and the batch that collects what they change. All of it is
 * synchronous. Time is stamped when commands are drained; nothing here looks at a clock.
 */
export class Core {
  readonly host: Host;
  readonly limits: Limits;
  readonly deployments: Deployments;
  readonly executor: Executor;
  readonly relations: RelationKeeper;
  readonly guard: StartGuard | null;
  readonly tag: string;
  readonly partitions: number;
  readonly owned: Map<number, OwnedPartition> = new Map();

  /** The stamp of the commands being applied. */
  now = 0;
  /** Number of the open batch. */
  batchNumber = 1;
  batch: Batch;
  /** Rough payload bytes in the open batch. */
  batchBytes = 0;
  /** Invocations of which something goes into the open batch. */
  touched: Live[] = [];
  held: HeldReply[] = [];
  /** Messages to other partitions: forwarded when the open batch is durable. */
  parcels: OutboxMessage[] = [];
  /** Follow-ups of the open batch: applied before it is committed. */
  internal: Command[] = [];

  readonly live: Map<InvocationNumber, Live> = new Map();
  readonly keys: Map<string, Map<string, Key>> = new Map();
  /** Keys in memory by their latest workflow run. */
  readonly workflows: Map<InvocationNumber, Key> = new Map();
  readonly idempotency: Map<string, { row: Idempotency; batch: number }> = new Map();
  readonly promises: Map<string, { row: DurablePromise; batch: number }> = new Map();
  /** Loaded for one batch, and forgotten after it unless something runs. */
  visitors: InvocationNumber[] = [];
  readonly schedules: Map<string, Schedule> = new Map();
  /** Callers who wait for invocations that are not in memory. */
  readonly waiting: Map<InvocationNumber, Reply<Outcome>[]> = new Map();

  readonly counts: Counts = {
    commands: 0,
    batches: 0,
    started: 0,
    succeeded: 0,
    failed: 0,
    entries: 0,
    retries: 0,
    replays: 0,
    outbox: 0,
    duplicates: 0,
  };
  keyCount = 0;

  readonly evictIdle: boolean;
  readonly #armTimer: (timer: Timer) => void;
  readonly #outboxAlways: boolean;
  #rotation = 0;
  /**
   * One count for all partitions of the node, so that what begins at the same time gets neighbouring
   * numbers and its journals share pages of the store: measured, a fourth of the bytes per step.
   */
  #counter = 1;
  #attempts = 0;
  #ownedList: number[] = [];
  #random: Prng;
  #epochs = new Map<number, number>();

  constructor(options: CoreOptions) {
    this.host = options.host;
    this.limits = options.limits;
    this.deployments = options.deployments;
    this.executor = options.executor;
    this.relations = options.relations;
    this.guard = options.guard;
    this.tag = options.tag;
    this.partitions = options.partitions;
    this.#armTimer = options.armTimer;
    this.evictIdle = options.evictIdle;
    this.#outboxAlways = options.outboxAlways;
    this.#random = new Prng(options.host.random());
    this.batch = makeBatch(this.#epochs);
  }

  own(partition: number, epoch: number, counter: number): void {
    this.owned.set(partition, {
      epoch,
      reserved: counter,
      outboxRow: 1,
      sent: new Map(),
      received: new Map(),
    });
    this.#ownedList = [...this.owned.keys()];
    this.#counter = Math.max(this.#counter, counter);
  }

  get counter(): number {
    return this.#counter;
  }

  id(number: InvocationNumber): string {
    return formatInvocationId(this.tag, number);
  }

  partitionOf(service: string, key: string | null): number {
    if (key !== null) return partitionOfKey(service, key, this.partitions);
    this.#rotation = (this.#rotation + 1) % this.#ownedList.length;
    return this.#ownedList[this.#rotation] as number;
  }

  owns(partition: number): boolean {
    return this.owned.has(partition);
  }

  /** A number never given out before; a larger one than all before in this partition. */
  nextNumber(partition: number): InvocationNumber {
    const own = this.owned.get(partition);
    assert(own !== undefined, "numbers come from owned partitions");
    const counter = this.#counter++;
    if (counter >= own.reserved) {
      own.reserved = counter + counterBlock;
      this.touch(partition).reserveCounters.push({ partition, counter: own.reserved });
    }
    return makeNumber(counter, partition);
  }

  random(): number {
    return this.#random.uint32();
  }

  nextAttempt(): number {
    return ++this.#attempts;
  }

  /** The open batch, with the epoch of a partition that it touches. */
  touch(partition: number): Batch {
    if (!this.#epochs.has(partition)) {
      const own = this.owned.get(partition);
      assert(own !== undefined, "only owned partitions are written");
      this.#epochs.set(partition, own.epoch);
    }
    return this.batch;
  }

  /** Marks a record as changed in the open batch. */
  change(live: Live): void {
    live.dirty = true;
    this.#list(live);
  }

  /** Something of it goes into the open batch: its record, or entries of its journal alone. */
  #list(live: Live): void {
    if (live.listed) return;
    live.listed = true;
    live.batch = this.batchNumber;
    this.touch(partitionOfNumber(live.row.number));
    this.touched.push(live);
  }

  /** Adds an entry to a journal; it reaches the store with the open batch. */
  append(
    live: Live,
    kind: EntryKind,
    command: number,
    name: string,
    payload: string | null,
    failed: boolean,
  ): Entry {
    const entry: Entry = {
      index: live.row.entries++,
      kind,
      command,
      name,
      payload,
      failed,
      at: this.now,
    };
    live.add(entry);
    live.loaded?.push(entry);
    if (kind === "cancel") live.noteCancel();
    this.#list(live);
    if (payload !== null) this.batchBytes += payload.length;
    this.counts.entries++;
    return entry;
  }

  key(service: string, key: string): Key {
    const found = this.findKey(service, key);
    assert(found !== undefined, "a key is loaded before its commands are applied");
    return found;
  }

  findKey(service: string, key: string): Key | undefined {
    return this.keys.get(service)?.get(key);
  }

  admitKey(service: string, name: string, loaded: LoadedKey): Key {
    let ofService = this.keys.get(service);
    if (ofService === undefined) {
      ofService = new Map();
      this.keys.set(service, ofService);
    }
    const key = new Key(service, name);
    for (const [entry, value] of loaded.state) {
      key.state.set(entry, value);
      key.stateBytes += entry.length + value.length;
    }
    for (const row of loaded.open) {
      if (row.status === "queued") key.queue.push(row.number);
      else key.holder = row.number;
    }
    key.workflow = loaded.workflow ?? 0;
    if (key.workflow !== 0) this.workflows.set(key.workflow, key);
    ofService.set(name, key);
    this.keyCount++;
    return key;
  }

  forgetKey(key: Key): void {
    if (this.keys.get(key.service)?.delete(key.key) === true) this.keyCount--;
    this.workflows.delete(key.workflow);
  }

  find(number: InvocationNumber): Live | undefined {
    return this.live.get(number);
  }

  /** Puts a record that came from the store, with its journal, into memory. */
  admit(row: Invocation, entries: Entry[]): Live {
    const live = new Live(row);
    live.loaded = entries;
    // The record is not rewritten for every entry, so the journal knows better.
    row.entries = entries.length;
    for (const entry of entries) {
      if (openKinds.has(entry.kind)) {
        const kind = entry.kind as OpenCommand["kind"]; // openKinds
        live.wait(entry.command, {
          kind,
          ...(kind === "sleep" ? { due: Number(entry.payload) } : {}),
        });
      } else if (entry.kind === "done") {
        live.answered(entry.command);
      } else if (entry.kind === "signal") {
        live.signals++;
      } else if (entry.kind === "await-signal") {
        live.signals--;
      }
      if (entry.kind === "cancel") live.noteCancel();
      this.#admitChild(live, entry);
    }
    const replies = this.waiting.get(row.number);
    if (replies !== undefined) {
      live.replies = replies;
      this.waiting.delete(row.number);
    }
    this.live.set(row.number, live);
    return live;
  }

  #admitChild(live: Live, entry: Entry): void {
    const { kind } = entry;
    if (kind !== "call" && kind !== "send" && kind !== "accepted") return;
    const payload = readSendPayload(entry.payload);
    if (typeof payload.number !== "number") return;
    live.children ??= new Map();
    live.children.set(entry.command, payload.number);
    live.uncancelled?.delete(entry.command);
  }

  /** The latest run of a workflow's key. */
  setWorkflow(key: Key, number: InvocationNumber): void {
    this.workflows.delete(key.workflow);
    key.workflow = number;
    key.batch = this.batchNumber;
    this.workflows.set(number, key);
  }

  insert(row: Invocation): Live {
    const live = new Live(row);
    live.inserted = true;
    this.live.set(row.number, live);
    this.change(live);
    this.counts.started++;
    if (row.input !== null) this.batchBytes += row.input.length;
    return live;
  }

  handlerOf(row: Invocation): HandlerRuntime | undefined {
    return this.deployments.handler(row.service, row.handler, row.deployment || undefined);
  }

  /** A durable wake-up. */
  arm(timer: Timer): void {
    this.touch(partitionOfNumber(timer.number)).insertTimers.push(timer);
    this.#armTimer(timer);
  }

  disarm(timer: Timer): void {
    this.touch(partitionOfNumber(timer.number)).deleteTimers.push(timer);
  }

  /**
   * Hands a command to the partition it belongs to: within this node it is applied in the same
   * batch, otherwise it goes through the outbox.
   */
  route(from: InvocationNumber, to: number, command: Command): void {
    const source = partitionOfNumber(from);
    if (this.owned.has(to) && !(this.#outboxAlways && source !== to)) {
      this.internal.push(command);
      return;
    }
    const own = this.owned.get(source);
    assert(own !== undefined, "messages leave from owned partitions");
    this.counts.outbox++;
    const sequence = (own.sent.get(to) ?? 0) + 1;
    own.sent.set(to, sequence);
    const parcel: Parcel = { sequence, command };
    const message: OutboxMessage = {
      partition: source,
      sequence: own.outboxRow++,
      destination: to,
      payload: JSON.stringify(parcel),
    };
    this.touch(source).insertOutbox.push(message);
    this.parcels.push(message);
  }

  /** Holds an answer until the open batch is durable. */
  reply<T>(reply: Reply<T> | undefined, value: T): void {
    if (reply === undefined) return;
    this.held.push({
      deliver: () => reply.resolve(value),
      refuse: (error) => reply.reject(error as never), // the loop gives table errors only
    });
  }

  /**
   * Holds a refusal likewise: it too may reveal what is not yet durable. When the batch fails that is
   * not true any more, and whoever asked is told of the failure instead.
   */
  refuse<T>(reply: Reply<T> | undefined, error: HoldfastError): void {
    if (reply === undefined) return;
    this.held.push({
      deliver: () => reply.reject(error),
      refuse: (reason) => reply.reject(reason as never), // as above
    });
  }

  /** Closes the open batch and opens the next: what the batch holds is now up to the store. */
  seal(): Sealed {
    assert(this.internal.length === 0, "follow-ups belong to the batch of their cause");
    const batch = this.batch;
    for (const live of this.touched) {
      const { row } = live;
      live.listed = false;
      if (live.inserted) {
        live.inserted = false;
        // It began and ended within one batch: it can never be replayed, so its row says it all;
        // except that a restarted one has taken over a journal, which it hands on.
        if (hasEnded(row.status) && row.extra?.restartedFrom === undefined) {
          live.sealed();
          row.entries = 0;
        }
        batch.insertInvocations.push(row);
      } else if (live.dirty) {
        batch.updateInvocations.push(row);
      }
      live.dirty = false;
      if (live.fresh.length > 0) {
        for (const entry of live.fresh) batch.appendEntries.push({ number: row.number, entry });
        live.sealed();
      }
    }
    const sealed = {
      batch,
      held: this.held,
      parcels: this.parcels,
      number: this.batchNumber,
      touched: this.touched,
    };
    this.#epochs = new Map();
    this.batch = makeBatch(this.#epochs);
    this.batchBytes = 0;
    this.touched = [];
    this.held = [];
    this.parcels = [];
    this.batchNumber++;
    this.counts.batches++;
    return sealed;
  }

  get hasWrites(): boolean {
    return this.#epochs.size > 0;
  }

  /** After a failed commit: nothing in memory can be trusted. */
  reset(): void {
    // Whether the last reservations were written is not known: the next number reserves anew.
    for (const own of this.owned.values()) own.reserved = 0;
    this.live.clear();
    this.keys.clear();
    this.workflows.clear();
    this.visitors = [];
    this.keyCount = 0;
    this.idempotency.clear();
    this.promises.clear();
    this.internal = [];
    this.touched = [];
    this.held = [];
    this.parcels = [];
    this.batchBytes = 0;
    this.#epochs = new Map();
    this.batch = makeBatch(this.#epochs);
    this.batchNumber++;
  }
}
