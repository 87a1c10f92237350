import { partitionOfNumber } from "../model/ids.ts";
import type { Store } from "../store/store.ts";
import type { Core } from "./core.ts";
import type { Command } from "./engine.ts";

/** How much is deleted at a time, so that clearing up never holds up the work. */
const chunk = 256;
/** How long to wait for other owners to delete what is theirs. */
const othersMs = 60_000;
/** The longest look ahead. */
const restMs = 3_600_000;

/** Deletes what has been kept long enough, a little at a time, and sleeps until there is more. */
export class Retention {
  readonly #core: Core;
  readonly #store: Store;
  readonly #push: (command: Command) => void;
  readonly #fault: (error: unknown) => void;
  #cancel: (() => void) | null = null;
  /** When the next look is due; what expires earlier moves it forward. */
  #lookAt = Number.POSITIVE_INFINITY;
  #sweeping = false;
  /** Something has expired that belongs to another owner. */
  #foreign = false;
  #closed = false;

  constructor(
    core: Core,
    store: Store,
    push: (command: Command) => void,
    fault: (error: unknown) => void,
  ) {
    this.#core = core;
    this.#store = store;
    this.#push = push;
    this.#fault = (error) => {
      if (!this.#closed) fault(error);
    };
  }

  start(): void {
    this.#sweeping = false;
    this.#plan();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  /** A batch is durable: a sweep that waited for its deletions goes on. */
  committed(): void {
    if (this.#sweeping) {
      this.#sweeping = false;
      this.#sweep();
    } else if (this.#lookAt === Number.POSITIVE_INFINITY) {
      this.#plan();
    }
  }

  async #plan(): Promise<void> {
    if (this.#closed) return;
    try {
      const next = await this.#store.nextExpiry();
      if (next !== null) this.#schedule(next);
    } catch (error) {
      this.#fault(error);
    }
  }

  #schedule(at: number): void {
    if (this.#closed) return;
    const core = this.#core;
    this.#cancel?.();
    this.#lookAt = at;
    // Expiries come in crowds: a second of patience makes one sweep of many.
    const least = this.#foreign ? othersMs : 1_000;
    const ms = Math.min(restMs, Math.max(least, at - core.host.now()));
    this.#cancel = core.host.setTimer(ms, () => {
      this.#cancel = null;
      this.#lookAt = Number.POSITIVE_INFINITY;
      this.#sweep();
    });
  }

  #sweep(): void {
    this.#collect().then((found) => {
      if (found) this.#sweeping = true;
      else this.#plan();
    }, this.#fault);
  }

  async #collect(): Promise<boolean> {
    const core = this.#core;
    const now = core.host.now();
    // Each owner clears up after itself.
    const expired = await this.#store.scanExpired(now, chunk);
    const numbers = expired.filter((number) => core.owns(partitionOfNumber(number)));
    this.#foreign = numbers.length < expired.length;
    const idempotency = await this.#store.scanExpiredIdempotency(now, chunk);
    if (numbers.length === 0 && idempotency.length === 0) return false;
    const first = numbers[0];
    const some = core.owned.keys().next().value ?? 0;
    const partition = first === undefined ? some : partitionOfNumber(first);
    this.#push({ kind: "expire", partition, numbers, idempotency });
    return true;
  }
}
