/** Whatever is given to the parser: it never throws, ends soon, and says something of use. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { suiteFolder } from "../../../../test/suites.ts";
import { defaultLimits } from "../../../model/limits.ts";
import { lintSchema } from "../lint.ts";
import { reflectSchema } from "../reflect.ts";
import type { Position } from "../schema.ts";
import { generateTypes } from "../types.ts";
import { parseNativeSchema } from "./parse.ts";
import { printNativeSchema } from "./print.ts";

const everything = `use expiration
use self
use typechecking
use partial
// Who.
definition user {}
caveat org/cond(aaa int, bbb map<list<string>>) { aaa > 1 && bbb["}"] == ['x'] }
partial shared { relation owner: user | user with org/cond and expiration
  permission own = owner }
definition org/group { relation member: user | user:* | org/group#member
  relation leader: user with expiration
  ...shared
}
/** What. */
definition document {
  relation parent: document | org/group
  relation viewer: user | org/group#leader with org/cond
  permission view: user | document = viewer + parent->view + self - parent.all(own) & (viewer - nil)
  permission deep = parent->parent->parent.any(view)
  ...shared
}
`;

const tokens = [
  ..."definition caveat relation permission nil with use partial import self expiration and any all".split(
    " ",
  ),
  ..."user document viewer view cond int list string typechecking".split(" "),
  ..."{ } ( ) | + - & / = : ; -> # ... * . , < > // /* */ \" ' \n \t \r && || @ \\ \0 é 🦑".split(
    " ",
  ),
  "\ud800",
  "\n",
  "\n",
];

function check(text: string): void {
  const { schema, problems } = parseNativeSchema(text, defaultLimits);
  if (schema === null) {
    assert(
      problems.some(({ severity }) => severity === "error"),
      text,
    );
    const lines = text.split(/\r\n|\n|\r/);
    for (const { at, end, code, message } of problems) {
      assert.match(code, /^[a-z]+(-[a-z]+)*$/);
      assert(message.length > 0 && message.length < 1_000, message);
      checkPosition(at, lines);
      if (end === undefined) continue;
      checkPosition(end, lines);
      assert(end.line > at.line || (end.line === at.line && end.column >= at.column), text);
    }
    return;
  }
  assert.deepEqual(problems, []);
  const again = parseNativeSchema(printNativeSchema(schema), defaultLimits);
  assert.deepEqual(again.problems, [], text);
  lintSchema(schema);
  reflectSchema(schema);
  generateTypes(schema);
}

function checkPosition({ line, column }: Position, lines: readonly string[]): void {
  const length = lines[line - 1]?.length;
  assert(length !== undefined && column >= 1 && column <= length + 2, `${line}:${column}`);
}

test("any text", () => {
  const units = fc.array(fc.oneof(fc.nat(0x7f), fc.nat(0xffff)), { maxLength: 200 });
  const text = units.map((codes) => String.fromCharCode(...codes));
  fc.assert(fc.property(text, check), { numRuns: 1_000 });
});

test("any order of tokens", () => {
  const soup = fc.array(fc.constantFrom(...tokens), { maxLength: 200 });
  fc.assert(
    fc.property(soup, fc.constantFrom("", " "), (words, between) => check(words.join(between))),
    { numRuns: 1_000 },
  );
});

test("a schema cut off anywhere", () => {
  check(everything);
  assert.notEqual(parseNativeSchema(everything, defaultLimits).schema, null);
  for (let end = 0; end < everything.length; end++) {
    check(everything.slice(0, end));
    check(everything.slice(end));
  }
});

const changes = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    taken: fc.nat({ max: 12 }),
    put: fc.oneof(fc.constantFrom(...tokens), fc.constant("")),
  }),
  { minLength: 1, maxLength: 6 },
);

function changed(
  text: string,
  edits: readonly { at: number; taken: number; put: string }[],
): string {
  return edits.reduce((before, { at, taken, put }) => {
    const start = Math.floor(at * before.length);
    return before.slice(0, start) + put + before.slice(start + taken);
  }, text);
}

test("a schema with some pieces changed", () => {
  fc.assert(
    fc.property(changes, (edits) => check(changed(everything, edits))),
    { numRuns: 1_500 },
  );
});

const suite = suiteFolder("spicedb/testconfigs");
test("schemas of the suite with some pieces changed", {
  skip: suite === undefined && "the suite is not beside this checkout",
}, () => {
  assert(suite !== undefined);
  const texts = readdirSync(suite).map(
    (file): string => parse(readFileSync(path.join(suite, file), "utf8")).schema,
  );
  fc.assert(
    fc.property(fc.constantFrom(...texts), changes, (text, edits) => check(changed(text, edits))),
    { numRuns: 1_500 },
  );
});
