import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits as limits } from "../../../model/limits.ts";
import type { ParsedSchema } from "../schema.ts";
import { parseOpenfgaMod } from "./mod-file.ts";
import { parseOpenfgaModules } from "./modules.ts";
import { parseOpenfgaJson } from "./openfga.ts";
import { printOpenfgaDsl } from "./print-dsl.ts";
import { toOpenfgaJson } from "./to-json.ts";

function parseFiles(files: Readonly<Record<string, string>>): ParsedSchema {
  const list = Object.keys(files).map((name) => `  - ${name}\n`);
  const modFile = `schema: "1.2"\ncontents:\n${list.join("")}`;
  return parseOpenfgaModules(modFile, { files: new Map(Object.entries(files)), limits });
}

function problemsOf({ problems }: ParsedSchema): readonly string[] {
  return problems.map(({ code, file, at }) => `${file}:${at.line}:${at.column} ${code}`);
}

const core = "module core\n\ntype user\n\ntype org\n  relations\n    define member: [user]\n";
const wiki =
  "module wiki\n\nextend type org\n  relations\n    define editor: [user with c]\n\ntype page\n  relations\n    define org: [org]\n    define viewer: editor from org\n\ncondition c(x: int) {\n  x < 1\n}\n";

test("modules become one model that knows what came from where", () => {
  const { schema, problems } = parseFiles({ "core.fga": core, "team/wiki.fga": wiki });
  assert.deepEqual(problems, []);
  assert.equal(schema!.version, "1.2");
  const ofCore = { module: "core", file: "core.fga" };
  const ofWiki = { module: "wiki", file: "team/wiki.fga" };
  const org = schema!.types.get("org")!;
  assert.deepEqual(org.origin, ofCore);
  assert.deepEqual([...org.relations.keys()], ["member", "editor"]);
  assert.equal(org.relations.get("member")!.origin, undefined);
  assert.deepEqual(org.relations.get("editor")!.origin, ofWiki);
  assert.deepEqual(schema!.types.get("page")!.origin, ofWiki);
  assert.deepEqual(schema!.caveats.get("c")!.origin, ofWiki);
});

test("the JSON of modules has their origins, and is read back with them", () => {
  const { schema } = parseFiles({ "core.fga": core, "team/wiki.fga": wiki });
  const json = toOpenfgaJson(schema!);
  const again = parseOpenfgaJson(JSON.stringify(json), limits, { strict: true });
  assert.deepEqual(again.problems, []);
  assert.deepEqual(toOpenfgaJson(again.schema!), json);
  const text = printOpenfgaDsl(again.schema!, { origins: true }).text!;
  assert.match(text, /^type org # module: core, file: core\.fga$/m);
  assert.match(text, /: \[user with c\] # extended by: module: wiki, file: team\/wiki\.fga$/m);
});

test("problems name the file that they are in", () => {
  const bad =
    "module bad\n\nextend type nothing\n\nextend type org\n  relations\n    define member: [user]\n    define owner: [nobody]\n";
  assert.deepEqual(problemsOf(parseFiles({ "core.fga": core, "bad.fga": bad })), [
    "bad.fga:3:13 unknown-extended-type",
    "bad.fga:7:12 duplicate-relation",
    "bad.fga:8:20 invalid-type",
  ]);
  const broken = "module broken\n\ntype x\n  define y: [user]\n";
  const plain = "model\n  schema 1.1\n\ntype y\n";
  assert.deepEqual(
    problemsOf(parseFiles({ "core.fga": core, "broken.fga": broken, "plain.fga": plain })),
    ["broken.fga:4:3 invalid-syntax", "plain.fga:1:1 not-a-module"],
  );
  assert.deepEqual(problemsOf(parseFiles({ "core.fga": core, "w.fga": wiki, "v.fga": wiki })), [
    "v.fga:12:11 duplicate-condition",
    "v.fga:5:12 duplicate-relation",
    "w.fga:7:6 duplicated-error",
  ]);
});

test("a file that is missing, and an fga.mod that is wrong, are problems of the fga.mod", () => {
  const modFile = "schema: '1.2'\ncontents:\n  - core.fga\n  - other.fga\n";
  const missing = parseOpenfgaModules(modFile, { files: new Map([["core.fga", core]]), limits });
  assert.deepEqual(problemsOf(missing), ["fga.mod:4:5 missing-file"]);
  const wrong = parseOpenfgaModules("schema: 1.2\n", { files: new Map(), limits });
  assert.deepEqual(problemsOf(wrong), [
    "fga.mod:1:9 invalid-mod-file",
    "fga.mod:1:1 invalid-mod-file",
  ]);
});

test("an fga.mod may have comments, quotes, and a list in brackets", () => {
  const text = `# the model\n---\nschema: "1.2" # now\ncontents: [a.fga, 'b''s.fga', "c.fga"]\n`;
  const { mod, problems } = parseOpenfgaMod(text);
  assert.deepEqual(problems, []);
  assert.equal(mod!.schema.value, "1.2");
  assert.deepEqual(
    mod!.contents.map(({ value, at, end }) => [value, at.column, end.column]),
    [
      ["a.fga", 12, 17],
      ["b's.fga", 19, 29],
      ["c.fga", 31, 38],
    ],
  );
  assert.deepEqual(
    parseOpenfgaMod("schema: '1.2'\ncontents:\n- a.fga\n  b: c\n").problems.map(
      ({ at }) => at.line,
    ),
    [4],
  );
});
