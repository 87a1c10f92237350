import { makeTimeout } from "../model/codec.ts";
import type { CallFuture, DurableFuture, PromiseFuture } from "../sdk/context.ts";
import { type Duration, formatDuration } from "../std/duration.ts";

/** What futures need of the run they belong to. */
export interface FutureHost {
  /** Somebody awaits the future: cancellation may have to reach it. */
  awaited(future: Cancellable): void;
  /** Nobody needs to be told any more. */
  settled(future: Cancellable): void;
  /** A durable timer; settles with nothing. */
  timer(duration: Duration): { future: Future<void>; ms: number };
}

export interface Cancellable {
  reject(error: unknown): void;
}

/**
 * A result that comes with a journal entry, or a combination of such. The native promise behind it
 * is made only when somebody awaits it, so a failed step that nobody awaits harms nobody, and the
 * run knows what is awaited when a cancellation arrives.
 */
export class Future<T> implements DurableFuture<T>, Cancellable {
  readonly [Symbol.toStringTag] = "DurableFuture";
  readonly #host: FutureHost;
  #state: "pending" | "resolved" | "rejected" = "pending";
  #value: unknown;
  #promise: Promise<T> | null = null;
  #resolve: ((value: T) => void) | null = null;
  #reject: ((error: unknown) => void) | null = null;
  #awaited = false;

  constructor(host: FutureHost) {
    this.#host = host;
  }

  get pending(): boolean {
    return this.#state === "pending";
  }

  resolve(value: T): void {
    if (this.#state !== "pending") return;
    this.#state = "resolved";
    this.#value = value;
    this.#resolve?.(value);
    if (this.#awaited) this.#host.settled(this);
  }

  reject(error: unknown): void {
    if (this.#state !== "pending") return;
    this.#state = "rejected";
    this.#value = error;
    this.#reject?.(error);
    if (this.#awaited) this.#host.settled(this);
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaitable is what a future is for
  then<A = T, B = never>(
    onResolved?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    if (this.#state === "pending" && !this.#awaited) {
      this.#awaited = true;
      this.#host.awaited(this);
    }
    const result = this.observe().then(onResolved, onRejected);
    if (typeof onRejected !== "function") this.#forgive(result);
    return result;
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(null, onRejected);
  }

  finally(onSettled?: (() => void) | null): Promise<T> {
    const result = this.then().finally(onSettled);
    this.#forgive(result);
    return result;
  }

  /** What only passes on that this failed harms nobody, awaited or not. */
  #forgive(result: Promise<unknown>): void {
    this.observe().then(undefined, () => void result.then(undefined, () => undefined));
  }

  orTimeout<F = never>(duration: Duration, ...fallback: [] | [F]): DurableFuture<T | F> {
    const { future, ms } = this.#host.timer(duration);
    const late = future.observe().then((): F => {
      if (fallback.length === 1) return fallback[0];
      throw makeTimeout(`Nothing came within ${formatDuration(ms)}`);
    });
    return derive<T | F>(this.#host, Promise.race([this.observe(), late]));
  }

  /** The promise behind it, for combinations: awaiting that does not count as awaiting this. */
  observe(): Promise<T> {
    if (this.#promise === null) {
      this.#promise = new Promise<T>((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      });
      if (this.#state === "resolved") this.#resolve?.(this.#value as T); // set with the state
      if (this.#state === "rejected") this.#reject?.(this.#value);
    }
    return this.#promise;
  }
}

/** A result that is made of what the journal has; making it may throw, which rejects. */
export class ReadFuture<T> extends Future<T> {
  readonly #read: (recorded: unknown) => T;

  constructor(host: FutureHost, read: (recorded: never) => T) {
    super(host);
    this.#read = read as (recorded: unknown) => T; // whoever asks knows what is recorded
  }

  override resolve(recorded: unknown): void {
    try {
      super.resolve(this.#read(recorded));
    } catch (error) {
      this.reject(error);
    }
  }
}

/** A future of a promise made of other futures. */
export function derive<T>(host: FutureHost, promise: Promise<T>): Future<T> {
  const future = new Future<T>(host);
  promise.then(
    (value) => future.resolve(value),
    (error: unknown) => future.reject(error),
  );
  return future;
}

/** What a call or message can be asked for after it was issued. */
export interface StartedHost extends FutureHost {
  idOf(ordinal: number): Future<string>;
  cancelStarted(ordinal: number): void;
}

/** The future of a call. */
export class StartedFuture<T> extends Future<T> implements CallFuture<T> {
  readonly #started: StartedHost;
  readonly #ordinal: number;

  constructor(host: StartedHost, ordinal: number) {
    super(host);
    this.#started = host;
    this.#ordinal = ordinal;
  }

  id(): DurableFuture<string> {
    return this.#started.idOf(this.#ordinal);
  }

  cancel(): void {
    this.#started.cancelStarted(this.#ordinal);
  }
}

/** A durable promise as its owner or a neighbour sees it. Waiting begins with the first await. */
export class PromiseHandle<T> implements PromiseFuture<T> {
  readonly [Symbol.toStringTag] = "DurablePromise";
  readonly id: string;
  readonly #wait: () => Future<T>;
  readonly #settle: (value: unknown, failed: boolean) => void;
  #future: Future<T> | null = null;

  constructor(
    id: string,
    wait: () => Future<T>,
    settle: (value: unknown, failed: boolean) => void,
  ) {
    this.id = id;
    this.#wait = wait;
    this.#settle = settle;
  }

  resolve(value?: T): void {
    this.#settle(value, false);
  }

  reject(reason: string): void {
    this.#settle(reason, true);
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaitable is what a promise is for
  then<A = T, B = never>(
    onResolved?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#waiting().then(onResolved, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#waiting().catch(onRejected);
  }

  finally(onSettled?: (() => void) | null): Promise<T> {
    return this.#waiting().finally(onSettled);
  }

  orTimeout<F = never>(duration: Duration, ...fallback: [] | [F]): DurableFuture<T | F> {
    return this.#waiting().orTimeout(duration, ...fallback);
  }

  observe(): Promise<T> {
    return this.#waiting().observe();
  }

  #waiting(): Future<T> {
    this.#future ??= this.#wait();
    return this.#future;
  }
}

/** The promise to combine: of a future without counting as awaiting it, of all else as it is. */
export function observe<T>(input: PromiseLike<T>): PromiseLike<T> {
  const ours = input instanceof Future || input instanceof PromiseHandle;
  return ours ? (input.observe() as Promise<T>) : input; // a Future<T> is one of T
}
