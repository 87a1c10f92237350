import { mix } from "../graph/pair-table.ts";
import type { Value } from "./verdict.ts";

const places = 4_096;

/** How many places a path has at most: a bit for each. */
export const pathMax = 64;

/** A set of places on the path: the first 32, and the others. */
export interface Places {
  readonly low: number;
  readonly high: number;
}

/** The highest of them, or -1. */
export function highest(low: number, high: number): number {
  if (high !== 0) return 63 - Math.clz32(high);
  return 31 - Math.clz32(low);
}

/** What was found out about a right of an object. */
export interface Finding {
  readonly value: Value;
  /** The places on the path that cut circles led back to. */
  readonly cuts: Places;
  /** What stood at the highest of them. */
  readonly frame: number;
}

/**
 * What was found out within one question, by object and right. Each has one place, and the later one
 * gets it: what is forgotten is found out again. Beginning anew costs nothing.
 */
export class Memo {
  readonly #objects = new Uint32Array(places);
  readonly #rights = new Uint32Array(places);
  readonly #questions = new Uint32Array(places);
  readonly #values = new Uint8Array(places);
  readonly #cuts = new Uint32Array(places * 2);
  readonly #frames = new Uint32Array(places);
  #question = 0;

  /** Forgets everything. */
  begin(): void {
    this.#question = (this.#question + 1) >>> 0;
    if (this.#question !== 0) return;
    this.#questions.fill(0);
    this.#question = 1;
  }

  /** @returns where it is, or -1. */
  find(object: number, uid: number): number {
    const at = mix(object, uid) & (places - 1);
    const isKnown =
      this.#questions[at] === this.#question &&
      this.#objects[at] === object &&
      this.#rights[at] === uid;
    return isKnown ? at : -1;
  }

  value(at: number): Value {
    return this.#values[at] as Value; // put there by `put`
  }

  cutsLow(at: number): number {
    return this.#cuts[at * 2] as number; // as above
  }

  cutsHigh(at: number): number {
    return this.#cuts[at * 2 + 1] as number; // as above
  }

  frame(at: number): number {
    return this.#frames[at] as number; // as above
  }

  put(object: number, uid: number, { value, cuts, frame }: Finding): void {
    const at = mix(object, uid) & (places - 1);
    this.#questions[at] = this.#question;
    this.#objects[at] = object;
    this.#rights[at] = uid;
    this.#values[at] = value;
    this.#cuts[at * 2] = cuts.low;
    this.#cuts[at * 2 + 1] = cuts.high;
    this.#frames[at] = frame;
  }
}
