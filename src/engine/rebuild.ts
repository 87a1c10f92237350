import { type HoldfastError, reasonOf } from "../model/errors.ts";
import { assert } from "../std/assert.ts";
import type { Store } from "../store/store.ts";
import type { Core } from "./core.ts";
import type { Flight } from "./flights.ts";

/** Pause between attempts to write while the store is full or failing. */
const probeMs = 250;

/**
 * The way back after memory was dropped: nothing is taken until what still flies has come down, the
 * store has taken something small, and the partitions are loaded from it again.
 */
export class Rebuild {
  readonly #core: Core;
  readonly #store: Store;
  /** Loads what must be known before anything is applied; calling the result lets everything go on. */
  readonly #load: () => Promise<() => void>;
  #refusal: HoldfastError | null = null;
  #drops = 0;
  #cancelProbe: (() => void) | null = null;
  /** What may still reach the store, or memory, of what was before: resolves when nothing does. */
  #remains: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(core: Core, store: Store, load: () => Promise<() => void>) {
    this.#core = core;
    this.#store = store;
    this.#load = load;
  }

  /** Why nothing is accepted now: the store cannot be written. Null: all is well. */
  get refusal(): HoldfastError | null {
    return this.#refusal;
  }

  /** Counts the times that memory was dropped: what waited for the store meanwhile is over. */
  get drops(): number {
    return this.#drops;
  }

  /** Memory is about to be dropped: nothing is taken from here on. */
  refuse(reason: HoldfastError): void {
    this.#drops++;
    this.#refusal = reason;
    this.#cancelProbe?.();
    this.#cancelProbe = null;
  }

  /** Memory was dropped. Whatever still flies has to come down before anything else is written. */
  begin(flying: readonly Flight[]): void {
    this.#remains = Promise.all([this.#remains, ...flying.map(({ settled }) => settled)]);
    const drops = this.#drops;
    this.#remains.then(() => {
      if (drops === this.#drops) this.#probe();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelProbe?.();
  }

  /** Writes something small until the store takes it; then the partitions are loaded again. */
  #probe(): void {
    if (this.#closed) return;
    const { host } = this.#core;
    this.#cancelProbe = host.setTimer(probeMs, () => {
      this.#cancelProbe = null;
      const drops = this.#drops;
      this.#remains = this.#reopen().catch((error: unknown) => {
        if (drops !== this.#drops) return;
        host.log("warn", "the store still cannot be written", { reason: reasonOf(error) });
        this.#core.reset();
        this.#probe();
      });
    });
  }

  /** Unless memory is dropped once more meanwhile: then that which comes after has it all to do. */
  async #reopen(): Promise<void> {
    const core = this.#core;
    const drops = this.#drops;
    const isOver = (): boolean => this.#closed || drops !== this.#drops;
    const [first] = core.owned;
    assert(first !== undefined, "a node owns at least one partition");
    const [partition, own] = first;
    own.reserved = Math.max(own.reserved, core.counter) + 1;
    core.touch(partition).reserveCounters.push({ partition, counter: own.reserved });
    await this.#store.commit(core.seal().batch);
    if (isOver()) return;
    await core.relations.reset();
    if (isOver()) return;
    const goOn = await this.#load();
    if (isOver()) return;
    const refusal = this.#refusal;
    this.#refusal = null;
    try {
      goOn();
    } catch (error) {
      this.#refusal = refusal;
      throw error;
    }
  }
}
