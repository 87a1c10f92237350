import type { WordRecords } from "./records.ts";

/**
 * An index of records by the pair of numbers that their first two fields are: open addressing over an
 * array of rows. Row 0 means nothing. At most two thirds full, so that most searches end near where they begin.
 */
export class PairTable {
  readonly #records: WordRecords;
  #rows: Uint32Array;
  #mask: number;
  #size = 0;

  constructor(records: WordRecords) {
    this.#records = records;
    this.#rows = new Uint32Array(64);
    this.#mask = 63;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#rows.byteLength;
  }

  /** @returns the row, or 0. */
  find(first: number, second: number): number {
    let at = mix(first, second) & this.#mask;
    for (;;) {
      const row = this.#rows[at] as number; // the mask keeps it within
      if (row === 0) return 0;
      if (this.#is(row, first, second)) return row;
      at = (at + 1) & this.#mask;
    }
  }

  /** Adds a row, or puts it in the place of the one with the same pair. */
  put(row: number): void {
    if (this.#size * 3 >= this.#rows.length * 2) this.#resize(this.#rows.length * 2);
    if (this.#place(row)) this.#size++;
  }

  /** Takes away the row of a pair, if there is one, and closes the gap. */
  delete(first: number, second: number): void {
    let gap = mix(first, second) & this.#mask;
    for (;;) {
      const row = this.#rows[gap] as number; // the mask keeps it within
      if (row === 0) return;
      if (this.#is(row, first, second)) break;
      gap = (gap + 1) & this.#mask;
    }
    this.#size--;
    for (let at = (gap + 1) & this.#mask; ; at = (at + 1) & this.#mask) {
      const row = this.#rows[at] as number; // the mask keeps it within
      if (row === 0) break;
      const home = mix(this.#records.get(row, 0), this.#records.get(row, 1)) & this.#mask;
      // It may move into the gap only if that lies on its way from home.
      if (((at - home) & this.#mask) < ((at - gap) & this.#mask)) continue;
      this.#rows[gap] = row;
      gap = at;
    }
    this.#rows[gap] = 0;
  }

  #is(row: number, first: number, second: number): boolean {
    return this.#records.get(row, 0) === first && this.#records.get(row, 1) === second;
  }

  /** @returns whether the pair is new. */
  #place(row: number): boolean {
    const first = this.#records.get(row, 0);
    const second = this.#records.get(row, 1);
    let at = mix(first, second) & this.#mask;
    for (;;) {
      const there = this.#rows[at] as number; // the mask keeps it within
      if (there === 0) {
        this.#rows[at] = row;
        return true;
      }
      if (this.#is(there, first, second)) {
        this.#rows[at] = row;
        return false;
      }
      at = (at + 1) & this.#mask;
    }
  }

  #resize(capacity: number): void {
    const old = this.#rows;
    this.#rows = new Uint32Array(capacity);
    this.#mask = capacity - 1;
    for (const row of old) if (row !== 0) this.#place(row);
  }
}

/** Spreads a pair over 32 bits (the final mix of MurmurHash3). */
export function mix(first: number, second: number): number {
  let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
