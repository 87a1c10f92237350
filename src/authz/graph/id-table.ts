import { assert } from "../../std/assert.ts";
import { keyedHash } from "../../std/keyed-hash.ts";

/** Hash of an id, number of the object (0: the slot is free), and where the id is. */
const slotWords = 3;

/**
 * Objects of one type by id: open addressing, at most two thirds full. Ids are compared exactly, code
 * unit by code unit; the hash in the slot says which one to compare with, nearly always the right one.
 */
export class IdTable {
  /** Clients choose ids: without the key they cannot choose such as fall together. */
  readonly #key: number;
  #slots: Int32Array = new Int32Array(8 * slotWords);
  #mask = 7;
  #size = 0;
  readonly #ids: string[] = [];
  readonly #freeIds: number[] = [];

  constructor(key: number) {
    this.#key = key;
  }

  /** Of the slots; ids come on top. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** @returns the number of the object, or 0. */
  find(id: string): number {
    const hash = keyedHash(id, this.#key);
    const slots = this.#slots;
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const object = slots[at * slotWords + 1] as number; // the mask keeps it within
      if (object === 0) return 0;
      if (slots[at * slotWords] !== hash) continue;
      if (this.#ids[slots[at * slotWords + 2] as number] === id) return object; // as above
    }
  }

  id(place: number): string {
    const id = this.#ids[place];
    assert(id !== undefined, "an id stays in its place while its object is there");
    return id;
  }

  /**
   * Adds an id that is not there.
   * @returns the place of the id.
   */
  add(id: string, object: number): number {
    const place = this.#freeIds.pop() ?? this.#ids.length;
    this.#ids[place] = id;
    if (++this.#size * 3 > (this.#mask + 1) * 2) this.#grow();
    this.#put(keyedHash(id, this.#key), object, place);
    return place;
  }

  /** Takes away an id that is there, and closes the gap. */
  delete(place: number): void {
    const slots = this.#slots;
    let gap = keyedHash(this.id(place), this.#key) & this.#mask;
    while (slots[gap * slotWords + 2] !== place || slots[gap * slotWords + 1] === 0) {
      gap = (gap + 1) & this.#mask;
    }
    for (let at = (gap + 1) & this.#mask; ; at = (at + 1) & this.#mask) {
      if (slots[at * slotWords + 1] === 0) break;
      const home = (slots[at * slotWords] as number) & this.#mask; // the mask keeps it within
      // It may move into the gap only if that lies on its way from home.
      if (((at - home) & this.#mask) < ((at - gap) & this.#mask)) continue;
      slots.copyWithin(gap * slotWords, at * slotWords, (at + 1) * slotWords);
      gap = at;
    }
    slots.fill(0, gap * slotWords, (gap + 1) * slotWords);
    this.#ids[place] = "";
    this.#freeIds.push(place);
    this.#size--;
  }

  #put(hash: number, object: number, place: number): void {
    const slots = this.#slots;
    let at = hash & this.#mask;
    while (slots[at * slotWords + 1] !== 0) at = (at + 1) & this.#mask;
    slots[at * slotWords] = hash;
    slots[at * slotWords + 1] = object;
    slots[at * slotWords + 2] = place;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let at = 0; at < old.length; at += slotWords) {
      if (old[at + 1] === 0) continue;
      this.#put(old[at] as number, old[at + 1] as number, old[at + 2] as number); // at is within
    }
  }
}
