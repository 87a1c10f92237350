/**
 * Nested groups, flattened: nanoseconds per question at one level and at twenty, what a question of
 * many candidates takes, and the time and bytes of building trees of a million edges. The time is
 * that of the processor, so that other programs count less. Run it as
 * `npm run node -- src/authz/closure/closure.bench.ts [edges] [questions]`.
 */
import { Prng } from "../../std/prng.ts";
import { ClosureIndex } from "./closure-index.ts";

const pairsMax = 50_000_000;

function milliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

interface Question {
  readonly froms: Uint32Array;
  readonly tos: Uint32Array;
}

/** Chains side by side, as many as the candidates below need to fill a cache or not. */
function chains(count: number, levels: number): ClosureIndex {
  const index = new ClosureIndex({ pairsMax });
  for (let chain = 0; chain < count; chain++) {
    for (let level = 0; level < levels; level++) {
      index.addEdge(chain * 32 + level, chain * 32 + level + 1);
    }
  }
  return index;
}

function questions(random: Prng, count: number, ask: () => readonly [number, number]): Question {
  const [froms, tos] = [new Uint32Array(count), new Uint32Array(count)];
  for (let i = 0; i < count; i++) {
    const [from, to] = ask();
    froms[i] = from;
    // Half of the answers are no: the bottom of some other chain.
    tos[i] = random.below(2) === 0 ? to : to + 32;
  }
  return { froms, tos };
}

function askAll(index: ClosureIndex, { froms, tos }: Question, rounds: number): void {
  let yes = 0;
  const startedAt = milliseconds();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < froms.length; i++) {
      if (index.reaches(froms[i] as number, tos[i] as number) === true) yes++;
    }
  }
  const nanoseconds = ((milliseconds() - startedAt) * 1e6) / (rounds * froms.length);
  console.log(`  reaches: ${nanoseconds.toFixed(1)} ns, ${yes} times yes`);
}

function askAny(index: ClosureIndex, { froms, tos }: Question, rounds: number): void {
  const width = 16;
  const lists = Array.from({ length: Math.floor(tos.length / width) }, (_, i) =>
    tos.slice(i * width, (i + 1) * width).map((to) => to + 64),
  );
  let yes = 0;
  const startedAt = milliseconds();
  for (let round = 0; round < rounds; round++) {
    for (const [i, list] of lists.entries()) {
      if (index.reachesAny(froms[i * width] as number, list, width) === true) yes++;
    }
  }
  const nanoseconds = ((milliseconds() - startedAt) * 1e6) / (rounds * lists.length * width);
  console.log(`  reachesAny: ${nanoseconds.toFixed(1)} ns per candidate, ${yes} times yes`);
}

function measureNesting(count: number, levels: number, asked: number): void {
  const index = chains(count, levels);
  console.log(`${count} chains of ${levels} levels: ${index.pairs} pairs, ${index.bytes} bytes`);
  const random = new Prng(7);
  const question = questions(random, 20_000, () => {
    const chain = random.below(count - 4) * 32;
    return [chain, chain + levels];
  });
  const rounds = Math.ceil(asked / 20_000);
  for (let warm = 0; warm < 2; warm++) {
    askAll(index, question, rounds);
    askAny(index, question, rounds);
  }
}

/** Trees of five levels, 16 children each, filled from the top; then half of their leaves go. */
function measureTrees(edges: number): void {
  const index = new ClosureIndex({ pairsMax });
  const perTree = 16 + 16 ** 2 + 16 ** 3 + 16 ** 4 + 16 ** 5;
  const startedAt = milliseconds();
  const added: (readonly [number, number])[] = [];
  for (let i = 0; i < edges; i++) {
    const tree = Math.floor(i / perTree) * (perTree + 1);
    const child = (i % perTree) + 1;
    const edge = [tree + Math.floor((child - 1) / 16), tree + child] as const;
    index.addEdge(edge[0], edge[1]);
    added.push(edge);
  }
  const took = milliseconds() - startedAt;
  const perPair = (index.bytes / index.pairs).toFixed(1);
  console.log(
    `${edges} edges in trees: ${took.toFixed(0)} ms, ${((took * 1e6) / edges).toFixed(0)} ns per edge, ` +
      `${index.pairs} pairs, ${index.bytes} bytes, ${perPair} per pair with nodes and edges`,
  );
  const removedAt = milliseconds();
  const leaves = added.slice(-Math.floor(edges / 2));
  for (const [from, to] of leaves) index.removeEdge(from, to);
  const perEdge = ((milliseconds() - removedAt) * 1e6) / leaves.length;
  console.log(`${leaves.length} leaves removed: ${perEdge.toFixed(0)} ns per edge`);
}

const edges = Number(process.argv[2] ?? 1_000_000);
const asked = Number(process.argv[3] ?? 10_000_000);
measureNesting(200, 1, asked);
measureNesting(200, 20, asked);
measureNesting(50_000, 20, asked);
measureTrees(edges);
