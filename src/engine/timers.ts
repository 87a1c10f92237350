import type { Host } from "../host/host.ts";
import { Heap } from "../std/heap.ts";
import type { Store, Timer } from "../store/store.ts";

/** How far ahead timers are held in memory, and how many at a time. */
const horizonMs = 60_000;
const windowSize = 4_096;

/** As many are fired at a time; the next ones follow when these are on their way to the store. */
const fireAtOnce = 1_024;

/**
 * Wakes the loop when timers are due. The store has all of them; memory has those of a window that
 * begins now. Everything armed inside the window joins it; the rest waits in the store until the
 * window moves on, which it does when it is empty and its timers are gone from the store.
 */
export class Timers {
  readonly #host: Host;
  readonly #store: Store;
  /** The store has the timers of all owners. */
  readonly #owns: (timer: Timer) => boolean;
  readonly #fire: (due: Timer[]) => void;
  readonly #fail: (error: unknown) => void;
  readonly #heap = new Heap<Timer>(
    (a, b) => a.due < b.due || (a.due === b.due && a.number < b.number),
  );
  /** Timers before this time are all in the heap. */
  #windowEnd = 0;
  /** No timer outside the window is due before this. */
  #next: number | null = null;
  /** Armed beyond the window by the open batch, so that the store does not know of them yet. */
  #fresh: Timer[] = [];
  /** Fired, but perhaps still in the store: the window must not move before they are gone. */
  #unsealed = false;
  #filling = false;
  /** Counts the times that all was forgotten: what was being read then is of no use any more. */
  #resets = 0;
  #cancel: (() => void) | null = null;
  #wakeAt = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(
    host: Host,
    store: Store,
    owns: (timer: Timer) => boolean,
    fire: (due: Timer[]) => void,
    failed: (error: unknown) => void,
  ) {
    this.#host = host;
    this.#store = store;
    this.#owns = owns;
    this.#fire = fire;
    this.#fail = failed;
  }

  arm(timer: Timer): void {
    if (timer.due < this.#windowEnd) {
      this.#heap.push(timer);
    } else {
      this.#fresh.push(timer);
      if (this.#next === null || timer.due < this.#next) this.#next = timer.due;
    }
    if (timer.due < this.#wakeAt) this.#schedule();
  }

  /** Forgets all and starts from the store. Throws what the store throws, if that answers at once. */
  reset(): void {
    this.#resets++;
    this.#filling = false;
    this.#heap.clear();
    this.#fresh = [];
    this.#windowEnd = 0;
    this.#unsealed = false;
    this.#fill();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  /** The batch with the last fired timers, and all armed ones, was handed to the store. */
  sealed(): void {
    // A look into the store that has begun may have missed them.
    if (!this.#filling) this.#fresh = [];
    if (!this.#unsealed) return;
    this.#unsealed = false;
    this.#advance();
  }

  #advance(): void {
    if (this.#heap.size === 0) this.#fill();
    else this.#schedule();
  }

  #fill(): void {
    if (this.#filling || this.#unsealed || this.#closed) return;
    const end = this.#host.now() + horizonMs;
    const found = this.#store.scanTimers(end, windowSize);
    const next = this.#store.nextTimer();
    if (!(found instanceof Promise) && !(next instanceof Promise)) {
      this.#take(found, end, next);
      return;
    }
    this.#filling = true;
    const resets = this.#resets;
    const read = (go: () => void): void => {
      if (this.#closed || resets !== this.#resets) return;
      this.#filling = false;
      go();
    };
    Promise.all([found, next]).then(
      ([timers, first]) => read(() => this.#take(timers, end, first)),
      (error: unknown) => read(() => this.#fail(error)),
    );
  }

  #take(timers: readonly Timer[], end: number, next: number | null): void {
    const full = timers.length === windowSize;
    const last = timers[timers.length - 1];
    this.#windowEnd = full && last !== undefined ? last.due : end;
    for (const timer of timers) if (this.#owns(timer)) this.#heap.push(timer);
    // What lies beyond is not known exactly; the end of the window is a safe guess.
    this.#next = next === null ? null : Math.max(next, this.#windowEnd);
    // What both know fires twice, and the second time changes nothing.
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const timer of fresh) this.arm(timer);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#cancel?.();
    this.#cancel = null;
    const due = this.#heap.peek()?.due ?? this.#next;
    this.#wakeAt = due ?? Number.POSITIVE_INFINITY;
    if (due === null) return;
    // A clock may be set forward, and a machine may sleep: no timer is late by more than a window.
    const ms = Math.min(horizonMs, Math.max(0, due - this.#host.now()));
    this.#cancel = this.#host.setTimer(ms, () => {
      try {
        this.#wake();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #wake(): void {
    this.#cancel = null;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    const now = this.#host.now();
    const due: Timer[] = [];
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined || first.due > now || due.length === fireAtOnce) break;
      this.#heap.pop();
      due.push(first);
    }
    if (due.length > 0) {
      this.#unsealed = true;
      this.#fire(due);
      return;
    }
    this.#advance();
  }
}
