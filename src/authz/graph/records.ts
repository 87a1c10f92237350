/**
 * Rows of eight unsigned 32-bit numbers, 0 where nothing was set. Ten million relationships are a few
 * large arrays for the collector and not ten million objects; the fields of a row lie side by side,
 * so that a look at one brings the others with it into the processor's cache.
 */
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

  add(row: number, field: number, change: number): void {
    this.#values[row * 8 + field] = this.get(row, field) + change;
  }

  clear(row: number): void {
    this.#values.fill(0, row * 8, row * 8 + 8);
  }

  /** The same memory by bytes, until there is made more room, or less. */
  asBytes(): Uint8Array {
    return new Uint8Array(this.#values.buffer);
  }

  /** Makes room for half as much again. */
  grow(): void {
    this.#resize(Math.ceil(this.capacity * 1.5));
  }

  /** Makes room for so many rows at least. */
  reserve(rows: number): void {
    if (rows > this.capacity) this.#resize(rows);
  }

  /** Lets go of the room that is not used, but for a little growth, if it is much: all is copied. */
  shrink(rows: number): void {
    const wanted = Math.ceil(rows * 1.05) + 64;
    if (wanted < this.capacity * 0.75) this.#resize(wanted);
  }

  #resize(capacity: number): void {
    const resized = new Uint32Array(capacity * 8);
    resized.set(this.#values.subarray(0, resized.length));
    this.#values = resized;
  }
}

/**
 * The bits of a 32-bit slot of a table that are the number of a row, where the others hold a hash:
 * enough for twice as many rows as there are.
 */
export function rowMaskFor(rows: number): number {
  // Only whole-number arithmetic: in a field that once held a float, V8 keeps floats.
  return (0xffff_ffff >>> Math.clz32(rows * 2)) & 0x7fff_ffff;
}
