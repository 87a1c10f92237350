/**
 * A map from pairs of 32-bit integers to 32-bit integers, in one typed array: open addressing,
 * linear probing, deletion by shifting back. Twelve bytes per slot, and between 60 and 75 percent of
 * the slots in use once it is large: 16 to 20 bytes per pair.
 *
 * The first of a pair is never 0, which marks a free slot; a value is never 0, which means "none".
 */
import { assert } from "../../std/assert.ts";

/** Whoever abandons pairs knows which they are, and is told when the last of them is gone. */
export interface Sweeper {
  isStale(first: number): boolean;
  swept(): void;
}

const wordsPerSlot = 3;
const capacityMin = 64;
const capacityEnd = 2 ** 31 / wordsPerSlot;
/** Tables below this many pairs double: their bytes do not matter, the copying does. */
const smallMax = 4096;
const loadMax = 0.75;
const loadAfterRebuild = 0.6;
const loadMin = 0.15;

export class PairMap {
  #words = new Uint32Array(capacityMin * wordsPerSlot);
  #capacity = capacityMin;
  #scale = capacityMin / 2 ** 32;
  #usedMax = capacityMin * loadMax;
  #used = 0;
  #stale = 0;
  readonly #sweeper: Sweeper | undefined;

  constructor(sweeper?: Sweeper) {
    this.#sweeper = sweeper;
  }

  /** Pairs that are in it and not abandoned. */
  get size(): number {
    return this.#used - this.#stale;
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  /** The value of the pair, or 0. */
  get(first: number, second: number): number {
    const words = this.#words;
    const end = words.length;
    let at = homeOf(first, second, this.#scale);
    for (;;) {
      const key = words[at] as number;
      if (key === first && words[at + 1] === second) return words[at + 2] as number;
      if (key === 0) return 0;
      at += wordsPerSlot;
      if (at === end) at = 0;
    }
  }

  /** The pair must not be there. */
  insert(first: number, second: number, value: number): void {
    assert(value > 0, "a value of a pair map is positive");
    const at = this.#find(first, second);
    assert(this.#words[at] === 0, "a pair is inserted once");
    this.#put(at, first, second, value);
  }

  /** Adds one to the value of the pair, which counts from 0; returns the new value. */
  add(first: number, second: number): number {
    const at = this.#find(first, second);
    if (this.#words[at] === 0) {
      this.#put(at, first, second, 1);
      return 1;
    }
    const value = (this.#words[at + 2] as number) + 1;
    assert(value < 2 ** 32, "a count of edges fits 32 bits");
    this.#words[at + 2] = value;
    return value;
  }

  /** Takes one from the value of the pair, which must be there and goes at 0; returns what is left. */
  subtract(first: number, second: number): number {
    const at = this.#find(first, second);
    assert(this.#words[at] === first, "only what was added is subtracted");
    const value = (this.#words[at + 2] as number) - 1;
    if (value > 0) this.#words[at + 2] = value;
    else this.#free(at);
    return value;
  }

  /** The pair must be there. */
  delete(first: number, second: number): void {
    const at = this.#find(first, second);
    assert(this.#words[at] === first, "only what was inserted is deleted");
    this.#free(at);
  }

  /**
   * Says that so many pairs will never be asked for again: the sweeper calls their firsts stale. They
   * stay until the next rebuild, so that giving up a million of them costs nothing now.
   */
  abandon(pairs: number): void {
    this.#stale += pairs;
    assert(this.#stale <= this.#used, "no more pairs are abandoned than there are");
    this.#shrinkMaybe();
  }

  /** Where the pair is, or the free slot where it belongs. */
  #find(first: number, second: number): number {
    assert(first > 0, "the first of a pair is positive");
    const words = this.#words;
    const end = words.length;
    let at = homeOf(first, second, this.#scale);
    for (;;) {
      const key = words[at] as number;
      if (key === 0 || (key === first && words[at + 1] === second)) return at;
      at += wordsPerSlot;
      if (at === end) at = 0;
    }
  }

  #put(free: number, first: number, second: number, value: number): void {
    let at = free;
    if (this.#used >= this.#usedMax) {
      this.#rebuild();
      at = this.#find(first, second);
    }
    this.#words[at] = first;
    this.#words[at + 1] = second;
    this.#words[at + 2] = value;
    this.#used++;
  }

  /** Closes the gap, so that no search ever has to step over the dead. */
  #free(gap: number): void {
    const words = this.#words;
    const end = words.length;
    let hole = gap;
    let at = gap;
    for (;;) {
      at += wordsPerSlot;
      if (at === end) at = 0;
      const key = words[at] as number;
      if (key === 0) break;
      const home = homeOf(key, words[at + 1] as number, this.#scale);
      const fromHome = at >= home ? at - home : at - home + end;
      const fromHole = at >= hole ? at - hole : at - hole + end;
      if (fromHome < fromHole) continue; // it would come to lie before its home
      words[hole] = key;
      words[hole + 1] = words[at + 1] as number;
      words[hole + 2] = words[at + 2] as number;
      hole = at;
    }
    words[hole] = 0;
    this.#used--;
    this.#shrinkMaybe();
  }

  #shrinkMaybe(): void {
    if (this.#capacity > capacityMin && this.size < this.#capacity * loadMin) this.#rebuild();
  }

  /**
   * Moves what is alive to a table of the right size. The home of a pair grows with its hash in both
   * tables, so the old one is read and the new one written from front to back.
   */
  #rebuild(): void {
    const alive = this.size + 1;
    const load = alive < smallMax ? loadAfterRebuild / 2 : loadAfterRebuild;
    const old = this.#words;
    this.#capacity = Math.max(capacityMin, Math.ceil(alive / load));
    assert(this.#capacity < capacityEnd, "a pair map is addressed with 32-bit integers");
    this.#scale = this.#capacity / 2 ** 32;
    this.#usedMax = Math.floor(this.#capacity * loadMax);
    this.#words = new Uint32Array(this.#capacity * wordsPerSlot);
    const sweeper = this.#stale > 0 ? this.#sweeper : undefined;
    const moved = copyPairs(old, { words: this.#words, scale: this.#scale }, sweeper);
    assert(moved === this.#used - this.#stale, "a rebuild moves all that is alive");
    this.#used = moved;
    this.#stale = 0;
    sweeper?.swept();
  }
}

/** Copies what is not stale to an empty table; returns how many pairs that were. */
function copyPairs(
  old: Uint32Array,
  { words, scale }: { words: Uint32Array; scale: number },
  sweeper: Sweeper | undefined,
): number {
  const end = words.length;
  let copied = 0;
  for (let from = 0; from < old.length; from += wordsPerSlot) {
    const first = old[from] as number;
    if (first === 0 || sweeper?.isStale(first)) continue;
    const second = old[from + 1] as number;
    let at = homeOf(first, second, scale);
    while (words[at] !== 0) {
      at += wordsPerSlot;
      if (at === end) at = 0;
    }
    words[at] = first;
    words[at + 1] = second;
    words[at + 2] = old[from + 2] as number;
    copied++;
  }
  return copied;
}

/**
 * The slot where the search for a pair begins, as an index of words. It grows with the hash, whose
 * upper bits depend on every bit of both numbers. All in 32-bit integers but for one product: this is
 * half of what a question costs.
 */
function homeOf(first: number, second: number, scale: number): number {
  let hash = Math.imul(first, 0x9e3779b1);
  hash = Math.imul((hash ^ (hash >>> 16)) + second, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  return Math.imul(wordsPerSlot, (((hash ^ (hash >>> 16)) >>> 0) * scale) | 0);
}
