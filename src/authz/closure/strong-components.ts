/** Strongly connected components of a few nodes, after Tarjan (1972), without recursion. */
import { assert } from "../../std/assert.ts";
import type { Graph } from "./graph.ts";

/**
 * Splits these slots by the edges among them. A component comes after all components that it
 * reaches. Time and memory: linear in the slots and their edges out.
 */
export function strongComponents(graph: Graph, slots: readonly number[]): readonly number[][] {
  return new Search(graph, slots).run();
}

/** Whether `from` reaches `to` when only edges among these slots count. Searches from both ends. */
export function reachesWithin(graph: Graph, within: Within, [from, to]: Ends): boolean {
  if (from === to) return true;
  const forward = { seen: new Set([from]), queue: [from], at: 0, edges: 0 };
  const backward = { seen: new Set([to]), queue: [to], at: 0, edges: 0 };
  while (forward.at < forward.queue.length && backward.at < backward.queue.length) {
    const ahead = forward.edges <= backward.edges;
    const [side, other] = ahead ? [forward, backward] : [backward, forward];
    const [next, ends] = ahead ? [graph.nextOut, graph.targets] : [graph.nextIn, graph.sources];
    const slot = side.queue[side.at++] as number;
    let edge = (ahead ? graph.firstOut : graph.firstIn)[slot] as number;
    for (; edge !== 0; edge = next[edge] as number) {
      const end = ends[edge] as number;
      side.edges++;
      if (other.seen.has(end)) return true;
      if (side.seen.has(end) || !within(end)) continue;
      side.seen.add(end);
      side.queue.push(end);
    }
  }
  return false;
}

/** Whether a slot belongs to the part that is searched. */
export type Within = (slot: number) => boolean;
export type Ends = readonly [from: number, to: number];

class Search {
  readonly #graph: Graph;
  readonly #slots: readonly number[];
  /** Per slot: when it was found, from 1 on; 0 before that. */
  readonly #found = new Map<number, number>();
  /** Per slot that is found: the earliest that it is known to reach on the stack. */
  readonly #low = new Map<number, number>();
  readonly #open: number[] = [];
  readonly #isOpen = new Set<number>();
  /** The path from the root, with the edge that each slot on it looks at next. */
  readonly #path: number[] = [];
  readonly #edges: number[] = [];
  readonly #components: number[][] = [];
  #clock = 0;

  constructor(graph: Graph, slots: readonly number[]) {
    this.#graph = graph;
    this.#slots = slots;
    for (const slot of slots) this.#found.set(slot, 0);
  }

  run(): readonly number[][] {
    for (const root of this.#slots) {
      if (this.#found.get(root) !== 0) continue;
      this.#enter(root);
      while (this.#path.length > 0) this.#step();
    }
    const total = this.#components.reduce((sum, { length }) => sum + length, 0);
    assert(total === this.#slots.length, "every slot is in one component");
    return this.#components;
  }

  #enter(slot: number): void {
    this.#clock++;
    this.#found.set(slot, this.#clock);
    this.#low.set(slot, this.#clock);
    this.#open.push(slot);
    this.#isOpen.add(slot);
    this.#path.push(slot);
    this.#edges.push(this.#graph.firstOut[slot] as number);
  }

  #step(): void {
    const top = this.#path.length - 1;
    const slot = this.#path[top] as number;
    const edge = this.#edges[top] as number;
    if (edge === 0) {
      this.#leave(slot);
      return;
    }
    this.#edges[top] = this.#graph.nextOut[edge] as number;
    const target = this.#graph.targets[edge] as number;
    const found = this.#found.get(target);
    if (found === undefined) return; // not among the slots
    if (found === 0) this.#enter(target);
    else if (this.#isOpen.has(target)) this.#lower(slot, found);
  }

  #leave(slot: number): void {
    this.#path.pop();
    this.#edges.pop();
    const low = this.#low.get(slot) as number;
    const parent = this.#path.at(-1);
    if (parent !== undefined) this.#lower(parent, low);
    if (low !== this.#found.get(slot)) return;
    const component: number[] = [];
    for (let member = 0; member !== slot; ) {
      member = this.#open.pop() as number;
      this.#isOpen.delete(member);
      component.push(member);
    }
    this.#components.push(component);
  }

  #lower(slot: number, found: number): void {
    if (found < (this.#low.get(slot) as number)) this.#low.set(slot, found);
  }
}
