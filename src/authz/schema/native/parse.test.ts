import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits, type Limits } from "../../../model/limits.ts";
import type { Schema } from "../schema.ts";
import { expressionText, subjectText } from "../text.ts";
import { parseNativeSchema } from "./parse.ts";

function parsed(text: string, limits: Partial<Limits> = {}): Schema {
  const { schema, problems } = parseNativeSchema(text, { ...defaultLimits, ...limits });
  assert.deepEqual(problems, []);
  assert(schema !== null);
  return schema;
}

/** `line:column-line:column code` of each problem. */
function problemsOf(text: string, limits: Partial<Limits> = {}): string[] {
  const { schema, problems } = parseNativeSchema(text, { ...defaultLimits, ...limits });
  assert.equal(schema, null);
  return problems.map(
    ({ at, end, code }) => `${at.line}:${at.column}-${end?.line}:${end?.column} ${code}`,
  );
}

const codesOf = (text: string, limits: Partial<Limits> = {}) =>
  problemsOf(text, limits).map((problem) => problem.split(" ")[1]);

function suggestionOf(text: string): string | undefined {
  return parseNativeSchema(text, defaultLimits).problems[0]?.suggestion;
}

/** The expression of one permission, over relations aaa to eee. */
function rewriteOf(expression: string, head = ""): string {
  const relations = ["aaa", "bbb", "ccc", "ddd", "eee"].map((name) => `relation ${name}: thing\n`);
  const text = `${head}definition thing { ${relations.join("")} permission view = ${expression}\n }`;
  const view = parsed(text).types.get("thing")?.relations.get("view");
  assert(view !== undefined);
  return expressionText(view.rewrite);
}

test("an empty text is an empty schema", () => {
  for (const text of ["", " \n\t\r\n", "// nothing\n", "/* nothing */", "\uFEFF", ";;"]) {
    assert.equal(parsed(text).types.size, 0);
  }
});

test("a schema keeps its source, its dialect and the order of what is in it", () => {
  const text = "definition zzz {\n relation bbb: zzz\n relation aaa: zzz\n}\ndefinition aaa {}\n";
  const schema = parsed(text);
  assert.equal(schema.source, text);
  assert.equal(schema.dialect, "native");
  assert.deepEqual([...schema.types.keys()], ["zzz", "aaa"]);
  assert.deepEqual([...(schema.types.get("zzz")?.relations.keys() ?? [])], ["bbb", "aaa"]);
});

test("relations take objects, usersets, everybody, with caveats and expiry", () => {
  const schema = parsed(`use expiration
    caveat some/cond(aaa int) { aaa > 1 }
    definition org/user {}
    definition group { relation member: org/user }
    definition doc {
      relation viewer: org/user | org/user:* | group#member | group#... with some/cond
        | org/user with expiration | org/user with some/cond and expiration |
        org/user:* with some/cond
    }`);
  const viewer = schema.types.get("doc")?.relations.get("viewer");
  assert.deepEqual(viewer?.rewrite, { kind: "this" });
  assert.deepEqual(viewer?.allowed.map(subjectText), [
    "org/user",
    "org/user:*",
    "group#member",
    "group with some/cond",
    "org/user with expiration",
    "org/user with some/cond and expiration",
    "org/user:* with some/cond",
  ]);
});

test("+ binds tighter than &, and & tighter than -; all from left to right", () => {
  const cases: Record<string, string> = {
    "aaa + bbb & ccc - ddd": "((aaa + bbb) & ccc) - ddd",
    "aaa - bbb & ccc + ddd": "aaa - (bbb & (ccc + ddd))",
    "aaa & bbb + ccc & ddd": "aaa & (bbb + ccc) & ddd",
    "aaa - bbb - ccc": "aaa - bbb - ccc",
    "aaa - (bbb - ccc)": "aaa - (bbb - ccc)",
    "(aaa - bbb) - ccc": "aaa - bbb - ccc",
    "aaa + (bbb + (ccc + ddd)) + eee": "aaa + bbb + ccc + ddd + eee",
    "(aaa & bbb) & (ccc & ddd)": "aaa & bbb & ccc & ddd",
    "((((aaa))))": "aaa",
    "aaa - bbb + ccc": "aaa - (bbb + ccc)",
    "(aaa - bbb) + ccc": "(aaa - bbb) + ccc",
    "aaa->bbb + ccc.any(ddd) & eee.all(aaa)": "(aaa->bbb + ccc->ddd) & eee.all(aaa)",
    "nil - nil": "nil - nil",
    "aaa->bbb->ccc.any(ddd)": "aaa->bbb->ccc->ddd",
  };
  for (const [text, expected] of Object.entries(cases)) {
    assert.equal(rewriteOf(text), expected, text);
  }
});

test("exclusions nest to the left, arrows to the right", () => {
  const text =
    "definition thing {\n relation aaa: thing\n permission xxx = aaa - nil - aaa\n permission yyy = aaa->aaa->xxx\n}";
  const relations = parsed(text).types.get("thing")?.relations;
  const aaa = { kind: "relation", name: "aaa" };
  assert.deepEqual(relations?.get("xxx")?.rewrite, {
    kind: "exclusion",
    base: { kind: "exclusion", base: aaa, subtract: { kind: "nil" } },
    subtract: aaa,
  });
  const inner = {
    kind: "arrow",
    over: "aaa",
    target: { kind: "relation", name: "xxx" },
    all: false,
  };
  assert.deepEqual(relations?.get("yyy")?.rewrite, {
    kind: "arrow",
    over: "aaa",
    target: inner,
    all: false,
  });
});

test("a line may go on in the next one, before its operator or after it", () => {
  assert.equal(rewriteOf("aaa +\n bbb"), "aaa + bbb");
  assert.equal(rewriteOf("aaa\n + bbb\n ->ccc"), "aaa + bbb->ccc");
  assert.equal(rewriteOf("(\n aaa\n & bbb\n )"), "aaa & bbb");
});

test("statements end with a line, a semicolon or a brace", () => {
  parsed("definition user {} definition doc { relation aaa: user; permission bbb = aaa }");
  assert.deepEqual(problemsOf("definition user { relation aaa: user relation bbb: user\n }"), [
    "1:38-1:46 unexpected-token",
  ]);
});

test("self is a word with `use self`, and a name without it", () => {
  assert.equal(rewriteOf("aaa + self", "use self "), "aaa + self");
  parsed("definition user { relation self: user\n permission other = self\n }");
  assert.deepEqual(problemsOf("definition user { permission aaa = self\n }"), [
    "1:36-1:40 self-not-enabled",
  ]);
  assert.deepEqual(codesOf("use self\ndefinition user { relation self: user\n }"), [
    "reserved-word",
  ]);
});

test("expiration is a word with `use expiration`, and a name without it", () => {
  parsed(
    "caveat expiration(some int) { some == 1 }\ndefinition user { relation aaa: user with expiration\n }",
  );
  assert.deepEqual(codesOf("definition user { relation aaa: user with expiration\n }"), [
    "expiration-not-enabled",
  ]);
  const both =
    "caveat ccc(some int) { some == 1 }\ndefinition user { relation aaa: user with ccc and expiration\n }";
  assert.deepEqual(problemsOf(both), ["2:47-2:61 expiration-not-enabled"]);
  assert.match(suggestionOf(both) ?? "", /use expiration/);
  assert.deepEqual(
    codesOf(`use expiration\n${both.replace("ccc and expiration", "expiration and ccc")}`),
    ["caveat-after-expiration"],
  );
});

test("features are known by name, and switched on before anything is defined", () => {
  parsed("use self\nuse expiration use typechecking\nuse partial\nuse import\nuse self");
  assert.deepEqual(problemsOf("use expirations"), ["1:5-1:16 unknown-use-flag"]);
  assert.equal(suggestionOf("use expirations"), 'Did you mean "expiration"?');
  assert.deepEqual(problemsOf("definition user {}\nuse self"), ["2:1-2:9 use-after-definition"]);
});

test("imports are refused, with what to do instead", () => {
  assert.deepEqual(codesOf('use import\nimport "./user.zed"\ndefinition user {}'), [
    "import-not-possible",
  ]);
});

test("partials come in where they are used, in their order", () => {
  const schema = parsed(`use partial
    partial viewing { relation viewer: user
      ...editing
      permission view = viewer + edit
    }
    definition user {}
    definition doc { relation aaa: user
      ...viewing
      relation zzz: user }
    partial editing { relation editor: user
      permission edit = editor }`);
  assert.deepEqual(
    [...(schema.types.get("doc")?.relations.keys() ?? [])],
    ["aaa", "viewer", "editor", "edit", "view", "zzz"],
  );
  assert.equal(schema.types.has("viewing"), false);
});

test("partials: missing ones, circles, clashes and ones not switched on are told", () => {
  assert.deepEqual(codesOf("use partial\ndefinition doc {\n ...viewing\n }"), ["unknown-partial"]);
  assert.deepEqual(
    codesOf(
      "use partial\npartial aaa { ...bbb\n }\npartial bbb { ...aaa\n }\ndefinition doc {\n ...aaa\n }",
    ),
    ["partial-cycle"],
  );
  assert.deepEqual(
    problemsOf(
      "use partial\npartial ppp { relation aaa: doc\n }\ndefinition doc { relation aaa: doc\n ...ppp\n }",
    ),
    ["5:5-5:8 duplicate-relation"],
  );
  assert.deepEqual(codesOf("use partial\npartial doc {}\ndefinition doc {}"), ["duplicate-name"]);
  assert.deepEqual(codesOf("partial doc {}"), ["partial-not-enabled"]);
  const doubling = Array.from(
    { length: 60 },
    (_, i) => `partial pp${i + 1} { ...pp${i}\n ...pp${i}\n }`,
  );
  const hostile = `use partial\npartial pp0 { relation aaa: doc\n }\n${doubling.join("\n")}\ndefinition doc { ...pp60\n }`;
  assert.deepEqual(codesOf(hostile), ["duplicate-relation"]);
});

test("caveats have typed parameters and their expression as it stands", () => {
  const schema = parsed(`
    // When it may.
    caveat org/cond(aaa any, bbb bool, ccc int, ddd uint, eee double, fff string, ggg bytes,
      hhh duration, iii timestamp, jjj ipaddress, kkk list<map<int>>, lll map<any>
    ) {
      aaa == bbb && {"}": ccc}.size() > ddd // } eee
        || eee > 1.0 || fff == "\\"}" || ggg == br'\\' || fff == """ "} """
        || hhh == iii.x || jjj.in_cidr(fff) || kkk.exists(x, x) || lll.y
    }
    definition user {}`);
  const caveat = schema.caveats.get("org/cond");
  assert.equal(caveat?.doc, "When it may.");
  assert.deepEqual(caveat?.at, { line: 3, column: 5 });
  assert.deepEqual(caveat?.expressionAt, { line: 6, column: 7 });
  assert.match(caveat?.expression ?? "", /^aaa == bbb .*\|\| lll\.y$/s);
  assert.deepEqual(caveat?.parameters.get("ggg"), { kind: "bytes" });
  assert.deepEqual(caveat?.parameters.get("kkk"), {
    kind: "list",
    of: { kind: "map", of: { kind: "int" } },
  });
});

test("caveats: what is wrong with them is told", () => {
  const cases: Record<string, string[]> = {
    "caveat ccc() { 1 == 1 }": ["missing-parameters"],
    "caveat ccc(aaa int) { }": ["unused-parameter", "missing-expression"],
    "caveat ccc(aaa int) { // aaa\n }": ["unused-parameter", "missing-expression"],
    "caveat ccc(aaa int, bbb int) { aaa > 1 && x.bbb && 'bbb' == \"bbb\" }": ["unused-parameter"],
    "caveat ccc(aaa int, aaa string) { aaa }": ["duplicate-parameter"],
    "caveat ccc(aaa strin) { aaa }": ["unknown-parameter-type"],
    "caveat ccc(aaa list) { aaa }": ["missing-type-argument"],
    "caveat ccc(aaa int<int>) { aaa }": ["unexpected-token"],
    "caveat ccc(1aa int) { a }": ["invalid-name", "unused-parameter"],
    "caveat ccc(in int) { in }": ["reserved-word"],
    "caveat ccc(aaa int) { aaa": ["unexpected-end"],
    "caveat ccc(aaa int) { aaa == 'x }": ["unexpected-end"],
    "caveat ccc(aaa int { aaa }": ["unexpected-token"],
    [`caveat ccc(aaa ${"list<".repeat(50)}int${">".repeat(50)}) { aaa }`]: [
      "parameter-type-too-deep",
    ],
  };
  for (const [text, codes] of Object.entries(cases)) assert.deepEqual(codesOf(text), codes, text);
});

test("the comment right above is the doc, without its marks", () => {
  const schema = parsed(`// A licence.

    // The user.
    //   indented
    //
    definition user {} // not this
    /** In
     * a block
     */
    definition doc { // nor this
      /* one line */
      relation aaa: user // trailing
      // Of bbb,
      /* in two */
      relation bbb: user
      // apart

      permission ccc = aaa
    }`);
  assert.equal(schema.types.get("user")?.doc, "The user.\n  indented");
  const doc = schema.types.get("doc");
  assert.equal(doc?.doc, "In\na block");
  assert.equal(doc?.relations.get("aaa")?.doc, "one line");
  assert.equal(doc?.relations.get("bbb")?.doc, "Of bbb,\nin two");
  assert.equal(doc?.relations.get("ccc")?.doc, null);
});

test("positions count lines and columns from 1, whatever ends a line", () => {
  const schema = parsed("definition user {}\r\n\rdefinition doc {\n\trelation aaa: user\r}");
  assert.deepEqual(schema.types.get("doc")?.at, { line: 3, column: 1 });
  assert.deepEqual(schema.types.get("doc")?.relations.get("aaa")?.at, { line: 4, column: 2 });
});

test("names that do not exist are told, with the nearest that does", () => {
  const cases: [string, string, string | undefined][] = [
    ["definition user {}\ndefinition doc { relation aaa: usr\n }", "unknown-type", "user"],
    ["definition user {}\ndefinition doc { relation aaa: elephant\n }", "unknown-type", undefined],
    ["definition doc { relation viewer: doc#veiwer\n }", "unknown-relation", "viewer"],
    [
      "definition doc { relation viewer: doc\n permission view = viewr\n }",
      "unknown-relation",
      "viewer",
    ],
    [
      "definition doc { relation viewer: doc\n permission view = viewr->xxx\n }",
      "unknown-relation",
      "viewer",
    ],
    [
      "caveat some_cond(aaa int) { aaa }\ndefinition doc { relation viewer: doc with some_con\n }",
      "unknown-caveat",
      "some_cond",
    ],
    ["definitoin doc {}", "unexpected-token", "definition"],
    ["definition doc { relaton aaa: doc\n }", "unexpected-token", "relation"],
    [
      "definition doc { relation aaa: doc\n permission bbb = aaa.al(ccc)\n }",
      "unexpected-token",
      "all",
    ],
  ];
  for (const [text, code, near] of cases) {
    assert.deepEqual(codesOf(text), [code], text);
    assert.equal(
      suggestionOf(text),
      near === undefined ? undefined : `Did you mean "${near}"?`,
      text,
    );
  }
  assert.equal(suggestionOf("definition UserGroup {}"), 'Write "user_group".');
});

test("an arrow may lead to a name that no subject type has: that is for the linter", () => {
  parsed(
    "definition user {}\ndefinition doc { relation aaa: user\n permission bbb = aaa->nothing\n }",
  );
});

test("names are unique where they have to be", () => {
  assert.deepEqual(problemsOf("definition user {}\ndefinition user {}"), [
    "2:12-2:16 duplicate-name",
  ]);
  assert.deepEqual(codesOf("definition aaa {}\ncaveat aaa(bbb int) { bbb }"), ["duplicate-name"]);
  assert.deepEqual(problemsOf("definition doc { relation aaa: doc\n permission aaa = nil\n }"), [
    "2:13-2:16 duplicate-relation",
  ]);
  assert.deepEqual(codesOf("definition doc { relation aaa: doc | doc#...\n }"), [
    "duplicate-subject",
  ]);
  parsed(
    "caveat ccc(aaa int) { aaa }\ndefinition doc { relation aaa: doc | doc:* | doc with ccc\n }",
  );
});

test("names follow SpiceDB's patterns", () => {
  for (const name of [
    "ab",
    "Abc",
    "1bc",
    "abc_",
    "_abc",
    "a".repeat(65),
    "äbc",
    "abc/de",
    "ab/cde",
  ]) {
    assert.deepEqual(codesOf(`definition ${name} {}`), ["invalid-name"], name);
  }
  for (const name of ["abc", "a_1", "a".repeat(64), "abc/def/ghi", "a__b"]) {
    parsed(`definition ${name} {}`);
  }
  const long = Array(33).fill("abc").join("/");
  assert.deepEqual(codesOf(`definition ${long} {}`), ["invalid-name"]);
  assert.deepEqual(codesOf("definition doc { relation abc/def: doc\n }"), ["unexpected-token"]);
  assert.deepEqual(codesOf("definition relation {}"), ["reserved-word"]);
});

test("arrows go over relations, and not over everybody", () => {
  const head =
    "definition user {}\ndefinition group { relation member: user | user:*\n relation leader: user\n }\n";
  const doc = (body: string) => `${head}definition doc { ${body}\n }`;
  const cases: Record<string, string[]> = {
    "relation aaa: user:*\n permission bbb = aaa->xxx": ["arrow-over-wildcard"],
    "relation aaa: user:*\n permission bbb = aaa.all(xxx)": ["arrow-over-wildcard"],
    "relation aaa: user\n permission bbb = aaa\n permission ccc = bbb->xxx": [
      "arrow-over-permission",
    ],
    "relation aaa: doc\n relation pub: user:*\n permission bbb = aaa->pub->xxx": [
      "arrow-over-wildcard",
    ],
    "relation aaa: doc\n permission bbb = nil\n permission ccc = aaa->bbb->xxx": [
      "arrow-over-permission",
    ],
    "relation aaa: doc\n permission ccc = aaa.all(aaa)->aaa": ["nested-all-arrow"],
    "relation aaa: group#member": ["transitive-wildcard"],
    "relation aaa: doc\n permission bbb = (aaa + aaa)->aaa": ["arrow-over-expression"],
    "relation aaa: doc\n permission bbb = aaa->(aaa + aaa)": ["unexpected-token"],
    "relation aaa: doc\n permission bbb = aaa->nil": ["reserved-word"],
    "relation aaa: user:*#member": ["wildcard-with-relation"],
    "relation aaa: user:bob": ["unexpected-token"],
  };
  for (const [body, codes] of Object.entries(cases))
    assert.deepEqual(codesOf(doc(body)), codes, body);
  parsed(doc("relation aaa: group#leader\n permission bbb = aaa->leader"));
  // Within a type everybody may come in through its own relation, as in SpiceDB.
  parsed("definition user {}\ndefinition group { relation member: user:* | group#member\n }");
});

test("a permission is not computed from itself without an arrow", () => {
  const doc = (body: string) =>
    `definition doc { relation up: doc\n ${body}\n }`.replaceAll("up", "upp");
  assert.deepEqual(problemsOf("definition doc { permission aaa = aaa\n }"), [
    "1:35-1:38 permission-cycle",
  ]);
  assert.deepEqual(
    codesOf(doc("permission aaa = bbb\n permission bbb = up & ccc\n permission ccc = up - aaa")),
    ["permission-cycle"],
  );
  parsed(
    doc(
      "permission aaa = up->aaa + bbb\n permission bbb = up->bbb\n permission ccc = bbb + aaa + bbb",
    ),
  );
  const text = doc("permission aaa = bbb\n permission bbb = ccc\n permission ccc = aaa");
  assert.match(
    parseNativeSchema(text, defaultLimits).problems[0]?.message ?? "",
    /aaa → bbb → ccc → aaa/,
  );
});

test("annotations are checked with `use typechecking`, and are nothing without it", () => {
  const schema = (annotation: string) => `definition user {}
    definition team { relation member: user\n }
    definition doc { relation viewer: user | team#member
      relation parent: doc
      permission view: ${annotation} = viewer + parent->view
      permission edit = viewer }`;
  const checked = parsed(`use typechecking\n${schema("user | team")}`);
  const relations = checked.types.get("doc")?.relations;
  assert.deepEqual(relations?.get("view")?.annotation, ["user", "team"]);
  assert.equal(relations?.get("edit")?.annotation, undefined);
  assert.deepEqual(codesOf(`use typechecking\n${schema("team")}`), ["incomplete-annotation"]);
  const loose = parsed(schema("team")).types.get("doc")?.relations.get("view");
  assert.equal(loose?.annotation, undefined);
  assert.deepEqual(codesOf(schema("| team")), ["unexpected-token"]);
});

test("one run tells all that is wrong, and nothing that only follows from it", () => {
  const text = `definition user {}
definition group {
  relation member user
  relation leader: usr
  permision lead = leader
  permission all = member + + leader
  permission any = lead
}
definition {
  relation aaa: user
}
definition doc {
  relation viewer: group#membr | other
  permission view = viewer & (
}
`;
  assert.deepEqual(
    problemsOf(text),
    [
      "3:19-3:23 unexpected-token",
      "4:20-4:23 unknown-type",
      "5:3-5:12 unexpected-token",
      "6:29-6:30 unexpected-token",
      "9:12-9:13 unexpected-token",
      "13:26-13:31 unknown-relation",
      "15:1-15:2 unexpected-token",
    ]
      // The nameless definition may be the type that is missed.
      .filter((problem) => problem !== "4:20-4:23 unknown-type"),
  );
});

test("a definition that does not end does not swallow the next", () => {
  const schema =
    "definition user {\n relation aaa: user\n\ndefinition doc {\n relation bbb: use\n}";
  assert.deepEqual(problemsOf(schema), ["4:1-4:11 unexpected-end", "5:16-5:19 unknown-type"]);
});

test("every limit is held", () => {
  const three = "definition aaa {}\ndefinition bbb {}\ndefinition ccc {}";
  assert.deepEqual(problemsOf(three, { authzTypes: 2 }), ["3:12-3:15 too-many-definitions"]);
  parsed(three, { authzTypes: 3 });
  assert.deepEqual(codesOf(three, { authzSchema: 52 }), ["schema-too-large"]);
  parsed(three, { authzSchema: 53 });
  const relations =
    "definition aaa { relation xxx: aaa\n relation yyy: aaa\n permission zzz = nil\n }";
  assert.deepEqual(problemsOf(relations, { authzRelations: 2 }), ["3:13-3:16 too-many-relations"]);
  parsed(relations, { authzRelations: 3 });
  const deep = (text: string) =>
    `definition aaa { relation xxx: aaa\n permission zzz = ${text}\n }`;
  for (const text of ["((nil))", "nil - nil - nil", "xxx->xxx->xxx", "nil + (nil & nil)"]) {
    assert.deepEqual(codesOf(deep(text), { authzExpression: 1 }), ["expression-too-deep"], text);
    parsed(deep(text), { authzExpression: 2 });
  }
  const caveat = "caveat ccc(aaa int, bbb int) { aaa == bbb }";
  assert.deepEqual(codesOf(caveat, { authzCaveatParameters: 1 }), ["too-many-parameters"]);
  parsed(caveat, { authzCaveatParameters: 2 });
  assert.deepEqual(codesOf(caveat, { authzCaveatText: 9 }), ["caveat-too-long"]);
  parsed(caveat, { authzCaveatText: 10 });
  assert.deepEqual(codesOf("definition abc/def {}", { authzName: 6 }), ["invalid-name"]);
});

test("sizes are counted in bytes", () => {
  assert.deepEqual(codesOf("// ä", { authzSchema: 4 }), ["schema-too-large"]);
  assert.deepEqual(codesOf("caveat ccc(aaa int) { aaa == 'ä' }", { authzCaveatText: 10 }), [
    "caveat-too-long",
  ]);
});
