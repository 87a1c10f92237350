import { WordRecords } from "./records.ts";

/** Fields of every row of a node. A free row has no object. */
export const field = {
  /** The object: of one that stands for an object itself, its own number. */
  object: 0,
  /** Type (high half) and relation (low half; 0: the object itself). */
  kind: 1,
  /** First of the edges to it as a subject, and how many versions there are. */
  reverse: 6,
  reverseCount: 7,
} as const;

/** Fields of a row that stands for an object. */
export const objectField = {
  /** Where its id is. */
  id: 2,
  /** A bit for each relation that it has a node for, by the low bits of the relation's number. */
  relations: 3,
  /** First of its nodes, and how many there are. */
  nodes: 4,
  nodeCount: 5,
} as const;

/** Fields of a row that stands for a relation of an object. */
export const relationField = {
  /** How many versions there are in both of its lists. */
  forwardCount: 2,
  /** First of the edges to plain subjects, and first of those to usersets. */
  plain: 3,
  userset: 4,
  /** The next node of the same object. */
  next: 5,
} as const;

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
    this.set(row, field.object, object === 0 ? row : object);
    this.set(row, field.kind, kind);
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
