import type { Host } from "../host/host.ts";
import { encodePayload } from "../model/codec.ts";
import { fail, HoldfastError, reasonOf } from "../model/errors.ts";
import { partitionOfNumber } from "../model/ids.ts";
import { hasEnded } from "../model/invocation.ts";
import type { Limits } from "../model/limits.ts";
import type { ScheduleDefinition } from "../sdk/handler.ts";
import { assert } from "../std/assert.ts";
import { Deque } from "../std/deque.ts";
import type { OutboxMessage, PartitionClaim, Store, Timer } from "../store/store.ts";
import { rowOf } from "./commands/table.ts";
import { Core, type HeldReply, type Sealed } from "./core.ts";
import type { Deployments } from "./deployments.ts";
import type {
  Command,
  Executor,
  ExecutorHost,
  Parcel,
  RelationKeeper,
  StartGuard,
  TurnCommand,
} from "./engine.ts";
import { suspend } from "./lifecycle.ts";
import { type Forward, Outbox } from "./outbox.ts";
import { Needs } from "./prefetch.ts";
import { Recovery } from "./recovery.ts";
import { Retention } from "./retention.ts";
import { ScheduleClock } from "./schedule-clock.ts";
import type { Key, Live } from "./state.ts";
import { Timers } from "./timers.ts";

/** How many rounds of turns one pass takes before it lets I/O in. */
const roundsPerPass = 256;
/** How many more invocations in memory make another look for idle ones worth its while. */
const shrinkStep = 256;
/** Pause between attempts to write while the store is full or failing. */
const probeMs = 250;

export interface EngineOptions {
  readonly host: Host;
  readonly store: Store;
  readonly limits: Limits;
  readonly deployments: Deployments;
  readonly makeExecutor: (host: ExecutorHost) => Executor;
  readonly relations: RelationKeeper;
  readonly guard?: StartGuard;
  /** Names this owner in the store, for people. */
  readonly owner: string;
  /** Partitions to own. Default: all. */
  readonly partitions?: readonly number[];
  /** Carries messages to other owners. Default: there are none. */
  readonly forward?: Forward;
  /** Sends every message between partitions through the outbox. Default: false. */
  readonly outboxAlways?: boolean;
  /** `"evict"` forgets every invocation as soon as it waits, so that all of it is replayed. */
  readonly residency?: "keep" | "evict";
  /**
   * Only relationships change: invocations, timers, messages and schedules stay as they are in the
   * store, and no command for them may come. Default: false.
   */
  readonly rests?: boolean;
}

/**
 * The loop of one node over its partitions: drain, prefetch, apply, commit, perform. It alone touches
 * the core. While one batch commits the next one collects; nothing leaves before its batch is durable.
 * When a commit fails, memory is dropped and rebuilt from the store.
 */
export class Engine implements ExecutorHost {
  readonly core: Core;
  readonly tag: string;
  readonly partitions: number;
  readonly #host: Host;
  readonly #store: Store;
  readonly #limits: Limits;
  readonly #options: EngineOptions;
  readonly #executor: Executor;
  readonly #timers: Timers;
  readonly #outbox: Outbox;
  /** Of the memory that there is now: a new one when that is dropped. */
  #recovery: Recovery;
  readonly #retention: Retention;
  readonly #schedules: ScheduleClock;
  readonly #inbox = new Deque<Command>();
  readonly #needs: Needs;
  #woken = false;
  /** A pass is under way and waits for microtasks or for the store. */
  #busy = false;
  #rounds = 0;
  /** Counts the times that memory was dropped: a pass that waited for the store meanwhile is over. */
  #drops = 0;
  /** Batches that the store is making durable, in order. */
  #flying: Flight[] = [];
  #durable = 0;
  #claims: PartitionClaim[] = [];
  /** Why nothing is accepted now: the store cannot be written. */
  #refusal: HoldfastError | null = null;
  #cancelProbe: (() => void) | null = null;
  /** What may still reach the store, or memory, of what was before: resolves when nothing does. */
  #remains: Promise<unknown> = Promise.resolve();
  /** What was drained last: if applying it fails, those who sent it are told. */
  #applying: readonly Command[] = [];
  /** How many were left in memory when that was last tried to be less. */
  #shrunkTo = 0;
  #closed = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: EngineOptions) {
    const { host, store, limits } = options;
    this.#options = options;
    this.#host = host;
    this.#store = store;
    this.#limits = limits;
    this.tag = store.info.tag;
    this.partitions = store.info.partitions;
    this.#executor = options.makeExecutor(this);
    this.#timers = new Timers(
      host,
      store,
      (timer) => this.core.owns(partitionOfNumber(timer.number)),
      (due) => this.#fire(due),
      (error) => this.#fault(error),
    );
    this.core = new Core({
      host,
      limits,
      deployments: options.deployments,
      executor: this.#executor,
      relations: options.relations,
      guard: options.guard ?? null,
      tag: this.tag,
      partitions: store.info.partitions,
      armTimer: (timer) => this.#timers.arm(timer),
      outboxAlways: options.outboxAlways ?? false,
      evictIdle: options.residency === "evict",
    });
    this.#needs = new Needs(this.core);
    this.#outbox = new Outbox(host, options.forward ?? this.#forwardHere, (command) =>
      this.#push(command),
    );
    const push = (command: Command): void => this.#push(command);
    const fault = (error: unknown): void => this.#fault(error);
    this.#recovery = this.#makeRecovery();
    this.#retention = new Retention(this.core, store, push, fault);
    this.#schedules = new ScheduleClock(this.core, push);
  }

  /** Takes ownership and begins to recover; resolves when new work can be taken. */
  async open(): Promise<void> {
    const all = Array.from({ length: this.core.partitions }, (_, partition) => partition);
    const wanted = this.#options.partitions ?? all;
    this.#claims = await this.#store.claim(wanted, this.#options.owner);
    for (const { partition, epoch, counter } of this.#claims) {
      this.core.own(partition, epoch, counter);
    }
    this.#start(await this.#load());
  }

  #makeRecovery(): Recovery {
    const drops = this.#drops;
    return new Recovery(
      this.core,
      this.#store,
      (command) => this.#push(command),
      (error) => {
        if (drops === this.#drops) this.#fault(error);
      },
      () => this.#wake(),
    );
  }

  /**
   * What memory holds from the start, after opening and after a failed commit; nothing can be applied
   * before.
   * @returns the messages that are on their way to other partitions.
   */
  async #load(): Promise<readonly OutboxMessage[]> {
    const messages: OutboxMessage[] = [];
    if (this.#options.rests !== true) {
      await this.#recovery.load((message) => messages.push(message));
    }
    return messages;
  }

  /** Everything goes on. */
  #start(messages: readonly OutboxMessage[]): void {
    if (this.#options.rests === true) {
      this.#recovery.skip();
      return;
    }
    for (const message of messages) this.#outbox.send(message);
    this.#schedules.start();
    this.#timers.reset();
    this.#retention.start();
    this.#recovery.start();
    this.#wake();
  }

  /** Gives a command to the engine. Its replies come when what they say is durable. */
  submit(command: Command): void {
    const refusal = this.#closed ? fail("shutting-down") : (this.#refusal ?? this.#checkRoom());
    if (refusal !== null) {
      refuseCommand(command, refusal);
      return;
    }
    this.#inbox.push(command);
    this.#wake();
  }

  submitTurn(turn: TurnCommand): void {
    this.#inbox.push(turn);
    this.#wake();
  }

  wake(): void {
    this.#wake();
  }

  /** Takes a message from another owner; `received` is called when its effect is durable. */
  receive(message: OutboxMessage, parcel: Parcel, received: () => void): void {
    this.submit({
      kind: "deliver",
      source: message.partition,
      destination: message.destination,
      sequence: parcel.sequence,
      inner: parcel.command,
      reply: { resolve: received, reject: () => {} },
    });
  }

  /** Resolves when everything that the store has been given is durable. */
  barrier(): Promise<void> {
    return new Promise((deliver, refuse) => {
      const last = this.#flying.at(-1);
      if (last === undefined) deliver();
      else last.sealed.held.push({ deliver, refuse });
    });
  }

  /**
   * Makes the schedules of the application known, and forgets those it no longer has. Resolves when
   * that is durable.
   */
  async declareSchedules(definitions: readonly ScheduleDefinition[]): Promise<void> {
    const declared: Promise<void>[] = [];
    const names = new Set(definitions.map((definition) => definition.name));
    for (const known of this.core.schedules.values()) {
      const { name } = known;
      if (known.declared && !names.has(name)) {
        this.#push({ kind: "schedule", name, action: "remove" });
      }
    }
    for (const definition of definitions) {
      const { name, target } = definition;
      encodePayload(target.input, `The input of schedule ${name}`, this.#limits.payload);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      declared.push(promise);
      const reply = { resolve, reject };
      this.#push({ kind: "schedule", name, action: "declare", definition, reply });
    }
    await Promise.all(declared);
  }

  /** Resolves when nothing moves by itself any more: no turn, no commit, nothing in the inbox. */
  async settled(): Promise<void> {
    while (this.#moving) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  get #moving(): boolean {
    return (
      this.#busy ||
      this.#inbox.size > 0 ||
      this.#flying.length > 0 ||
      this.#executor.ready ||
      this.core.hasWrites ||
      !this.#recovery.done
    );
  }

  get recovered(): boolean {
    return this.#recovery.done;
  }

  get waiting(): number {
    return this.#inbox.size;
  }

  get outboxSize(): number {
    return this.#outbox.size;
  }

  /** Why nothing can be written now, or null. */
  get refusal(): HoldfastError | null {
    return this.#refusal;
  }

  /**
   * Takes no new work, lets what is being committed become durable, and forgets the rest, which the
   * store has: it goes on when the store is opened again.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timers.close();
    this.#retention.close();
    this.#schedules.close();
    this.#recovery.close();
    this.#cancelProbe?.();
    const deadline = this.#host.monotonic() + this.#limits.drainTime;
    while (this.#moving && this.#refusal === null && this.#host.monotonic() < deadline) {
      await Promise.race([
        new Promise<void>((resolve) => this.#idleWaiters.push(resolve)),
        new Promise<void>((resolve) => void this.#host.setTimer(100, resolve)),
      ]);
    }
    this.#executor.dropAll();
    this.#outbox.close();
    const gone = fail("shutting-down");
    for (const live of this.core.live.values()) {
      for (const reply of live.replies ?? []) reply.reject(gone);
    }
    for (const replies of this.core.waiting.values()) {
      for (const reply of replies) reply.reject(gone);
    }
    for (const { sealed } of this.#flying) for (const held of sealed.held) held.refuse(gone);
    for (const held of this.core.held) held.refuse(gone);
  }

  #push(command: Command): void {
    if (this.#closed) return;
    this.#inbox.push(command);
    this.#wake();
  }

  #checkRoom(): HoldfastError | null {
    const { requestsWaiting, outboxMessages } = this.#limits;
    if (this.#inbox.size >= requestsWaiting) {
      return fail("overloaded", { what: `${requestsWaiting} requests` });
    }
    if (this.#outbox.size >= outboxMessages) {
      return fail("overloaded", { what: `${outboxMessages} messages to other nodes` });
    }
    return null;
  }

  #fire(due: Timer[]): void {
    // Memory is gone, and with it what these were armed for: the store will say which there are.
    if (this.#refusal !== null) return;
    for (const { number, command, due: at, kind } of due) {
      this.#inbox.push({ kind: "timer", number, command, due: at, timer: kind });
    }
    this.#wake();
  }

  readonly #forwardHere: Forward = (message, parcel, received) => {
    if (this.core.owns(message.destination)) this.receive(message, parcel, received);
  };

  #wake(): void {
    if (this.#woken || this.#busy) return;
    this.#woken = true;
    this.#host.defer(() => {
      this.#woken = false;
      if (this.#busy) return;
      this.#rounds = 0;
      this.#pass();
    });
  }

  /** One round: apply what has come, then let the handlers that can go on take a turn. */
  #pass(): void {
    this.#busy = true;
    try {
      const loading = this.#drain();
      if (loading !== undefined) {
        const drops = this.#drops;
        loading
          .then(() => {
            if (drops === this.#drops) this.#turns();
          })
          .catch((error: unknown) => {
            if (drops === this.#drops) this.#fault(error);
          });
        return;
      }
      this.#turns();
    } catch (error) {
      this.#fault(error);
    }
  }

  #drain(): void | Promise<void> {
    if (this.#inbox.size === 0 || this.#refusal !== null) return;
    const { core } = this;
    core.now = this.#host.now();
    const commands: Command[] = [];
    let bytes = core.batchBytes;
    while (commands.length < this.#limits.batchCommands && bytes < this.#limits.batchBytes) {
      const command = this.#inbox.shift();
      if (command === undefined) break;
      bytes += sizeOf(command);
      if (this.#owned(command)) commands.push(command);
    }
    this.#applying = commands;
    core.counts.commands += commands.length;
    return this.#apply(commands);
  }

  #owned(command: Command): boolean {
    const { core } = this;
    if (core.owned.size === core.partitions || command.kind === "turn") return true;
    const partition = rowOf(command.kind).partition(core, command);
    if (core.owns(partition)) return true;
    refuseCommand(command, fail("fenced-out", { partition }));
    return false;
  }

  /** Applies commands, then their follow-ups, which belong to the same batch. */
  #apply(commands: readonly Command[]): void | Promise<void> {
    const needs = this.#needs;
    for (const command of commands) rowOf(command.kind).needs(needs, command);
    if (!needs.empty) {
      const loading = needs.load(this.#store);
      if (loading !== undefined) {
        const drops = this.#drops;
        return loading.then(() => {
          if (drops === this.#drops) return this.#applyLoaded(commands);
        });
      }
    }
    return this.#applyLoaded(commands);
  }

  #applyLoaded(commands: readonly Command[]): void | Promise<void> {
    const { core } = this;
    for (const command of commands) rowOf(command.kind).apply(core, command);
    if (core.internal.length === 0) return;
    const next = core.internal;
    core.internal = [];
    return this.#apply(next);
  }

  #turns(): void {
    this.#applying = [];
    if (!this.#executor.ready) {
      this.#endPass();
      return;
    }
    this.#executor.openTurns();
    const drops = this.#drops;
    this.#host.afterMicrotasks(() => {
      try {
        this.#executor.closeTurns();
        if (drops !== this.#drops) return;
        if (++this.#rounds < roundsPerPass && this.#roomInBatch()) {
          this.#pass();
          return;
        }
        this.#endPass();
      } catch (error) {
        this.#fault(error);
      }
    });
  }

  #roomInBatch(): boolean {
    return (
      this.core.batchBytes < this.#limits.batchBytes &&
      this.core.touched.length < this.#limits.batchCommands
    );
  }

  #endPass(): void {
    this.#busy = false;
    this.#shrink();
    this.#commit();
    this.#recovery.goOn();
    if (this.#refusal === null && (this.#inbox.size > 0 || this.#executor.ready)) {
      // A full batch waits for the one in flight: that is the backpressure.
      if (this.#flying.length === 0 || this.#roomInBatch()) this.#wake();
    }
    this.#notifyIdle();
  }

  #notifyIdle(): void {
    if (this.#idleWaiters.length === 0 || this.#moving) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const waiter of waiters) waiter();
  }

  #commit(): void {
    const { core } = this;
    if (!core.hasWrites) {
      this.#passOnReplies();
      if (this.#flying.length === 0) this.#forgetVisitors();
      return;
    }
    if (this.#flying.length > 0 && !this.#store.canOverlap) return;
    const sealed = core.seal();
    let written: Promise<void>;
    try {
      written = this.#store.commit(sealed.batch);
    } catch (error) {
      written = Promise.reject(error);
    }
    this.#timers.sealed();
    const flight: Flight = { sealed, durable: false, settled: Promise.resolve() };
    this.#flying.push(flight);
    flight.settled = written.then(
      () => this.#landed(flight),
      (error: unknown) => {
        if (this.#flying.includes(flight)) this.#fault(error);
      },
    );
  }

  /** Batches become durable in any order, and count in theirs. */
  #landed(flight: Flight): void {
    flight.durable = true;
    if (!this.#flying.includes(flight)) return;
    for (let first = this.#flying[0]; first?.durable === true; first = this.#flying[0]) {
      this.#flying.shift();
      this.#committed(first.sealed);
    }
  }

  /** Replies of a batch without writes rest on what is in flight, or on nothing. */
  #passOnReplies(): void {
    const { core } = this;
    if (core.held.length === 0) return;
    const { held } = core;
    core.held = [];
    const last = this.#flying.at(-1);
    if (last !== undefined) last.sealed.held.push(...held);
    else for (const reply of held) reply.deliver();
  }

  #committed(sealed: Sealed): void {
    this.#durable = sealed.number;
    // First, so that whoever is told of a change can see it.
    this.core.relations.durable(sealed.number);
    for (const reply of sealed.held) reply.deliver();
    for (const parcel of sealed.parcels) this.#outbox.send(parcel);
    this.#executor.durable(sealed.number);
    this.#clean(sealed);
    this.#retention.committed();
    this.#schedules.committed();
    this.#wake();
  }

  /** Lets go of memory that nothing needs: what ended, what only visited, and what waits too long. */
  #clean(sealed: Sealed): void {
    const { core } = this;
    for (const live of sealed.touched) this.#forget(live);
    this.#forgetVisitors();
    this.#trim(core.idempotency);
    this.#trim(core.promises);
  }

  /** Lets go of what was loaded only to be looked at, which no commit need follow. */
  #forgetVisitors(): void {
    const { core } = this;
    if (core.keyCount > this.#limits.running) this.#shrinkKeys();
    const { visitors } = core;
    if (visitors.length === 0) return;
    core.visitors = [];
    for (const number of visitors) {
      const live = core.live.get(number);
      if (live === undefined) continue;
      if (live.batch > this.#durable) core.visitors.push(number);
      else this.#forget(live);
    }
  }

  #forget(live: Live): void {
    const { row } = live;
    if (live.batch > this.#durable || live.attempt !== 0 || live.replies !== null) return;
    const gone = hasEnded(row.status) || row.status === "suspended" || row.status === "scheduled";
    if (!gone && !live.idle) return;
    this.core.live.delete(row.number);
    // A workflow's key is rarely asked for again once it rests; an actor's often is.
    if (row.mode !== "workflow" || row.key === null) return;
    const key = this.core.findKey(row.service, row.key);
    if (key?.idle === true && key.batch <= this.#durable) this.core.forgetKey(key);
  }

  /**
   * Too much in memory: the longest idle leave it. What is not idle cannot, so after a round without
   * success the next one waits until there is more to look at.
   */
  #shrink(): void {
    const { live } = this.core;
    const high = this.#limits.running * 0.75;
    if (live.size <= high) {
      this.#shrunkTo = 0;
      return;
    }
    if (live.size < this.#shrunkTo + shrinkStep) return;
    let excess = live.size - this.#limits.running / 2;
    for (const one of live.values()) {
      if (excess <= 0) break;
      if (one.batch > this.#durable) continue;
      if (one.idle && one.attempt !== 0 && one.row.status === "running") {
        suspend(this.core, one);
        excess--;
      } else if (one.attempt === 0 && one.replies === null && !one.listed) {
        live.delete(one.row.number);
        excess--;
      }
    }
    this.#shrunkTo = live.size;
  }

  #shrinkKeys(): void {
    const spare = (key: Key): boolean => key.idle && key.batch <= this.#durable;
    let excess = this.core.keyCount - this.#limits.running;
    for (const ofService of this.core.keys.values()) {
      for (const key of ofService.values()) {
        if (excess <= 0) return;
        if (!spare(key)) continue;
        this.core.forgetKey(key);
        excess--;
      }
    }
  }

  #trim(rows: Map<string, { readonly batch: number }>): void {
    if (rows.size <= this.#limits.running) return;
    for (const [key, row] of rows) if (row.batch <= this.#durable) rows.delete(key);
  }

  /**
   * A batch in flight, or the applying of commands, has failed. Nothing in memory can be trusted:
   * everybody who waits for it is told, and the partitions start again from what the store has.
   */
  #fault(error: unknown): void {
    if (this.#closed && this.#flying.length === 0) return;
    const { core } = this;
    const flying = this.#flying;
    const reason =
      error instanceof HoldfastError ? error : fail("internal", { reason: reasonOf(error) }, error);
    this.#host.log("error", "memory is dropped and rebuilt from the store", {
      code: reason.code,
      reason: reason.message,
    });
    this.#drops++;
    this.#needs.drop();
    this.#recovery.close();
    this.#recovery = this.#makeRecovery();
    this.#flying = [];
    this.#busy = true;
    this.#refusal = reason;
    const held: HeldReply[] = [...flying.flatMap(({ sealed }) => sealed.held), ...core.held];
    const keep = this.#keepWaiting(flying, reason);
    this.#executor.dropAll();
    const commands = [...this.#inbox];
    this.#inbox.clear();
    core.reset();
    for (const [number, replies] of keep) core.waiting.set(number, replies);
    for (const reply of held) reply.refuse(reason);
    for (const command of [...this.#applying, ...commands]) refuseCommand(command, reason);
    this.#applying = [];
    this.#busy = false;
    this.#cancelProbe?.();
    this.#cancelProbe = null;
    // Whatever still flies has to come down before anything else is written.
    this.#remains = Promise.all([this.#remains, ...flying.map(({ settled }) => settled)]);
    const drops = this.#drops;
    this.#remains.then(() => {
      if (drops === this.#drops) this.#probe();
    });
  }

  /** Callers who wait for invocations that the store knows go on waiting; the others are told. */
  #keepWaiting(
    flying: readonly Flight[],
    reason: HoldfastError,
  ): Map<number, NonNullable<Live["replies"]>> {
    const keep = new Map(this.core.waiting);
    const lost = new Set(
      flying.flatMap(({ sealed }) => sealed.batch.insertInvocations.map((row) => row.number)),
    );
    for (const live of this.core.live.values()) {
      if (live.replies === null) continue;
      if (live.inserted || lost.has(live.row.number)) {
        for (const reply of live.replies) reply.reject(reason);
      } else {
        keep.set(live.row.number, live.replies);
      }
    }
    return keep;
  }

  /** Writes something small until the store takes it; then the partitions are loaded again. */
  #probe(): void {
    if (this.#closed) return;
    this.#cancelProbe = this.#host.setTimer(probeMs, () => {
      this.#cancelProbe = null;
      const drops = this.#drops;
      this.#remains = this.#reopen().catch((error: unknown) => {
        if (drops !== this.#drops) return;
        this.#host.log("warn", "the store still cannot be written", { reason: reasonOf(error) });
        this.core.reset();
        this.#probe();
      });
    });
  }

  /** Unless memory is dropped once more meanwhile: then that which comes after has it all to do. */
  async #reopen(): Promise<void> {
    const { core } = this;
    const drops = this.#drops;
    const isOver = (): boolean => this.#closed || drops !== this.#drops;
    const first = this.#claims[0];
    assert(first !== undefined, "a node owns at least one partition");
    const own = core.owned.get(first.partition);
    assert(own !== undefined, "claims and ownership agree");
    own.reserved = Math.max(own.reserved, core.counter) + 1;
    core.touch(first.partition).reserveCounters.push({
      partition: first.partition,
      counter: own.reserved,
    });
    await this.#store.commit(core.seal().batch);
    if (isOver()) return;
    await core.relations.reset();
    if (isOver()) return;
    const messages = await this.#load();
    if (isOver()) return;
    this.#refusal = null;
    this.#start(messages);
    this.#reattach();
  }

  /** Callers who kept waiting are attached to what they wait for. */
  #reattach(): void {
    const { waiting } = this.core;
    for (const [number, replies] of [...waiting]) {
      waiting.delete(number);
      for (const outcome of replies) this.#push({ kind: "attach", number, outcome });
    }
  }
}

/** Roughly what a command will add to its batch. */
function sizeOf(command: Command): number {
  if (command.kind === "start") return command.input?.length ?? 0;
  if (command.kind === "turn") {
    let size = command.outcome?.kind === "returned" ? (command.outcome.payload?.length ?? 0) : 0;
    for (const { payload, target } of command.commands) {
      size += (payload?.length ?? 0) + (target?.input?.length ?? 0);
    }
    return size;
  }
  return "payload" in command ? (command.payload?.length ?? 0) : 0;
}

/** A batch on its way to the disk. */
interface Flight {
  readonly sealed: Sealed;
  durable: boolean;
  /** Resolves when the store has said how it went, whichever way. */
  settled: Promise<void>;
}

function refuseCommand(command: Command, reason: HoldfastError): void {
  if ("reply" in command) command.reply?.reject(reason);
  if ("accepted" in command) command.accepted?.reject(reason);
  if ("found" in command) command.found?.reject(reason);
  if ("outcome" in command && command.kind !== "turn") command.outcome?.reject(reason);
}
