/*
 * Columns of numbers that grow. Rows of the graph are numbers into them, so ten million relationships
 * are a few dozen large arrays for the collector and not ten million objects. Two classes and not one
 * over both kinds of array: the compiler makes each access a plain load only while it sees one kind.
 */

/** Unsigned 32-bit numbers, 0 where nothing was set. */
export class Uint32Column {
  #values: Uint32Array;

  constructor(capacity: number) {
    this.#values = new Uint32Array(capacity);
  }

  get bytes(): number {
    return this.#values.byteLength;
  }

  get(row: number): number {
    return this.#values[row] as number; // rows that were given out are within the capacity
  }

  set(row: number, value: number): void {
    this.#values[row] = value;
  }

  grow(capacity: number): void {
    const grown = new Uint32Array(capacity);
    grown.set(this.#values);
    this.#values = grown;
  }
}

/** Doubles, 0 where nothing was set: revisions. */
export class Float64Column {
  #values: Float64Array;

  constructor(capacity: number) {
    this.#values = new Float64Array(capacity);
  }

  get bytes(): number {
    return this.#values.byteLength;
  }

  get(row: number): number {
    return this.#values[row] as number; // rows that were given out are within the capacity
  }

  set(row: number, value: number): void {
    this.#values[row] = value;
  }

  grow(capacity: number): void {
    const grown = new Float64Array(capacity);
    grown.set(this.#values);
    this.#values = grown;
  }
}

/** How much larger columns become when they are full. */
export function grownCapacity(capacity: number): number {
  return Math.ceil(capacity * 1.5);
}
