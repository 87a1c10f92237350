/**
 * The rows of the closure: for every component, which others it reaches, and through how many of its
 * edges. What it reaches through an edge is the target and all that the target reaches; so a change
 * moves upwards, one edge at a time, and stops where the answer stays the same. Counts are bounded
 * by the number of edges, where the number of paths would double with every diamond.
 *
 * A row that would be too large or too much work is given up, and with it the rows of all ancestors:
 * these components are lost. Everything below a known component is known.
 */
import { assert } from "../../std/assert.ts";
import { Components } from "./components.ts";
import { Graph } from "./graph.ts";
import { widened } from "./widened.ts";

export interface RowLimits {
  readonly pairsMax: number;
  readonly stepsMax: number;
}

/** What a removal pays off of the steps that failed rebuilds took, so that they stay rare. */
const stepsPaidPerRemoval = 64;
const stepsPaidPerPair = 16;

export class Rows {
  readonly graph: Graph = new Graph();
  readonly components: Components = new Components();
  /** Pairs of known rows. */
  pairs = 0;
  lostCount = 0;
  /** This call ran into a limit: rows above the change are wrong until they are given up. */
  exhausted = false;
  /** What `reach` found. */
  reached: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** Lost components without a lost child: what can be rebuilt next. */
  readonly #frontier = new Set<number>();
  readonly #limits: RowLimits;
  #steps = 0;
  #stepsOwed = 0;
  #pairsAtStart = 0;
  #stack = new Uint32Array(16);
  #seen = new Uint32Array(16);
  #round = 0;
  /** Edges that the last walk followed. */
  #walked = 0;

  constructor(limits: RowLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    const scratch = this.reached.byteLength + this.#stack.byteLength + this.#seen.byteLength;
    return this.graph.bytes + this.components.bytes + scratch;
  }

  /** Every change from outside starts with this. */
  begin(): void {
    this.#steps = 0;
    this.exhausted = false;
    this.#pairsAtStart = this.pairs;
  }

  isLost(component: number): boolean {
    return this.components.lost[component] === 1;
  }

  has(component: number, target: number): boolean {
    return this.components.supports.get(component, target) !== 0;
  }

  spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#limits.stepsMax) this.exhausted = true;
  }

  // --- Walks ---------------------------------------------------------------------------------------

  /** Fills `reached` with these components and all that they reach; returns how many those are. */
  reach(starts: readonly number[]): number {
    return this.#walk(starts, false);
  }

  /** The same upwards; undefined as soon as a lost one is met. */
  reachUp(start: number): number | undefined {
    const count = this.#walk([start], true);
    return count < 0 ? undefined : count;
  }

  #walk(starts: readonly number[], up: boolean): number {
    const { components, graph } = this;
    const { of, nextMember, firstMember, lost } = components;
    const first = up ? graph.firstIn : graph.firstOut;
    const next = up ? graph.nextIn : graph.nextOut;
    const ends = up ? graph.sources : graph.targets;
    const round = this.#nextRound();
    const seen = this.#seen;
    let count = 0;
    let edges = 0;
    for (const start of starts) {
      seen[start] = round;
      count = this.#found(count, start);
    }
    for (let at = 0; at < count; at++) {
      const component = this.reached[at] as number;
      if (up && lost[component] === 1) return -1;
      let slot = firstMember[component] as number;
      for (; slot !== 0; slot = nextMember[slot] as number) {
        let edge = first[slot] as number;
        for (; edge !== 0; edge = next[edge] as number) {
          const other = of[ends[edge] as number] as number;
          edges++;
          if (seen[other] === round) continue;
          seen[other] = round;
          count = this.#found(count, other);
        }
      }
    }
    this.#walked = edges;
    return count;
  }

  #found(count: number, component: number): number {
    if (count === this.reached.length) this.reached = widened(this.reached, count + 1);
    this.reached[count] = component;
    return count + 1;
  }

  #nextRound(): number {
    if (this.#seen.length < this.components.end) {
      this.#seen = widened(this.#seen, this.components.end);
    }
    if (this.#round === 2 ** 32 - 1) {
      this.#seen.fill(0);
      this.#round = 0;
    }
    this.#round++;
    return this.#round;
  }

  // --- Counting ------------------------------------------------------------------------------------

  /**
   * One edge of `component` more, or one less, leads to `target`. Whoever thereby reaches it, or no
   * longer does, passes that on to its parents.
   */
  shift(component: number, target: number, gained: boolean): void {
    if (this.exhausted || !this.#flips(component, target, gained)) return;
    const { of, nextMember, firstMember, lost } = this.components;
    const { firstIn, nextIn, sources } = this.graph;
    let height = this.#push(0, component);
    while (height > 0 && !this.exhausted) {
      const changed = this.#stack[--height] as number;
      let slot = firstMember[changed] as number;
      for (; slot !== 0; slot = nextMember[slot] as number) {
        let edge = firstIn[slot] as number;
        for (; edge !== 0; edge = nextIn[edge] as number) {
          const parent = of[sources[edge] as number] as number;
          if (parent === changed || lost[parent] === 1) continue;
          if (this.#flips(parent, target, gained)) height = this.#push(height, parent);
        }
      }
    }
  }

  /** Counts one edge; true when that changes whether the target is reached. */
  #flips(component: number, target: number, gained: boolean): boolean {
    const { supports, rowSize } = this.components;
    if (++this.#steps > this.#limits.stepsMax) this.exhausted = true;
    if (gained) {
      if (supports.add(component, target) !== 1) return false;
      rowSize[component] = (rowSize[component] as number) + 1;
      if (++this.pairs > this.#limits.pairsMax) this.exhausted = true;
      return true;
    }
    if (supports.subtract(component, target) !== 0) return false;
    rowSize[component] = (rowSize[component] as number) - 1;
    this.pairs--;
    return true;
  }

  #push(height: number, component: number): number {
    if (height === this.#stack.length) this.#stack = widened(this.#stack, height + 1);
    this.#stack[height] = component;
    return height + 1;
  }

  /** Adds what is reached through every edge of the component, whose row must be empty. */
  fill(component: number): void {
    const { of, nextMember, firstMember, rowSize, lost } = this.components;
    const { firstOut, nextOut, targets } = this.graph;
    assert(rowSize[component] === 0, "only an empty row is filled");
    let slot = firstMember[component] as number;
    for (; slot !== 0; slot = nextMember[slot] as number) {
      let edge = firstOut[slot] as number;
      for (; edge !== 0; edge = nextOut[edge] as number) {
        const child = of[targets[edge] as number] as number;
        if (child === component) continue;
        assert(lost[child] === 0, "what a known component reaches is known");
        const count = this.reach([child]);
        this.spend(this.#walked);
        for (let i = 0; i < count && !this.exhausted; i++) {
          this.#flips(component, this.reached[i] as number, true);
        }
        if (this.exhausted) return;
      }
    }
  }

  // --- Giving up and recovering --------------------------------------------------------------------

  /** Gives up the rows of a component and of all its ancestors. They get new ids. */
  forget(component: number): void {
    const { of, nextMember, firstMember, lost } = this.components;
    const { firstIn, nextIn, sources } = this.graph;
    if (lost[component] === 1) return;
    lost[component] = 1;
    const forgotten = [component];
    for (let at = 0; at < forgotten.length; at++) {
      const child = forgotten[at] as number;
      let slot = firstMember[child] as number;
      for (; slot !== 0; slot = nextMember[slot] as number) {
        let edge = firstIn[slot] as number;
        for (; edge !== 0; edge = nextIn[edge] as number) {
          const parent = of[sources[edge] as number] as number;
          if (parent === child) continue;
          this.addLostChildren(parent, 1);
          if (lost[parent] === 1) continue;
          lost[parent] = 1;
          forgotten.push(parent);
        }
      }
    }
    this.lostCount += forgotten.length;
    for (const id of forgotten) this.addLostChildren(this.#dropRow(id), 0);
  }

  /** An edge of the component to a lost one comes or goes. Keeps the frontier, also with 0. */
  addLostChildren(component: number, edges: number): void {
    const { lost, lostChildren } = this.components;
    const count = (lostChildren[component] as number) + edges;
    assert(count >= 0, "edges to lost components are counted");
    lostChildren[component] = count;
    if (lost[component] === 1 && count === 0) this.#frontier.add(component);
    else this.#frontier.delete(component);
  }

  /** A component that was made lost by other means than `forget`: its row is empty. */
  enrol(component: number): void {
    const { components, graph } = this;
    assert(components.rowSize[component] === 0, "what is lost has no row");
    components.lost[component] = 1;
    this.lostCount++;
    let count = 0;
    for (const slot of components.members(component)) {
      let edge = graph.firstOut[slot] as number;
      for (; edge !== 0; edge = graph.nextOut[edge] as number) {
        const child = components.of[graph.targets[edge] as number] as number;
        if (child !== component && this.isLost(child)) count++;
      }
    }
    components.lostChildren[component] = 0;
    this.addLostChildren(component, count);
  }

  /** Ends a component that has no members left or is about to lose its only one. */
  retire(component: number): void {
    this.#frontier.delete(component);
    if (this.isLost(component)) this.lostCount--;
    else this.pairs -= this.components.rowSize[component] as number;
    this.components.retire(component);
  }

  /**
   * Rebuilds lost rows from below: those above `changed`, and others once the steps that failed
   * attempts took are paid off by removals. Takes `stepsMax` steps and one row more at most.
   */
  recover(changed: number): void {
    const freed = Math.max(0, this.#pairsAtStart - this.pairs);
    const paid = stepsPaidPerRemoval + stepsPaidPerPair * freed;
    this.#stepsOwed = Math.max(0, this.#stepsOwed - paid);
    if (this.exhausted) return;
    if (this.#frontier.has(changed)) this.#climb(changed);
    for (const component of this.#frontier) {
      if (this.#stepsOwed > 0) break;
      this.#climb(component);
    }
  }

  /** Forgets what is owed, for a caller who has the time. */
  forgive(): void {
    this.#stepsOwed = 0;
  }

  #climb(start: number): void {
    const ready = [start];
    for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
      if (!this.#frontier.has(id)) continue;
      const stepsBefore = this.#steps;
      this.fill(id);
      if (!this.exhausted) {
        for (const parent of this.#know(id)) ready.push(parent);
        continue;
      }
      this.exhausted = false;
      this.#stepsOwed += this.#steps - stepsBefore;
      this.#frontier.delete(id);
      this.#frontier.add(this.#dropRow(id)); // at the end: the others come first
    }
  }

  /** The row of the component is right again. Returns parents that can be next. */
  #know(component: number): Iterable<number> {
    const { components, graph } = this;
    this.#frontier.delete(component);
    components.lost[component] = 0;
    this.lostCount--;
    const parents = new Set<number>();
    for (const slot of components.members(component)) {
      let edge = graph.firstIn[slot] as number;
      for (; edge !== 0; edge = graph.nextIn[edge] as number) {
        const parent = components.of[graph.sources[edge] as number] as number;
        if (parent === component) continue;
        this.addLostChildren(parent, -1);
        if (this.#frontier.has(parent)) parents.add(parent);
      }
    }
    return parents;
  }

  #dropRow(component: number): number {
    this.pairs -= this.components.rowSize[component] as number;
    return this.components.renew(component);
  }
}
