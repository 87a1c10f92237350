import { type HandlerRuntime, type Retry, retryDelay } from "../engine/deployments.ts";
import type { Attempt, ExecutorHost, IssuedCommand, TurnOutcome } from "../engine/engine.ts";
import type { Host } from "../host/host.ts";
import {
  CancelledError,
  decodeError,
  decodePayload,
  encodeError,
  isTerminal,
} from "../model/codec.ts";
import { type Entry, type EntryKind, openKinds } from "../model/entry.ts";
import { fail, type HoldfastError, reasonOf } from "../model/errors.ts";
import { formatInvocationId } from "../model/ids.ts";
import type { Extra, Failure } from "../model/invocation.ts";
import type { Limits } from "../model/limits.ts";
import type { StepInfo, StepOptions } from "../sdk/context.ts";
import { assert } from "../std/assert.ts";
import { Deque } from "../std/deque.ts";
import { type Duration, parseDuration } from "../std/duration.ts";
import { Checks, type ChecksHost } from "./checks.ts";
import { type CommandHost, Commands } from "./commands.ts";
import { type Cancellable, Future, type StartedHost } from "./future.ts";
import { HandlerCall, type HandlerCallHost } from "./handler-call.ts";
import { nameCommand, Recorded, siteOf } from "./journal.ts";
import type { Relations } from "./relations.ts";
import { RunSteps, type RunStepsHost } from "./run-steps.ts";
import type { Step } from "./steps.ts";
import { type UndoHost, Undos } from "./undo.ts";
import { cancellationOf, Waits } from "./waits.ts";

/** What a run needs of its executor. */
export interface RunHost {
  readonly host: Host;
  readonly limits: Limits;
  readonly engine: ExecutorHost;
  /** Null where there is no authorization. */
  readonly relations: Relations | null;
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

/**
 * One attempt of one invocation: the user's function, suspended between completions. Live, it takes
 * completions as the engine tells them; replaying, it takes them from the journal first, compares
 * every command with what was recorded, and issues nothing until the journal is used up.
 */
export class Run
  implements StartedHost, CommandHost, HandlerCallHost, RunStepsHost, ChecksHost, UndoHost
{
  readonly executor: RunHost;
  readonly attempt: Attempt;
  readonly handler: HandlerRuntime;
  readonly id: string;
  /** What the code can ask for. */
  readonly commands: Commands = new Commands(this);
  readonly #call = new HandlerCall(this);
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
  /** Commands of the code in this turn, recorded ones and new ones. */
  #turnCommands = 0;
  #waits: Waits | null = null;
  #steps: RunSteps | null = null;
  #checks: Checks | null = null;
  #undos: Undos | null = null;
  /** The first ordinal after the handler failed: from there on steps undo, and the code gets nothing. */
  #failedAt = Number.POSITIVE_INFINITY;
  #cancelRequested = false;
  /** Cancellations on their way through the journal: no step starts before they have reached the code. */
  #cancelsComing = 0;
  #notified = 0;

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

  get relations(): Relations {
    const { relations } = this.executor;
    if (relations !== null) return relations;
    const reason = "there is no authorization here";
    throw fail("context-misused", { target: this.target, reason });
  }

  get checks(): Checks {
    this.#checks ??= new Checks(this);
    return this.#checks;
  }

  get pipelined(): boolean {
    return this.handler.pipelined;
  }

  get extra(): Extra | null {
    return this.attempt.invocation.extra;
  }

  get durableBatch(): number {
    return this.executor.durableBatch;
  }

  get over(): boolean {
    return this.#over;
  }

  get ended(): boolean {
    return this.#over || this.#outcome !== null;
  }

  get mayStart(): boolean {
    if (this.#over || this.#replaying) return false;
    return (
      this.#failing || !(this.#cancelRequested || this.#cancelsComing > 0 || this.#call.checking)
    );
  }

  /** The handler has failed: what was done is undone, which no cancellation stops. */
  get #failing(): boolean {
    return this.#failedAt < Number.POSITIVE_INFINITY;
  }

  // The executor's side.

  prepare(): void {
    this.#call.prepare();
  }

  refused(error: unknown): void {
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
    if (this.#begun) this.enqueue();
  }

  applied(batch: number): void {
    this.#batch = batch;
    if (this.#steps?.toStart === true) this.#steps.startAfter(batch);
  }

  openTurn(): void {
    this.#queued = false;
    if (this.#over) return;
    this.#open = true;
    this.#turnCommands = 0;
    if (!this.#begun) {
      this.#begun = true;
      this.#call.begin(this.executor.makeContext(this));
      return;
    }
    if (this.#call.goOn() || this.#call.checking) return;
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
    if (this.#over || this.#call.checking) return;
    if (this.#replaying && !this.#closeReplay()) return;
    const more = this.#completions.size > 0;
    if (this.#outcome === null && this.#checks !== null) this.#startChecks(this.#checks);
    if (this.#outcome !== null) {
      this.#submit(false);
      return;
    }
    if (more) this.enqueue();
    const steps = this.#steps;
    const starts = steps?.toStart === true;
    if (this.#issued.length > 0) {
      this.#submit(starts && !this.pipelined);
      if (starts && this.pipelined) steps.startReady();
    } else if (starts) {
      steps.startAfter(this.#batch);
    } else if (this.#isIdle()) {
      this.#submit(false);
    }
    if (this.#cancelRequested) this.#tryCancel();
  }

  /** Their answers belong to the turn. */
  #startChecks(checks: Checks): void {
    this.#open = true;
    checks.start();
    this.#open = false;
  }

  #isIdle(): boolean {
    const stepless = this.#steps?.idle !== false && this.#checks?.idle !== false;
    // Waiting for nothing durable, it awaits something foreign: nobody else could wake it.
    const durably = this.#waitsDurably();
    return stepless && durably && this.#completions.size === 0 && !this.#cancelRequested;
  }

  #waitsDurably(): boolean {
    return this.#openCommands > 0 || this.commands.awaitsSignal;
  }

  /** @returns whether the journal is used up, so that the run is live from here on. */
  #closeReplay(): boolean {
    const recorded = this.#recorded;
    assert(recorded !== null, "a replay has a journal");
    // What came while it was already ending was never for it: the first run ended without it too.
    if (!recorded.drained && this.#outcome === null) {
      this.enqueue();
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

  // Steps, as the executor and they themselves tell of them.

  startSteps(): void {
    this.#steps?.startReady();
  }

  retryStep(command: number): void {
    this.#steps?.retryNow(command);
  }

  callEffect(step: Step): void {
    this.executor.inStep = true;
    try {
      step.start();
    } finally {
      this.executor.inStep = false;
    }
  }

  awaitBatch(batch: number): void {
    this.executor.awaitBatch(this, batch);
  }

  stepDone(command: IssuedCommand, others: boolean): void {
    this.#issued.push(command);
    // Within a turn it goes along with the turn.
    if (!this.#open) this.#submit(others);
  }

  checkDone(command: IssuedCommand): void {
    this.stepDone(command, this.#steps?.toStart === true);
  }

  checkFailed(error: unknown): void {
    if (!this.ended) this.#retry(error);
  }

  stepFailed(failure: Failure, delayMs: number | null): void {
    // The cancellation takes its place, or the end that is already on its way.
    if ((this.#cancelRequested && !this.#failing) || this.#outcome !== null) return;
    if (delayMs === null) {
      this.#conclude({ kind: "pause", failure });
      if (!this.#open) this.#submit(false);
      return;
    }
    // Whatever the turn has issued so far stays with the turn.
    const outcome = { kind: "retry-step", failure, delayMs: this.#jitter(delayMs) } as const;
    this.#send([], outcome, false);
  }

  stepStopped(): void {
    if (this.#cancelRequested) this.#tryCancel();
  }

  /** Running steps are asked to stop; when they have, the cancellation enters the journal. */
  cancel(): void {
    if (this.#over) return;
    this.#cancelRequested = true;
    if (!this.#failing && this.#steps?.running === true) this.#steps.stop();
    if (this.#begun) this.#tryCancel();
  }

  #tryCancel(): void {
    if (this.#over || this.#open || this.#replaying || !this.#cancelRequested) return;
    if (!this.#failing && this.#steps?.running === true) return;
    this.#cancelRequested = false;
    this.#cancelsComing++;
    if (!this.#failing) this.#steps?.stopped();
    this.#issued.push({ kind: "cancel", command: -1, name: "", payload: null, failed: false });
    this.#submit(false);
  }

  end(): void {
    this.#over = true;
    this.#steps?.end();
    this.#waits?.end();
    this.#issued = [];
  }

  enqueue(): void {
    if (this.#queued || this.#over) return;
    this.#queued = true;
    this.executor.enqueue(this);
  }

  #submit(stepsWait: boolean): void {
    const commands = this.#issued;
    this.#issued = [];
    this.#send(commands, this.#outcome, stepsWait);
  }

  #send(commands: readonly IssuedCommand[], outcome: TurnOutcome | null, stepsWait: boolean): void {
    const idle = outcome === null && commands.every(isQuiet) && this.#isIdle();
    const { number, attempt } = this.attempt;
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

  mayReturn(): boolean {
    return this.#open || !this.#awaitedForeign("the end of the handler");
  }

  returned(payload: string | null): void {
    this.#conclude({ kind: "returned", payload });
    if (!this.#open) this.#submit(false);
  }

  threw(error: unknown): void {
    if (isTerminal(error)) {
      if (this.#undos?.any === true) this.#takeBack(this.#undos, error);
      else this.#fail(error);
      return;
    }
    this.#retry(error);
  }

  #retry(error: unknown): void {
    const attempts = (this.extra?.attempts ?? 0) + 1;
    const delay = retryDelay(this.handler.retry, attempts);
    this.#conclude({
      kind: "retry",
      failure: {
        code: "handler-failed",
        message: reasonOf(error).slice(0, this.limits.errorText),
        at: this.host.now(),
        attempts,
      },
      delayMs: delay === null ? null : this.#jitter(delay),
    });
    if (!this.#open) this.#submit(false);
  }

  #fail(error: unknown): void {
    if (this.ended) return;
    const cancelled = error instanceof CancelledError;
    this.#conclude({ kind: "failed", payload: this.#encode(error), cancelled });
    if (!this.#open) this.#submit(false);
  }

  /** From here on nothing reaches the code, which is over; what it has done is undone. */
  #takeBack(undos: Undos, error: unknown): void {
    this.#failedAt = this.#next;
    undos.takeBack(error).then(() => this.#fail(error));
  }

  async stopSteps(undoable: Iterable<number>): Promise<void> {
    await this.#steps?.stopForGood(undoable);
  }

  #jitter(delayMs: number): number {
    return Math.round(delayMs * (1 - (this.host.random() / 0xffffffff) * 0.1));
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
        if (!this.#failing) this.commands.signalled(entry);
        return;
      case "cancel":
        if (this.#cancelsComing > 0) this.#cancelsComing--;
        if (!this.#failing) this.#cancelled(entry);
        return;
      case "run":
        this.#stepEnded(entry);
        return;
      default:
        this.#answered(entry);
    }
  }

  #stepEnded(entry: Entry): void {
    const future = this.#steps?.take(entry.command);
    if (future === undefined) {
      if (this.#replaying) this.#divergeAt(entry, "nothing that this could answer");
      return;
    }
    this.#undos?.stepEnded(entry);
    if (this.#failing && entry.command < this.#failedAt) return;
    settle(future, entry);
  }

  #answered(entry: Entry): void {
    this.#checks?.delivered(entry);
    const future = this.#waits?.take(entry.command);
    if (future === undefined) {
      const expected = !this.#replaying || this.#waits?.isGivenUp(entry.command) === true;
      if (!expected) this.#divergeAt(entry, "nothing that this could answer");
      return;
    }
    if (!this.#failing) settle(future, entry);
  }

  /** What is awaited fails with it, and so do all steps, since none of them will bring anything. */
  #cancelled(entry: Entry): void {
    if (this.waits.cancelled(entry)) this.#steps?.cancelled(() => cancellationOf(entry));
  }

  // What futures need.

  awaited(future: Cancellable): void {
    const entry = this.waits.awaited(future);
    if (entry !== null) this.#steps?.cancelled(() => cancellationOf(entry));
  }

  settled(future: Cancellable): void {
    this.#waits?.settled(future);
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
    this.#checkLimits(kind);
    return this.#takeOrdinal(kind, name);
  }

  #takeOrdinal(kind: EntryKind, name: string): { ordinal: number; entry: Entry | undefined } {
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
    if (kind === "run" || kind === "check" || ordinal >= (this.#recorded?.last ?? -1)) return false;
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
  }

  /** Counts what every replay counts alike, so that what was refused once is refused again. */
  #checkLimits(kind: EntryKind): void {
    const { turnCommands, openCommands, stepsRunning } = this.limits;
    const isStep = kind === "run";
    if (!isStep && this.#turnCommands++ >= turnCommands) {
      throw this.#exceeds("turnCommands", turnCommands);
    }
    const open = this.#openCommands;
    const opens = isStep || kind === "check" || openKinds.has(kind);
    if (open >= openCommands && opens) {
      throw this.#exceeds("openCommands", openCommands);
    }
    if (isStep && open >= stepsRunning && (this.#steps?.open ?? 0) >= stepsRunning) {
      throw this.#exceeds("stepsRunning", stepsRunning);
    }
  }

  get #openCommands(): number {
    return (this.#waits?.open ?? 0) + (this.#steps?.open ?? 0);
  }

  #exceeds(limit: keyof Limits, max: number): HoldfastError {
    return fail("limit-exceeded", { limit, max, what: this.target });
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

  get waits(): Waits {
    this.#waits ??= new Waits(this);
    return this.#waits;
  }

  step<T>(
    name: string,
    effect: (step: StepInfo) => unknown,
    options: StepOptions<never> | undefined,
  ): Future<T> {
    // A branch of a handler that has failed: it is over, and so is this.
    if (this.#failing) return new Future<T>(this);
    const { ordinal, entry } = this.command("run", name);
    if (options?.undo !== undefined) {
      this.#undos ??= new Undos(this);
      this.#undos.add(ordinal, options.undo);
    }
    this.#steps ??= new RunSteps(this);
    const future = this.#steps.expect<T>(ordinal);
    if (entry === undefined) this.#steps.add(ordinal, name, effect, options);
    return future;
  }

  undoStep(name: string, effect: (step: StepInfo) => unknown): Future<unknown> {
    this.#mayUse("run", name);
    const { ordinal, entry } = this.#takeOrdinal("run", name);
    this.#steps ??= new RunSteps(this);
    const future = this.#steps.expect(ordinal);
    if (entry === undefined) this.#steps.add(ordinal, name, effect, undefined);
    return future;
  }
}

function settle(future: Future<unknown>, { payload, failed }: Entry): void {
  if (failed)
    future.reject(decodeError(payload as string)); // failures have a payload
  else future.resolve(decodePayload(payload));
}

/** Commands after which an invocation may still be idle: nothing of its own is under way. */
function isQuiet(command: IssuedCommand): boolean {
  const { kind } = command;
  return kind !== "run" && kind !== "check" && kind !== "cancel";
}
