import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Prng } from "../../std/prng.ts";
import { ClosureIndex, type ClosureOptions } from "./closure-index.ts";

/** The plain truth: edges in sets, every question a walk. */
class Naive {
  readonly edges = new Map<string, readonly [number, number]>();

  add(from: number, to: number): void {
    this.edges.set(`${from} ${to}`, [from, to]);
  }

  remove(from: number, to: number): void {
    this.edges.delete(`${from} ${to}`);
  }

  has(from: number, to: number): boolean {
    return this.edges.has(`${from} ${to}`);
  }

  /** For every node, what one or more edges lead to. */
  closure(nodes: number): readonly ReadonlySet<number>[] {
    const out = Array.from({ length: nodes }, (): number[] => []);
    for (const [from, to] of this.edges.values()) out[from]?.push(to);
    return out.map((direct) => {
      const found = new Set(direct);
      for (const node of found) for (const next of out[node] ?? []) found.add(next);
      return found;
    });
  }
}

interface Shape {
  readonly name: string;
  readonly nodes: number;
  readonly steps: number;
  /** How many edges there are when as many go as come. */
  readonly edges: number;
  pick(random: Prng, nodes: number): readonly [number, number];
}

const shapes: readonly Shape[] = [
  { name: "sparse", nodes: 24, steps: 300, edges: 16, pick: anyPair },
  { name: "dense and cyclic", nodes: 9, steps: 300, edges: 24, pick: anyPair },
  { name: "around one cycle", nodes: 16, steps: 300, edges: 22, pick: anyPair },
  { name: "without cycles", nodes: 14, steps: 300, edges: 40, pick: downwards },
  { name: "a chain with short cuts", nodes: 20, steps: 300, edges: 24, pick: nextOrOver },
  { name: "a ring", nodes: 14, steps: 300, edges: 12, pick: ring },
  { name: "layers", nodes: 20, steps: 300, edges: 40, pick: layers },
  { name: "a forest", nodes: 30, steps: 300, edges: 26, pick: forest },
];

function anyPair(random: Prng, nodes: number): readonly [number, number] {
  return [random.below(nodes), random.below(nodes)];
}

function downwards(random: Prng, nodes: number): readonly [number, number] {
  const from = random.below(nodes - 1);
  return [from, from + 1 + random.below(nodes - from - 1)];
}

function nextOrOver(random: Prng, nodes: number): readonly [number, number] {
  const from = random.below(nodes - 1);
  return [from, Math.min(nodes - 1, from + 1 + (random.below(4) === 0 ? random.below(6) : 0))];
}

function ring(random: Prng, nodes: number): readonly [number, number] {
  const from = random.below(nodes);
  return [from, (from + 1) % nodes];
}

function layers(random: Prng, nodes: number): readonly [number, number] {
  const layer = random.below(nodes / 4 - 1);
  return [layer * 4 + random.below(4), layer * 4 + 4 + random.below(4)];
}

function forest(random: Prng, nodes: number): readonly [number, number] {
  const to = 1 + random.below(nodes - 1);
  return [(to - 1) >> 1, to];
}

/** Adds or removes one edge in both, towards the number of edges that the shape wants. */
function change(random: Prng, shape: Shape, [index, naive]: readonly [ClosureIndex, Naive]): void {
  const [from, to] = shape.pick(random, shape.nodes);
  if (naive.has(from, to)) {
    index.removeEdge(node(from), node(to));
    naive.remove(from, to);
  } else if (naive.edges.size < shape.edges || random.below(8) === 0) {
    index.addEdge(node(from), node(to));
    naive.add(from, to);
  } else {
    const edges = [...naive.edges.values()];
    const [oldFrom, oldTo] = edges[random.below(edges.length)]!;
    index.removeEdge(node(oldFrom), node(oldTo));
    naive.remove(oldFrom, oldTo);
  }
}

/** Node ids as they come in life: far apart, in no order, 0 among them. */
function node(at: number): number {
  return at === 0 ? 0 : (Math.imul(at, 0x9e3779b1) >>> 0) % 50_000_000;
}

function ascending(nodes: Iterable<number>): readonly number[] {
  return [...nodes].map(node).sort((a, b) => a - b);
}

/** Every answer about every node. Returns how many nodes are given up. */
function compare(index: ClosureIndex, naive: Naive, nodes: number): number {
  const closure = naive.closure(nodes);
  const at = Array.from({ length: nodes }, (_, i) => i);
  const ids = at.map(node);
  const ancestors = at.map((to) => at.filter((from) => from !== to && closure[from]!.has(to)));
  const lost = at.map((i) => index.descendants(node(i)) === undefined);
  for (const from of at) {
    const below = closure[from]!;
    assert.equal(index.inCycle(node(from)), below.has(from), `inCycle(${from})`);
    const inner = at.filter((to) => to !== from && below.has(to));
    if (!lost[from]) {
      assert.deepEqual([...index.descendants(node(from))!.sort()], ascending(inner));
    }
    if (lost[from] || ancestors[from]!.some((above) => lost[above])) {
      assert.equal(index.ancestors(node(from)), undefined);
    } else {
      assert.deepEqual([...index.ancestors(node(from))!.sort()], ascending(ancestors[from]!));
    }
    for (const to of at) {
      const truth = from === to || below.has(to);
      const sure = !lost[from] || from === to || (truth && closure[to]!.has(from));
      const said = index.reaches(node(from), node(to));
      assert.equal(said, sure ? truth : lostAnswer(closure, [from, to]), `${from} -> ${to}`);
    }
    assert.equal(index.reachesAny(node(from), ids, nodes), true);
    const outside = at.filter((to) => to !== from && !below.has(to)).map(node);
    const none = lost[from] ? undefined : false;
    assert.equal(index.reachesAny(node(from), outside, outside.length), none);
    if (inner.length === 0 || lost[from]) continue;
    const [first] = inner;
    assert.equal(
      index.reachesAny(node(from), [...outside, node(first!)], outside.length + 1),
      true,
    );
    assert.equal(index.reachesAny(node(from), [...outside, node(first!)], outside.length), false);
  }
  assert.equal(
    index.hasCycles,
    closure.some((below, from) => below.has(from)),
  );
  const lostCount = lost.filter(Boolean).length;
  assert.equal(index.overflowed, lostCount > 0);
  if (lostCount === 0) assert.equal(index.pairs, pairsOf(closure));
  return lostCount;
}

/** A node without edges is in nothing, whoever is given up. */
function lostAnswer(
  closure: readonly ReadonlySet<number>[],
  [, to]: readonly [number, number],
): boolean | undefined {
  const bare = closure[to]!.size === 0 && !closure.some((below) => below.has(to));
  return bare ? false : undefined;
}

/** The pairs that a closure with collapsed cycles has: no more, or something has leaked. */
function pairsOf(closure: readonly ReadonlySet<number>[]): number {
  const first = closure.map((below, at) => {
    for (let i = 0; i < at; i++) if (below.has(i) && closure[i]!.has(at)) return i;
    return at;
  });
  let pairs = 0;
  for (const [from, below] of closure.entries()) {
    if (first[from] !== from) continue;
    for (const to of below) if (first[to] === to && to !== from) pairs++;
  }
  return pairs;
}

function run(shape: Shape, seed: number, options: ClosureOptions): number {
  const [index, naive] = [new ClosureIndex(options), new Naive()];
  const random = new Prng(seed);
  let lost = 0;
  for (let step = 0; step < shape.steps; step++) {
    try {
      change(random, shape, [index, naive]);
      lost += compare(index, naive, shape.nodes);
      assert.ok(index.pairs <= options.pairsMax, "within its limit");
      if (step % 8 === 0) checkRecovery(shape, options, [index, naive]);
    } catch (error) {
      const what = `${shape.name}, seed ${seed}, step ${step}, ${JSON.stringify(options)}`;
      throw new Error(what, { cause: error });
    }
  }
  for (const [from, to] of naive.edges.values()) index.removeEdge(node(from), node(to));
  assert.equal(index.pairs, 0);
  assert.equal(index.overflowed, false);
  return lost;
}

/** What there is room for comes back, as soon as somebody has the time. */
function checkRecovery(
  shape: Shape,
  { pairsMax, stepsMax }: ClosureOptions,
  [index, naive]: readonly [ClosureIndex, Naive],
): void {
  if (!index.overflowed) return;
  index.recover();
  const roomForAll = pairsOf(naive.closure(shape.nodes)) <= pairsMax && stepsMax === undefined;
  if (roomForAll) assert.equal(index.overflowed, false, "all comes back");
  compare(index, naive, shape.nodes);
}

const seeds = Number(process.env["CLOSURE_SEEDS"] ?? 2);

describe("a closure index says what a walk would say, after every change", () => {
  for (const shape of shapes) {
    test(shape.name, () => {
      for (let seed = 1; seed <= seeds; seed++) {
        assert.equal(run(shape, seed, { pairsMax: 1_000_000 }), 0, "nothing was given up");
      }
    });
  }
});

describe("a closure index that runs into its limits gives no wrong answer", () => {
  for (const shape of shapes) {
    test(`${shape.name}: few pairs`, () => {
      let lost = 0;
      for (let seed = 1; seed <= seeds; seed++) {
        for (const pairsMax of [0, 5, 12, 30, 60]) lost += run(shape, seed, { pairsMax });
      }
      assert.ok(lost > 0, "the limit was met");
    });
    test(`${shape.name}: few steps`, () => {
      let lost = 0;
      for (let seed = 1; seed <= seeds; seed++) {
        for (const stepsMax of [1, 4, 10, 25]) {
          lost += run(shape, seed, { pairsMax: 1_000_000, stepsMax });
        }
      }
      assert.ok(lost > 0, "the limit was met");
    });
  }
});
