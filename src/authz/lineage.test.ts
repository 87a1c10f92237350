import assert from "node:assert/strict";
import { test } from "node:test";
import { Lineage } from "./lineage.ts";
import { Zookies } from "./zookie.ts";

const key = Buffer.alloc(32, 7);

function begun(id: number, kept: string | null, from: number): Lineage {
  const lineage = new Lineage(id);
  lineage.begin(kept, from);
  return lineage;
}

test("zookies of one opening are those of the next, and of the one after that", () => {
  const first = begun(1, null, 1);
  const given = [1, 2, 3].map((revision) => new Zookies(key, first).make(revision));
  const second = begun(2, first.keep(), 4);
  given.push(new Zookies(key, second).make(4));
  const third = new Zookies(key, begun(3, second.keep(), 5));
  assert.deepEqual(
    given.map((zookie) => third.read(zookie)),
    [1, 2, 3, 4],
  );
});

test("what was lost when the store was set back stays lost, also when its revision is given again", () => {
  const copied = begun(1, null, 1).keep();
  const lost = begun(2, copied, 4);
  const zookies = new Zookies(key, lost);
  const zookie = zookies.make(5);
  const cursor = zookies.makeCursor("question", { revision: 5, at: "x" });
  const restored = new Zookies(key, begun(3, copied, 4));
  assert.throws(() => restored.read(zookie), { code: "zookie-future" });
  assert.throws(() => restored.readCursor("question", cursor), { code: "zookie-future" });
  assert.equal(restored.read(zookies.make(3)), 3, "what was there before is there");
  assert.notEqual(restored.make(5), zookie);
});

test("it is kept once, and again when what was not durable was taken back", () => {
  const lineage = begun(1, null, 1);
  const kept = lineage.keep();
  assert.ok(kept !== null);
  assert.equal(lineage.keep(), null);
  lineage.begin(null, 1);
  assert.equal(lineage.keep(), kept);
});

test("after very many restarts the oldest zookies are refused, and the others are not", () => {
  let kept: string | null = null;
  const given: string[] = [];
  for (let opening = 1; opening <= 1_200; opening++) {
    const lineage = begun(opening, kept, opening);
    given.push(new Zookies(key, lineage).make(opening));
    kept = lineage.keep();
  }
  const zookies = new Zookies(key, begun(9_999, kept, 1_201));
  assert.equal(zookies.read(given[1_000] ?? ""), 1_001);
  assert.throws(() => zookies.read(given[100] ?? ""), { code: "zookie-expired" });
});
