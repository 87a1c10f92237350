import assert from "node:assert/strict";
import { test } from "node:test";
import { type Column, cut, formatTable, oneLineJson, pad, widthOf } from "./table.ts";

interface Row {
  readonly name: string;
  readonly count: number;
}

const columns: readonly Column<Row>[] = [
  { title: "name", cell: ({ name }) => name, flexible: true },
  { title: "count", cell: ({ count }) => String(count), align: "right" },
];

test("columns line up, numbers at the right", () => {
  const rows = [
    { name: "a", count: 1 },
    { name: "abcdef", count: 1234567 },
  ];
  assert.equal(
    formatTable(columns, rows, Number.POSITIVE_INFINITY),
    ["name      count", "a             1", "abcdef  1234567"].join("\n"),
  );
});

test("wide characters take the two columns that they take on a terminal", () => {
  assert.deepEqual(["abc", "é", "漢字", "👩‍🚀", "✓", "e\u0301"].map(widthOf), [3, 1, 4, 2, 1, 1]);
  assert.equal(pad("漢字", 6), "漢字  ");
  assert.equal(cut("漢字漢字", 6), "漢字…");
});

test("a table that is too wide loses from its flexible columns, and from no other", () => {
  const text = formatTable(columns, [{ name: "x".repeat(50), count: 123456 }], 24);
  assert.equal(
    text,
    `name              count\n${"x".repeat(15)}…  123456`.replace("name   ", "name    "),
  );
  for (const line of text.split("\n")) assert.ok(widthOf(line) <= 24);
});

test("no cell can move the cursor or break its line", () => {
  const text = formatTable(columns, [{ name: "a\u001b[2Jb\nc\u009b", count: 1 }]);
  assert.match(text, /^a\\x1b\[2Jb⏎c\\x9b +1$/m);
  assert.equal(oneLineJson({ a: "\u009b" }).includes("\u009b"), false);
});
