/** Many queues are made and never used: until the first value there is no ring. */
const empty: never[] = [];

/** A first-in first-out queue on a growing ring: constant time at both ends, no shifting. */
export class Deque<T> {
  #ring: (T | undefined)[] = empty;
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(value: T): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = value;
    this.#size++;
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const value = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#size--;
    return value;
  }

  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#head];
  }

  clear(): void {
    this.#ring = empty;
    this.#head = 0;
    this.#size = 0;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.#size; i++) {
      yield this.#ring[(this.#head + i) & (this.#ring.length - 1)] as T;
    }
  }

  #grow(): void {
    const next = new Array<T | undefined>(Math.max(4, this.#ring.length * 2));
    for (let i = 0; i < this.#size; i++) {
      next[i] = this.#ring[(this.#head + i) & (this.#ring.length - 1)];
    }
    this.#ring = next;
    this.#head = 0;
  }
}
