import { highest, type Places } from "./memo.ts";
import type { Value } from "./verdict.ts";

/** What a popped frame rests on, where it came to just what was assumed for it. */
interface Closed {
  readonly low: number;
  readonly high: number;
}

/** Where something that was found out stands now: what it still rests on, or null if it is void. */
export type Standing = Places | null;

const nothing: Places = { low: 0, high: 0 };

/**
 * The rights that lie above what is evaluated, and the circles that were cut on the way: a set of
 * places that the value being evaluated rests on.
 *
 * Where a circle comes back to a place, a value is assumed for it. What was found out on that ground
 * holds while the place stands; and when it is left with just the value that was assumed, it holds on
 * the ground of whatever that place rests on itself. So everything in a circle is found out once, and
 * not once for each way around it.
 */
export class Path {
  readonly #objects: number[] = [];
  readonly #rights: number[] = [];
  /** Frames have numbers, from 1 in each question; each knows the one beneath it. */
  readonly #frames: number[] = [];
  readonly #beneath: number[] = [];
  readonly #closed = new Map<number, Closed>();
  #last = 0;
  depth = 0;
  /** The places that what is being evaluated rests on, as bits. */
  low = 0;
  high = 0;

  begin(): void {
    this.depth = 0;
    this.low = 0;
    this.high = 0;
    this.#last = 0;
    if (this.#closed.size > 0) this.#closed.clear();
  }

  /** @returns the place where a right (by its uid) of an object stands, or -1. */
  find(right: number, object: number): number {
    for (let at = 0; at < this.depth; at++) {
      if (this.#objects[at] === object && this.#rights[at] === right) return at;
    }
    return -1;
  }

  restOn(place: number): void {
    if (place < 32) this.low |= 1 << place;
    else this.high |= 1 << (place - 32);
  }

  /** A frame begins, which rests on nothing yet. */
  push(right: number, object: number): void {
    const at = this.depth++;
    this.#objects[at] = object;
    this.#rights[at] = right;
    const frame = ++this.#last;
    this.#frames[at] = frame;
    this.#beneath[frame] = at === 0 ? 0 : (this.#frames[at - 1] as number); // it has one beneath it
    this.low = 0;
    this.high = 0;
  }

  /**
   * The frame ends. It rests on nothing if `settled`, else on what lies below it of what it was found
   * to rest on.
   * @param assumed The value that circles back to it were given.
   */
  pop({ value, settled, assumed }: { value: Value; settled: boolean; assumed: Value }): void {
    const at = --this.depth;
    if (settled) {
      this.low = 0;
      this.high = 0;
    } else if (at < 32) {
      this.low &= 2 ** at - 1;
      this.high = 0;
    } else {
      this.high &= 2 ** (at - 32) - 1;
    }
    if (value === assumed) {
      this.#closed.set(this.#frames[at] as number, { low: this.low, high: this.high }); // it had one
    }
  }

  /** The frame at the highest place that is rested on; 0 if there is none. */
  get top(): number {
    const place = highest(this.low, this.high);
    return place < 0 ? 0 : (this.#frames[place] as number); // places are on the path
  }

  /** What something rests on now that rested on these places when `frame` stood at the highest. */
  standing(places: Places, frame: number): Standing {
    let { low, high } = places;
    let at = frame;
    for (let top = highest(low, high); top >= 0; ) {
      if (top < this.depth && this.#frames[top] === at) return { low, high };
      const closed = this.#closed.get(at);
      if (closed === undefined) return null;
      if (top < 32) low &= ~(1 << top);
      else high &= ~(1 << (top - 32));
      low |= closed.low;
      high |= closed.high;
      const next = highest(low, high);
      // What stood at the lower place stood beneath it.
      for (let place = top; place > Math.max(next, 0); place--) at = this.#beneath[at] as number;
      top = next;
    }
    return nothing;
  }
}
