import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { didYouMean, nearest } from "./suggest.ts";

test("the nearest name is the one with the fewest slips", () => {
  const names = ["viewer", "editor", "owner", "view", "org/team/user"];
  const cases: Record<string, string | undefined> = {
    veiwer: "viewer",
    viewr: "viewer",
    vieweer: "viewer",
    viw: "view",
    ownr: "owner",
    "org/team/usr": "org/team/user",
    elephant: undefined,
    "": undefined,
    xy: undefined,
  };
  for (const [name, near] of Object.entries(cases)) assert.equal(nearest(name, names), near, name);
  assert.equal(nearest("view", ["view"]), undefined);
  assert.equal(didYouMean("viewr", names), 'Did you mean "viewer"?');
  assert.equal(didYouMean("elephant", names), undefined);
});

test("what is found is within the slips allowed, and nothing nearer was left out", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });
  fc.assert(
    fc.property(letters, fc.array(letters, { maxLength: 6 }), (name, candidates) => {
      const allowed = name.length <= 3 ? 1 : Math.min(4, Math.floor(name.length / 3));
      const slips = candidates
        .filter((candidate) => candidate !== name)
        .map((candidate) => plainDistance(name, candidate));
      const least = Math.min(...slips, allowed + 1);
      const found = nearest(name, candidates);
      if (name === "" || least > allowed) assert.equal(found, undefined);
      else assert.equal(plainDistance(name, found ?? ""), Math.max(least, 0));
    }),
  );
});

test("long names cost nothing", () => {
  assert.equal(nearest("a".repeat(1_000_000), ["a".repeat(999_999)]), undefined);
  assert.equal(nearest("abc", ["a".repeat(1_000_000)]), undefined);
});

/** The same by the book. */
function plainDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const swap =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? rows[i - 2]![j - 2]! + 1
          : 99;
      rows[i]![j] = Math.min(
        rows[i - 1]![j]! + 1,
        rows[i]![j - 1]! + 1,
        rows[i - 1]![j - 1]! + cost,
        swap,
      );
    }
  }
  return rows[a.length]![b.length]!;
}
