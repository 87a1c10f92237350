/*
 * Rows of numbers that grow. Ten million relationships are a few large arrays for the collector and
 * not ten million objects; the fields of a row lie side by side, so that a look at one brings the
 * others with it into the cache. Two classes and not one over both kinds of array: the compiler makes
 * each access a plain load only while it sees one kind.
 */

/** Rows of eight unsigned 32-bit numbers, 0 where nothing was set. */
export class WordRecords {
  #values: Uint32Array;

  constructor(capacity: number) {
    this.#values = new Uint32Array(capacity * 8);
  }

  get bytes(): number {
    return this.#values.byteLength;
  }

  get capacity(): number {
    return this.#values.length / 8;
  }

  get(row: number, field: number): number {
    return this.#values[row * 8 + field] as number; // rows that were given out are within
  }

  set(row: number, field: number, value: number): void {
    this.#values[row * 8 + field] = value;
  }

  /** Makes room for this row and more. */
  grow(): void {
    const grown = new Uint32Array(Math.ceil(this.capacity * 1.5) * 8);
    grown.set(this.#values);
    this.#values = grown;
  }
}

/** Rows of two doubles, 0 where nothing was set: from which revision to which. */
export class SpanRecords {
  #values: Float64Array;

  constructor(capacity: number) {
    this.#values = new Float64Array(capacity * 2);
  }

  get bytes(): number {
    return this.#values.byteLength;
  }

  get capacity(): number {
    return this.#values.length / 2;
  }

  from(row: number): number {
    return this.#values[row * 2] as number; // rows that were given out are within
  }

  to(row: number): number {
    return this.#values[row * 2 + 1] as number; // as above
  }

  setFrom(row: number, value: number): void {
    this.#values[row * 2] = value;
  }

  setTo(row: number, value: number): void {
    this.#values[row * 2 + 1] = value;
  }

  grow(): void {
    const grown = new Float64Array(Math.ceil(this.capacity * 1.5) * 2);
    grown.set(this.#values);
    this.#values = grown;
  }
}
