/**
 * Expressions made at random, against an evaluator so naive that it is right: with all parameters the
 * two agree; with some missing, what is decided holds for all that they might be.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { make } from "../../../test/authz/caveats.ts";
import type { Caveat } from "./caveat.ts";

interface Context {
  readonly a: number;
  readonly b: number;
  readonly p: boolean;
  readonly q: boolean;
  readonly s: string;
  readonly l: readonly number[];
  readonly m: Readonly<Record<string, number>>;
}

type Scope = Context & { readonly x?: number };
type Plain = boolean | number | string | readonly number[];

/** Text, and the same as a function; it throws where the expression fails. */
interface Node<T extends Plain> {
  readonly text: string;
  readonly run: (scope: Scope) => T;
}

const parameters = {
  a: "int",
  b: "int",
  p: "bool",
  q: "bool",
  s: "string",
  l: "list<int>",
  m: "map<int>",
};

const small = fc.integer({ min: -2, max: 2 });
const word = fc.constantFrom("", "k", "kk", "é");

const contexts: fc.Arbitrary<Context> = fc.record({
  a: small,
  b: small,
  p: fc.boolean(),
  q: fc.boolean(),
  s: word,
  l: fc.array(small, { maxLength: 3 }),
  m: fc.dictionary(fc.constantFrom("k", "kk"), small),
});

function node<T extends Plain>(text: string, run: (scope: Scope) => T): Node<T> {
  return { text, run };
}

function stop(): never {
  throw new RangeError("the expression fails");
}

/** `x` is always a variable: where no macro binds it, one is put around the whole. */
const { condition } = fc.letrec<{
  condition: Node<boolean>;
  number: Node<number>;
  words: Node<string>;
  list: Node<readonly number[]>;
}>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(
      node("p", ({ p }) => p),
      node("q", ({ q }) => q),
      node("true", () => true),
      node("false", () => false),
    ),
    binary(tie("condition"), "&&", (one, other) => and(one, other)),
    binary(
      tie("condition"),
      "||",
      (one, other) =>
        !and(
          () => !one(),
          () => !other(),
        ),
    ),
    tie("condition").map(({ text, run }) => node(`!(${text})`, (scope) => !run(scope))),
    fc
      .tuple(tie("condition"), tie("condition"), tie("condition"))
      .map(([when, yes, no]) =>
        node(`(${when.text} ? ${yes.text} : ${no.text})`, (scope) =>
          when.run(scope) ? yes.run(scope) : no.run(scope),
        ),
      ),
    binary(tie("number"), "==", (one, other) => one() === other()),
    binary(tie("number"), "<", (one, other) => one() < other()),
    binary(tie("number"), ">=", (one, other) => one() >= other()),
    binary(tie("words"), "==", (one, other) => one() === other()),
    binary(tie("list"), "==", (one, other) => String(one()) === String(other())),
    fc.tuple(tie("number"), tie("list")).map(([one, list]) =>
      node(`(${one.text} in ${list.text})`, (scope) => {
        const value = one.run(scope);
        return list.run(scope).includes(value);
      }),
    ),
    fc.tuple(tie("words"), tie("words")).map(([one, other]) =>
      node(`${one.text}.startsWith(${other.text})`, (scope) => {
        const value = one.run(scope);
        return value.startsWith(other.run(scope));
      }),
    ),
    fc.constant(node("has(m.k)", ({ m }) => Object.hasOwn(m, "k"))),
    macro(tie("list"), tie("condition"), "all", (list, body) =>
      list
        .map((x) => () => body(x))
        .reduce<() => boolean>(
          (one, other) => () => and(one, other),
          () => true,
        )(),
    ),
    macro(
      tie("list"),
      tie("condition"),
      "exists",
      (list, body) =>
        !list
          .map((x) => () => !body(x))
          .reduce<() => boolean>(
            (one, other) => () => and(one, other),
            () => true,
          )(),
    ),
    macro(
      tie("list"),
      tie("condition"),
      "exists_one",
      (list, body) => list.filter(body).length === 1,
    ),
  ),
  number: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(
      node("a", ({ a }) => a),
      node("b", ({ b }) => b),
      node("x", ({ x }) => x ?? stop()),
    ),
    small.map((value) => node(String(value), () => value)),
    binary(tie("number"), "+", (one, other) => one() + other()),
    binary(tie("number"), "-", (one, other) => one() - other()),
    binary(tie("number"), "*", (one, other) => one() * other() + 0),
    binary(tie("number"), "/", (one, other) => {
      const [left, right] = [one(), other()];
      return right === 0 ? stop() : Math.trunc(left / right) + 0;
    }),
    fc.constantFrom(
      node("m.k", ({ m }) => m["k"] ?? stop()),
      node("size(s)", ({ s }) => s.length),
    ),
    fc.tuple(tie("list"), tie("number")).map(([list, at]) =>
      node(`${list.text}[${at.text}]`, (scope) => {
        const values = list.run(scope);
        return values[at.run(scope)] ?? stop();
      }),
    ),
    tie("list").map(({ text, run }) => node(`size(${text})`, (scope) => run(scope).length)),
  ),
  words: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constant(node("s", ({ s }) => s)),
    word.map((value) => node(`'${value}'`, () => value)),
    binary(tie("words"), "+", (one, other) => one() + other()),
  ),
  list: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant(node("l", ({ l }) => l)),
    fc
      .array(tie("number"), { maxLength: 2 })
      .map((items) =>
        node(`[${items.map(({ text }) => text).join(", ")}]`, (scope) =>
          items.map(({ run }) => run(scope)),
        ),
      ),
    macro(tie("list"), tie("condition"), "filter", (list, body) => list.filter(body)),
    macro(tie("list"), tie("number"), "map", (list, body) => list.map(body)),
  ),
}));

function binary<T extends Plain, R extends Plain>(
  operand: fc.Arbitrary<Node<T>>,
  operator: string,
  apply: (one: () => T, other: () => T) => R,
): fc.Arbitrary<Node<R>> {
  return fc.tuple(operand, operand).map(([one, other]) =>
    node(`(${one.text} ${operator} ${other.text})`, (scope) =>
      apply(
        () => one.run(scope),
        () => other.run(scope),
      ),
    ),
  );
}

function macro<T extends Plain, R extends Plain>(
  range: fc.Arbitrary<Node<readonly number[]>>,
  body: fc.Arbitrary<Node<T>>,
  name: string,
  apply: (list: readonly number[], body: (x: number) => T) => R,
): fc.Arbitrary<Node<R>> {
  return fc
    .tuple(range, body)
    .map(([list, each]) =>
      node(`${list.text}.${name}(x, ${each.text})`, (scope) =>
        apply(list.run(scope), (x) => each.run({ ...scope, x })),
      ),
    );
}

/** Fails only if nothing decides. */
function and(one: () => boolean, other: () => boolean): boolean {
  let left: boolean | undefined;
  try {
    left = one();
  } catch {
    if (!other()) return false;
    return stop();
  }
  return left && other();
}

function expected({ run }: Node<boolean>, context: Context): string {
  try {
    return run({ ...context, x: 1 }) ? "yes" : "no";
  } catch (error) {
    assert(error instanceof RangeError);
    return "error";
  }
}

function makeCaveat({ text }: Node<boolean>): Caveat {
  return make(`[1].map(x, ${text})[0]`, parameters);
}

test("with all parameters it agrees with the naive evaluator", () => {
  fc.assert(
    fc.property(condition, contexts, (expression, context) => {
      const caveat = makeCaveat(expression);
      const result = caveat.evaluate(null, caveat.readContext({ ...context }, "asked"));
      assert.equal(result.value, expected(expression, context));
    }),
    { numRuns: 3000 },
  );
});

test("with some of them, what is decided holds for all completions", () => {
  const names = fc.subarray(Object.keys(parameters));
  const completions = fc.array(contexts, { minLength: 8, maxLength: 8 });
  let [decided, open] = [0, 0];
  fc.assert(
    fc.property(condition, contexts, names, completions, (expression, context, given, others) => {
      const caveat = makeCaveat(expression);
      const known = Object.fromEntries(
        Object.entries(context).filter(([name]) => given.includes(name)),
      );
      const result = caveat.evaluate(caveat.readContext(known, "stored"), null);
      if (result.value === "unknown") {
        open++;
        assert(result.missing.length > 0);
        assert.equal(new Set(result.missing).size, result.missing.length);
        for (const name of result.missing) assert(!given.includes(name) && name in parameters);
        return;
      }
      decided++;
      for (const other of [context, ...others]) {
        assert.equal(expected(expression, { ...other, ...known }), result.value);
      }
    }),
    { numRuns: 3000 },
  );
  assert(decided > 300 && open > 300, `${decided} decided, ${open} open`);
});
