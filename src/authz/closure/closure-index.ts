/**
 * The flattened index of nested groups: which sets contain which, through any number of levels, as
 * one probe of a hash table. It follows every edge that comes or goes; it never reads a store, and
 * it knows nothing of users, who are direct members of some sets and in no edge.
 *
 * What it answers is exact. What it cannot keep within its limits it does not answer at all: then
 * the caller walks the graph. See `rows.ts` for how it is kept.
 */
import { assert } from "../../std/assert.ts";
import { collapse, lostReaches, split } from "./cycles.ts";
import { Rows } from "./rows.ts";

export interface ClosureOptions {
  /** Pairs of sets, one reaching the other, that may be kept: 16 to 20 bytes each. */
  readonly pairsMax: number;
  /**
   * Steps (counts changed, edges followed) that one change may take before the rows above it are
   * given up. Without it: twice `pairsMax`, and a million at least.
   */
  readonly stepsMax?: number;
}

const stepsMaxLeast = 1_000_000;
const nodeMax = 2 ** 32 - 2;

export class ClosureIndex {
  readonly #rows: Rows;

  constructor({ pairsMax, stepsMax = Math.max(stepsMaxLeast, 2 * pairsMax) }: ClosureOptions) {
    assert(Number.isSafeInteger(pairsMax) && pairsMax >= 0, "pairsMax is a number of pairs");
    assert(Number.isSafeInteger(stepsMax) && stepsMax > 0, "stepsMax is a number of steps");
    this.#rows = new Rows({ pairsMax, stepsMax });
  }

  /** Pairs that are kept; a cycle counts as one set. */
  get pairs(): number {
    return this.#rows.pairs;
  }

  /** What the index takes, nodes and edges included. Twice that while a table is rebuilt. */
  get bytes(): number {
    return this.#rows.bytes;
  }

  /** Some sets are given up: questions about what they contain are not answered. */
  get overflowed(): boolean {
    return this.#rows.lostCount > 0;
  }

  /** Whether any set contains itself. Known, also when some are given up. */
  get hasCycles(): boolean {
    return this.#rows.components.cycles > 0 || this.#rows.graph.loops > 0;
  }

  /** Members of `to` are members of `from` from now on. An edge is added once. */
  addEdge(from: number, to: number): void {
    const rows = this.#rows;
    const { components, graph } = rows;
    rows.begin();
    const [source, target] = [this.#open(from), this.#open(to)];
    assert(graph.edgeOf(source, target) === 0, "an edge is added once");
    graph.link(source, target);
    const low = components.of[target] as number;
    if (components.of[source] === low) return;
    if (rows.isLost(low)) rows.forget(components.of[source] as number); // which may rename it
    const high = components.of[source] as number;
    if (rows.isLost(low)) {
      rows.addLostChildren(high, 1);
      if (lostReaches(rows, low, high)) collapse(rows, high, low);
    } else if (!rows.isLost(high)) {
      if (rows.has(low, high)) collapse(rows, high, low);
      else this.#shift(high, low, true);
    }
  }

  /** Takes back an edge, which must be there. */
  removeEdge(from: number, to: number): void {
    const rows = this.#rows;
    const { components, graph } = rows;
    rows.begin();
    const [source, target] = [this.#slotOf(from), this.#slotOf(to)];
    assert(source !== 0 && target !== 0, "only an edge that was added is removed");
    graph.unlink(source, target);
    const [high, low] = [components.of[source] as number, components.of[target] as number];
    if (high === low) split(rows, high, [source, target]);
    else if (!rows.isLost(high)) this.#shift(high, low, false);
    else if (rows.isLost(low)) rows.addLostChildren(high, -1);
    this.#closeIfBare(source);
    if (target !== source) this.#closeIfBare(target);
    rows.recover(components.of[source] as number);
  }

  /** Whether `to` is `from` or in it; undefined when `from` is given up. */
  reaches(from: number, to: number): boolean | undefined {
    if (from === to) return true;
    const source = this.#slotOf(from);
    const target = this.#slotOf(to);
    if (source === 0 || target === 0) return false;
    const { of, lost, supports } = this.#rows.components;
    const high = of[source] as number;
    const low = of[target] as number;
    if (high === low) return true;
    if (lost[high] === 1) return undefined;
    return supports.get(high, low) !== 0;
  }

  /**
   * Whether one of the first `count` candidates is `from` or in it; undefined when `from` is given up
   * and no candidate is of its own cycle.
   */
  reachesAny(from: number, candidates: ArrayLike<number>, count: number): boolean | undefined {
    assert(count <= candidates.length, "there are as many candidates as said");
    const { of, lost, rowSize, supports } = this.#rows.components;
    const source = this.#slotOf(from);
    const high = source === 0 ? 0 : (of[source] as number);
    const probes = source !== 0 && rowSize[high] !== 0;
    for (let i = 0; i < count; i++) {
      const candidate = candidates[i] as number;
      if (candidate === from) return true;
      if (source === 0) continue;
      const target = this.#slotOf(candidate);
      if (target === 0) continue;
      const low = of[target] as number;
      if (low === high || (probes && supports.get(high, low) !== 0)) return true;
    }
    return source !== 0 && lost[high] === 1 ? undefined : false;
  }

  /**
   * How many sets are in `from`, a cycle counted as one, without listing them: whoever can either go
   * through `descendants` or call `reachesAny` sees which is shorter. Undefined as there.
   */
  breadth(from: number): number | undefined {
    const source = this.#slotOf(from);
    if (source === 0) return 0;
    const component = this.#rows.components.of[source] as number;
    if (this.#rows.isLost(component)) return undefined;
    return this.#rows.components.rowSize[component];
  }

  /** All that is in `from`, without itself, in no order; undefined when `from` is given up. */
  descendants(from: number): Uint32Array | undefined {
    const source = this.#slotOf(from);
    if (source === 0) return new Uint32Array(0);
    const component = this.#rows.components.of[source] as number;
    if (this.#rows.isLost(component)) return undefined;
    return this.#nodes(this.#rows.reach([component]), from);
  }

  /**
   * All that `of` is in, without itself, in no order; undefined when one of these is given up, since
   * their number is not bounded then.
   */
  ancestors(of: number): Uint32Array | undefined {
    const target = this.#slotOf(of);
    if (target === 0) return new Uint32Array(0);
    const count = this.#rows.reachUp(this.#rows.components.of[target] as number);
    return count === undefined ? undefined : this.#nodes(count, of);
  }

  /** Whether the set contains itself, directly or through others. Known of all, given up or not. */
  inCycle(node: number): boolean {
    const { components, graph } = this.#rows;
    const slot = this.#slotOf(node);
    if (slot === 0) return false;
    const size = components.size[components.of[slot] as number] as number;
    return size > 1 || graph.edgeOf(slot, slot) !== 0;
  }

  /**
   * Tries to rebuild what is given up and now has room, as every removal does, whatever earlier
   * attempts took. For idle moments: one call takes `stepsMax` steps and one failed row more.
   */
  recover(): void {
    this.#rows.begin();
    this.#rows.forgive();
    this.#rows.recover(0);
  }

  /** An edge between two known components without a cycle comes or goes. */
  #shift(high: number, low: number, gained: boolean): void {
    const rows = this.#rows;
    const count = rows.reach([low]);
    for (let i = 0; i < count && !rows.exhausted; i++) {
      rows.shift(high, rows.reached[i] as number, gained);
    }
    if (rows.exhausted) rows.forget(high);
  }

  #nodes(count: number, without: number): Uint32Array {
    const { components, graph, reached } = this.#rows;
    let total = 0;
    for (let i = 0; i < count; i++) total += components.size[reached[i] as number] as number;
    const nodes = new Uint32Array(total - 1);
    let at = 0;
    for (let i = 0; i < count; i++) {
      let slot = components.firstMember[reached[i] as number] as number;
      for (; slot !== 0; slot = components.nextMember[slot] as number) {
        const node = graph.nodes[slot] as number;
        if (node !== without) nodes[at++] = node;
      }
    }
    assert(at === total - 1, "a set is among what it reaches");
    return nodes;
  }

  #slotOf(node: number): number {
    assert(node >= 0 && node <= nodeMax, "a node is a small integer");
    return this.#rows.graph.slotOf(node);
  }

  #open(node: number): number {
    assert(Number.isInteger(node), "a node is a small integer");
    const { components, graph } = this.#rows;
    const known = this.#slotOf(node);
    if (known !== 0) return known;
    const slot = graph.open(node);
    components.attach(slot, components.make());
    return slot;
  }

  #closeIfBare(slot: number): void {
    const { components, graph } = this.#rows;
    if (!graph.isBare(slot)) return;
    const component = components.of[slot] as number;
    assert(components.size[component] === 1, "what has no edges is in no cycle");
    assert(components.rowSize[component] === 0, "what has no edges reaches nothing");
    this.#rows.retire(component);
    graph.close(slot);
  }
}
