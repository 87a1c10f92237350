import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Explanation } from "../../model/authz.ts";
import { layOut } from "./layout.ts";
import { explanationLines } from "./lines.ts";
import { drawExplanation } from "./picture.ts";

const leaf = (what: string, more: Partial<Explanation> = {}): Explanation => ({
  what,
  kind: "relation",
  verdict: "no",
  micros: 0,
  children: [],
  ...more,
});

const trees: fc.Arbitrary<Explanation> = fc.letrec<{ node: Explanation }>((tie) => ({
  node: fc.record({
    what: fc.string({ unit: "binary", maxLength: 80 }),
    kind: fc.constantFrom("permission", "relation", "operator", "arrow", "relationship", "caveat"),
    verdict: fc.constantFrom("yes", "no", "conditional"),
    note: fc.string({ maxLength: 30 }),
    micros: fc.nat(),
    children: fc.oneof(
      { maxDepth: 4 },
      fc.constant([]),
      fc.array(tie("node") as fc.Arbitrary<Explanation>, { maxLength: 4 }),
    ),
  }),
})).node;

const measures = {
  charWidth: 8,
  detailCharWidth: 7,
  padding: 10,
  rowHeight: 50,
  columnGap: 30,
  charsMax: 60,
  nodesMax: 300,
};

test("no two boxes overlap, children stand right of their parent, and all lie within", () => {
  fc.assert(
    fc.property(trees, (tree) => {
      const { boxes, width, height } = layOut(tree, measures);
      for (const [index, box] of boxes.entries()) {
        assert.ok(box.x >= 0 && box.x + box.width <= width);
        assert.ok(box.y >= 25 && box.y <= height - 25);
        if (box.parent !== null) assert.ok(box.x > box.parent.x + box.parent.width);
        for (const other of boxes.slice(index + 1)) {
          const apart =
            Math.abs(box.y - other.y) >= 50 ||
            box.x + box.width <= other.x ||
            other.x + other.width <= box.x;
          assert.ok(apart, `${box.text} and ${other.text}`);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("nothing of an id is markup: hostile ids are text", () => {
  const hostile = `"><script>alert(1)</script><a href='javascript:x'>&\u0000\u001b\ud800]]>`;
  const svg = drawExplanation(leaf(hostile, { note: hostile, children: [leaf(hostile)] }), {
    title: hostile,
  });
  assert.doesNotMatch(svg, /<script|<a |\p{Cs}/u);
  assert.doesNotMatch(svg.replaceAll("\n", ""), /\p{Cc}/u);
  const tags = new Set([...svg.matchAll(/<\/?([a-z]+)/g)].map(([, tag]) => tag));
  assert.deepEqual(tags, new Set(["svg", "title", "rect", "text", "g", "tspan", "path"]));
});

test("whatever the texts are, the markup is the same", () => {
  const bones = (tree: Explanation): string =>
    drawExplanation(tree)
      .replace(/>[^<]*</g, "><")
      .replace(/ (?:width|height|viewBox|x|d)="[^"]*"/g, "");
  const blank = (tree: Explanation): Explanation => ({
    ...tree,
    what: "x",
    children: tree.children.map(blank),
  });
  fc.assert(
    fc.property(trees, (tree) => {
      assert.equal(bones(tree), bones(blank(tree)));
    }),
    { numRuns: 200 },
  );
});

test("the verdict is told by a mark, a colour and a word, and what was not evaluated is dashed", () => {
  const svg = drawExplanation(
    leaf("a:1#p", {
      verdict: "yes",
      children: [
        leaf("a:1#q", { note: "not-evaluated" }),
        leaf("a:1#r", { verdict: "conditional" }),
      ],
    }),
  );
  assert.match(svg, /<title>a:1#p: yes<\/title><rect[^>]*#1a7f37/);
  assert.match(
    svg,
    /<title>a:1#q \(not-evaluated\): not evaluated<\/title><rect[^>]*stroke-dasharray/,
  );
  assert.match(svg, /<title>a:1#r: conditional<\/title><rect[^>]*#9a6700/);
});

test("a tree of many nodes is cut, and says so", () => {
  const children = Array.from({ length: 2_000 }, (_, index) => leaf(`a:${index}#p`));
  const svg = drawExplanation(leaf("a:1#p", { children }));
  assert.match(svg, /2000 of 2000 not drawn/);
});

test("a tree is lines whose branches line up", () => {
  const tree = leaf("root", {
    micros: 1_500,
    children: [leaf("a", { children: [leaf("b", { micros: 12 })] }), leaf("c")],
  });
  assert.deepEqual(
    explanationLines(tree).map(({ branch, node, time }) =>
      `${branch}${node.what} ${time}`.trimEnd(),
    ),
    ["root 1.5 ms", "├─ a", "│  └─ b 12 µs", "└─ c"],
  );
});
