/**
 * What a closure index is for, and what would break it: where a comment names a fault, that is what
 * the story is there to catch. The long random comparisons are in `closure-index.test.ts`.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ClosureIndex } from "./closure-index.ts";

const roomy = { pairsMax: 1_000_000 };

function chain(index: ClosureIndex, from: number, to: number): void {
  for (let node = from; node < to; node++) index.addEdge(node, node + 1);
}

function unchain(index: ClosureIndex, from: number, to: number): void {
  for (let node = from; node < to; node++) index.removeEdge(node, node + 1);
}

describe("nested groups", () => {
  test("an empty index: a set is in itself and in nothing else", () => {
    const index = new ClosureIndex(roomy);
    assert.equal(index.reaches(4, 4), true);
    assert.equal(index.reaches(4, 5), false);
    assert.equal(index.reachesAny(4, [5, 4], 1), false);
    assert.equal(index.reachesAny(4, [5, 4], 2), true);
    assert.deepEqual(index.descendants(4), new Uint32Array(0));
    assert.deepEqual(index.ancestors(4), new Uint32Array(0));
    assert.deepEqual([index.breadth(4), index.inCycle(4), index.hasCycles], [0, false, false]);
    assert.deepEqual([index.pairs, index.overflowed], [0, false]);
  });

  test("the largest and the smallest node", () => {
    const index = new ClosureIndex(roomy);
    index.addEdge(2 ** 32 - 2, 0);
    assert.equal(index.reaches(2 ** 32 - 2, 0), true);
    assert.equal(index.reaches(0, 2 ** 32 - 2), false);
    assert.throws(() => index.addEdge(2 ** 32 - 1, 0), /small integer/);
    assert.throws(() => index.addEdge(0.5, 0), /small integer/);
    assert.throws(() => index.reaches(-1, 0), /small integer/);
  });

  test("an edge is added once, and removed only while it is there", () => {
    const index = new ClosureIndex(roomy);
    index.addEdge(1, 2);
    assert.throws(() => index.addEdge(1, 2), /added once/);
    assert.throws(() => index.removeEdge(2, 1), /only an edge that was added/);
    assert.throws(() => index.removeEdge(1, 3), /only an edge that was added/);
  });

  // Fault: a flag instead of a count of edges, so that the first removal takes the pair away.
  test("one of two ways is enough", () => {
    const index = new ClosureIndex(roomy);
    for (const middle of [2, 3]) {
      index.addEdge(1, middle);
      index.addEdge(middle, 4);
    }
    index.removeEdge(1, 2);
    assert.equal(index.reaches(1, 4), true);
    index.removeEdge(3, 4);
    assert.equal(index.reaches(1, 4), false);
  });

  // Fault: counting paths, in 32 bits or in a double: 2^60 ways come, and then go.
  test("sixty diamonds on top of each other, with as many paths as no number can count", () => {
    const index = new ClosureIndex(roomy);
    const diamonds: [number, number][] = [];
    for (let top = 0; top < 180; top += 3) {
      diamonds.push([top, top + 1], [top, top + 2], [top + 1, top + 3], [top + 2, top + 3]);
    }
    for (const [from, to] of diamonds) index.addEdge(from, to);
    assert.equal(index.pairs, 60 * 4 + (60 * 59 * 9) / 2 + (60 * 59) / 2 - (60 * 59) / 2 + 60 * 1);
    for (let top = 0; top < 180; top += 3) index.removeEdge(top, top + 1);
    assert.equal(index.reaches(0, 180), true);
    assert.equal(index.reaches(0, 91), false);
    index.removeEdge(92, 93);
    assert.equal(index.reaches(0, 180), false);
    assert.equal(index.reaches(0, 92), true);
    assert.equal(index.reaches(93, 180), true);
  });

  test("wide layers, each set in every set above", () => {
    const index = new ClosureIndex(roomy);
    const [layers, width] = [8, 12];
    for (let layer = 0; layer + 1 < layers; layer++) {
      for (let i = 0; i < width; i++) {
        for (let j = 0; j < width; j++) index.addEdge(layer * width + i, (layer + 1) * width + j);
      }
    }
    assert.equal(index.pairs, width * width * ((layers * (layers - 1)) / 2));
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < width; j++) if (i !== j) index.removeEdge(3 * width + i, 4 * width + j);
    }
    assert.equal(index.reaches(0, layers * width - 1), true);
    for (let i = 1; i < width; i++) index.removeEdge(3 * width + i, 4 * width + i);
    assert.deepEqual(index.ancestors(4 * width + 1), new Uint32Array(0));
    index.removeEdge(3 * width, 4 * width);
    assert.equal(index.reaches(0, layers * width - 1), false);
  });
});

describe("cycles", () => {
  // Fault: supports inside a cycle keep each other alive after the way from outside is gone.
  test("a cycle does not hold itself up", () => {
    const index = new ClosureIndex(roomy);
    index.addEdge(1, 2);
    chain(index, 2, 5);
    index.addEdge(5, 2);
    assert.equal(index.reaches(1, 4), true);
    assert.deepEqual(sorted(index.descendants(3)), [2, 4, 5]);
    index.removeEdge(1, 2);
    assert.equal(index.reaches(1, 4), false);
    assert.equal(index.reaches(4, 3), true);
    index.removeEdge(3, 4);
    assert.deepEqual([index.reaches(4, 3), index.reaches(3, 4)], [true, false]);
    assert.equal(index.hasCycles, false);
  });

  test("a set in itself", () => {
    const index = new ClosureIndex(roomy);
    index.addEdge(3, 3);
    assert.deepEqual([index.inCycle(3), index.hasCycles, index.pairs], [true, true, 0]);
    assert.deepEqual(index.descendants(3), new Uint32Array(0));
    index.addEdge(2, 3);
    index.removeEdge(3, 3);
    assert.deepEqual(
      [index.inCycle(3), index.hasCycles, index.reaches(2, 3)],
      [false, false, true],
    );
  });

  // Fault: recursion in the search for components.
  test("a ring of fifty thousand sets closes, opens and closes", () => {
    const index = new ClosureIndex({ pairsMax: 10_000 });
    chain(index, 0, 50_000);
    assert.equal(index.overflowed, true);
    index.addEdge(50_000, 0);
    index.recover();
    assert.deepEqual([index.overflowed, index.pairs], [false, 0], "one component, and no pair");
    assert.equal(index.reaches(40_000, 7), true);
    index.removeEdge(25_000, 25_001);
    assert.equal(index.inCycle(7), false);
    assert.equal(index.reaches(24_999, 25_001), undefined);
    index.recover();
    assert.equal(index.reaches(24_999, 25_001), false, "known near the end");
    assert.equal(index.reaches(25_001, 25_000), undefined);
    index.addEdge(25_000, 25_001);
    index.recover();
    assert.equal(index.reaches(25_001, 25_000), true);
  });
});

describe("limits", () => {
  // Fault: giving up all sets, or only the one that got the edge.
  test("only sets above the change are given up, and they come back when there is room", () => {
    const index = new ClosureIndex({ pairsMax: 60 });
    chain(index, 0, 9); // 45 pairs
    chain(index, 100, 105); // 15 pairs
    assert.equal(index.overflowed, false);
    index.addEdge(3, 200);
    assert.equal(index.overflowed, true);
    assert.deepEqual([index.reaches(3, 200), index.reaches(0, 9)], [undefined, undefined]);
    assert.deepEqual([index.reaches(0, 0), index.reaches(4, 9)], [true, true]);
    assert.equal(index.reaches(9, 0), false);
    assert.equal(index.reaches(100, 105), true);
    assert.equal(index.descendants(0), undefined);
    assert.equal(index.breadth(0), undefined);
    assert.equal(index.ancestors(9), undefined);
    assert.deepEqual(sorted(index.ancestors(105)), [100, 101, 102, 103, 104]);
    assert.ok(index.pairs < 60);
    unchain(index, 100, 105);
    assert.equal(index.overflowed, false);
    assert.deepEqual([index.reaches(0, 200), index.reaches(4, 200)], [true, false]);
    assert.equal(index.pairs, 49);
  });

  // Fault: a component that is given up keeps its id, and its old pairs answer for its new row.
  test("what a set contained before it was given up does not come back", () => {
    const index = new ClosureIndex({ pairsMax: 10 });
    index.addEdge(0, 1);
    chain(index, 1, 4);
    index.addEdge(0, 5); // eleven pairs
    assert.equal(index.reaches(0, 4), undefined);
    index.removeEdge(0, 1);
    assert.deepEqual([index.reaches(0, 5), index.reaches(0, 4)], [true, false]);
    assert.equal(index.pairs, 7);
  });

  test("opening a cycle can need more room than there is", () => {
    const index = new ClosureIndex({ pairsMax: 50 });
    chain(index, 0, 20);
    index.addEdge(20, 0);
    index.recover();
    index.addEdge(100, 5);
    assert.deepEqual([index.pairs, index.overflowed], [1, false]);
    index.removeEdge(9, 10); // leaves a chain of 21 with 210 pairs
    assert.equal(index.overflowed, true);
    assert.equal(index.reaches(100, 9), undefined);
    assert.equal(index.inCycle(5), false);
    index.addEdge(9, 10);
    index.recover();
    assert.deepEqual([index.pairs, index.reaches(100, 9)], [1, true]);
  });

  test("a change takes as many steps as it may, and no more", () => {
    const index = new ClosureIndex({ pairsMax: 1_000_000, stepsMax: 2000 });
    chain(index, 0, 100);
    chain(index, 200, 300);
    assert.equal(index.overflowed, false);
    index.addEdge(100, 200); // 101 times 101 new pairs
    assert.equal(index.overflowed, true);
    assert.equal(index.reaches(100, 300), undefined);
    assert.equal(index.reaches(200, 300), true);
    for (let calls = 0; index.overflowed; calls++) {
      assert.ok(calls < 20, "it is rebuilt a part at a time");
      index.recover();
    }
    assert.equal(index.reaches(0, 300), true);
  });

  test("an index that was emptied has no pairs and takes as little as before", () => {
    const index = new ClosureIndex({ pairsMax: 2_000_000 });
    const sizes: number[] = [];
    for (let round = 0; round < 3; round++) {
      chain(index, round * 10_000, round * 10_000 + 1200);
      index.addEdge(round * 10_000 + 900, round * 10_000 + 300);
      assert.ok(index.pairs > 100_000);
      unchain(index, round * 10_000, round * 10_000 + 1200);
      index.removeEdge(round * 10_000 + 900, round * 10_000 + 300);
      assert.deepEqual([index.pairs, index.hasCycles, index.overflowed], [0, false, false]);
      sizes.push(index.bytes);
    }
    assert.equal(sizes[2], sizes[1], "nothing leaks from round to round");
    assert.ok(sizes[2]! < 400_000, `${sizes[2]} bytes while empty`);
  });
});

function sorted(numbers: Uint32Array | undefined): number[] {
  assert.ok(numbers !== undefined);
  return [...numbers.sort()];
}
