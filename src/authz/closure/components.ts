/**
 * Which nodes form one strongly connected component, and what is kept per component. Ids start at 1.
 * A component that changes gets a new id: an id is given out again only when no pair of its old row
 * is left in the table, so an old row is dropped without touching it.
 */
import { assert } from "../../std/assert.ts";
import { PairMap } from "./pair-map.ts";
import { widened } from "./widened.ts";

export class Components {
  /** Per slot: its component, and the next member of that. */
  of: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  nextMember: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** Per component. */
  firstMember: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  size: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** Pairs in the table whose first is this component, whether counted as known or not. */
  rowSize: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** 1: its row is not known. */
  lost: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** Of a lost one: edges to other components that are lost. */
  lostChildren: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  #retired = new Uint32Array(16);

  /**
   * By (component, another that it reaches): how many edges leave the first for a component that is
   * the second or reaches it. Without cycles this is positive exactly when it is reached.
   */
  readonly supports: PairMap;
  readonly #free: number[] = [];
  readonly #quarantined: number[] = [];
  #end = 1;
  #cycles = 0;

  constructor() {
    this.supports = new PairMap({
      isStale: (id) => this.#retired[id] === 1,
      swept: () => this.#release(),
    });
  }

  get bytes(): number {
    const lists = (this.#free.length + this.#quarantined.length) * 8;
    return this.of.byteLength * 2 + this.size.byteLength * 6 + this.supports.bytes + lists;
  }

  /** Components with more than one member. */
  get cycles(): number {
    return this.#cycles;
  }

  /** Every id is below this. */
  get end(): number {
    return this.#end;
  }

  /** A component without members, known, with an empty row. */
  make(): number {
    const id = this.#free.pop() ?? this.#end++;
    if (id >= this.size.length) this.#widen(id + 1);
    assert(this.size[id] === 0 && this.rowSize[id] === 0, "a new component is empty");
    return id;
  }

  /** Makes the slot a member; a former component of it must be retired afterwards. */
  attach(slot: number, id: number): void {
    if (slot >= this.of.length) {
      this.of = widened(this.of, slot + 1);
      this.nextMember = widened(this.nextMember, slot + 1);
    }
    this.of[slot] = id;
    this.nextMember[slot] = this.firstMember[id] as number;
    this.firstMember[id] = slot;
    const size = (this.size[id] as number) + 1;
    this.size[id] = size;
    if (size === 2) this.#cycles++;
  }

  members(id: number): number[] {
    const slots: number[] = [];
    for (let slot = this.firstMember[id] as number; slot !== 0; ) {
      slots.push(slot);
      slot = this.nextMember[slot] as number;
    }
    assert(slots.length === this.size[id], "a component has as many members as it says");
    return slots;
  }

  /** Ends a component whose members have another one by now, and abandons its row. */
  retire(id: number): void {
    const pairs = this.rowSize[id] as number;
    if ((this.size[id] as number) > 1) this.#cycles--;
    this.firstMember[id] = 0;
    this.size[id] = 0;
    this.rowSize[id] = 0;
    this.lost[id] = 0;
    this.lostChildren[id] = 0;
    if (pairs === 0) {
      this.#free.push(id);
      return;
    }
    this.#retired[id] = 1;
    this.#quarantined.push(id);
    this.supports.abandon(pairs);
  }

  /** The same component with an empty row, under the id that is returned. */
  renew(id: number): number {
    if (this.rowSize[id] === 0) return id;
    const renewed = this.make();
    for (const slot of this.members(id)) this.attach(slot, renewed);
    this.lost[renewed] = this.lost[id] as number;
    this.lostChildren[renewed] = this.lostChildren[id] as number;
    this.retire(id);
    return renewed;
  }

  /** The table was swept: nothing is left of retired rows. */
  #release(): void {
    for (const id of this.#quarantined) {
      this.#retired[id] = 0;
      this.#free.push(id);
    }
    this.#quarantined.length = 0;
  }

  #widen(length: number): void {
    this.firstMember = widened(this.firstMember, length);
    this.size = widened(this.size, length);
    this.rowSize = widened(this.rowSize, length);
    this.lost = widened(this.lost, length);
    this.lostChildren = widened(this.lostChildren, length);
    this.#retired = widened(this.#retired, length);
  }
}
