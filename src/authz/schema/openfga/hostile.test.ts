import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { suiteFolder } from "../../../../test/suites.ts";
import { defaultLimits as limits } from "../../../model/limits.ts";
import type { ParsedSchema, Position } from "../schema.ts";
import { parseOpenfgaMod } from "./mod-file.ts";
import { parseOpenfgaModules } from "./modules.ts";
import { parseOpenfgaDsl, parseOpenfgaJson } from "./openfga.ts";
import { printOpenfgaDsl } from "./print-dsl.ts";
import { parseOpenfgaStoreFile } from "./store-file.ts";
import { toOpenfgaJson } from "./to-json.ts";

/** Generous for a slow machine; what grows faster than the text takes minutes. */
const mostMs = 10_000;

function assertSane(text: string, { schema, problems }: ParsedSchema): void {
  const errors = problems.filter(({ severity }) => severity === "error");
  assert.equal(schema === null, errors.length > 0);
  const lines = text.split("\n");
  const isInside = ({ line, column }: Position): boolean =>
    line >= 1 && line <= lines.length && column >= 1 && column <= lines[line - 1]!.length + 1;
  for (const { at, end, code } of problems) {
    assert.ok(isInside(at), `${code} at ${JSON.stringify(at)}`);
    assert.ok(end === undefined || isInside(end), `${code} ends at ${JSON.stringify(end)}`);
  }
  for (const caveat of schema?.caveats.values() ?? []) assert.ok(isInside(caveat.expressionAt));
}

function parseAll(text: string): void {
  const parsed = parseOpenfgaDsl(text, limits);
  assertSane(text, parsed);
  assertSane(text, parseOpenfgaJson(text, limits));
  if (parsed.schema !== null) {
    toOpenfgaJson(parsed.schema);
    printOpenfgaDsl(parsed.schema);
  }
}

/** Empty for what JSON does not know. */
function textOf(json: unknown): string {
  try {
    return JSON.stringify(json) ?? "";
  } catch {
    return "";
  }
}

function repeated(count: number, make: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => make(index)).join("");
}

const head = "model\n  schema 1.1\ntype user\n";
const typed = `${head}type doc\n  relations\n    define a: [user]\n`;

const hostile: Readonly<Record<string, () => string>> = {
  "100,000 open parentheses": () => `${typed}    define b: ${"(".repeat(100_000)}`,
  "100,000 parentheses": () => `${typed}    define b: ${"(".repeat(1e5)}a${")".repeat(1e5)}\n`,
  "parentheses after an error": () => `${typed}    defne b: a\n    define c: ${"(".repeat(1e5)}`,
  "nested groups, then an error": () =>
    `${typed}    define b: ${"(a or ".repeat(150)}a${")".repeat(150)} or\n`,
  "nested parentheses, then an error": () =>
    `${typed}    define b: ${"(".repeat(150)}a${")".repeat(150)} or\n`,
  "one relation of 50,000 operands": () => `${typed}    define b: a${" or a".repeat(50_000)}\n`,
  "one of 20,000 subjects": () =>
    `${typed}    define b: [user${repeated(20_000, () => ", user:*")}]\n`,
  "5,000 types": () => head + repeated(5_000, (index) => `type t${index}\n`),
  "500 relations of 1 type, each over the one before": () =>
    typed +
    repeated(499, (index) => `    define r${index}: ${index === 0 ? "a" : `r${index - 1}`}\n`),
  "500 relations in a circle": () =>
    typed + repeated(499, (index) => `    define r${index}: [user] or r${(index + 1) % 499}\n`),
  "a mesh of relations": () =>
    typed +
    repeated(60, (index) => {
      const others = Array.from({ length: 60 }, (_, other) => `r${other}`);
      return `    define r${index}: ${others.filter((_, other) => other !== index).join(" and ")}\n`;
    }),
  "10,000 lines with an error each": () => typed + "    defne b: a\n".repeat(10_000),
  "an error after 10,000 relations": () =>
    head +
    repeated(
      50,
      (type) =>
        `type t${type}\n  relations\n${repeated(200, (index) => `    define r${index}: [user]\n`)}`,
    ) +
    "type\n",
  "characters that are none": () => "@".repeat(200_000),
  "quotes that do not end": () => `${head}${"\"'".repeat(50_000)}`,
  "one long line": () => `${head}type ${"a".repeat(250_000)}`,
  "many line breaks": () => `${head}${" \n".repeat(100_000)}type`,
  "an expression that does not end": () =>
    `${typed}condition c(x: int) {\n${"x + ".repeat(50_000)}`,
  "an expression with an error after it": () =>
    `${typed}condition c(x: int) {\n${"x + ".repeat(20_000)}x\n}\n}\n`,
  "comments that do not end": () => `${head}\r${"# \r".repeat(50_000)}`,
  "near misses": () =>
    `${typed}    define b: [${repeated(5_000, (index) => `usr${index}, `)}user]\n`,
};

for (const [name, make] of Object.entries(hostile)) {
  test(`hostile: ${name}`, () => {
    const text = make();
    const began = performance.now();
    parseAll(text);
    const ms = performance.now() - began;
    assert.ok(ms < mostMs, `${ms} ms`);
  });
}

test("hostile: JSON that is nested 100,000 deep", () => {
  const nested = (open: string, close: string): string =>
    `{"schema_version":"1.1","type_definitions":[{"type":"t","relations":{"r":${open.repeat(5_000)}{"this":{}}${close.repeat(5_000)}}}]}`;
  for (const text of [
    nested('{"union":{"child":[{"this":{}},', "]}}"),
    nested('{"difference":{"subtract":{"this":{}},"base":', "}}"),
    "[".repeat(100_000),
  ]) {
    const { schema, problems } = parseOpenfgaJson(text, limits);
    assert.equal(schema, null);
    assert.ok(problems.length > 0);
  }
});

const folder = suiteFolder("openfga");
const models: readonly string[] = folder === undefined ? [typed] : suiteModels(folder);

function suiteModels(from: string): readonly string[] {
  const read = (file: string): string => readFileSync(path.join(from, file), "utf8");
  const { tests } = parse(read("abac_tests.yaml"));
  const cases = parse(read("language/dsl-syntax-validation-cases.yaml"));
  return [
    ...tests.flatMap(({ stages }: { stages: { model: string }[] }) =>
      stages.map(({ model }) => model),
    ),
    ...cases.map(({ dsl }: { dsl: string }) => dsl),
  ];
}

const pieces = fc.constantFrom(
  ..."( ) [ ] { } : , # * < > \n \r \t ' \" // \\ @ & = . - 1 1.1".split(" "),
  ...["\n", " ", "\n  ", " or ", " and ", " but not ", " from ", " with ", "type ", "extend "],
  ...[
    "define ",
    "relations",
    "condition ",
    "model",
    "module ",
    "schema ",
    "self",
    "user",
    "\u{1f600}",
  ],
);

const mutated = fc
  .tuple(
    fc.constantFrom(...models),
    fc.array(fc.tuple(fc.nat(), fc.nat(8), fc.array(pieces, { maxLength: 3 })), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([model, edits]) =>
    edits.reduce((text, [at, length, insert]) => {
      const from = at % (text.length + 1);
      return text.slice(0, from) + insert.join("") + text.slice(from + length);
    }, model),
  );

test("models with a few changes: a schema or an error, places inside, nothing thrown", () => {
  fc.assert(fc.property(mutated, parseAll), { numRuns: 3_000 });
});

test("heaps of words: a schema or an error, places inside, nothing thrown", () => {
  const heap = fc.array(pieces, { maxLength: 60 }).map((list) => list.join(""));
  fc.assert(fc.property(heap, parseAll), { numRuns: 1_000 });
  fc.assert(
    fc.property(heap, (text) => parseAll(typed + text)),
    { numRuns: 1_000 },
  );
});

test("any JSON: a schema or an error, nothing thrown", () => {
  const field = fc.constantFrom(
    ...[
      "schema_version",
      "type_definitions",
      "type",
      "relations",
      "metadata",
      "conditions",
      "this",
    ],
    ...[
      "union",
      "child",
      "difference",
      "base",
      "computedUserset",
      "relation",
      "name",
      "parameters",
    ],
    ...["directly_related_user_types", "expression", "type_name", "generic_types", "__proto__"],
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom<unknown>("1.1", "user", "TYPE_NAME_INT", "TYPE_NAME_LIST", 3, null, true),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(field, tie("value"), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.oneof(value, fc.anything()), (json) => {
      const text = typeof json === "string" ? json : textOf(json);
      assertSane(text, parseOpenfgaJson(json, limits));
      const { store, problems } = parseOpenfgaStoreFile(json);
      assert.equal(store === null, problems.length > 0);
    }),
    { numRuns: 3_000 },
  );
});

test("any fga.mod: a model or an error, places inside, nothing thrown", () => {
  const part = fc.constantFrom(
    ...["schema: '1.2'\n", 'schema: "1.2"\n', "contents:\n", "contents: [", "  - a.fga\n", "]\n"],
    ...["- ", "'", '"', "#", ": ", "\n", "a.fga, ", "b", "../", "\\"],
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      const { mod, problems } = parseOpenfgaMod(text);
      assert.equal(mod === null, problems.length > 0);
      assertSane(text, { schema: null, problems: problems.length > 0 ? problems : noProblems });
      parseOpenfgaModules(text, { files: new Map([["a.fga", typed]]), limits });
    }),
    { numRuns: 2_000 },
  );
});

/** Satisfies `assertSane`, which is about schemas. */
const noProblems: ParsedSchema["problems"] = [
  { code: "none", severity: "error", message: "", at: { line: 1, column: 1 } },
];
