/** `uint`: a type of its own in CEL, and in SpiceDB's language also what stands beside ints. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, evaluate, show } from "../../../test/authz/caveats.ts";

const parameters = { a: "uint", b: "uint", n: "int", l: "list<uint>", m: "map<uint>", big: "uint" };
const context = {
  a: 5,
  b: 7,
  n: 9,
  l: [1, 5],
  m: { x: 5 },
  big: "18446744073709551615",
};

const holds = [
  // As SpiceDB has it: beside ints.
  "a < 6 && 6 > a && a == 5 && 5 == a && a != 6",
  "a < n && a + n == 14 && n - a == 4",
  "b + 1 == 8 && a * 2 == 10 && a - 6 == -1 && b / 2 == 3 && b % 2 == 1 && -a == -5",
  "a in [1, 5] && 5 in l && l == [1, 5] && l[0] + 1 == 2 && m.x == 5 && m == {'x': 5}",
  "l.all(x, x < 6) && l.exists(x, x == 5) && l.map(x, x + 1) == [2, 6]",
  "[1, 2, 3, 4, 5, 6][a] == 6 && {5: true}[a]",
  "timestamp(a) == timestamp(5) && int(a) == 5 && double(a) == 5.0 && string(a) == '5'",
  "big > 9223372036854775807",
  // As CEL has it.
  "a < 6u && 6u > a && a == 5u && 5u == a && a != 6u && a < uint(n)",
  "uint(a) == a && uint(a) == 5u && a + 1u == 6u && type(a) == uint",
  "a in [1u, 5u] && 5u in l && l == [1u, 5u] && l[0] + 1u == 2u && m.x == 5u && {5u: true}[a]",
  "l.all(x, x < 6u) && l.map(x, x + 1u) == [2u, 6u]",
  "big == 18446744073709551615u && big > 9223372036854775807u",
  // With each other they are what they are in CEL, and the result may again stand beside both.
  "a + b == 12 && a + b == 12u && b - a == 2u && a * b < 36 && b / a == 1 && b % a == 2",
  // One or the other: what joins them is what they come to.
  "(n > 0 ? a : 1) + 1 == 6 && (n > 0 ? a : 1u) + 1u == 6u",
  "[a, 1].map(x, x + 1) == [6, 2] && [a, 1u].map(x, x + 1u) == [6u, 2u] && (l + [1]).size() == 3",
  "{'x': a, 'y': 1}.y == 1 && m[?'x'].orValue(1) + 1 == 6 && m[?'z'].orValue(1) - 2 == -1",
  "{a: 1}.all(key, key == 5u)",
];

for (const expression of holds) {
  test(`true: ${expression}`, () => {
    assert.equal(show(evaluate(expression, parameters, { context })), "yes");
  });
}

test("what CEL does not compute fails: below zero, beyond 64 bits, an int beyond 63", () => {
  for (const expression of [
    "a - b < 1",
    "a - 6u < 1u",
    "big + 1u > 0u",
    "big + 1 > 0",
    "-big < 0",
  ]) {
    assert.equal(show(evaluate(expression, parameters, { context })), "caveat-failed", expression);
  }
});

test("a uint that is no parameter stands beside ints in neither language", () => {
  const refused = [
    "uint(n) == 1",
    "1u < 2",
    "uint(n) + 1 == 2",
    "a + 1u == 6",
    "uint(n) + n > 0",
    "-uint(n) < 0",
    "1u in [1]",
    "n == 1u",
    "size('x') == 1u",
    "(true ? 1u : 1) == 1",
    "a == 5.0",
    "a + 1.0 > 0.0",
    "a + 'x' == 'x'",
    "a in [1.0]",
    "a && true",
  ];
  for (const dialect of ["native", "openfga"] as const) {
    for (const expression of refused) {
      assert.equal(compile(expression, parameters, { dialect }).caveat, null, expression);
    }
  }
});

test("in OpenFGA's language a parameter is a uint, and nothing else", () => {
  const openfga = { dialect: "openfga" } as const;
  for (const expression of ["a < 6", "a + 1 == 6u", "-a < 0", "a in [1]", "l == [1]"]) {
    assert.equal(compile(expression, parameters, openfga).caveat, null, expression);
  }
  for (const expression of ["a < 6u", "a + 1u == 6u", "uint(a) == a", "a in [5u]"]) {
    assert.equal(show(evaluate(expression, parameters, { ...openfga, context })), "yes");
  }
});

test("what is refused is named as it was declared", () => {
  const { problems } = compile("a == 'x'", parameters);
  assert.equal(problems[0]?.message, "== does not take uint and string");
});

test("a parameter that is missing stays unknown, whatever it stands beside", () => {
  for (const expression of ["a < 6", "a + 1 < 6", "-a < 0", "[a, 1][0] == 1", "a < 6u"]) {
    assert.equal(show(evaluate(expression, parameters)), "unknown a", expression);
  }
});
