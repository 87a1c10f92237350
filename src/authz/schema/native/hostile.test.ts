/** Texts made to hurt: each is as large as the limit lets it be, and is read in bounded time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "../../../model/limits.ts";
import { lintSchema } from "../lint.ts";
import { parseNativeSchema } from "./parse.ts";

/** What takes longer than this is not linear; none takes a tenth of it on a slow machine. */
const longestMs = 10_000;

const size = 1_000_000;
const list = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index));
const permission = (expression: string) =>
  `definition abc { relation abd: abc\n permission per = ${expression}\n }`;

const texts: Record<string, string> = {
  "open parentheses": permission("(".repeat(size)),
  "nested parentheses": permission(`${"(".repeat(size / 2 - 50)}nil${")".repeat(size / 2 - 50)}`),
  "a long exclusion": permission(`${"nil-".repeat(size / 4)}nil`),
  "a long union": permission(`${"nil+".repeat(size / 4)}nil`),
  "a union within unions": permission(
    `${"(nil+".repeat(199)}${"nil+".repeat(size / 5)}nil${")".repeat(199)}`,
  ),
  "a long arrow": permission(`${"abd->".repeat(size / 5 - 20)}abd`),
  braces: "{".repeat(size),
  "closing braces": "}\n".repeat(size / 2),
  quotes: '"'.repeat(size),
  "empty comments": "/**/".repeat(size / 4),
  "line comments": "//\n".repeat(size / 3),
  "a comment of many lines": `/*${"\n".repeat(size)}*/definition abc {}`,
  "comments that do not end": "/*".repeat(size / 2),
  "one word": "a".repeat(size),
  "one path": `definition ${"a/".repeat(size / 2 - 20)}`,
  "braces in a caveat": `caveat abc(a int) {${"{".repeat(size)}`,
  "nested types": `caveat abc(a ${"list<".repeat(size / 5 - 10)}`,
  features: "use xyz\n".repeat(size / 8),
  "partials that are not there": `use partial\ndefinition abc {${"...abc\n".repeat(size / 8)}}`,
  parameters: `caveat abc(${"a int,".repeat(size / 6 - 10)}a int) { a }`,
  subjects: `definition abc { relation abd: ${"abc|".repeat(size / 4 - 20)}abc }`,
  semicolons: ";".repeat(size),
  "zero bytes": "\0".repeat(size),
  "half characters": "\ud800".repeat(size / 3),
  "words that start statements": "definition\n".repeat(size / 11),
  "names that do not exist": `definition abc {${list(20_000, (i) => `permission perm${i} = porm${i}\n`).join("")}}`,
  "a partial in every type": `use partial\npartial ppp {${list(500, (i) => `permission perm${i} = nil\n`).join("")}}\n${list(900, (i) => `definition tt${i}t { ...ppp\n }`).join("\n")}`,
  "partials that double": `use partial\npartial pp0 { relation rel: abc\n }\n${list(900, (i) => `partial pp${i + 1} { ...pp${i}\n ...pp${i}\n }`).join("\n")}\ndefinition abc { ...pp900\n }`,
  "a chain of permissions": `definition abc {${list(490, (i) => `permission perm${i} = perm${i + 1}\n`).join("")}permission perm490 = nil }`,
  "every type over every type": everyType(350, "rel->".repeat(100)),
  "10,000 lines": list(
    900,
    (i) =>
      `definition tt${i}t {\n relation viewer: tt${i}t\n${list(10, (j) => ` permission perm${j} = viewer + ${j === 0 ? "viewer" : `perm${j - 1}`}`).join("\n")}\n}`,
  ).join("\n"),
  annotations: `use typechecking\ndefinition abc {relation rel: abc\n${list(490, (i) => `permission perm${i}: abc = perm${i + 1} + rel->perm${i}\n`).join("")}permission perm490 = nil }`,
};

function everyType(count: number, arrows: string): string {
  const names = list(count, (i) => `t${i}x`);
  const types = names.map(
    (name) =>
      `definition ${name} { relation rel: ${names.join("|")} \n permission per = ${arrows}rel \n }`,
  );
  return types.join("\n");
}

for (const [name, text] of Object.entries(texts)) {
  test(`read in bounded time: ${name}`, () => {
    const before = performance.now();
    const { schema, problems } = parseNativeSchema(text, defaultLimits);
    assert((schema === null) === problems.length > 0);
    assert(problems.length <= 100);
    if (schema !== null) lintSchema(schema);
    const took = performance.now() - before;
    assert(took < longestMs, `took ${took} ms`);
  });
}
