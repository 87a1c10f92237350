import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "../../model/limits.ts";
import { type LintCode, lintCodes, lintSchema } from "./lint.ts";
import { parseNativeSchema } from "./native/parse.ts";
import type { Schema } from "./schema.ts";

function parsed(text: string): Schema {
  const { schema, problems } = parseNativeSchema(text, defaultLimits);
  assert.deepEqual(problems, [], text);
  assert(schema !== null);
  return schema;
}

/** `line code` */
function warningsOf(text: string): string[] {
  return lintSchema(parsed(text)).map(({ at, code, severity }) => {
    assert.equal(severity, "warning");
    return `${at.line} ${code}`;
  });
}

const head = `definition user {}
definition group { relation member: user
permission joined = member
}
definition doc { relation parent: doc
relation viewer: user | group#member
relation robot: bot
permission use = viewer + parent->use + robot
`;
const tail = "\n}\ndefinition bot {}";

/** Of members of `doc` that begin in line 9. */
const docWarnings = (body: string) => warningsOf(`${head}${body}${tail}`);

test("a schema as it should be has no warnings", () => {
  assert.deepEqual(docWarnings("permission view = (viewer + parent->view + robot) - robot"), []);
});

test("each warning has a case in which it comes, and one in which it does not", () => {
  const cases: Record<string, [LintCode[], string][]> = {
    names: [
      [["relation-name-references-parent"], "permission view_doc = viewer"],
      [["relation-name-references-parent"], "permission doc = viewer"],
      [[], "permission document = viewer"],
    ],
    arrows: [
      [
        ["arrow-references-unreachable-relation", "always-empty"],
        "permission aaa = parent->veiwer",
      ],
      [["arrow-references-relation"], "relation group: group\npermission aaa = group->member"],
      [[], "relation group: group\npermission aaa = group->joined"],
      [[], "permission aaa = parent->viewer"],
      [
        ["arrow-walks-subject-relation"],
        "relation group: group#member\npermission aaa = group->joined",
      ],
    ],
    empty: [
      [["always-empty", "subtract-itself"], "permission aaa = viewer - viewer"],
      [["always-empty"], "permission aaa = viewer & nil"],
      [[], "permission aaa = nil"],
      [["always-empty"], "permission aaa = parent->aaa"],
      [["always-empty"], "permission aaa = nil\npermission bbb = aaa"],
      [["always-empty"], "permission aaa = nil - viewer"],
    ],
    operators: [
      [["always-empty", "disjoint-intersection"], "permission aaa = viewer & robot"],
      [["disjoint-intersection"], "permission aaa = (viewer & robot) + viewer"],
      [[], "permission aaa = viewer & (robot + viewer)"],
      [["subtract-without-effect"], "permission aaa = viewer - robot"],
      [[], "permission aaa = (viewer + robot) - robot"],
      [["duplicate-operand"], "permission aaa = viewer + robot + viewer"],
      [["duplicate-operand"], "permission aaa = parent->use & viewer & parent->use"],
      [["nil-operand"], "permission aaa = viewer + nil"],
      [["nil-operand"], "permission aaa = viewer - nil"],
    ],
    use: [
      [["unused-relation"], "relation aaa: user | doc#aaa"],
      [[], "relation aaa: user | doc#bbb\nrelation bbb: doc#aaa"],
      [[], "relation aaa: doc\npermission bbb = aaa->use"],
      [[], "relation aaa: doc\npermission bbb = viewer - aaa->use"],
    ],
  };
  for (const [codes, body] of Object.values(cases).flat()) {
    const found = docWarnings(body).map((warning) => warning.split(" ")[1]);
    assert.deepEqual([...new Set(found)].sort(), codes.sort(), body);
  }
});

test("caveats and types that nothing uses are told", () => {
  assert.deepEqual(
    warningsOf("caveat ccc(aaa int) { aaa }\ndefinition user {}\ndefinition bot {}"),
    ["1 unused-caveat", "2 unused-type", "3 unused-type"],
  );
  assert.deepEqual(warningsOf("definition user {}"), []);
});

test("an arrow over everybody is told, where a dialect lets it be", () => {
  const schema = parsed(
    "definition user {}\ndefinition doc { relation aaa: user\n permission bbb = aaa->ccc\n }",
  );
  const doc = schema.types.get("doc")!;
  const aaa = doc.relations.get("aaa")!;
  const open = { ...aaa, allowed: aaa.allowed.map((allowed) => ({ ...allowed, wildcard: true })) };
  const relations = new Map([...doc.relations, ["aaa", open]]);
  const types = new Map([...schema.types, ["doc", { ...doc, relations }]]);
  const codes = lintSchema({ ...schema, types }).map(({ code }) => code);
  assert(codes.includes("arrow-over-wildcard"));
});

test("arrows that follow each other are followed", () => {
  const schema = (last: string) => `definition user {}
definition aaa { relation next: bbb\n permission all = next->next->${last}\n }
definition bbb { relation next: ccc\n permission all = next->all\n }
definition ccc { relation member: user\n permission all = member\n }`;
  assert.deepEqual(warningsOf(schema("all")), []);
  assert.deepEqual(warningsOf(schema("none")), [
    "3 arrow-references-unreachable-relation",
    "3 always-empty",
  ]);
});

test("a line in the doc comment silences a warning, in SpiceDB's words too", () => {
  assert.deepEqual(
    docWarnings("// Why.\n// ignore: duplicate-operand\npermission aaa = viewer + viewer"),
    [],
  );
  assert.deepEqual(docWarnings("// ignore: nil-operand\npermission aaa = viewer + viewer"), [
    "10 duplicate-operand",
  ]);
  assert.deepEqual(
    docWarnings(
      "// spicedb-ignore-warning: relation-name-references-parent\npermission doc = viewer",
    ),
    [],
  );
});

test("what was probably meant comes along", () => {
  const [unreachable] = lintSchema(parsed(`${head}permission aaa = parent->veiwer${tail}`));
  assert.equal(unreachable?.suggestion, 'Did you mean "viewer"?');
  const [name] = lintSchema(parsed(`${head}permission view_doc = viewer${tail}`));
  assert.equal(name?.suggestion, 'Call it "view".');
});

test("codes are kebab-case", () => {
  for (const code of Object.keys(lintCodes)) assert.match(code, /^[a-z]+(-[a-z]+)*$/);
});

test("what stands many times in one expression is told once", () => {
  const body = `permission view = ${Array(20).fill("robot").join(" + ")}`;
  assert.deepEqual(docWarnings(body), ["9 duplicate-operand"]);
});
