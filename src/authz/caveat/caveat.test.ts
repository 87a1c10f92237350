import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, evaluate, make, show } from "../../../test/authz/caveats.ts";
import { HoldfastError } from "../../model/errors.ts";

test("what is stored wins over what was asked, name by name", () => {
  const caveat = make("a == 1 && b == 2", { a: "int", b: "int" });
  const stored = caveat.readContext({ a: 1 }, "stored");
  const asked = caveat.readContext({ a: 7, b: 2, other: "x" }, "asked");
  assert.deepEqual(caveat.evaluate(stored, asked), { value: "yes" });
  assert.deepEqual(caveat.evaluate(null, asked), { value: "no" });
  assert.deepEqual(caveat.evaluate(stored, null), { value: "unknown", missing: ["b"] });
  assert.deepEqual(caveat.evaluate(null, null), { value: "unknown", missing: ["a", "b"] });
});

test("a stored null is a value", () => {
  const caveat = make("a == null", { a: "any" });
  const stored = caveat.readContext({ a: null }, "stored");
  const asked = caveat.readContext({ a: 1 }, "asked");
  assert.deepEqual(caveat.evaluate(stored, asked), { value: "yes" });
});

test("names that are no parameters are refused in what is stored", () => {
  const caveat = make("a == 1", { a: "int" });
  assert.throws(() => caveat.readContext({ b: 1 }, "stored"), isContextError("no parameter b"));
  assert.doesNotThrow(() => caveat.readContext({ b: 1 }, "asked"));
  for (const name of ["__proto__", "constructor", "toString"]) {
    const context = JSON.parse(`{ ${JSON.stringify(name)}: 1 }`);
    assert.throws(() => caveat.readContext(context, "stored"), isContextError("no parameter"));
    assert.equal(show(caveat.evaluate(null, caveat.readContext(context, "asked"))), "unknown a");
  }
});

test("a context of another caveat is a bug", () => {
  const [one, other] = [make("a == 1", { a: "int" }), make("a == 1", { a: "int" })];
  assert.throws(() => one.evaluate(other.readContext({ a: 1 }, "stored"), null), /this caveat/);
});

test("OpenFGA: every parameter must be there, even where the others decide", () => {
  const evaluateOpenfga = (context: Record<string, unknown>) =>
    show(evaluate("x < 100 || y < 50", { x: "int", y: "int" }, { dialect: "openfga", context }));
  assert.equal(evaluateOpenfga({ x: 10 }), "unknown y");
  assert.equal(evaluateOpenfga({ y: 10 }), "unknown x");
  assert.equal(evaluateOpenfga({}), "unknown x y");
  assert.equal(evaluateOpenfga({ x: 10, y: 100 }), "yes");
});

test("limits: parameters and text", () => {
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`p${at}`, "int"]));
  const { caveat, problems } = compile("true", many);
  assert.equal(caveat, null);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ["too-many-parameters"],
  );
  const hundred = Object.fromEntries(Object.entries(many).slice(0, 100));
  assert.notEqual(compile("true", hundred).caveat, null);
  const long = compile(`"${"é".repeat(4096)}" == "a"`);
  assert.deepEqual(
    long.problems.map(({ code }) => code),
    ["caveat-too-long"],
  );
});

const wrong: readonly {
  readonly expression: string;
  readonly parameters?: Record<string, string>;
  readonly code: string;
  readonly at: readonly [number, number];
  readonly suggestion?: string;
}[] = [
  { expression: "a +", parameters: { a: "int" }, code: "caveat-syntax", at: [3, 8] },
  { expression: "a =< 1", parameters: { a: "int" }, code: "caveat-syntax", at: [3, 7] },
  { expression: "", code: "caveat-syntax", at: [3, 5] },
  { expression: "'open", code: "caveat-syntax", at: [3, 5] },
  { expression: "9223372036854775808 > 0", code: "caveat-syntax", at: [3, 5] },
  { expression: "b'é' == b''", code: "caveat-syntax", at: [3, 5] },
  {
    expression: "true &&\n  limt > 1",
    parameters: { limit: "int" },
    code: "caveat-unknown-name",
    at: [4, 3],
    suggestion: 'Did you mean "limit"?',
  },
  {
    expression: "s.startWith('a')",
    parameters: { s: "string" },
    code: "caveat-unknown-function",
    at: [3, 5],
    suggestion: 'Did you mean "startsWith"?',
  },
  {
    expression: "a + b == a",
    parameters: { a: "uint", b: "bool" },
    code: "caveat-type",
    at: [3, 5],
  },
  { expression: "a[0] == 1", parameters: { a: "int" }, code: "caveat-type", at: [3, 5] },
  { expression: "a['x'] == 1", parameters: { a: "list<int>" }, code: "caveat-type", at: [3, 5] },
  { expression: "a[42] == 1", parameters: { a: "map<int>" }, code: "caveat-type", at: [3, 5] },
  { expression: "a.x == 1", parameters: { a: "int" }, code: "caveat-field", at: [3, 7] },
  { expression: "has(a.x)", parameters: { a: "string" }, code: "caveat-field", at: [3, 5] },
  { expression: "has(a)", parameters: { a: "map<int>" }, code: "caveat-has", at: [3, 5] },
  { expression: "a == 'x'", parameters: { a: "bytes" }, code: "caveat-type", at: [3, 5] },
  { expression: "a == true", parameters: { a: "double" }, code: "caveat-type", at: [3, 5] },
  { expression: "a > '1h'", parameters: { a: "duration" }, code: "caveat-type", at: [3, 5] },
  { expression: "a == '2026'", parameters: { a: "timestamp" }, code: "caveat-type", at: [3, 5] },
  { expression: "a == 1.0", parameters: { a: "int" }, code: "caveat-type", at: [3, 5] },
  { expression: "a < a", parameters: { a: "ipaddress" }, code: "caveat-type", at: [3, 5] },
  { expression: "1 in a", parameters: { a: "list<string>" }, code: "caveat-type", at: [3, 5] },
  { expression: "1 in a", parameters: { a: "int" }, code: "caveat-type", at: [3, 5] },
  { expression: "!a", parameters: { a: "int" }, code: "caveat-type", at: [3, 6] },
  { expression: "a && true", parameters: { a: "int" }, code: "caveat-type", at: [3, 5] },
  { expression: "a ? true : false", parameters: { a: "int" }, code: "caveat-type", at: [3, 5] },
  { expression: "(a ? 1 : 'x') == 1", parameters: { a: "bool" }, code: "caveat-type", at: [3, 6] },
  { expression: "a.all(x, x)", parameters: { a: "list<int>" }, code: "caveat-type", at: [3, 14] },
  { expression: "a.all(x, true)", parameters: { a: "int" }, code: "caveat-type", at: [3, 5] },
  {
    expression: "a.all(1, true)",
    parameters: { a: "list<int>" },
    code: "caveat-syntax",
    at: [3, 11],
  },
  { expression: "a", parameters: { a: "int" }, code: "caveat-not-bool", at: [3, 5] },
  {
    expression: "a.b",
    parameters: { a: "map<any>" },
    code: "caveat-not-bool",
    at: [3, 5],
    suggestion: "Compare it: … == true",
  },
  { expression: "a.matches('(')", parameters: { a: "string" }, code: "caveat-pattern", at: [3, 5] },
  {
    expression: "a.matches('(a)\\\\1')",
    parameters: { a: "string" },
    code: "caveat-pattern",
    at: [3, 5],
  },
  {
    expression: "a.matches('a(?=b)')",
    parameters: { a: "string" },
    code: "caveat-pattern",
    at: [3, 5],
  },
  { expression: "-a == 1u", parameters: {}, code: "caveat-unknown-name", at: [3, 6] },
  { expression: "-1u == 1u", parameters: {}, code: "caveat-type", at: [3, 5] },
  { expression: "{1.5: 1} == {}", code: "caveat-type", at: [3, 6] },
  {
    expression: "ipaddress('1.2.3.4') == a",
    parameters: { a: "ipaddress" },
    code: "caveat-unknown-function",
    at: [3, 5],
  },
  { expression: "a.value()", parameters: { a: "bool" }, code: "caveat-type", at: [3, 5] },
];

for (const { expression, parameters, code, at, suggestion } of wrong) {
  test(`${code}: ${JSON.stringify(expression)}`, () => {
    const { caveat, problems } = compile(expression, parameters);
    assert.equal(caveat, null);
    const [problem] = problems.filter(({ severity }) => severity === "error");
    assert(problem !== undefined);
    assert.deepEqual(
      [problem.code, problem.at.line, problem.at.column],
      [code, ...at],
      problem.message,
    );
    if (suggestion !== undefined) assert.equal(problem.suggestion, suggestion);
  });
}

test("each name that does not exist is told of", () => {
  const { problems } = compile("a + b > c", { c: "int" });
  assert.deepEqual(
    problems.map(({ message }) => message),
    ["There is no parameter a", "There is no parameter b"],
  );
});

test("parameters that nothing looks at are warned of", () => {
  const { caveat, problems } = compile("a == 1 || [1].exists(b, b == 1)", { a: "int", b: "int" });
  assert.notEqual(caveat, null);
  assert.deepEqual(
    problems.map(({ code, severity }) => [code, severity]),
    [["unused-parameter", "warning"]],
  );
});

test("a variable hides a parameter, and only within its macro", () => {
  const parameters = { x: "int", l: "list<string>" };
  const context = { x: 1, l: ["a"] };
  assert.equal(show(evaluate("l.all(x, x == 'a') && x == 1", parameters, { context })), "yes");
});

test("what always fails is warned of", () => {
  const { caveat, problems } = compile("t < timestamp('tomorrow')", { t: "timestamp" });
  assert.notEqual(caveat, null);
  assert.deepEqual(
    problems.map(({ code, at }) => [code, at.column]),
    [["caveat-constant", 9]],
  );
});

test("the languages differ in uint, ipaddress() and optional values", () => {
  assert.notEqual(compile("a < 5", { a: "uint" }).caveat, null);
  assert.equal(compile("a < 5", { a: "uint" }, { dialect: "openfga" }).caveat, null);
  assert.notEqual(compile("a < 5u", { a: "uint" }, { dialect: "openfga" }).caveat, null);
  const openfga = { dialect: "openfga" } as const;
  assert.equal(
    show(evaluate("ipaddress('192.168.0.1').in_cidr('192.168.0.0/24')", {}, openfga)),
    "yes",
  );
  assert.equal(
    show(evaluate("ipaddress('192.168.0').in_cidr('192.168.0.0/24')", {}, openfga)),
    "caveat-failed",
  );
  assert.notEqual(compile("m[?'a'].orValue(true)", { m: "map<bool>" }).caveat, null);
  assert.equal(compile("m[?'a'].orValue(true)", { m: "map<bool>" }, openfga).caveat, null);
  assert.equal(compile("m.isSubtreeOf(m)", { m: "map<any>" }, openfga).caveat, null);
});

function isContextError(text: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof HoldfastError &&
    error.code === "caveat-context" &&
    error.message.includes(text);
}
