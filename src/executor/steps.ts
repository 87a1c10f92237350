import { fillRetry, type Retry, retryDelay } from "../engine/deployments.ts";
import type { Host } from "../host/host.ts";
import { encodeError, encodePayload, isTerminal } from "../model/codec.ts";
import { fail, HoldfastError, reasonOf } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import type { StepInfo, StepOptions } from "../sdk/context.ts";
import { formatDuration, parseDuration } from "../std/duration.ts";

/** How a step ended, for its run. */
export type StepEnd =
  | { readonly kind: "ended"; readonly payload: string | null; readonly failed: boolean }
  | { readonly kind: "again"; readonly error: unknown; readonly delayMs: number }
  | { readonly kind: "exhausted"; readonly error: unknown }
  /** It failed because it was told to stop. */
  | { readonly kind: "aborted" };

/** What a step needs of its run. */
export interface StepHost {
  readonly id: string;
  readonly retry: Retry;
  readonly host: Host;
  readonly limits: Limits;
  stepEnded(step: Step, end: StepEnd): void;
}

/**
 * One step of one attempt of an invocation: an effect that runs until it has a result, or its policy
 * gives up. What ends after it was given up counts for nothing.
 */
export class Step {
  readonly command: number;
  readonly name: string;
  /** Failed attempts so far. */
  attempts: number;
  running = false;
  /** It starts when this batch is durable; null before that is known. */
  after: number | null = null;
  readonly #run: StepHost;
  readonly #effect: (step: StepInfo) => unknown;
  readonly #retry: Retry;
  readonly #explicit: boolean;
  readonly #timeoutMs: number | null;
  #controller: AbortController | null = null;
  #aborted = false;
  /** Why, for signals that are asked for late. */
  #reason: unknown = undefined;
  /** Tells the attempt that counts from abandoned ones. */
  #token = 0;
  #cancelTimer: (() => void) | null = null;

  constructor(
    run: StepHost,
    command: number,
    name: string,
    effect: (step: StepInfo) => unknown,
    options: Omit<StepOptions<never>, "undo"> | undefined,
    attempts: number,
  ) {
    this.#run = run;
    this.command = command;
    this.name = name;
    this.#effect = effect;
    this.attempts = attempts;
    this.#explicit = options?.retry !== undefined;
    this.#retry = fillRetry(options?.retry, run.retry);
    const timeout = options?.timeout;
    this.#timeoutMs = timeout === undefined ? null : (parseDuration(timeout) ?? null);
  }

  start(): void {
    const token = ++this.#token;
    this.running = true;
    this.#aborted = false;
    this.#controller = null;
    if (this.#timeoutMs !== null) this.#watch(token, this.#timeoutMs);
    let result: unknown;
    try {
      result = this.#effect(new Info(this, token));
    } catch (error) {
      this.#failed(token, error);
      return;
    }
    if (isThenable(result)) {
      result.then(
        (value) => this.#succeeded(token, value),
        (error: unknown) => this.#failed(token, error),
      );
    } else {
      this.#succeeded(token, result);
    }
  }

  /** Asks the effect to stop; it still counts if it ends well. */
  abort(reason: unknown): void {
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /** Whatever it does from now on counts for nothing. */
  abandon(reason: unknown): void {
    this.#token++;
    this.running = false;
    this.#cancelTimer?.();
    this.abort(reason);
  }

  /** Aborted when the effect is to stop. Made on demand: most steps never look at it, and it is dear. */
  makeSignal(token: number): AbortSignal {
    if (token !== this.#token) return AbortSignal.abort(this.#reason);
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  get idempotencyKey(): string {
    return `${this.#run.id}/${this.command}`;
  }

  #watch(token: number, ms: number): void {
    this.#cancelTimer = this.#run.host.setTimer(ms, () => {
      if (token !== this.#token) return;
      const error = fail("timed-out", { what: `Step ${this.name}`, timeout: formatDuration(ms) });
      this.abandon(error);
      this.#again(error);
    });
  }

  #succeeded(token: number, value: unknown): void {
    if (token !== this.#token) return;
    this.running = false;
    this.#cancelTimer?.();
    const { limits } = this.#run;
    let payload: string | null;
    try {
      payload = encodePayload(value, `The result of step ${this.name}`, limits.payload);
    } catch (error) {
      this.#run.stepEnded(this, {
        kind: "ended",
        payload: encodeError(error, limits.errorText),
        failed: true,
      });
      return;
    }
    this.#run.stepEnded(this, { kind: "ended", payload, failed: false });
  }

  #failed(token: number, error: unknown): void {
    if (token !== this.#token) return;
    this.running = false;
    this.#cancelTimer?.();
    if (this.#aborted) {
      this.#run.stepEnded(this, { kind: "aborted" });
      return;
    }
    if (isTerminal(error)) {
      const payload = encodeError(error, this.#run.limits.errorText);
      this.#run.stepEnded(this, { kind: "ended", payload, failed: true });
      return;
    }
    this.#again(error);
  }

  #again(error: unknown): void {
    this.attempts++;
    const delayMs = retryDelay(this.#retry, this.attempts);
    if (delayMs !== null) {
      this.#run.stepEnded(this, { kind: "again", error, delayMs });
      return;
    }
    if (!this.#explicit) {
      this.#run.stepEnded(this, { kind: "exhausted", error });
      return;
    }
    const exhausted = new HoldfastError(
      "step-exhausted",
      { step: this.name, attempts: this.attempts, reason: reasonOf(error) },
      { cause: error },
    );
    const payload = encodeError(exhausted, this.#run.limits.errorText);
    this.#run.stepEnded(this, { kind: "ended", payload, failed: true });
  }
}

/** What the effect is given, most of which it seldom asks for. */
class Info implements StepInfo {
  readonly attempt: number;
  readonly #step: Step;
  readonly #token: number;

  constructor(step: Step, token: number) {
    this.#step = step;
    this.#token = token;
    this.attempt = step.attempts + 1;
  }

  get signal(): AbortSignal {
    return this.#step.makeSignal(this.#token);
  }

  get idempotencyKey(): string {
    return this.#step.idempotencyKey;
  }
}

/** Whether it is to be awaited: promises, futures, and whatever else has a `then`. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    typeof value === "object" &&
    "then" in value &&
    typeof value.then === "function"
  );
}
