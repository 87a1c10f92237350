import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Prng } from "../../std/prng.ts";
import { PairMap } from "./pair-map.ts";

describe("a pair map", () => {
  test("has what a map of strings has, through growing, deleting and shrinking", () => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = new Prng(seed);
      const [map, truth] = [new PairMap(), new Map<string, number>()];
      for (let step = 0; step < 60_000; step++) {
        // Waves: it grows to some thousands of pairs, is nearly emptied, and grows again.
        const growing = Math.floor(step / 15_000) % 2 === 0;
        const [first, second] = [1 + random.below(120), random.below(120)];
        const key = `${first} ${second}`;
        const before = truth.get(key) ?? 0;
        assert.equal(map.get(first, second), before, `seed ${seed}, step ${step}`);
        if (random.below(8) < (growing ? 6 : 1)) {
          assert.equal(map.add(first, second), before + 1);
          truth.set(key, before + 1);
        } else if (before > 1 && growing) {
          assert.equal(map.subtract(first, second), before - 1);
          truth.set(key, before - 1);
        } else if (before > 0) {
          map.delete(first, second);
          truth.delete(key);
        }
        assert.equal(map.size, truth.size);
      }
      for (const [key, value] of truth) {
        const [first = 0, second = 0] = key.split(" ").map(Number);
        assert.equal(map.get(first, second), value, `seed ${seed}`);
      }
    }
  });

  test("takes 16 to 20 bytes per pair when it is large, and gives them back", () => {
    const map = new PairMap();
    const least = map.bytes;
    for (let i = 1; i <= 200_000; i++) {
      map.add(i, i % 7);
      if (i < 20_000) continue;
      assert.ok(
        map.bytes <= 20.1 * i && map.bytes >= 15.9 * i,
        `${map.bytes} bytes for ${i} pairs`,
      );
    }
    for (let i = 1; i <= 200_000; i++) assert.equal(map.subtract(i, i % 7), 0);
    assert.equal(map.bytes, least);
  });

  test("sweeps what was abandoned instead of growing", () => {
    let [staleBelow, sweeps] = [0, 0];
    const map = new PairMap({ isStale: (first) => first < staleBelow, swept: () => sweeps++ });
    const row = 5000;
    let largest = 0;
    for (let first = 1; first <= 50; first++) {
      for (let second = 0; second < row; second++) map.insert(first, second, 1);
      largest = Math.max(largest, map.bytes);
      staleBelow = first + 1;
      map.abandon(row);
      assert.equal(map.size, 0);
    }
    assert.ok(sweeps >= 50, "each row was swept");
    assert.ok(largest <= row * 3 * 24, `${largest} bytes for rows of ${row}`);
  });

  test("refuses to subtract or delete what is not there, and to insert twice", () => {
    const map = new PairMap();
    map.insert(1, 2, 3);
    assert.throws(() => map.insert(1, 2, 3), /inserted once/);
    assert.throws(() => map.subtract(2, 1), /only what was added/);
    assert.throws(() => map.delete(1, 3), /only what was inserted/);
    assert.throws(() => map.add(0, 1), /positive/);
  });
});
