import { assert } from "../../std/assert.ts";

/** The name that stands for "no relation": the object itself as a subject. Always number 0. */
const noName = "";

/** Types, relations and caveats by number. They are few, and never forgotten while the graph lives. */
export class Names {
  readonly #numbers = new Map<string, number>([[noName, 0]]);
  readonly #names: string[] = [noName];

  /** The number of a name, given out now if it is new. */
  number(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#names.length;
    // Relation and type share one word of a key.
    assert(number < namesMax, "a tenant has fewer names than a key has room for");
    this.#numbers.set(name, number);
    this.#names.push(name);
    return number;
  }

  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** Every number that was given out, and 0. */
  *all(): Iterable<number> {
    for (let number = 0; number < this.#names.length; number++) yield number;
  }

  name(number: number): string {
    const name = this.#names[number];
    assert(name !== undefined, "a number stands for the name it was given out for");
    return name;
  }
}

/** The last number is kept for the wildcard. */
export const namesMax = 65_535;

/** Ids of objects by type, as numbers from 1. Ids are compared exactly, code unit by code unit. */
export class Objects {
  /** By type; each splits in several, since a Map of V8 holds 16 million entries and no more. */
  readonly #byType: Map<string, number>[][] = [];
  readonly #ids: string[] = [""];
  #types: Uint16Array = new Uint16Array(64);
  readonly #free: number[] = [];

  get size(): number {
    return this.#ids.length - 1 - this.#free.length;
  }

  /** All numbers are below it. */
  get end(): number {
    return this.#ids.length;
  }

  /** @returns the number of the object, or 0. */
  find(type: number, id: string): number {
    return this.#byType[type]?.[shardOf(id)]?.get(id) ?? 0;
  }

  add(type: number, id: string): number {
    const known = this.find(type, id);
    if (known !== 0) return known;
    const object = this.#free.pop() ?? this.#ids.length;
    if (object >= this.#types.length) {
      const grown = new Uint16Array(Math.ceil(this.#types.length * 1.5));
      grown.set(this.#types);
      this.#types = grown;
    }
    this.#types[object] = type;
    this.#ids[object] = id;
    this.#byType[type] ??= Array.from({ length: shardCount }, () => new Map());
    this.#byType[type]?.[shardOf(id)]?.set(id, object);
    return object;
  }

  /** Forgets an object that nothing names any more; its number will be given out again. */
  delete(object: number): void {
    const id = this.id(object);
    this.#byType[this.type(object)]?.[shardOf(id)]?.delete(id);
    this.#ids[object] = "";
    this.#free.push(object);
  }

  type(object: number): number {
    return this.#types[object] as number; // numbers that were given out are within
  }

  id(object: number): string {
    const id = this.#ids[object];
    assert(id !== undefined, "a number stands for the object it was given out for");
    return id;
  }

  /** All objects of a type, in no order. */
  *ofType(type: number): Iterable<number> {
    for (const shard of this.#byType[type] ?? []) yield* shard.values();
  }
}

const shardCount = 4;

/** Cheap and good enough: ids of one type mostly differ in length or at their end. */
function shardOf(id: string): number {
  return id.length === 0 ? 0 : id.charCodeAt(id.length - 1) % shardCount;
}
