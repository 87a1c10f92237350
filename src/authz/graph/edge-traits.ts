import { assert } from "../../std/assert.ts";
import type { WordRecords } from "./records.ts";

/** What only some relationships have. */
export interface EdgeExtra {
  /** Number of the caveat's name; 0 for none. */
  readonly caveat: number;
  /** JSON text of the context stored with it. */
  readonly context: string | null;
  /** Milliseconds since 1970, or Infinity. */
  readonly expiresAt: number;
}

/** Fields of the row of an edge that are kept here. */
const traits = 6;
const createdLow = 7;

/** The traits of an edge are bits, and above the first 20 revisions' worth of `created`. */
const bit = { ended: 1 << 31, older: 1 << 30, extra: 1 << 29 } as const;
const createdHighMask = 0xfffff;

/**
 * From when to when edges hold, and what only some of them have. Nearly all hold, have no caveat, no
 * expiry and no older version: these cost two words in their row and nothing besides, and a look at
 * the row tells that there is nothing to look for.
 */
export class EdgeTraits {
  readonly #rows: WordRecords;
  readonly #deleted = new Map<number, number>();
  readonly #older = new Map<number, number>();
  readonly #extras = new Map<number, EdgeExtra>();

  constructor(rows: WordRecords) {
    this.#rows = rows;
  }

  /** For an edge that is new, or whose number is given out again. */
  begin(edge: number, created: number): void {
    assert(Number.isSafeInteger(created) && created >= 0, "revisions are whole numbers");
    this.#rows.set(edge, traits, Math.floor(created / 2 ** 32) & createdHighMask);
    this.#rows.set(edge, createdLow, created % 2 ** 32);
  }

  created(edge: number): number {
    const high = this.#rows.get(edge, traits) & createdHighMask;
    return high * 2 ** 32 + this.#rows.get(edge, createdLow);
  }

  hasEnded(edge: number): boolean {
    return this.#has(edge, bit.ended);
  }

  /** Infinity while it holds. */
  deleted(edge: number): number {
    if (!this.hasEnded(edge)) return Number.POSITIVE_INFINITY;
    return this.#deleted.get(edge) ?? 0;
  }

  end(edge: number, revision: number): void {
    this.#mark(edge, bit.ended);
    this.#deleted.set(edge, revision);
  }

  revive(edge: number): void {
    this.#unmark(edge, bit.ended);
    this.#deleted.delete(edge);
  }

  holdsAt(edge: number, revision: number): boolean {
    return (
      this.created(edge) <= revision && (!this.hasEnded(edge) || revision < this.deleted(edge))
    );
  }

  /** The version of the same relationship before this one, or 0. */
  older(edge: number): number {
    return this.#has(edge, bit.older) ? (this.#older.get(edge) ?? 0) : 0;
  }

  setOlder(edge: number, older: number): void {
    if (older === 0) {
      this.#unmark(edge, bit.older);
      this.#older.delete(edge);
    } else {
      this.#mark(edge, bit.older);
      this.#older.set(edge, older);
    }
  }

  extra(edge: number): EdgeExtra | undefined {
    return this.#has(edge, bit.extra) ? this.#extras.get(edge) : undefined;
  }

  /** Of all edges that have one. */
  extras(): Iterable<EdgeExtra> {
    return this.#extras.values();
  }

  setExtra(edge: number, extra: EdgeExtra): void {
    this.#mark(edge, bit.extra);
    this.#extras.set(edge, extra);
  }

  /** Its number is free: it looks as if it had ended before anything began. */
  forget(edge: number): void {
    this.#deleted.delete(edge);
    this.#older.delete(edge);
    this.#extras.delete(edge);
    this.#rows.set(edge, traits, bit.ended);
    this.#rows.set(edge, createdLow, 0);
  }

  #has(edge: number, which: number): boolean {
    return (this.#rows.get(edge, traits) & which) !== 0;
  }

  #mark(edge: number, which: number): void {
    this.#rows.set(edge, traits, this.#rows.get(edge, traits) | which);
  }

  #unmark(edge: number, which: number): void {
    this.#rows.set(edge, traits, this.#rows.get(edge, traits) & ~which);
  }
}
