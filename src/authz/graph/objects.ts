import { fail } from "../../model/errors.ts";
import { wildcardId } from "../../model/relationship.ts";
import { assert } from "../../std/assert.ts";
import { keyedHash } from "../../std/keyed-hash.ts";
import { IdTable } from "./id-table.ts";
import { kindOf, type NodeRows, objectId, rowKind, rowReverse } from "./rows.ts";

/** The name that stands for "no relation": the object itself as a subject. Always number 0. */
const noName = "";

/**
 * Types, relations and caveats by number. They are few; those that nothing has any more are forgotten
 * when there is no room for others.
 */
export class Names {
  readonly #numbers = new Map<string, number>([[noName, 0]]);
  readonly #names: (string | undefined)[] = [noName];
  /** Numbers below the highest that stand for nothing. */
  #free: number[] = [];

  /** How many have a number, but for the one that is none. */
  get size(): number {
    return this.#numbers.size - 1;
  }

  /** The number of a name, given out now if it is new: `limit-exceeded` where none is left. */
  number(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.size === namesMax) throw tooManyNames();
    const number = this.#free.pop() ?? this.#names.length;
    this.#numbers.set(name, number);
    this.#names[number] = name;
    return number;
  }

  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** Whether those of them that are new can all be given numbers. */
  hasRoom(names: ReadonlySet<string>): boolean {
    let size = this.size;
    for (const name of names) if (!this.#numbers.has(name)) size++;
    return size <= namesMax;
  }

  /** Forgets all but those at whose number there is something; numbers will be given out again. */
  keep(used: Uint8Array): void {
    this.#free = [];
    // The lowest last, as they are taken from the end.
    for (let number = this.#names.length - 1; number > 0; number--) {
      if (used[number] !== 0) continue;
      const name = this.#names[number];
      if (name !== undefined) this.#numbers.delete(name);
      this.#names[number] = undefined;
      this.#free.push(number);
    }
  }

  /** Every number that stands for a name, and 0. */
  all(): Iterable<number> {
    return this.#numbers.values();
  }

  name(number: number): string {
    const name = this.#names[number];
    assert(name !== undefined, "a number stands for the name it was given out for");
    return name;
  }
}

/** Types and relations share words of keys, half of one each. The last number is the wildcard's. */
export const namesMax = 65_534;

/** So many of them one schema may have: there is room for what is stored and for any schema of a tenant. */
export const schemaNamesMax = 32_767;

export function tooManyNames(): Error {
  const what = "a tenant's schema together with what is stored";
  return fail("limit-exceeded", { limit: "authzNames", max: namesMax, what });
}

/** Objects by type and id, as the rows in which they stand. */
export class Objects {
  readonly #rows: NodeRows;
  readonly #key: number;
  readonly #tables: IdTable[] = [];
  #size = 0;
  /** Written to, so that what is only looked at is not left out. */
  readonly #seen: Uint32Array = new Uint32Array(1);
  /** The wildcard of each type, which most questions ask for. */
  readonly #wildcards: number[] = [];

  /** @param key Of the hash that spreads ids. */
  constructor(rows: NodeRows, key: number) {
    this.#rows = rows;
    this.#key = key;
  }

  get size(): number {
    return this.#size;
  }

  /** All numbers are below it. */
  get end(): number {
    return this.#rows.end;
  }

  /** Without the ids. */
  get bytes(): number {
    return this.#tables.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** @returns the number of the object, or 0. */
  find(type: number, id: string): number {
    return this.#tables[type]?.find(id, this.#hash(id)) ?? 0;
  }

  add(type: number, id: string): number {
    return this.#add(type, id, this.#hash(id));
  }

  /**
   * Adds many, each as `add` does, into `objects`. Where each of them lies is looked at first: these
   * looks do not wait for each other, as those of one after the other would.
   */
  addAll(types: Uint32Array, ids: readonly string[], objects: Uint32Array): void {
    const count = ids.length;
    const hashes = new Int32Array(count);
    const table = (at: number): IdTable => this.#tableOf(types[at] as number); // one per id
    for (let at = 0; at < count; at++) hashes[at] = this.#hash(ids[at] as string); // within
    const hash = (at: number): number => hashes[at] as number; // the same
    let seen = 0;
    for (let at = 0; at < count; at++) seen ^= table(at).slotAt(hash(at));
    for (let at = 0; at < count; at++) seen ^= table(at).objectAt(hash(at));
    for (let at = 0; at < count; at++) {
      seen ^= this.#rows.get(table(at).objectAt(hash(at)), rowReverse);
    }
    this.#seen[0] = seen;
    for (let at = 0; at < count; at++) {
      objects[at] = this.#add(types[at] as number, ids[at] as string, hash(at)); // the same
    }
  }

  #add(type: number, id: string, hash: number): number {
    const table = this.#tableOf(type);
    const known = table.find(id, hash);
    if (known !== 0) return known;
    const object = this.#rows.allocate(0, kindOf(type, 0));
    this.#rows.set(object, objectId, table.add(id, object, hash));
    this.#size++;
    if (id === wildcardId) this.#wildcards[type] = object;
    return object;
  }

  #hash(id: string): number {
    return keyedHash(id, this.#key);
  }

  #tableOf(type: number): IdTable {
    // One after the other, so that the list has no holes.
    while (this.#tables.length <= type) this.#tables.push(new IdTable(this.#key));
    return this.#tables[type] as IdTable; // it was pushed if it was not there
  }

  /** Forgets an object that nothing names any more; its number will be given out again. */
  delete(object: number): void {
    const type = this.type(object);
    if (this.wildcard(type) === object) this.#wildcards[type] = 0;
    this.#tables[type]?.delete(this.#rows.get(object, objectId));
    this.#rows.release(object);
    this.#size--;
  }

  type(object: number): number {
    return this.#rows.get(object, rowKind) >>> 16;
  }

  id(object: number): string {
    const id = this.#tables[this.type(object)]?.id(this.#rows.get(object, objectId));
    assert(id !== undefined, "a number stands for the object it was given out for");
    return id;
  }

  /** The object that stands for everybody of a type, or 0. */
  wildcard(type: number): number {
    return this.#wildcards[type] ?? 0;
  }

  /** The objects of a type in no order, and 0 for each place of one that was forgotten. */
  places(type: number): Iterable<number> {
    return this.#tables[type]?.places() ?? [];
  }
}
