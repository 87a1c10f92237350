import type { Retry } from "../engine/deployments.ts";
import type { IssuedCommand } from "../engine/engine.ts";
import type { Host } from "../host/host.ts";
import { CancelledError, encodeError } from "../model/codec.ts";
import { reasonOf } from "../model/errors.ts";
import type { Extra, Failure } from "../model/invocation.ts";
import type { Limits } from "../model/limits.ts";
import type { StepInfo, StepOptions } from "../sdk/context.ts";
import { Future, type FutureHost } from "./future.ts";
import { Step, type StepEnd, type StepHost } from "./steps.ts";

/** What the steps of an attempt need of it. */
export interface RunStepsHost extends FutureHost {
  readonly id: string;
  readonly retry: Retry;
  readonly host: Host;
  readonly limits: Limits;
  /** Steps run ahead of the store. */
  readonly pipelined: boolean;
  /** What the record says of earlier failures. */
  readonly extra: Extra | null;
  /** The attempt has ended: nothing counts any more. */
  readonly over: boolean;
  /** It is live, and no cancellation is on its way. */
  readonly mayStart: boolean;
  /** The last batch that is durable. */
  readonly durableBatch: number;
  /** Calls the effect; the context must not be used meanwhile. */
  callEffect(step: Step): void;
  /** `startReady` is called when this batch is durable. */
  awaitBatch(batch: number): void;
  /** A result, for the journal. `others` wait to be started. */
  stepDone(command: IssuedCommand, others: boolean): void;
  /** It failed, and is tried again after a while; null: never. */
  stepFailed(failure: Failure, delayMs: number | null): void;
  /** Fewer run than before. */
  stepStopped(): void;
}

/**
 * The steps of one attempt: which of them wait for what came before them to be durable, run, pause,
 * are told to stop, and who waits for their results.
 */
export class RunSteps implements StepHost {
  readonly #run: RunStepsHost;
  /** Of steps whose end has not been delivered. */
  readonly #futures = new Map<number, Future<unknown>>();
  /** Those that have not ended. A replay has none of those that the journal knows. */
  readonly #steps = new Map<number, Step>();
  #toStart: Step[] = [];
  /** Told to stop because the handler has failed: they end now, well or not. */
  #stopping: Set<Step> | null = null;
  /** Who waits for their ends. */
  #ends: Map<number, () => void> | null = null;
  #cancelGrace: (() => void) | null = null;

  constructor(run: RunStepsHost) {
    this.#run = run;
  }

  get id(): string {
    return this.#run.id;
  }

  get retry(): Retry {
    return this.#run.retry;
  }

  get host(): Host {
    return this.#run.host;
  }

  get limits(): Limits {
    return this.#run.limits;
  }

  /** How many have not been answered: the same in every replay. */
  get open(): number {
    return this.#futures.size;
  }

  /** Nothing runs, pauses, or is to start. */
  get idle(): boolean {
    return this.#steps.size === 0;
  }

  get toStart(): boolean {
    return this.#toStart.length > 0;
  }

  get running(): boolean {
    for (const step of this.#steps.values()) if (step.running) return true;
    return false;
  }

  expect<T>(ordinal: number): Future<T> {
    const future = new Future<T>(this.#run);
    this.#futures.set(ordinal, future as Future<unknown>);
    return future;
  }

  /** A step that the journal does not know: it starts when the turn is over and durable. */
  add(
    ordinal: number,
    name: string,
    effect: (step: StepInfo) => unknown,
    options: StepOptions<never> | undefined,
  ): void {
    const failure = this.#run.extra?.failure;
    const attempts = failure?.command === ordinal ? (failure.attempts ?? 0) : 0;
    const step = new Step(this, ordinal, name, effect, options, attempts);
    this.#steps.set(ordinal, step);
    this.#toStart.push(step);
  }

  /** The end of a step is delivered. @returns who waits for it, undefined when there is none. */
  take(ordinal: number): Future<unknown> | undefined {
    const future = this.#futures.get(ordinal);
    if (future === undefined) return undefined;
    this.#futures.delete(ordinal);
    this.#ends?.get(ordinal)?.();
    return future;
  }

  // Starting.

  /** New steps wait for this batch; older ones keep waiting for theirs. */
  startAfter(batch: number): void {
    for (const step of this.#toStart) step.after ??= batch;
    if (this.#run.pipelined || batch <= this.#run.durableBatch) this.startReady();
    else this.#run.awaitBatch(batch);
  }

  /** Those that waited for what came before them to be durable. */
  startReady(): void {
    const run = this.#run;
    if (!run.mayStart || this.#toStart.length === 0) return;
    const { durableBatch, pipelined, extra } = run;
    const ready = ({ after }: Step): boolean =>
      pipelined || (after !== null && after <= durableBatch);
    const starting = this.#toStart.filter(ready);
    this.#toStart = this.#toStart.filter((step) => !ready(step));
    for (const step of starting) {
      // An effect that fails for good at once may have ended the attempt.
      if (run.over) return;
      const pausing = extra?.retryAt !== undefined && extra.failure?.command === step.command;
      if (!pausing) run.callEffect(step);
    }
  }

  /** The pause of one that failed is over. */
  retryNow(ordinal: number): void {
    const step = this.#steps.get(ordinal);
    if (step === undefined || step.running || this.#toStart.includes(step)) return;
    if (this.#run.mayStart) this.#run.callEffect(step);
  }

  // Ending.

  stepEnded(step: Step, how: StepEnd): void {
    const run = this.#run;
    if (run.over) return;
    const end = this.#stopping?.has(step) === true ? this.#lastEnd(how) : how;
    switch (end.kind) {
      case "ended": {
        const { command, name } = step;
        this.#steps.delete(command);
        const { payload, failed } = end;
        run.stepDone({ kind: "run", command, name, payload, failed }, this.toStart);
        break;
      }
      case "aborted":
        break;
      case "again":
        run.stepFailed(this.#failure(step, end.error), end.delayMs);
        break;
      case "exhausted":
        run.stepFailed(this.#failure(step, end.error), null);
        break;
    }
    run.stepStopped();
  }

  /** A step that was told to stop for good is not tried again. */
  #lastEnd(end: StepEnd): StepEnd {
    if (end.kind === "ended") return end;
    const payload = encodeError(new CancelledError(), this.limits.errorText);
    return { kind: "ended", payload, failed: true };
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

  // Stopping.

  /** Asks those that run to stop, and gives up those that do not. They are not started again. */
  stop(): void {
    const reason = new CancelledError();
    for (const step of this.#steps.values()) if (step.running) step.abort(reason);
    this.#cancelGrace?.();
    this.#cancelGrace = this.host.setTimer(this.limits.stepAbortGrace, () => {
      for (const step of this.#steps.values()) if (step.running) step.abandon(reason);
      this.#run.stepStopped();
    });
  }

  /** They have stopped. */
  stopped(): void {
    this.#cancelGrace?.();
    this.#cancelGrace = null;
  }

  /**
   * A cancellation has reached the code. Whoever waits for a step gets it, now or later: those that do
   * not run never will. One whose end is on its way to the journal may still have to be undone.
   */
  cancelled(makeError: () => unknown): void {
    for (const [ordinal, future] of this.#futures) {
      future.reject(makeError());
      const step = this.#steps.get(ordinal);
      if (step === undefined || step.running) continue;
      this.#forget(ordinal);
    }
    this.#toStart = [];
  }

  /**
   * Before anything is undone: steps that do not run now never will. Those that run are told to stop,
   * and the ends of those that can be undone are waited for, since what succeeds must be undone too. A
   * replay finds them recorded.
   */
  async stopForGood(undoable: Iterable<number>): Promise<void> {
    this.stopped();
    const reason = new CancelledError("The handler has failed");
    const stopping = new Set<Step>();
    const settled = new Map<number, () => void>();
    this.#stopping = stopping;
    this.#ends = settled;
    for (const [ordinal, step] of this.#steps) {
      if (step.running) {
        stopping.add(step);
        step.abort(reason);
      } else {
        this.#forget(ordinal);
      }
    }
    this.#toStart = [];
    const ends: Promise<void>[] = [];
    for (const ordinal of undoable) {
      if (!this.#futures.has(ordinal)) continue;
      ends.push(new Promise((resolve) => settled.set(ordinal, resolve)));
    }
    if (ends.length === 0) return;
    this.#cancelGrace = this.host.setTimer(this.limits.stepAbortGrace, () => {
      for (const step of stopping) {
        if (!step.running) continue;
        step.abandon(reason);
        this.stepEnded(step, { kind: "aborted" });
      }
    });
    await Promise.all(ends);
    this.stopped();
  }

  #forget(ordinal: number): void {
    this.#futures.delete(ordinal);
    this.#steps.delete(ordinal);
  }

  /** The attempt is over: whatever they still do counts for nothing. */
  end(): void {
    this.stopped();
    if (this.#steps.size > 0) {
      const reason = new CancelledError("The attempt was given up");
      for (const step of this.#steps.values()) step.abandon(reason);
      this.#steps.clear();
    }
    this.#futures.clear();
    this.#toStart = [];
  }
}
