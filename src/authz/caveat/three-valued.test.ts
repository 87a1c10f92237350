/** What is missing, and what is decided without it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, show } from "../../../test/authz/caveats.ts";

/** `e` fails, `u` and `v` are not given. */
const operands = { t: "true", f: "false", e: "(1 / z == 1)", u: "u", v: "v" } as const;
type Operand = keyof typeof operands;

const parameters = { u: "bool", v: "bool", z: "int", l: "list<int>", n: "int", m: "map<int>" };

function ask(expression: string, context: Record<string, unknown> = {}): string {
  return show(evaluate(expression, parameters, { context: { z: 0, ...context } }));
}

const letters: Readonly<Record<string, string>> = {
  t: "yes",
  f: "no",
  e: "caveat-failed",
  u: "unknown u",
  v: "unknown v",
  w: "unknown u v",
  x: "unknown v u",
};

/** Rows: the left operand; columns: the right one, in the order t f e u v. */
const tables: Readonly<Record<string, Readonly<Record<Operand, string>>>> = {
  "&&": { t: "tfeuv", f: "fffff", e: "efeuv", u: "ufuuw", v: "vfvxv" },
  "||": { t: "ttttt", f: "tfeuv", e: "teeuv", u: "tuuuw", v: "tvvxv" },
};

for (const [operator, table] of Object.entries(tables)) {
  for (const [left, row] of Object.entries(table) as [Operand, string][]) {
    for (const [at, right] of (Object.keys(operands) as Operand[]).entries()) {
      test(`${left} ${operator} ${right} is ${row[at]}`, () => {
        const expression = `${operands[left]} ${operator} ${operands[right]}`;
        assert.equal(ask(expression), letters[row[at] ?? ""]);
        // In a longer chain, too.
        const neutral = operator === "&&" ? "true" : "false";
        assert.equal(ask(`${expression} ${operator} ${neutral}`), letters[row[at] ?? ""]);
        assert.equal(ask(`${neutral} ${operator} (${expression})`), letters[row[at] ?? ""]);
      });
    }
  }
}

const cases: readonly (readonly [string, string])[] = [
  ["!u", "unknown u"],
  // The condition decides which branch is needed.
  ["true ? u : v", "unknown u"],
  ["false ? u : v", "unknown v"],
  ["u ? true : false", "unknown u"],
  ["u ? v : v", "unknown u"],
  ["1 / z == 1 ? true : false", "caveat-failed"],
  // Functions and operators need all of it.
  ["n == 1", "unknown n"],
  ["n + 1 > n * 2", "unknown n"],
  ["n in l", "unknown n l"],
  ["l[n] == 1", "unknown l n"],
  ["m.a == 1", "unknown m"],
  ["m['a'] == n", "unknown m n"],
  ["has(m.a)", "unknown m"],
  ["m[?'a'].orValue(1) == 1", "unknown m"],
  ["size(l) == 1", "unknown l"],
  ["[n, 1] == [1, 1]", "unknown n"],
  ["{'a': n, 'b': l[0]} == {}", "unknown n l"],
  ["-n == 1", "unknown n"],
  // Whatever n is, this fails.
  ["n + 1 / z == 1", "caveat-failed"],
  ["[n, 1 / z] == [1]", "caveat-failed"],
  ["n + 1 / z == 1 || true", "yes"],
  // Comprehensions over what is unknown are unknown, those with unknown conditions are folded.
  ["l.all(x, true)", "unknown l"],
  ["l.exists(x, false)", "unknown l"],
  ["l.map(x, x + n) == []", "unknown l"],
  ["[1, 2].all(x, x == n)", "unknown n"],
  ["[1, 2].all(x, x == 1 && u)", "no"],
  ["[1, 2].exists(x, x == 1 || u)", "yes"],
  ["[1, 2].exists(x, x == 3 && u)", "no"],
  ["[1, 2].exists(x, u || v)", "unknown u v"],
  ["[1, 2].all(x, x == 1 ? u : v)", "unknown u v"],
  ["[1, 2].exists_one(x, x == n)", "unknown n"],
  ["[1, 2].filter(x, x == n) == [1]", "unknown n"],
  ["[1, 2].map(x, x + n) == [1]", "unknown n"],
  ["[1, 0].all(x, 1 / x == 1)", "caveat-failed"],
  ["[1, 0].all(x, 1 / x == 1 && u)", "unknown u"],
  ["[].all(x, u)", "yes"],
  // Only what is needed is missing.
  ["(n == 1 && v) || !(u || n == 2)", "unknown n v u"],
  ["(n == 1 && false) || u", "unknown u"],
];

for (const [expression, expected] of cases) {
  test(`${expression}: ${expected}`, () => assert.equal(ask(expression), expected));
}

test("a name is told once, however often it is needed", () => {
  const many = Array.from({ length: 50 }, (_, at) => `n == ${at}`).join(" || ");
  assert.equal(ask(many), "unknown n");
  assert.equal(ask("[1, 2, 3, 4].exists(x, x == n || (u && v))"), "unknown n u v");
});
