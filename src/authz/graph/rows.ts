import { WordRecords } from "./records.ts";

/*
 * The words of a row. They are constants of their own and not those of an object: V8 gives all
 * objects with the same first properties one shape, and what others write into theirs could make
 * code that reads these slow.
 */

/** The object; of a row that stands for an object itself, its own number. A free row has none. */
export const rowObject = 0;
/** Type (high half) and relation (low half; 0: the object itself). */
export const rowKind = 1;
/** First of the edges to it as a subject, and how many versions there are. */
export const rowReverse = 6;
export const rowReverseCount = 7;

// A row that stands for an object:

/** Where its id is. */
export const objectId = 2;
/** A bit for each relation that it has a node for, by the low bits of the relation's number. */
export const objectRelations = 3;
/** First of its nodes, and how many there are. */
export const objectNodes = 4;
export const objectNodeCount = 5;

// A row that stands for a relation of an object:

/** How many versions there are in both of its lists. */
export const nodeForwardCount = 2;
/** First of the edges to plain subjects, and first of those to usersets. */
export const nodePlain = 3;
export const nodeUserset = 4;
/** The next node of the same object. */
export const nodeNext = 5;

/** Type and relation in one word. */
export function kindOf(type: number, relation: number): number {
  return ((type << 16) | relation) >>> 0;
}

/** The rows of objects and of their relations, which share one space of numbers, from 1. */
export class NodeRows extends WordRecords {
  #end = 1;
  readonly #free: number[] = [];

  constructor() {
    super(64);
  }

  /** All numbers are below it. */
  get end(): number {
    return this.#end;
  }

  get size(): number {
    return this.#end - 1 - this.#free.length;
  }

  /** A row with a kind and nothing else; 0 for the object stands for itself. */
  allocate(object: number, kind: number): number {
    const row = this.#free.pop() ?? this.#end++;
    if (row >= this.capacity) this.grow();
    this.set(row, rowObject, object === 0 ? row : object);
    this.set(row, rowKind, kind);
    return row;
  }

  release(row: number): void {
    this.clear(row);
    this.#free.push(row);
  }

  override shrink(): void {
    super.shrink(this.#end);
  }
}
