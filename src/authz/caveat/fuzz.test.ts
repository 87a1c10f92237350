/** Whatever a schema or a context has in it: no crash, no hang. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compile } from "../../../test/authz/caveats.ts";
import { HoldfastError } from "../../model/errors.ts";
import type { CaveatContext } from "../../model/relationship.ts";

const parameters = {
  a: "any",
  i: "int",
  u: "uint",
  d: "double",
  s: "string",
  b: "bytes",
  t: "timestamp",
  w: "duration",
  ip: "ipaddress",
  l: "list<string>",
  m: "map<any>",
};

const tokens = [
  ..."()[]{}.,:?!<>+-*/%=&|'\"\\ \n;@#$",
  ..."&& || == != <= >= .? [? in true false null 0 1 -1 1u 1.5 1e9 0xff 'a' \"a\" r'\\d' b'\\xff' '''".split(
    " ",
  ),
  ..."a i u d s b t w ip l m x y".split(" "),
  ..."has( size( int( uint( double( string( bytes( bool( timestamp( duration( dyn( type( matches(".split(
    " ",
  ),
  ...".all(x, .exists(x, .exists_one(x, .map(x, .filter(x, .optMap(x, .orValue( .value() .hasValue()".split(
    " ",
  ),
  ...".contains( .startsWith( .matches( .in_cidr( .isSubtreeOf( .getHours( .size() optional.none() optional.of(".split(
    " ",
  ),
  ...".foo .bar ['k'] [0] // é 😀 \ud800 \u0000 9223372036854775808 __proto__".split(" "),
];

const texts = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(fc.constantFrom(...tokens), { maxLength: 25 }).map((all) => all.join("")),
  },
  {
    weight: 2,
    arbitrary: fc.array(fc.constantFrom(...tokens), { maxLength: 25 }).map((all) => all.join(" ")),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 100 }) },
);

/** Well-formed calls on values of any type, so that more of them compile. */
const calls = fc
  .tuple(
    fc.constantFrom(
      "a",
      "m.k",
      "dyn(i)",
      "dyn(l)",
      "dyn(s)",
      "dyn(d)",
      "dyn(t)",
      "dyn(ip)",
      "dyn(u)",
    ),
    fc.constantFrom(...tokens.filter((token) => token.startsWith(".") && token.endsWith("("))),
    fc.constantFrom("a", "dyn(s)", "dyn(i)", "s", "m", "dyn(b)", "dyn(w)"),
    fc.constantFrom("==", "<", "+", "-", "*", "/", "%", "in", "!=", ">=", "== -a +"),
  )
  .map(([receiver, call, argument, operator]) => {
    const called = `dyn(${receiver}${call}${argument}))`;
    return `dyn(${called} ${operator} a) == a || ${argument} == ${called}`;
  });

const contexts = fc.dictionary(
  fc.constantFrom(...Object.keys(parameters), "other"),
  fc.jsonValue(),
);

function tryAll(text: string, context: CaveatContext): boolean {
  const startedAt = performance.now();
  let evaluated = false;
  for (const dialect of ["native", "openfga"] as const) {
    const { caveat, problems } = compile(text, parameters, { dialect });
    assert.equal(
      caveat === null,
      problems.some(({ severity }) => severity === "error"),
    );
    for (const { at, end } of problems) {
      assert(at.line >= 1 && at.column >= 1 && end?.line !== 0);
    }
    if (caveat === null) continue;
    evaluated = true;
    assert(["yes", "no", "unknown", "error"].includes(caveat.evaluate(null, null).value));
    try {
      const asked = caveat.readContext(context, "asked");
      assert(["yes", "no", "unknown", "error"].includes(caveat.evaluate(null, asked).value));
    } catch (error) {
      assert(error instanceof HoldfastError && error.code === "caveat-context", String(error));
    }
  }
  assert(performance.now() - startedAt < 2000, "it must end quickly");
  return evaluated;
}

test("any text, any context", () => {
  fc.assert(
    fc.property(texts, contexts, (text, context) => void tryAll(text, context)),
    { numRuns: 5000 },
  );
});

test("operators and functions on values of any type", () => {
  let evaluated = 0;
  fc.assert(
    fc.property(calls, fc.jsonValue(), fc.jsonValue(), (text, a, k) => {
      const context = { a, m: { k }, i: 1, u: 2, d: 1.5, s: "x", l: ["y"], b: "AA==", w: "1s" };
      const times = { t: "2026-01-01T00:00:00Z", ip: "1.2.3.4" };
      if (tryAll(text, { ...context, ...times })) evaluated++;
    }),
    { numRuns: 3000 },
  );
  assert(evaluated > 500, `${evaluated} compiled`);
});
