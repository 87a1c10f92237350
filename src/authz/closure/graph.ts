/**
 * The edges as they were added. Nodes that have an edge get a slot, a small number from 1 on that is
 * used again when the last edge of the node is gone; edges likewise. 0 ends every list.
 *
 * The arrays are public because every walk reads them in its innermost loop; only this file writes
 * them, and they are replaced when they grow.
 */
import { assert } from "../../std/assert.ts";
import { PairMap } from "./pair-map.ts";
import { widened } from "./widened.ts";

export class Graph {
  /** Per slot: the node, its first edge out and its first edge in. */
  nodes: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  firstOut: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  firstIn: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** Per edge: its ends (slots) and the next in the lists of both. */
  sources: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  targets: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  nextOut: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  nextIn: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  #previousOut = new Uint32Array(16);
  #previousIn = new Uint32Array(16);

  /** Edges from a node to itself. */
  loops = 0;

  readonly #slots = new PairMap();
  readonly #edges = new PairMap();
  readonly #freeSlots: number[] = [];
  readonly #freeEdges: number[] = [];
  #slotsEnd = 1;
  #edgesEnd = 1;

  get bytes(): number {
    const perSlot = this.nodes.byteLength * 3 + this.#slots.bytes + this.#freeSlots.length * 8;
    const perEdge = this.sources.byteLength * 6 + this.#edges.bytes + this.#freeEdges.length * 8;
    return perSlot + perEdge;
  }

  /** The slot of a node, or 0. */
  slotOf(node: number): number {
    return this.#slots.get(node + 1, 0);
  }

  /** The edge between two slots, or 0. */
  edgeOf(source: number, target: number): number {
    return this.#edges.get(source, target);
  }

  /** Gives a node that has none a slot. It must get an edge before the next call from outside. */
  open(node: number): number {
    const slot = this.#freeSlots.pop() ?? this.#slotsEnd++;
    if (slot >= this.nodes.length) {
      this.nodes = widened(this.nodes, slot + 1);
      this.firstOut = widened(this.firstOut, slot + 1);
      this.firstIn = widened(this.firstIn, slot + 1);
    }
    this.nodes[slot] = node;
    this.#slots.insert(node + 1, 0, slot);
    return slot;
  }

  isBare(slot: number): boolean {
    return this.firstOut[slot] === 0 && this.firstIn[slot] === 0;
  }

  /** Takes the slot of a node without edges. */
  close(slot: number): void {
    assert(this.isBare(slot), "a node with edges keeps its slot");
    this.#slots.delete((this.nodes[slot] as number) + 1, 0);
    this.#freeSlots.push(slot);
  }

  link(source: number, target: number): void {
    const edge = this.#freeEdges.pop() ?? this.#edgesEnd++;
    if (edge >= this.sources.length) this.#widenEdges(edge + 1);
    this.#edges.insert(source, target, edge);
    if (source === target) this.loops++;
    this.sources[edge] = source;
    this.targets[edge] = target;
    const out = this.firstOut[source] as number;
    const into = this.firstIn[target] as number;
    this.nextOut[edge] = out;
    this.nextIn[edge] = into;
    this.#previousOut[edge] = 0;
    this.#previousIn[edge] = 0;
    if (out !== 0) this.#previousOut[out] = edge;
    if (into !== 0) this.#previousIn[into] = edge;
    this.firstOut[source] = edge;
    this.firstIn[target] = edge;
  }

  unlink(source: number, target: number): void {
    const edge = this.#edges.get(source, target);
    assert(edge !== 0, "only an edge that was added is removed");
    this.#edges.delete(source, target);
    if (source === target) this.loops--;
    const [nextOut, nextIn] = [this.nextOut[edge] as number, this.nextIn[edge] as number];
    const previousOut = this.#previousOut[edge] as number;
    const previousIn = this.#previousIn[edge] as number;
    if (nextOut !== 0) this.#previousOut[nextOut] = previousOut;
    if (nextIn !== 0) this.#previousIn[nextIn] = previousIn;
    if (previousOut === 0) this.firstOut[source] = nextOut;
    else this.nextOut[previousOut] = nextOut;
    if (previousIn === 0) this.firstIn[target] = nextIn;
    else this.nextIn[previousIn] = nextIn;
    this.#freeEdges.push(edge);
  }

  #widenEdges(length: number): void {
    this.sources = widened(this.sources, length);
    this.targets = widened(this.targets, length);
    this.nextOut = widened(this.nextOut, length);
    this.nextIn = widened(this.nextIn, length);
    this.#previousOut = widened(this.#previousOut, length);
    this.#previousIn = widened(this.#previousIn, length);
  }
}
