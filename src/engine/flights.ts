import type { Store } from "../store/store.ts";
import type { HeldReply, Sealed } from "./core.ts";

/** A batch on its way to the disk. */
export interface Flight {
  readonly sealed: Sealed;
  durable: boolean;
  /** Resolves when the store has said how it went, whichever way. */
  settled: Promise<void>;
}

/**
 * Batches that the store is making durable, in order. They become durable in any order, and count in
 * theirs: nothing is told of one while an earlier one is still on its way.
 */
export class Flights {
  readonly #store: Store;
  readonly #committed: (sealed: Sealed) => void;
  readonly #fault: (error: unknown) => void;
  #flying: Flight[] = [];

  constructor(store: Store, committed: (sealed: Sealed) => void, fault: (error: unknown) => void) {
    this.#store = store;
    this.#committed = committed;
    this.#fault = fault;
  }

  get size(): number {
    return this.#flying.length;
  }

  /** Whether the store takes another one now. */
  get hasRoom(): boolean {
    return this.#flying.length === 0 || this.#store.canOverlap;
  }

  launch(sealed: Sealed): void {
    let written: Promise<void>;
    try {
      written = this.#store.commit(sealed.batch);
    } catch (error) {
      written = Promise.reject(error);
    }
    const flight: Flight = { sealed, durable: false, settled: Promise.resolve() };
    this.#flying.push(flight);
    flight.settled = written.then(
      () => this.#landed(flight),
      (error: unknown) => {
        if (this.#flying.includes(flight)) this.#fault(error);
      },
    );
  }

  /** Holds a reply until everything that flies is durable; when nothing does, it is given at once. */
  hold(reply: HeldReply): void {
    const last = this.#flying.at(-1);
    if (last === undefined) reply.deliver();
    else last.sealed.held.push(reply);
  }

  /** What becomes of them is of no concern any more. @returns those that had not come to count. */
  drop(): readonly Flight[] {
    const flying = this.#flying;
    this.#flying = [];
    return flying;
  }

  #landed(flight: Flight): void {
    flight.durable = true;
    if (!this.#flying.includes(flight)) return;
    for (let first = this.#flying[0]; first?.durable === true; first = this.#flying[0]) {
      this.#flying.shift();
      this.#committed(first.sealed);
    }
  }
}
