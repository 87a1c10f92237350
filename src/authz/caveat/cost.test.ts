import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, evaluate, make, show } from "../../../test/authz/caveats.ts";

const numbers = Array.from({ length: 2000 }, (_, at) => at);
const text = "a".repeat(30_000);
const parameters = { l: "list<int>", s: "string", a: "any", b: "bytes" };
const context = { l: numbers, s: text, a: numbers, b: Buffer.from(text).toString("base64") };

const expensive = [
  "l.all(x, l.all(y, l.all(z, x + y + z >= 0)))",
  "l.exists(x, l.exists(y, x + y < 0))",
  "l.map(x, l.map(y, x * y)) == []",
  "l.filter(x, l.exists_one(y, x == y)) == []",
  "[1, 2, 3, 4, 5, 6, 7, 8].all(i, [1, 2, 3, 4, 5, 6, 7, 8].all(j, [s, s, s].map(t, t + t + t + t) != []))",
  "l.all(x, s.contains('b') == false)",
  "l.all(x, s.matches('^a*b') == false)",
  "s.matches('^(a|a|a|a|a|a|a|a|aa|aaa|aaaa)*b$')",
  "l.all(x, 'x'.matches(['\\\\pL{1000}'][0]) == false)",
  "l.all(x, a == l)",
  "l.all(x, size(s) > 0)",
  "l.all(x, s == s)",
  "l.all(x, s < s + 'a')",
  "l.all(x, b == b)",
  "l.all(x, !(-1 in l))",
  "l.all(x, l + l != [])",
  "l.all(x, string(b) == s)",
  // Absorbing the error would be no escape.
  "l.all(x, l.all(y, l.all(z, true))) || true",
];

for (const expression of expensive) {
  test(`costs too much, and ends quickly: ${expression}`, () => {
    const caveat = make(expression, parameters);
    const asked = caveat.readContext(context, "asked");
    const startedAt = performance.now();
    const result = caveat.evaluate(null, asked);
    assert(performance.now() - startedAt < 1000);
    assert.equal(show(result), "caveat-cost");
  });
}

test("the limit is exact", () => {
  const cost = (limit: number) =>
    show(
      evaluate(
        "x < y && x > 0",
        { x: "int", y: "int" },
        {
          context: { x: 1, y: 2 },
          limits: { authzCaveatCost: limit },
        },
      ),
    );
  assert.equal(cost(5), "caveat-cost"); // &&, <, >, and x twice, y once
  assert.equal(cost(6), "yes");
});

test("patterns that hang a backtracking engine do not", () => {
  const context = { s: `${"a".repeat(60)}!` };
  const result = evaluate("s.matches('^(a+)+$')", { s: "string" }, { context });
  assert.equal(show(result), "no");
});

const deep = [
  `${"!".repeat(8000)}true`,
  `${"-".repeat(8000)}1 == 1`,
  `${"(".repeat(4000)}true${")".repeat(4000)}`,
  `${"[".repeat(4000)}${"]".repeat(4000)} == []`,
  `1${" + 1".repeat(2000)} == 2`,
  `m${".a".repeat(4000)} == 1`,
  `${"true ? ".repeat(500)}true${" : false".repeat(500)}`,
  `${"dyn(".repeat(1500)}1${")".repeat(1500)} == 1`,
  `${"[1].map(x, ".repeat(600)}x${")".repeat(600)} == []`,
];

for (const expression of deep) {
  test(`too deep: ${expression.slice(0, 40)}…`, () => {
    const { caveat, problems } = compile(expression, { m: "any" });
    assert.equal(caveat, null);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ["caveat-nesting"],
    );
  });
}

test("a long chain is not deep", () => {
  const chain = Array.from({ length: 1000 }, (_, at) => `n==${at}`).join("||");
  assert.equal(show(evaluate(chain, { n: "int" }, { context: { n: 999 } })), "yes");
  const and = Array.from({ length: 1000 }, () => "n>0").join("&&");
  assert.equal(show(evaluate(and, { n: "int" }, { context: { n: 999 } })), "yes");
});
