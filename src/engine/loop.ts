import type { Host } from "../host/host.ts";
import { fail, type HoldfastError, toHoldfastError } from "../model/errors.ts";
import { partitionOfNumber } from "../model/ids.ts";
import type { Limits } from "../model/limits.ts";
import type { ScheduleDefinition } from "../sdk/handler.ts";
import type { OutboxMessage, Store, Timer } from "../store/store.ts";
import { keepCallers, reattachCallers, refuseCallers } from "./callers.ts";
import { rowOf } from "./commands/table.ts";
import { Core, type Sealed } from "./core.ts";
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
import { type Flight, Flights } from "./flights.ts";
import { Inbox, refuseCommand } from "./inbox.ts";
import { type Forward, Outbox } from "./outbox.ts";
import { Needs } from "./prefetch.ts";
import { Rebuild } from "./rebuild.ts";
import { Recovery } from "./recovery.ts";
import { Residency } from "./residency.ts";
import { Retention } from "./retention.ts";
import { ScheduleClock } from "./schedule-clock.ts";
import { Timers } from "./timers.ts";

/** How many rounds of turns one pass takes before it lets I/O in. */
const roundsPerPass = 256;

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
  readonly #inbox: Inbox;
  readonly #needs: Needs;
  readonly #flights: Flights;
  readonly #residency: Residency;
  readonly #rebuild: Rebuild;
  #woken = false;
  /** A pass is under way and waits for microtasks or for the store. */
  #busy = false;
  /** Became durable meanwhile: the pass rests on what it found in memory, so nothing of that goes yet. */
  #landed: Sealed[] = [];
  #rounds = 0;
  /** Nothing new is taken. */
  #closed = false;
  /** Nothing happens any more. */
  #ended = false;
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
    const push = (command: Command): void => this.#push(command);
    const fault = (error: unknown): void => this.#fault(error);
    this.#inbox = new Inbox(this.core);
    this.#needs = new Needs(this.core);
    this.#flights = new Flights(store, (sealed) => this.#committed(sealed), fault);
    this.#residency = new Residency(this.core);
    this.#rebuild = new Rebuild(this.core, store, () => this.#reload());
    this.#outbox = new Outbox(host, options.forward ?? this.#forwardHere, push);
    this.#recovery = this.#makeRecovery();
    this.#retention = new Retention(this.core, store, push, fault);
    this.#schedules = new ScheduleClock(this.core, push);
  }

  /** Takes ownership and begins to recover; resolves when new work can be taken. */
  async open(): Promise<void> {
    const all = Array.from({ length: this.core.partitions }, (_, partition) => partition);
    const wanted = this.#options.partitions ?? all;
    const claims = await this.#store.claim(wanted, this.#options.owner);
    for (const { partition, epoch, counter } of claims) {
      this.core.own(partition, epoch, counter);
    }
    this.#start(await this.#load());
  }

  #makeRecovery(): Recovery {
    return new Recovery(
      this.core,
      this.#store,
      (command) => this.#push(command),
      (error) => this.#fault(error),
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

  /** Loads everything again; when it goes on, so do callers who kept waiting. */
  async #reload(): Promise<() => void> {
    const messages = await this.#load();
    return () => {
      this.#start(messages);
      reattachCallers(this.core, (command) => this.#push(command));
    };
  }

  /** Gives a command to the engine. Its replies come when what they say is durable. */
  submit(command: Command): void {
    const refusal = this.#closed ? fail("shutting-down") : (this.refusal ?? this.#checkRoom());
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
    return new Promise((deliver, refuse) => this.#flights.hold({ deliver, refuse }));
  }

  /**
   * Makes the schedules of the application known, and forgets those it no longer has. Resolves when
   * that is durable.
   */
  async declareSchedules(definitions: readonly ScheduleDefinition[]): Promise<void> {
    await this.#schedules.declare(definitions);
  }

  /** Resolves when nothing moves by itself any more: no turn, no commit, nothing in the inbox. */
  async settled(): Promise<void> {
    while (this.#moving) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  get #moving(): boolean {
    return (
      this.#busy ||
      this.#inbox.size > 0 ||
      this.#flights.size > 0 ||
      this.#executor.ready ||
      this.core.hasWrites ||
      // While nothing is taken, the recovery of the next memory has not begun.
      (this.refusal === null && !this.#recovery.done)
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
    return this.#rebuild.refusal;
  }

  /**
   * Takes no new work, lets what is under way become durable while that does not take too long, and
   * forgets the rest, of which the store has what was promised: that goes on when the store is opened
   * again. Whoever still waits is told.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timers.close();
    this.#retention.close();
    this.#schedules.close();
    this.#recovery.close();
    this.#rebuild.close();
    const deadline = this.#host.monotonic() + this.#limits.drainTime;
    while (this.#moving && this.refusal === null && this.#host.monotonic() < deadline) {
      await Promise.race([
        new Promise<void>((resolve) => this.#idleWaiters.push(resolve)),
        new Promise<void>((resolve) => void this.#host.setTimer(100, resolve)),
      ]);
    }
    this.#ended = true;
    this.#outbox.close();
    this.#abandon(fail("shutting-down"));
  }

  /** Whatever was left is over: a pass that waits for the store, or a commit, changes nothing more. */
  #abandon(reason: HoldfastError): void {
    this.#rebuild.refuse(reason);
    this.#dropMemory(reason);
    this.#recovery.close();
    refuseCallers(this.core, reason);
    this.#busy = false;
    this.#notifyIdle();
  }

  #push(command: Command): void {
    if (this.#closed) {
      refuseCommand(command, fail("shutting-down"));
      return;
    }
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
    if (this.refusal !== null) return;
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
        const { drops } = this.#rebuild;
        loading
          .then(() => {
            if (drops === this.#rebuild.drops) this.#turns();
          })
          .catch((error: unknown) => {
            if (drops === this.#rebuild.drops) this.#fault(error);
          });
        return;
      }
      this.#turns();
    } catch (error) {
      this.#fault(error);
    }
  }

  #drain(): void | Promise<void> {
    if (this.#inbox.size === 0 || this.refusal !== null) return;
    this.core.now = this.#host.now();
    return this.#apply(this.#inbox.drain());
  }

  /** Applies commands, then their follow-ups, which belong to the same batch. */
  #apply(commands: readonly Command[]): void | Promise<void> {
    const needs = this.#needs;
    for (const command of commands) rowOf(command.kind).needs(needs, command);
    if (!needs.empty) {
      const loading = needs.load(this.#store);
      if (loading !== undefined) {
        const { drops } = this.#rebuild;
        return loading.then(() => {
          if (drops === this.#rebuild.drops) return this.#applyLoaded(commands);
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
    this.#inbox.applied();
    if (!this.#executor.ready) {
      this.#endPass();
      return;
    }
    this.#executor.openTurns();
    const { drops } = this.#rebuild;
    this.#host.afterMicrotasks(() => {
      try {
        this.#executor.closeTurns();
        if (drops !== this.#rebuild.drops) return;
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
    this.#letGo();
    this.#residency.shrink();
    this.#commit();
    this.#recovery.goOn();
    if (this.refusal === null && (this.#inbox.size > 0 || this.#executor.ready)) {
      // A full batch waits for the one in flight: that is the backpressure.
      if (this.#flights.size === 0 || this.#roomInBatch()) this.#wake();
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
      if (this.#flights.size === 0) this.#residency.forgetVisitors();
      return;
    }
    if (!this.#flights.hasRoom) return;
    this.#flights.launch(core.seal());
    this.#timers.sealed();
  }

  /** Replies of a batch without writes rest on what is in flight, or on nothing. */
  #passOnReplies(): void {
    const { core } = this;
    if (core.held.length === 0) return;
    const { held } = core;
    core.held = [];
    for (const reply of held) this.#flights.hold(reply);
  }

  #committed(sealed: Sealed): void {
    // First, so that whoever is told of a change can see it.
    this.core.relations.durable(sealed.number);
    for (const reply of sealed.held) reply.deliver();
    for (const parcel of sealed.parcels) this.#outbox.send(parcel);
    this.#executor.durable(sealed.number);
    this.#landed.push(sealed);
    if (!this.#busy) this.#letGo();
    this.#retention.committed();
    this.#schedules.committed();
    this.#wake();
  }

  #letGo(): void {
    for (const sealed of this.#landed) this.#residency.committed(sealed);
    this.#landed = [];
  }

  /**
   * A batch in flight, or the applying of commands, has failed. Nothing in memory can be trusted:
   * everybody who waits for it is told, and the partitions start again from what the store has.
   */
  #fault(error: unknown): void {
    if (this.#ended) return;
    const reason = toHoldfastError(error);
    this.#host.log("error", "memory is dropped and rebuilt from the store", {
      code: reason.code,
      reason: reason.message,
    });
    this.#rebuild.refuse(reason);
    this.#busy = true;
    const flying = this.#dropMemory(reason);
    this.#busy = false;
    this.#rebuild.begin(flying);
  }

  /** @returns the batches that are still on their way, though nobody waits for them any more. */
  #dropMemory(reason: HoldfastError): readonly Flight[] {
    const { core } = this;
    this.#needs.drop();
    this.#recovery.close();
    this.#recovery = this.#makeRecovery();
    const flying = this.#flights.drop();
    this.#landed = [];
    const held = [...flying.flatMap(({ sealed }) => sealed.held), ...core.held];
    const keep = keepCallers(core, flying, reason);
    this.#executor.dropAll();
    const commands = this.#inbox.clear();
    core.reset();
    for (const [number, replies] of keep) core.waiting.set(number, replies);
    for (const reply of held) reply.refuse(reason);
    for (const command of commands) refuseCommand(command, reason);
    return flying;
  }
}
