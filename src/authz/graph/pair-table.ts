import { rowMaskFor, type WordRecords } from "./records.ts";

/**
 * An index of records by the pair of numbers that their first two fields are: open addressing over an
 * array of rows, at most two thirds full, so that most searches end near where they begin. Bits that
 * the number of a row leaves free hold some of the hash of its pair: of the rows on the way nearly
 * none but the right one is looked at. Row 0 means nothing.
 */
export class PairTable {
  readonly #records: WordRecords;
  #slots = new Int32Array(64);
  #mask = 63;
  /** The bits of a slot that are the number of the row. */
  #rowMask = 0xff;
  #size = 0;

  constructor(records: WordRecords) {
    this.#records = records;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** What is looked at first for a pair; see `Objects.addAll`. */
  slotAt(first: number, second: number): number {
    return this.#slots[mix(first, second) & this.#mask] as number; // the mask keeps it within
  }

  /** @returns the row, or 0. */
  find(first: number, second: number): number {
    const hash = mix(first, second);
    const rowMask = this.#rowMask;
    let at = hash & this.#mask;
    for (;;) {
      const slot = this.#slots[at] as number; // the mask keeps it within
      if (slot === 0) return 0;
      if (((slot ^ hash) & ~rowMask) === 0 && this.#is(slot & rowMask, first, second)) {
        return slot & rowMask;
      }
      at = (at + 1) & this.#mask;
    }
  }

  /** Adds a row, or puts it in the place of the one with the same pair. */
  put(row: number): void {
    const { length } = this.#slots;
    if (this.#size * 3 >= length * 2) this.#rebuild(length * 2, row);
    else if (row > this.#rowMask) this.#rebuild(length, row);
    if (this.#place(row)) this.#size++;
  }

  /** Makes room for so many rows. */
  reserve(rows: number): void {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(64, rows * 1.5)));
    if (capacity > this.#slots.length) this.#rebuild(capacity, rows);
  }

  /** Takes away the row of a pair, if there is one, and closes the gap. */
  delete(first: number, second: number): void {
    const rowMask = this.#rowMask;
    let gap = mix(first, second) & this.#mask;
    for (;;) {
      const slot = this.#slots[gap] as number; // the mask keeps it within
      if (slot === 0) return;
      if (this.#is(slot & rowMask, first, second)) break;
      gap = (gap + 1) & this.#mask;
    }
    this.#size--;
    for (let at = (gap + 1) & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = this.#slots[at] as number; // the mask keeps it within
      if (slot === 0) break;
      const home = this.#hash(slot & rowMask) & this.#mask;
      // It may move into the gap only if that lies on its way from home.
      if (((at - home) & this.#mask) < ((at - gap) & this.#mask)) continue;
      this.#slots[gap] = slot;
      gap = at;
    }
    this.#slots[gap] = 0;
  }

  #is(row: number, first: number, second: number): boolean {
    return this.#records.get(row, 0) === first && this.#records.get(row, 1) === second;
  }

  #hash(row: number): number {
    return mix(this.#records.get(row, 0), this.#records.get(row, 1));
  }

  /** @returns whether the pair is new. */
  #place(row: number): boolean {
    const first = this.#records.get(row, 0);
    const second = this.#records.get(row, 1);
    const hash = mix(first, second);
    const rowMask = this.#rowMask;
    let at = hash & this.#mask;
    for (;;) {
      const there = this.#slots[at] as number; // the mask keeps it within
      const isNew = there === 0;
      const isAlike = ((there ^ hash) & ~rowMask) === 0;
      if (isNew || (isAlike && this.#is(there & rowMask, first, second))) {
        this.#slots[at] = row | (hash & ~rowMask);
        return isNew;
      }
      at = (at + 1) & this.#mask;
    }
  }

  #rebuild(capacity: number, highestRow: number): void {
    const [old, rowMask] = [this.#slots, this.#rowMask];
    this.#slots = new Int32Array(capacity);
    this.#mask = capacity - 1;
    this.#rowMask = Math.max(rowMask, rowMaskFor(Math.max(highestRow, capacity)));
    for (const slot of old) if (slot !== 0) this.#place(slot & rowMask);
  }
}

/** Spreads a pair over 32 bits (the final mix of MurmurHash3). */
export function mix(first: number, second: number): number {
  let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
