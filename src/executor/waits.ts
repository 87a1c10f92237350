import { decodeError } from "../model/codec.ts";
import type { Entry } from "../model/entry.ts";
import { type Cancellable, Future, ReadFuture, StartedFuture, type StartedHost } from "./future.ts";

/** Most runs of actors and services never wait: they share this, and never write to it. */
const none: Map<number, Future<unknown>> = new Map();

/**
 * What the code of one attempt waits for, but for steps and signals, and what it awaits right now,
 * which is what a cancellation interrupts.
 */
export class Waits {
  readonly #run: StartedHost;
  #futures: Map<number, Future<unknown>> = none;
  /** Commands whose futures a cancellation rejected: their answers may still come, and count not. */
  #givenUp: Set<number> | null = null;
  /** In the order in which it began to. */
  #awaited: Set<Cancellable> | null = null;
  /** A cancellation came while nothing was awaited: the next await gets it. */
  #pending: Entry | null = null;

  constructor(run: StartedHost) {
    this.#run = run;
  }

  /** How many are open: the same in every replay. */
  get open(): number {
    return this.#futures.size;
  }

  expect<T>(ordinal: number): Future<T> {
    const future = new Future<T>(this.#run);
    this.#own().set(ordinal, future as Future<unknown>);
    return future;
  }

  expectStarted(ordinal: number): StartedFuture<unknown> {
    const future = new StartedFuture<unknown>(this.#run, ordinal);
    this.#own().set(ordinal, future);
    return future;
  }

  expectRead<T>(ordinal: number, read: (recorded: never) => T): ReadFuture<T> {
    const future = new ReadFuture<T>(this.#run, read);
    this.#own().set(ordinal, future as Future<unknown>);
    return future;
  }

  #own(): Map<number, Future<unknown>> {
    if (this.#futures === none) this.#futures = new Map();
    return this.#futures;
  }

  /** The answer to a command. @returns who waits for it, undefined when there is none. */
  take(ordinal: number): Future<unknown> | undefined {
    const future = this.#futures.get(ordinal);
    if (future !== undefined) this.#futures.delete(ordinal);
    return future;
  }

  isGivenUp(ordinal: number): boolean {
    return this.#givenUp?.has(ordinal) === true;
  }

  /** @returns the cancellation that this await gets, if one is left. */
  awaited(future: Cancellable): Entry | null {
    this.#awaited ??= new Set();
    this.#awaited.add(future);
    const entry = this.#pending;
    if (entry === null) return null;
    this.#pending = null;
    future.reject(cancellationOf(entry));
    this.#giveUp();
    return entry;
  }

  settled(future: Cancellable): void {
    this.#awaited?.delete(future);
  }

  /** Everything that is awaited fails with it. @returns whether anything was. */
  cancelled(entry: Entry): boolean {
    const awaited = [...(this.#awaited ?? [])];
    if (awaited.length === 0) {
      this.#pending = entry;
      return false;
    }
    for (const future of awaited) future.reject(cancellationOf(entry));
    this.#giveUp();
    return true;
  }

  #giveUp(): void {
    for (const [ordinal, future] of this.#futures) {
      if (future.pending) continue;
      this.#futures.delete(ordinal);
      this.#givenUp ??= new Set();
      this.#givenUp.add(ordinal);
    }
  }

  end(): void {
    this.#futures = none;
    this.#awaited = null;
  }
}

/** What a cancellation throws. */
export function cancellationOf(entry: Entry): Error {
  return decodeError(entry.payload as string); // a cancellation has an error
}
