import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { suiteFolder, whySkipped } from "../../../../test/suites.ts";
import { defaultLimits as limits } from "../../../model/limits.ts";
import type { ParsedSchema, SchemaProblem } from "../schema.ts";
import { compile } from "./compile.ts";
import { isObjectId } from "./identifiers.ts";
import { parseOpenfgaMod } from "./mod-file.ts";
import { parseOpenfgaModules } from "./modules.ts";
import { parseOpenfgaDsl, parseOpenfgaJson } from "./openfga.ts";
import { printOpenfgaDsl } from "./print-dsl.ts";
import { readJson } from "./read-json.ts";
import { parseOpenfgaStoreFile } from "./store-file.ts";

const folder = suiteFolder("openfga");
const skip = whySkipped(folder);

/** What OpenFGA's server refuses and its tools, which the cases are of, do not. */
const serverOnly = new Set(["relation-cycle", "non-assignable-relation-with-type"]);

interface Span {
  readonly start: number;
  readonly end: number;
}

interface ExpectedError {
  readonly msg: string;
  readonly line?: Span;
  readonly column?: Span;
  readonly metadata?: { readonly symbol?: string; readonly errorType?: string };
}

interface Case {
  readonly name: string;
  readonly skip?: boolean;
  readonly dsl: string;
  readonly json: string;
  readonly modFile: string;
  readonly expected_errors?: readonly ExpectedError[] | null;
  readonly valid?: boolean;
  readonly error_message?: string;
}

function casesOf<T = Case>(file: string): readonly T[] {
  return folder === undefined ? [] : parse(readFileSync(path.join(folder, file), "utf8"));
}

function codesOf(dsl: string): readonly string[] {
  return [...new Set(parseOpenfgaDsl(dsl, limits).problems.map(({ code }) => code))];
}

function assertAgrees(parsed: ParsedSchema, expected: readonly ExpectedError[]): void {
  const problems = parsed.problems.filter(({ code }) => !serverOnly.has(code));
  assert.deepEqual(
    problems.map(({ message }) => message),
    expected.map(({ msg }) => msg),
  );
  for (const [index, error] of expected.entries()) assertSame(problems[index]!, error);
  assert.equal(parsed.schema === null, parsed.problems.length > 0);
}

function assertSame(problem: SchemaProblem, { line, column, metadata }: ExpectedError): void {
  assert.equal(problem.severity, "error");
  assert.equal(problem.code, metadata?.errorType ?? "invalid-syntax");
  if (line === undefined || column === undefined) return;
  assert.deepEqual(problem.at, { line: line.start + 1, column: column.start + 1 });
  // OpenFGA's end is the beginning plus the length of the symbol, whatever line breaks are in it.
  const symbol = metadata?.symbol ?? "";
  if (problem.end === undefined || /[\n<]/.test(symbol)) return;
  assert.deepEqual(problem.end, { line: line.end + 1, column: column.end + 1 });
}

describe("OpenFGA's language cases", { skip }, () => {
  for (const kind of ["syntax", "semantic"]) {
    for (const one of casesOf(`language/dsl-${kind}-validation-cases.yaml`)) {
      test(`${kind}: ${one.name}`, () => {
        // Skipped there, since the tools let cycles pass. The server, and so we, do not.
        if (one.skip) return assert.deepEqual(codesOf(one.dsl), ["relation-cycle"]);
        assertAgrees(parseOpenfgaDsl(one.dsl, limits), one.expected_errors ?? []);
      });
    }
  }

  for (const one of casesOf("language/json-validation-cases.yaml")) {
    test(`JSON: ${one.name}`, () => {
      const parsed = parseOpenfgaJson(one.json, limits, { strict: true });
      assertAgrees(parsed, one.expected_errors ?? []);
    });
  }

  // The cases are about writing DSL only: not all of the models are valid.
  for (const one of casesOf("language/json-syntax-transformer-validation-cases.yaml")) {
    test(`JSON to DSL: ${one.name}`, () => {
      const { model } = readJson(one.json, limits);
      const printed = printOpenfgaDsl(compile(model!, one.json));
      assert.equal(printed.text !== null, one.valid ?? true);
      assert.equal(printed.problems[0]?.message, one.error_message);
    });
  }

  for (const one of casesOf("language/fga-mod-transformer-cases.yaml")) {
    test(`fga.mod: ${one.name}`, () => {
      const { mod, problems } = parseOpenfgaMod(one.modFile);
      const expected = one.expected_errors ?? [];
      assert.deepEqual(
        problems.map(({ message, at, end }) => [message, at, end ?? at]),
        expected.map(({ msg, line, column }) => [msg, ...placesOf(line!, column!)]),
      );
      assert.equal(mod === null, expected.length > 0);
      if (mod === null) return;
      const wanted = JSON.parse(one.json);
      assert.deepEqual([mod.schema.at, mod.schema.end], placesOfValue(wanted.schema));
      assert.deepEqual(
        mod.contents.map(({ value, at, end }) => [value, at, end]),
        wanted.contents.value.map((item: Located) => [item.value, ...placesOfValue(item)]),
      );
    });
  }

  for (const one of casesOf<{ name: string; object_id: string; valid: boolean }>(
    "language/object-id-validation-cases.yaml",
  )) {
    test(`object id: ${one.name}`, () => assert.equal(isObjectId(one.object_id), one.valid));
  }
});

interface Located {
  readonly value: string;
  readonly line: Span;
  readonly column: Span;
}

function placesOf(line: Span, column: Span): readonly unknown[] {
  return [
    { line: line.start + 1, column: column.start + 1 },
    { line: line.end + 1, column: column.end + 1 },
  ];
}

function placesOfValue({ line, column }: Located): readonly unknown[] {
  return placesOf(line, column);
}

describe("OpenFGA's semantic cases as modules", { skip }, () => {
  for (const one of casesOf("language/dsl-semantic-validation-cases.yaml")) {
    if (one.skip || !one.dsl.includes("schema 1.1")) continue;
    test(one.name, () => {
      const text = one.dsl.replace(/model\n {2}schema 1\.1/, "module test\n");
      const modFile = 'schema: "1.2"\ncontents:\n  - test.fga\n';
      const parsed = parseOpenfgaModules(modFile, { files: new Map([["test.fga", text]]), limits });
      assertAgrees(parsed, one.expected_errors ?? []);
      assert.ok(parsed.problems.every(({ file }) => file === "test.fga"));
    });
  }
});

describe("OpenFGA's store files", { skip }, () => {
  const expected: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
    "00-valid-model": [],
    "01-valid-model-file": [],
    "02-missing-model": [["missing-model", ""]],
    "03-additional-properties": [
      ["unknown-field", ""],
      ["unknown-field", "/tests/0/check/0"],
    ],
  };
  for (const [name, problems] of Object.entries(expected)) {
    test(name, () => {
      const parsed = parseOpenfgaStoreFile(casesOf(`language/stores/${name}/store.fga.yaml`));
      assert.deepEqual(
        parsed.problems.map(({ code, path: at }) => [code, at]),
        problems,
      );
      assert.equal(parsed.store === null, problems.length > 0);
    });
  }
});

describe("OpenFGA's test models", { skip }, () => {
  for (const file of ["consolidated_1_1_tests.yaml", "abac_tests.yaml"]) {
    test(`${file}: all are valid`, () => {
      for (const { name, stages } of suiteTests(file)) {
        for (const { model } of stages) {
          assert.deepEqual(parseOpenfgaDsl(model, limits).problems, [], name);
        }
      }
    });
  }
});

function suiteTests(
  file: string,
): readonly { readonly name: string; readonly stages: readonly { readonly model: string }[] }[] {
  const read: unknown = casesOf(file);
  return (read as { tests?: ReturnType<typeof suiteTests> }).tests ?? [];
}
