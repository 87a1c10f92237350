import type { Right } from "../check/evaluation.ts";
import { scratchBase } from "../graph/overlay.ts";

/** Which objects a walk has reached by which right: a bit each, since a walk may reach a million. */
export class Seen {
  readonly #words: number;
  readonly #bits = new Map<Right, Uint32Array>();
  /** Objects of the question alone. */
  readonly #scratch = new Set<number>();

  /** @param objects All numbers of objects are below it. */
  constructor(objects: number) {
    this.#words = (objects >>> 5) + 1;
  }

  /** @returns whether it was not there before. */
  add(right: Right, object: number): boolean {
    if (object >= scratchBase) {
      const before = this.#scratch.size;
      this.#scratch.add((object - scratchBase) * 65_536 + right.relation);
      return this.#scratch.size > before;
    }
    let bits = this.#bits.get(right);
    if (bits === undefined) {
      bits = new Uint32Array(this.#words);
      this.#bits.set(right, bits);
    }
    const word = bits[object >>> 5] as number; // all numbers are below what it was made for
    const bit = 1 << (object & 31);
    if ((word & bit) !== 0) return false;
    bits[object >>> 5] = word | bit;
    return true;
  }
}
