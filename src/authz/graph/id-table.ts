import { assert } from "../../std/assert.ts";
import { keyedHash } from "../../std/keyed-hash.ts";
import { rowMaskFor, WordRecords } from "./records.ts";

/** The words of the record of an id. Its bytes come after them, or where it is kept if it has others. */
const recordObject = 0;
const recordLength = 1;
const recordKept = 2;
const bytesPerRecord = 32;
const bytesBefore = 8;
/** Ids of so many characters, each of one byte, lie in their record. */
const shortMax = bytesPerRecord - bytesBefore;
/** In the length of an id: it does not lie in its record. */
const keptBit = 0x8000_0000;

/**
 * Objects of one type by id: open addressing over records, at most two thirds full. Bits of a slot
 * that the number of a record leaves free hold some of the hash of the id, so that nearly always one
 * record is looked at, the right one; and nearly all ids lie in it. Ids are compared exactly, code
 * unit by code unit.
 */
export class IdTable {
  /** Clients choose ids: without the key they cannot choose such as fall together. */
  readonly #key: number;
  readonly #records = new WordRecords(8);
  #bytes: Uint8Array = this.#records.asBytes();
  #slots: Int32Array = new Int32Array(8);
  #mask = 7;
  /** The bits of a slot that are the number of the record. */
  #recordMask = 0xff;
  #end = 1;
  readonly #free: number[] = [];
  /** Ids that are too long for a record or have characters beyond U+00FF. */
  readonly #kept: string[] = [];
  readonly #freeKept: number[] = [];

  constructor(key: number) {
    this.#key = key | 0;
  }

  /** Without the ids that are too long. */
  get bytes(): number {
    return this.#slots.byteLength + this.#records.bytes;
  }

  get #size(): number {
    return this.#end - 1 - this.#free.length;
  }

  /**
   * What is looked at first for an id with this hash. Whoever will look for many asks for all of
   * their slots before, and then for their records: the processor waits for many lines of memory at
   * once as long as for one.
   */
  slotAt(hash: number): number {
    return this.#slots[hash & this.#mask] as number; // the mask keeps it within
  }

  /** The number of the object that is looked at second; 0 if there is nothing at the slot. */
  objectAt(hash: number): number {
    return this.#records.get(this.slotAt(hash) & this.#recordMask, recordObject);
  }

  /**
   * @param hash That of the id, by the key of the table.
   * @returns the number of the object, or 0.
   */
  find(id: string, hash: number): number {
    const recordMask = this.#recordMask;
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = this.#slots[at] as number; // the mask keeps it within
      if (slot === 0) return 0;
      if (((slot ^ hash) & ~recordMask) !== 0) continue;
      const record = slot & recordMask;
      if (this.#has(record, id)) return this.#records.get(record, recordObject);
    }
  }

  #has(record: number, id: string): boolean {
    const length = this.#records.get(record, recordLength);
    if (length !== id.length) {
      if (length < keptBit) return false;
      return this.#kept[this.#records.get(record, recordKept)] === id;
    }
    const first = record * bytesPerRecord + bytesBefore;
    for (let at = 0; at < length; at++) {
      if (this.#bytes[first + at] !== id.charCodeAt(at)) return false;
    }
    return true;
  }

  id(record: number): string {
    const length = this.#records.get(record, recordLength);
    if (length >= keptBit) {
      const id = this.#kept[this.#records.get(record, recordKept)];
      assert(id !== undefined, "an id is kept while its object is there");
      return id;
    }
    const first = record * bytesPerRecord + bytesBefore;
    let id = "";
    for (let at = first; at < first + length; at++) {
      id += String.fromCharCode(this.#bytes[at] as number); // at is within
    }
    return id;
  }

  /** The objects in order of their records, and 0 for each record that is free. */
  *places(): Iterable<number> {
    for (let record = 1; record < this.#end; record++) {
      yield this.#records.get(record, recordObject);
    }
  }

  /**
   * Adds an id that is not there.
   * @returns its record.
   */
  add(id: string, object: number, hash: number): number {
    const record = this.#free.pop() ?? this.#end++;
    if (record >= this.#records.capacity) {
      this.#records.grow();
      this.#bytes = this.#records.asBytes();
    }
    this.#records.set(record, recordObject, object);
    this.#write(record, id);
    const { length } = this.#slots;
    if (this.#size * 3 > length * 2) this.#rebuild(length * 2);
    else if (record > this.#recordMask) this.#rebuild(length);
    else this.#place(hash, record);
    return record;
  }

  #write(record: number, id: string): void {
    const { length } = id;
    if (length > shortMax || hasWideCharacter(id)) {
      const at = this.#freeKept.pop() ?? this.#kept.length;
      this.#kept[at] = id;
      this.#records.set(record, recordLength, length + keptBit);
      this.#records.set(record, recordKept, at);
      return;
    }
    this.#records.set(record, recordLength, length);
    const first = record * bytesPerRecord + bytesBefore;
    for (let at = 0; at < length; at++) this.#bytes[first + at] = id.charCodeAt(at);
  }

  /** Takes away an id that is there, and closes the gap. */
  delete(record: number): void {
    const recordMask = this.#recordMask;
    const slots = this.#slots;
    let gap = this.#home(record);
    while (((slots[gap] as number) & recordMask) !== record) gap = (gap + 1) & this.#mask;
    for (let at = (gap + 1) & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = slots[at] as number; // the mask keeps it within
      if (slot === 0) break;
      const home = this.#home(slot & recordMask);
      // It may move into the gap only if that lies on its way from home.
      if (((at - home) & this.#mask) < ((at - gap) & this.#mask)) continue;
      slots[gap] = slot;
      gap = at;
    }
    slots[gap] = 0;
    if (this.#records.get(record, recordLength) >= keptBit) {
      const kept = this.#records.get(record, recordKept);
      this.#kept[kept] = "";
      this.#freeKept.push(kept);
    }
    this.#records.clear(record);
    this.#free.push(record);
  }

  #home(record: number): number {
    return keyedHash(this.id(record), this.#key) & this.#mask;
  }

  #place(hash: number, record: number): void {
    let at = hash & this.#mask;
    while (this.#slots[at] !== 0) at = (at + 1) & this.#mask;
    this.#slots[at] = record | (hash & ~this.#recordMask);
  }

  #rebuild(capacity: number): void {
    this.#slots = new Int32Array(capacity);
    this.#mask = capacity - 1;
    const wanted = rowMaskFor(Math.max(this.#end, capacity));
    this.#recordMask = Math.max(this.#recordMask, wanted);
    for (let record = 1; record < this.#end; record++) {
      if (this.#records.get(record, recordObject) === 0) continue;
      this.#place(keyedHash(this.id(record), this.#key), record);
    }
  }
}

function hasWideCharacter(id: string): boolean {
  for (let at = 0; at < id.length; at++) if (id.charCodeAt(at) > 0xff) return true;
  return false;
}
