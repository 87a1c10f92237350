import assert from "node:assert/strict";
import path from "node:path";
import { describe as group, test } from "node:test";
import { importsOf, readSources, tokenize } from "./sources.ts";
import { describe, tidy } from "./tidy.ts";

/** One rule, one red case and one green: what each file holds, and what tidy says of it. */
interface Case {
  readonly title: string;
  readonly red: Readonly<Record<string, string>>;
  /** One per violation, in order; each must be found in the description. */
  readonly says: readonly (string | RegExp)[];
  readonly green: Readonly<Record<string, string>>;
}

function check(files: Readonly<Record<string, string>>): readonly string[] {
  return tidy(new Map(Object.entries(files))).map(describe);
}

function assertSays(lines: readonly string[], says: Case["says"]): void {
  assert.equal(lines.length, says.length, `${lines.length} violations:\n${lines.join("\n")}`);
  for (const [index, expected] of says.entries()) {
    const line = lines[index] ?? "";
    if (typeof expected === "string")
      assert.ok(line.includes(expected), `${line}\nlacks ${expected}`);
    else assert.match(line, expected);
  }
}

const cases: readonly Case[] = [
  {
    title: "ranks: a file imports lower ranks and its own room, never a higher one",
    red: { "src/store/a.ts": '\nimport { run } from "../engine/run.ts";' },
    says: ["src/store/a.ts:2: store (rank 2) imports engine (rank 3)"],
    green: { "src/engine/a.ts": 'import "../store/store.ts"; import "./commands/x.ts";' },
  },
  {
    title: "ranks: a room does not import a sibling of the same rank",
    red: { "src/sdk/a.ts": 'import { open } from "../store/store.ts";' },
    says: ["sdk (rank 2) imports store (rank 2)"],
    green: { "src/sdk/a.ts": 'import { code } from "../model/errors.ts";' },
  },
  {
    title: "ranks: type-only imports, import types and dynamic imports count",
    red: {
      "src/std/a.ts": [
        'import type { A } from "../model/a.ts";',
        'type B = import("../host/b.ts").B;',
        'const c = await import("../cli/c.ts");',
      ].join("\n"),
    },
    says: ["a.ts:1: std (rank 0) imports model", "a.ts:2: std", "a.ts:3: std"],
    green: { "src/model/a.ts": 'import type { A } from "../std/a.ts";' },
  },
  {
    title: "ranks: every room has one",
    red: { "src/utils/a.ts": "", "src/main.ts": "" },
    says: ["src/main.ts:1: this file lies in no room", "src/utils/, which has no rank"],
    green: { "src/std/a.ts": "", "src/entry/holdfast.ts": "" },
  },
  {
    title: "ranks: a test may look at any room, and nobody may look at a test",
    red: { "src/engine/a.ts": 'import { fake } from "./b.test.ts";' },
    says: ["src/engine/b.test.ts is a test"],
    green: { "src/engine/a.test.ts": 'import { simulate } from "../sim/simulate.ts";' },
  },
  {
    title: "borders: src imports only src, and not by the package's name",
    red: { "src/cli/a.ts": 'import "holdfast";\nimport "../../tools/tidy.ts";' },
    says: ['a.ts:1: "holdfast" is for users', "a.ts:2: tools/tidy.ts is outside src/"],
    green: { "src/cli/a.ts": 'import "../server/server.ts"; import "commander";' },
  },
  {
    title: "borders: examples and the console see only the entries",
    red: {
      "examples/wallet/main.ts": 'import { service } from "../../src/sdk/service.ts";',
      "console/main.ts": 'import "../src/client/client.ts";',
    },
    says: ['console/ uses only what users have; import from "holdfast"', "examples/ uses only"],
    green: {
      "examples/wallet/main.ts": 'import { service } from "holdfast"; import "./wallet.ts";',
      "console/main.ts": 'import "holdfast/client";',
    },
  },
  {
    title: "borders: tools, test and bench see src and themselves",
    red: { "bench/main.ts": 'import "../test/help.ts";' },
    says: ['bench/ imports only itself, "holdfast" and src/; move what it needs from test/'],
    green: {
      "bench/main.ts": 'import "../src/engine/loop.ts"; import "holdfast";',
      "test/a.test.ts": 'import "../src/std/assert.ts"; import "./help.ts";',
      "tools/a.ts": 'import "../src/model/errors.ts";',
    },
  },
  {
    title: "cycles: two files that import each other, type-only included",
    red: {
      "src/engine/a.ts": 'import { b } from "./b.ts";',
      "src/engine/b.ts": 'import type { A } from "./a.ts";',
    },
    says: ["src/engine/b.ts:1: import cycle src/engine/a.ts -> src/engine/b.ts -> src/engine/a.ts"],
    green: {
      "src/engine/a.ts": 'import { b } from "./b.ts"; import type { C } from "./c.ts";',
      "src/engine/b.ts": 'import type { C } from "./c.ts";',
      "src/engine/c.ts": "export interface C {}",
    },
  },
  {
    title: "cycles: a file that imports itself, and a longer way round outside src",
    red: {
      "src/std/self.ts": 'import "./self.ts";',
      "tools/a.ts": 'import "./b.ts";',
      "tools/b.ts": 'import "./c.ts";',
      "tools/c.ts": 'import "./a.ts";',
    },
    says: [
      "src/std/self.ts -> src/std/self.ts",
      "tools/a.ts -> tools/b.ts -> tools/c.ts -> tools/a.ts",
    ],
    green: { "tools/a.ts": 'import "./b.ts"; import "./c.ts";', "tools/b.ts": 'import "./c.ts";' },
  },
  {
    title: "clock: only the host has one",
    red: {
      "src/engine/a.ts": [
        "const a = Date.now();",
        "const b = new Date();",
        "const c = performance.now();",
        "const d = process.hrtime.bigint();",
        "const e = `at ${globalThis.Date.now()}`;",
        'import { performance as p } from "node:perf_hooks";',
      ].join("\n"),
    },
    says: [
      /a\.ts:1: Date\.now \(clock\).*now\(\) or monotonic\(\) from the Host/,
      "a.ts:2: the current Date",
      "a.ts:3: performance",
      "a.ts:4: process.hrtime",
      "a.ts:5: Date.now",
      'a.ts:6: "node:perf_hooks"',
    ],
    green: {
      "src/engine/a.ts": "// Date.now()\nnew Date(ms).toISOString(); host.now(); 'Date.now()';",
      "src/host/node-host.ts": "Date.now(); performance.now();",
      "src/sim/a.ts": "performance.now();",
      "bench/a.ts": "performance.now();",
      "src/engine/a.test.ts": "Date.now();",
    },
  },
  {
    title: "randomness: only the host has it",
    red: {
      "src/server/a.ts": [
        "Math.random();",
        "crypto.randomUUID();",
        'import { randomBytes } from "node:crypto";',
        'import nodeCrypto from "node:crypto"; nodeCrypto.randomInt(3);',
        "const { getRandomValues } = crypto;",
      ].join("\n"),
    },
    says: [
      /a\.ts:1: Math\.random \(randomness\).*random\(\) from the Host/,
      "a.ts:2: crypto.randomUUID",
      'a.ts:3: randomBytes of "node:crypto"',
      "a.ts:4: crypto.randomInt",
      "a.ts:5: crypto.getRandomValues",
    ],
    green: {
      "src/server/a.ts": 'import { createHash } from "node:crypto"; host.random(); Math.floor(x);',
      "src/host/a.ts": "crypto.getRandomValues(words);",
    },
  },
  {
    title: "timers: only the host has them",
    red: {
      "src/gateway/a.ts": [
        "setTimeout(f, 1);",
        "clearInterval(t);",
        "AbortSignal.timeout(5);",
        'import { setTimeout as sleep } from "node:timers/promises";',
      ].join("\n"),
    },
    says: [
      /a\.ts:1: setTimeout \(timers\).*setTimer\(\) or defer\(\) from the Host/,
      "a.ts:2: clearInterval",
      "a.ts:3: AbortSignal.timeout",
      'a.ts:4: "node:timers/promises"',
    ],
    green: {
      "src/gateway/a.ts": "host.setTimer(1, f); socket.setTimeout(0); const o = { setTimeout: 1 };",
      "src/host/a.ts": "setImmediate(f);",
      "test/a.ts": "setTimeout(f, 1);",
    },
  },
  {
    title: "environment: read in server/ and in one file of the CLI",
    red: {
      "src/cli/start.ts": 'process.env["HOME"];',
      "src/store/a.ts": 'const { env } = process;\nimport { env as e } from "node:process";',
    },
    says: [
      /start\.ts:1: process\.env \(environment\).*read it in src\/server\//,
      "src/store/a.ts:1: process.env",
      'src/store/a.ts:2: env of "node:process"',
    ],
    green: {
      "src/server/config.ts": 'process.env["PORT"];',
      "src/cli/terminal.ts": 'process.env["NO_COLOR"];',
      "tools/a.ts": "process.env;",
    },
  },
  {
    title: "console: written to only by one file of the CLI",
    red: {
      "src/cli/start.ts": 'console.log("hello");',
      "src/server/a.ts": 'process.stdout.write("hello");',
    },
    says: [/start\.ts:1: console \(console\).*src\/cli\/terminal\.ts/, "process.stdout"],
    green: {
      "src/cli/terminal.ts": 'console.log("hello"); process.stderr.write("hello");',
      "src/server/a.ts": 'host.log("info", "hello"); const o = { console: true }; // console.log',
      "bench/main.ts": 'console.log("hello");',
    },
  },
  {
    title: "errors: thrown from the one table",
    red: {
      "src/engine/a.ts": 'throw new Error("no");\nthrow new TypeError("no");\nthrow Error("no");',
    },
    says: [/a\.ts:1: a bare Error.*src\/model\/errors\.ts/, "a.ts:2", "a.ts:3"],
    green: {
      "src/engine/a.ts":
        'throw new HoldfastError("x"); // throw new Error(\nclass E extends Error {}',
      "src/std/assert.ts": 'throw new Error("assertion");',
      "src/engine/a.test.ts": 'throw new Error("boom");',
      "tools/a.ts": 'throw new Error("boom");',
    },
  },
  {
    title: "re-exports: only src/entry",
    red: {
      "src/sdk/sdk.ts": [
        'export { service } from "./service.ts";',
        'export type { Context } from "./context.ts";',
        'export * from "./actor.ts";',
        'import { a as b } from "./a.ts";',
        "export { b };",
      ].join("\n"),
    },
    says: ["sdk.ts:1: only src/entry/ re-exports; import from the file", ":2:", ":3:", ":5:"],
    green: {
      "src/entry/holdfast.ts": 'export { service } from "../sdk/service.ts";',
      "src/sdk/sdk.ts": 'const a = 1;\nexport { a };\nexport const from = "./a.ts";',
    },
  },
  {
    title: "commands: apply is synchronous",
    red: { "src/engine/commands/start.ts": "export async function apply() {\n  await load();\n}" },
    says: ["start.ts:1: async in a command; apply is synchronous", "start.ts:2: await"],
    green: {
      "src/engine/commands/start.ts": "// await nothing\nexport function apply() { row.await; }",
      "src/engine/loop.ts": "async function drain() { await x; }",
    },
  },
];

group("tidy", () => {
  for (const { title, red, says, green } of cases) {
    test(`${title}: red`, () => assertSays(check(red), says));
    test(`${title}: green`, () => assertSays(check(green), []));
  }

  test("this repository is tidy", () => {
    const violations = tidy(readSources(path.resolve(import.meta.dirname, "..")));
    assert.deepEqual(violations.map(describe), []);
  });
});

group("tokenizer", () => {
  test("code in comments, strings, templates and regular expressions is not code", () => {
    const source = [
      "\"a // b\"; 'it\\'s'; /* Date.now() */ `x ${f({ a: `y ${g}` })} z`; // setTimeout(",
      "const r = /['\"`/*]/g.test(s) ? a / b / c : x;",
      "end",
    ].join("\n");
    const words = tokenize(source).filter(({ kind }) => kind === "word");
    assert.deepEqual(
      words.map(({ text }) => text),
      ["f", "a", "g", "const", "r", "test", "s", "a", "b", "c", "x", "end"],
    );
    assert.equal(words.at(-1)?.line, 3);
  });

  test("every form of import is found, with its line, its names and their names here", () => {
    const source = [
      'import "./a.ts";',
      'import b, { type B, c as d } from "./b.ts";',
      'import * as e from "./e.ts";',
      'import type { F } from "./f.ts";',
      'import json from "./g.json" with { type: "json" };',
      'type H = typeof import("./h.ts");',
      "import.meta.url; const o = { import: 1, from: 2 }; o.import;",
      'export const from = "./no.ts";',
      'export { i } from "./i.ts";',
    ].join("\n");
    const found = importsOf(tokenize(source)).map((entry) => [
      entry.line,
      entry.from,
      entry.names.join(" "),
      [...entry.locals].sort().join(" "),
    ]);
    assert.deepEqual(found, [
      [1, "./a.ts", "", ""],
      [2, "./b.ts", "B c", "B b d"],
      [3, "./e.ts", "", "e"],
      [4, "./f.ts", "F", "F"],
      [5, "./g.json", "", "json"],
      [6, "./h.ts", "", ""],
      [9, "./i.ts", "i", ""],
    ]);
  });
});
