import { Heap } from "../std/heap.ts";
import { Prng } from "../std/prng.ts";

interface Event {
  readonly at: number;
  /** Decides between events of the same time. */
  readonly tie: number;
  readonly run: () => void;
  cancelled: boolean;
}

/**
 * The only thing that moves a simulated world: takes one event after the other, sets the clock to
 * its time, and lets all microtasks that it causes run dry before the next. Nothing in the world
 * waits for anything real, so a run depends on the seed alone.
 */
export class Scheduler {
  readonly random: Prng;
  /** Milliseconds since the world began. */
  now = 0;
  /** Events taken so far. */
  taken = 0;
  readonly #events = new Heap<Event>((a, b) => a.at < b.at || (a.at === b.at && a.tie < b.tie));
  readonly #broken: (error: unknown) => void;

  /** `broken` is told what events throw. */
  constructor(seed: number, broken: (error: unknown) => void) {
    this.random = new Prng(seed);
    this.#broken = broken;
  }

  /** Calls back after `ms`; the function returned calls it off. */
  after(ms: number, run: () => void): () => void {
    const at = this.now + Math.max(0, ms);
    const event: Event = { at, tie: this.random.uint32(), run, cancelled: false };
    this.#events.push(event);
    return () => {
      event.cancelled = true;
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Takes events until there is nothing more to do, or it is told to stop. */
  async run(stop: () => boolean): Promise<void> {
    await drained();
    while (!stop()) {
      const event = this.#events.pop();
      if (event === undefined) return;
      if (event.cancelled) continue;
      this.now = event.at;
      this.taken++;
      try {
        event.run();
      } catch (error) {
        this.#broken(error);
      }
      await drained();
    }
  }
}

/** Every promise job and tick is done: immediates come after all of them. */
function drained(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
