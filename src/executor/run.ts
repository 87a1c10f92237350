import { type HandlerRuntime, type Retry, retryDelay } from "../engine/deployments.ts";
import type { Attempt, ExecutorHost, IssuedCommand, TurnOutcome } from "../engine/engine.ts";
import type { Host } from "../host/host.ts";
import {
  CancelledError,
  decodeError,
  decodePayload,
  encodeError,
  encodePayload,
  isTerminal,
} from "../model/codec.ts";
import { type Entry, type EntryKind, openKinds } from "../model/entry.ts";
import { fail, type HoldfastError, reasonOf } from "../model/errors.ts";
import { formatInvocationId } from "../model/ids.ts";
import type { Failure } from "../model/invocation.ts";
import type { Limits } from "../model/limits.ts";
import type { StepInfo, StepOptions } from "../sdk/context.ts";
import { validateInput, validateOutput } from "../sdk/validate.ts";
import { assert } from "../std/assert.ts";
import { Deque } from "../std/deque.ts";
import { type Duration, parseDuration } from "../std/duration.ts";
import { type CommandHost, Commands } from "./commands.ts";
import { type Cancellable, Future, StartedFuture, type StartedHost } from "./future.ts";
import { nameCommand, Recorded, siteOf } from "./journal.ts";
import { isThenable, Step, type StepEnd, type StepHost } from "./steps.ts";

/** What a run needs of its executor. */
export interface RunHost {
  readonly host: Host;
  readonly limits: Limits;
  readonly engine: ExecutorHost;
  /** The last batch that is durable. */
  readonly durableBatch: number;
  /** A step's effect is being called: the context must not be used. */
  inStep: boolean;
  /** The context that user code gets. */
  makeContext(run: Run): object;
  /** The run can take a turn. */
  enqueue(run: Run): void;
  /** Its steps start when this batch is durable. */
  awaitBatch(run: Run, batch: number): void;
}

/** Most runs of actors and services never wait: they share this, and never write to it. */
const none: Map<number, Future<unknown>> = new Map();

/** A step that succeeded and can be taken back. */
interface Undo {
  readonly name: string;
  readonly result: unknown;
  readonly undo: (result: never, step: StepInfo) => unknown;
}

/**
 * One attempt of one invocation: the user's function, suspended between completions. Live, it takes
 * completions as the engine tells them; replaying, it takes them from the journal first, compares
 * every command with what was recorded, and issues nothing until the journal is used up.
 */
export class Run implements StartedHost, StepHost, CommandHost {
  readonly executor: RunHost;
  readonly attempt: Attempt;
  readonly handler: HandlerRuntime;
  readonly id: string;
  /** What the code can ask for. */
  readonly commands: Commands = new Commands(this);
  /** The time of the turn: what `ctx.now()` says. */
  now: number;
  readonly #recorded: Recorded | null;
  #replaying: boolean;
  /** The batch with its latest entry. */
  #batch: number;
  #begun = false;
  #open = false;
  #queued = false;
  /** Ended, dropped or doomed: nothing it does counts. */
  #over = false;
  #next = 0;
  #issued: IssuedCommand[] = [];
  #outcome: TurnOutcome | null = null;
  readonly #completions = new Deque<Entry>();
  #futures: Map<number, Future<unknown>> = none;
  /** Commands whose futures a cancellation rejected: their answers may still come, and count not. */
  #givenUp: Set<number> | null = null;
  /** What user code awaits now, in the order in which it began to. */
  #awaited: Set<Cancellable> | null = null;
  #steps: Map<number, Step> | null = null;
  #toStart: Step[] = [];
  /** Told to stop because the handler has failed: they end now, well or not. */
  #stopping: Set<Step> | null = null;
  /** Who waits for their ends. */
  #ends: Map<number, () => void> | null = null;
  /** What was done is being undone, which no cancellation stops. */
  #undoing = false;
  #undos: Undo[] | null = null;
  #undoOf: Map<number, Undo["undo"]> | null = null;
  #cancelRequested = false;
  /** A cancellation came while nothing was awaited: the next await gets it. */
  #cancelPending: Entry | null = null;
  #cancelGrace: (() => void) | null = null;
  #notified = 0;
  #input: unknown;

  constructor(executor: RunHost, attempt: Attempt) {
    this.executor = executor;
    this.attempt = attempt;
    this.handler = attempt.handler;
    this.id = formatInvocationId(executor.engine.tag, attempt.number);
    const { invocation, entries } = attempt;
    this.now = Math.max(invocation.createdAt, invocation.extra?.due ?? 0);
    this.#recorded = entries.length > 0 ? new Recorded(entries) : null;
    this.#replaying = this.#recorded !== null;
    this.#batch = attempt.batch;
  }

  /**
   * Whether this point was passed before, so that what is said here was said then. Where the journal
   * ends that is not known, and better said twice than never: a completion that wakes an invocation
   * is in the journal before its turn.
   */
  get replaying(): boolean {
    return this.#replaying && this.#recorded?.isBehind(this.#next) === true;
  }

  get retry(): Retry {
    return this.handler.retry;
  }

  get host(): Host {
    return this.executor.host;
  }

  get limits(): Limits {
    return this.executor.limits;
  }

  get target(): string {
    return `${this.attempt.invocation.service}/${this.attempt.invocation.handler}`;
  }

  // The executor's side.

  /** Reads the input; the first turn comes when that is done. */
  prepare(): void {
    try {
      const input = decodePayload(this.attempt.invocation.input);
      const schema = this.handler.definition.options.input;
      const checked = schema === undefined ? input : validateInput(schema, input, this.target);
      if (checked instanceof Promise) {
        checked.then(
          (value) => this.#prepared(value),
          (error: unknown) => this.#refused(error),
        );
        return;
      }
      this.#prepared(checked);
    } catch (error) {
      this.#refused(error);
    }
  }

  #prepared(input: unknown): void {
    if (this.#over) return;
    this.#input = input;
    this.#enqueue();
  }

  #refused(error: unknown): void {
    if (this.#over) return;
    if (this.#recorded !== null) {
      // It was accepted when it came, so it is the schema that has changed.
      const actual = `a schema that refuses it: ${reasonOf(error)}`;
      this.#pause(
        fail("code-diverged", { index: 0, recorded: "an input accepted", actual, site: "" }),
      );
      return;
    }
    this.#conclude({ kind: "failed", payload: this.#encode(error), cancelled: false });
    this.#submit(false);
  }

  notify(entry: Entry, batch: number): void {
    this.#batch = batch;
    this.#notified++;
    this.#completions.push(entry);
    if (this.#begun) this.#enqueue();
  }

  applied(batch: number): void {
    this.#batch = batch;
    if (this.#toStart.length > 0) this.#startAfter(batch);
  }

  openTurn(): void {
    this.#queued = false;
    if (this.#over) return;
    this.#open = true;
    if (!this.#begun) {
      this.#begun = true;
      this.#invoke();
      return;
    }
    const recorded = this.#replaying ? this.#recorded?.take() : undefined;
    const entry = recorded ?? this.#completions.shift();
    if (entry === undefined) return;
    try {
      this.#deliver(entry);
    } catch (error) {
      // One unreadable journal stops one invocation, and no other.
      this.#pause(fail("journal-damaged", { target: this.target, reason: reasonOf(error) }));
    }
  }

  /** The microtask queue is empty: nothing this run still wants to do belongs to the turn. */
  closeTurn(): void {
    this.#open = false;
    if (this.#over) return;
    if (this.#replaying && !this.#closeReplay()) return;
    const more = this.#completions.size > 0;
    if (this.#outcome !== null) {
      this.#submit(false);
      return;
    }
    if (more) this.#enqueue();
    const starts = this.#toStart.length > 0;
    if (this.#issued.length > 0) {
      this.#submit(starts && !this.handler.pipelined);
      if (starts && this.handler.pipelined) this.startSteps();
    } else if (starts) {
      this.#startAfter(this.#batch);
    } else if (this.#isIdle()) {
      this.#submit(false);
    }
    if (this.#cancelRequested) this.#tryCancel();
  }

  #isIdle(): boolean {
    const stepless = this.#steps === null || this.#steps.size === 0;
    // Waiting for nothing durable, it awaits something foreign: nobody else could wake it.
    const durably = this.#waitsDurably();
    return stepless && durably && this.#completions.size === 0 && !this.#cancelRequested;
  }

  #waitsDurably(): boolean {
    return this.#futures.size > 0 || this.commands.awaitsSignal;
  }

  /** @returns whether the journal is used up, so that the run is live from here on. */
  #closeReplay(): boolean {
    const recorded = this.#recorded;
    assert(recorded !== null, "a replay has a journal");
    // What came while it was already ending was never for it: the first run ended without it too.
    if (!recorded.drained && this.#outcome === null) {
      this.#enqueue();
      return false;
    }
    const missed = recorded.missed(this.#next);
    if (missed !== undefined) {
      const actual = this.#outcome === null ? "nothing more" : "the end of the handler";
      this.#divergeAt(missed, actual);
      return false;
    }
    this.#replaying = false;
    return true;
  }

  /** New steps wait for this batch; older ones keep waiting for theirs. */
  #startAfter(batch: number): void {
    for (const step of this.#toStart) step.after ??= batch;
    if (this.handler.pipelined || batch <= this.executor.durableBatch) this.startSteps();
    else this.executor.awaitBatch(this, batch);
  }

  /** Steps that waited for what came before them to be durable. */
  startSteps(): void {
    if (this.#over || this.#replaying || this.#cancelRequested) return;
    const { durableBatch } = this.executor;
    const { pipelined } = this.handler;
    const mayStart = ({ after }: Step): boolean =>
      pipelined || (after !== null && after <= durableBatch);
    const starting = this.#toStart.filter(mayStart);
    this.#toStart = this.#toStart.filter((step) => !mayStart(step));
    const { extra } = this.attempt.invocation;
    for (const step of starting) {
      const pausing = extra?.retryAt !== undefined && extra.failure?.command === step.command;
      if (!pausing) this.#startStep(step);
    }
  }

  #startStep(step: Step): void {
    this.executor.inStep = true;
    try {
      step.start();
    } finally {
      this.executor.inStep = false;
    }
  }

  retryStep(command: number): void {
    const step = this.#steps?.get(command);
    if (step === undefined || step.running || this.#toStart.includes(step)) return;
    if (this.#cancelRequested) return;
    this.#startStep(step);
  }

  stepEnded(step: Step, how: StepEnd): void {
    if (this.#over) return;
    const { command, name } = step;
    const end = this.#stopping?.has(step) === true ? this.#lastEnd(how) : how;
    switch (end.kind) {
      case "ended":
        this.#steps?.delete(command);
        this.#issued.push({
          kind: "run",
          command,
          name,
          payload: end.payload,
          failed: end.failed,
        });
        // Within a turn it goes along with the turn.
        if (!this.#open) this.#submit(this.#toStart.length > 0);
        break;
      case "aborted":
        break;
      case "again": {
        if (this.#cancelRequested) break;
        const jitter = 1 - (this.host.random() / 0xffffffff) * 0.1;
        const delayMs = Math.round(end.delayMs * jitter);
        this.#outcome = { kind: "retry-step", failure: this.#failure(step, end.error), delayMs };
        this.#submit(false);
        this.#outcome = null;
        break;
      }
      case "exhausted":
        this.#conclude({ kind: "pause", failure: this.#failure(step, end.error) });
        this.#submit(false);
        break;
    }
    if (this.#cancelRequested) this.#tryCancel();
  }

  /** A step that was told to stop for good is not tried again. */
  #lastEnd(end: StepEnd): StepEnd {
    if (end.kind === "ended") return end;
    return { kind: "ended", payload: this.#encode(new CancelledError()), failed: true };
  }

  #failure(step: Step, error: unknown): Failure {
    return {
      code: "step-failed",
      message: reasonOf(error).slice(0, this.limits.errorText),
      at: this.host.now(),
      step: step.name,
      command: step.command,
      attempts: step.attempts,
    };
  }

  /** Running steps are asked to stop; when they have, the cancellation enters the journal. */
  cancel(): void {
    if (this.#over) return;
    this.#cancelRequested = true;
    if (this.#undoing) {
      this.#tryCancel();
      return;
    }
    const reason = new CancelledError();
    for (const step of this.#steps?.values() ?? []) if (step.running) step.abort(reason);
    const { host, limits } = this;
    this.#cancelGrace = host.setTimer(limits.stepAbortGrace, () => {
      for (const step of this.#steps?.values() ?? []) if (step.running) step.abandon(reason);
      this.#tryCancel();
    });
    if (!this.#open && !this.#replaying && this.#begun) this.#tryCancel();
  }

  #tryCancel(): void {
    if (this.#over || this.#open || this.#replaying || !this.#cancelRequested) return;
    for (const step of this.#steps?.values() ?? []) if (step.running && !this.#undoing) return;
    this.#cancelRequested = false;
    this.#cancelGrace?.();
    this.#issued.push({ kind: "cancel", command: -1, name: "", payload: null, failed: false });
    this.#submit(false);
  }

  end(): void {
    this.#over = true;
    this.#cancelGrace?.();
    if (this.#steps !== null && this.#steps.size > 0) {
      const reason = new CancelledError("The attempt was given up");
      for (const step of this.#steps.values()) step.abandon(reason);
    }
    this.#steps = null;
    this.#futures = none;
    this.#awaited = null;
    this.#issued = [];
  }

  #enqueue(): void {
    if (this.#queued || this.#over) return;
    this.#queued = true;
    this.executor.enqueue(this);
  }

  #submit(stepsWait: boolean): void {
    const commands = this.#issued;
    this.#issued = [];
    const { number, attempt } = this.attempt;
    const outcome = this.#outcome;
    const idle = outcome === null && commands.every(isQuiet) && this.#isIdle();
    this.executor.engine.submitTurn({
      kind: "turn",
      number,
      attempt,
      commands,
      outcome,
      stepsWait,
      idle,
      notified: this.#notified,
    });
    if (outcome !== null && outcome.kind !== "retry-step") this.end();
  }

  // The handler.

  #invoke(): void {
    const context = this.executor.makeContext(this);
    let result: unknown;
    try {
      result = this.handler.definition.invoke(context as never, this.#input as never); // erased
      if (isThenable(result)) {
        result.then(this.#returned, this.#threw);
        return;
      }
    } catch (error) {
      this.#threw(error);
      return;
    }
    this.#returned(result);
  }

  readonly #returned = (result: unknown): void => {
    if (this.#over || this.#outcome !== null) return;
    if (!this.#open && this.#awaitedForeign("the end of the handler")) return;
    try {
      const schema = this.handler.definition.options.output;
      if (schema === undefined) {
        this.#finish(result);
        return;
      }
      const checked = validateOutput(schema, result, this.target);
      if (checked instanceof Promise) {
        checked.then((value) => this.#finish(value), this.#threw);
      } else {
        this.#finish(checked);
      }
    } catch (error) {
      this.#threw(error);
    }
  };

  #finish(result: unknown): void {
    const what = `The result of ${this.target}`;
    const payload = encodePayload(result, what, this.limits.payload);
    this.#conclude({ kind: "returned", payload });
    if (!this.#open) this.#submit(false);
  }

  readonly #threw = (error: unknown): void => {
    if (this.#over || this.#outcome !== null) return;
    if (isTerminal(error)) {
      if (this.#undoOf !== null && this.#undoOf.size > 0) {
        this.#takeBack(error).then(() => this.#fail(error), this.#threw);
      } else {
        this.#fail(error);
      }
      return;
    }
    const attempts = (this.attempt.invocation.extra?.attempts ?? 0) + 1;
    const delay = retryDelay(this.handler.retry, attempts);
    const jitter = 1 - (this.host.random() / 0xffffffff) * 0.1;
    this.#conclude({
      kind: "retry",
      failure: {
        code: "handler-failed",
        message: reasonOf(error).slice(0, this.limits.errorText),
        at: this.host.now(),
        attempts,
      },
      delayMs: delay === null ? null : Math.round(delay * jitter),
    });
    if (!this.#open) this.#submit(false);
  };

  #fail(error: unknown): void {
    if (this.#over) return;
    const cancelled = error instanceof CancelledError;
    this.#conclude({ kind: "failed", payload: this.#encode(error), cancelled });
    if (!this.#open) this.#submit(false);
  }

  /** Undoes what was done, latest first. Each is a step; a cancellation does not stop it. */
  async #takeBack(cause: unknown): Promise<void> {
    await this.#stopSteps();
    this.#undoing = true;
    for (let undo = this.#undos?.pop(); undo !== undefined; undo = this.#undos?.pop()) {
      const { name, result, undo: effect } = undo;
      try {
        const step = this.step(`undo ${name}`, (info) => effect(result as never, info), undefined); // its own
        await step.observe(); // not awaited in the sense of a cancellation
      } catch (error) {
        // It says itself that it cannot be undone: the others still are.
        this.host.log("error", "an undo failed for good", {
          id: this.id,
          step: name,
          reason: reasonOf(error),
          cause: reasonOf(cause),
        });
      }
    }
  }

  /**
   * Before anything is undone: steps that do not run now never will. Those that run are told to stop,
   * and their end is waited for, since what succeeds must be undone too. A replay finds it recorded.
   */
  async #stopSteps(): Promise<void> {
    const reason = new CancelledError("The handler has failed");
    const stopping = new Set<Step>();
    const settled = new Map<number, () => void>();
    this.#stopping = stopping;
    this.#ends = settled;
    for (const [ordinal, step] of this.#steps ?? []) {
      if (step.running) {
        stopping.add(step);
        step.abort(reason);
      } else {
        this.#steps?.delete(ordinal);
        this.#futures.delete(ordinal);
      }
    }
    this.#toStart = [];
    const ends: Promise<void>[] = [];
    for (const ordinal of this.#undoOf?.keys() ?? []) {
      if (!this.#futures.has(ordinal)) continue;
      ends.push(new Promise((resolve) => settled.set(ordinal, resolve)));
    }
    if (ends.length === 0) return;
    const enough = this.host.setTimer(this.limits.stepAbortGrace, () => {
      for (const step of stopping) {
        if (!step.running) continue;
        step.abandon(reason);
        this.stepEnded(step, { kind: "aborted" });
      }
    });
    await Promise.all(ends);
    enough();
  }

  #conclude(outcome: TurnOutcome): void {
    this.#outcome = outcome;
  }

  #encode(error: unknown): string {
    return encodeError(error, this.limits.errorText);
  }

  // Completions.

  #deliver(entry: Entry): void {
    this.now = entry.at;
    switch (entry.kind) {
      case "signal":
        this.commands.signalled(entry);
        return;
      case "cancel":
        this.#cancelled(entry);
        return;
      default:
        this.#answered(entry);
    }
  }

  #answered(entry: Entry): void {
    const future = this.#futures.get(entry.command);
    if (future === undefined) {
      const expected = !this.#replaying || this.#givenUp?.has(entry.command) === true;
      if (!expected) this.#divergeAt(entry, "nothing that this could answer");
      return;
    }
    this.#futures.delete(entry.command);
    this.#ends?.get(entry.command)?.();
    if (entry.failed) {
      this.#undoOf?.delete(entry.command);
      future.reject(decodeError(entry.payload as string)); // failures have a payload
      return;
    }
    const value = decodePayload(entry.payload);
    const undo = this.#undoOf?.get(entry.command);
    if (undo !== undefined) {
      this.#undos ??= [];
      this.#undos.push({ name: entry.name, result: decodePayload(entry.payload), undo });
    }
    future.resolve(value);
  }

  #cancelled(entry: Entry): void {
    const awaited = [...(this.#awaited ?? [])];
    if (awaited.length === 0) {
      this.#cancelPending = entry;
      return;
    }
    for (const future of awaited) future.reject(decodeError(entry.payload as string)); // always an error
    this.#dropRejected();
  }

  /** Steps whose futures were rejected before they ran will not run. */
  #dropRejected(): void {
    for (const [command, future] of this.#futures) {
      if (future.pending) continue;
      const step = this.#steps?.get(command);
      // Nobody waits for a step that runs on, but what it did may have to be undone.
      const recorded = this.#replaying && this.#recorded?.command(command)?.kind === "run";
      if (step?.running === true || recorded) continue;
      this.#futures.delete(command);
      this.#givenUp ??= new Set();
      this.#givenUp.add(command);
      if (step === undefined) continue;
      this.#steps?.delete(command);
      this.#toStart = this.#toStart.filter((other) => other !== step);
    }
  }

  // What futures need.

  awaited(future: Cancellable): void {
    this.#awaited ??= new Set();
    this.#awaited.add(future);
    if (this.#cancelPending === null) return;
    const { payload } = this.#cancelPending;
    this.#cancelPending = null;
    future.reject(decodeError(payload as string)); // a cancellation has an error
    this.#dropRejected();
  }

  settled(future: Cancellable): void {
    this.#awaited?.delete(future);
  }

  timer(duration: Duration): { future: Future<void>; ms: number } {
    const ms = this.parseDuration(duration, "The timeout");
    return { future: this.commands.sleepUntil(this.now + ms), ms };
  }

  idOf(ordinal: number): Future<string> {
    return this.commands.idOf(ordinal);
  }

  cancelStarted(ordinal: number): void {
    this.commands.cancelStarted(ordinal);
  }

  parseDuration(duration: Duration, what: string): number {
    const ms = parseDuration(duration);
    const max = this.limits.delay;
    if (ms === undefined || ms > max) {
      const reason = ms === undefined ? "it is no length of time" : `it is longer than ${max} ms`;
      throw fail("invalid-argument", { what: `${what} ${JSON.stringify(duration)}`, reason });
    }
    return ms;
  }

  // Commands of the code. Each takes the next ordinal; a replay compares it with the journal.

  /** @returns the recorded entry of this command, or undefined when it is new. */
  command(kind: EntryKind, name: string): { ordinal: number; entry: Entry | undefined } {
    this.#mayUse(kind, name);
    const ordinal = this.#next++;
    if (!this.#replaying) return { ordinal, entry: undefined };
    const entry = this.#recorded?.command(ordinal);
    if (entry !== undefined) {
      if (entry.kind !== kind || entry.name !== name) {
        throw this.#divergeAt(entry, nameCommand(kind, name));
      }
    } else if (this.#isLost(kind, ordinal)) {
      throw this.#diverge(ordinal, "a step that had not ended", nameCommand(kind, name));
    }
    return { ordinal, entry };
  }

  peek(): Entry | undefined {
    return this.#replaying ? this.#recorded?.command(this.#next) : undefined;
  }

  /** A gap in the journal is a step that had not ended; in a restarted one, a wait that was open. */
  #isLost(kind: EntryKind, ordinal: number): boolean {
    if (kind === "run" || ordinal >= (this.#recorded?.last ?? -1)) return false;
    const restarted = this.attempt.invocation.extra?.restartedFrom !== undefined;
    return !(restarted && openKinds.has(kind));
  }

  #mayUse(kind: EntryKind, name: string): void {
    const { target } = this;
    if (this.executor.inStep) {
      throw fail("context-misused", { target, reason: `${nameCommand(kind, name)} inside a step` });
    }
    if (this.#over) throw fail("context-misused", { target, reason: "the handler is over" });
    if (!this.#open) {
      this.#awaitedForeign(nameCommand(kind, name));
      throw fail("foreign-await", { target, command: nameCommand(kind, name), site: "" });
    }
    if (this.#issued.length >= this.limits.turnCommands) {
      const max = this.limits.turnCommands;
      throw fail("limit-exceeded", { limit: "turnCommands", max, what: target });
    }
  }

  /**
   * The code goes on outside of a turn, so it has awaited something that the journal does not know.
   * Harmless where it only returns and nothing durable was pending; else the invocation pauses.
   * @returns whether the run is doomed.
   */
  #awaitedForeign(command: string): boolean {
    if (this.#over) return true;
    const returns = command === "the end of the handler";
    if (returns && !this.#waitsDurably()) return false;
    const site = siteOf(new Error("site").stack);
    const error = fail("foreign-await", { target: this.target, command, site });
    this.#pause(error);
    return true;
  }

  #diverge(index: number, recorded: string, actual: string): HoldfastError {
    const site = siteOf(new Error("site").stack);
    const error = fail("code-diverged", { index, recorded, actual, site });
    this.#pause(error);
    return error;
  }

  #divergeAt(entry: Entry | undefined, actual: string): HoldfastError {
    const recorded = entry === undefined ? "nothing" : nameCommand(entry.kind, entry.name);
    return this.#diverge(entry?.index ?? -1, recorded, actual);
  }

  /** It cannot go on; nothing that it wanted to do is kept. */
  #pause(error: HoldfastError): void {
    if (this.#over) return;
    this.#issued = [];
    this.#conclude({
      kind: "pause",
      failure: { code: error.code, message: error.message, at: this.host.now() },
    });
    this.#submit(false);
  }

  issue(command: IssuedCommand): void {
    this.#issued.push(command);
  }

  /** A command that is answered later. */
  expect<T>(ordinal: number): Future<T> {
    this.#checkOpen();
    const future = new Future<T>(this);
    this.#ownFutures().set(ordinal, future as Future<unknown>);
    return future;
  }

  expectStarted(ordinal: number): StartedFuture<unknown> {
    this.#checkOpen();
    const future = new StartedFuture<unknown>(this, ordinal);
    this.#ownFutures().set(ordinal, future);
    return future;
  }

  #ownFutures(): Map<number, Future<unknown>> {
    if (this.#futures === none) this.#futures = new Map();
    return this.#futures;
  }

  #checkOpen(): void {
    const max = this.limits.openCommands;
    if (this.#futures.size >= max) {
      throw fail("limit-exceeded", { limit: "openCommands", max, what: this.target });
    }
  }

  step<T>(
    name: string,
    effect: (step: StepInfo) => unknown,
    options: StepOptions<never> | undefined,
  ): Future<T> {
    const { ordinal, entry } = this.command("run", name);
    const future = this.expect<T>(ordinal);
    if (options?.undo !== undefined) {
      this.#undoOf ??= new Map();
      this.#undoOf.set(ordinal, options.undo);
    }
    if (entry !== undefined) return future;
    const max = this.limits.stepsRunning;
    this.#steps ??= new Map();
    if (this.#steps.size >= max) {
      throw fail("limit-exceeded", { limit: "stepsRunning", max, what: this.target });
    }
    const failure = this.attempt.invocation.extra?.failure;
    const attempts = failure?.command === ordinal ? (failure.attempts ?? 0) : 0;
    const step = new Step(this, ordinal, name, effect, options, attempts);
    this.#steps.set(ordinal, step);
    this.#toStart.push(step);
    return future;
  }
}

/** Commands after which an invocation may still be idle: nothing of its own is under way. */
function isQuiet(command: IssuedCommand): boolean {
  return command.kind !== "run" && command.kind !== "cancel";
}
