import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { suiteFolder, whySkipped } from "../../../test/suites.ts";
import { fail } from "../../model/errors.ts";
import { type OpenedAuthz, openAuthz } from "../../server/open-authz.ts";
import { parseExpected, printMember } from "./expected.ts";
import { parseCsv } from "./tuple-file.ts";
import { isGood, validateText } from "./validate.ts";
import type { ValidationReport } from "./validation.ts";

let authz: OpenedAuthz;
before(async () => {
  authz = await openAuthz({ store: ":memory:" });
});
after(() => authz.close());

function validate(
  text: string,
  files: Readonly<Record<string, string>> = {},
): Promise<ValidationReport> {
  return validateText(text, {
    readFile: async (name) => {
      const found = files[name];
      assert.ok(found !== undefined, `no file ${name}`);
      return found;
    },
    makeTenant: async () => authz.tenant((await authz.createTenant()).id),
  });
}

const schema = `schema: |-
  definition user {}
  caveat office(net string) { net == "10" }
  definition group {
    relation member: user | group#member
  }
  definition document {
    relation owner: user
    relation viewer: user | user:* | user with office | group#member
    relation banned: user
    permission view = (viewer + owner) - banned
    permission both = owner & viewer
  }
relationships: |-
  // a comment
  document:1#owner@user:ada
  document:1#viewer@group:x#member
  group:x#member@user:bob
  group:x#member@user:ada
  document:1#viewer@user:carl[office]
  document:2#viewer@user:*
  document:2#owner@user:ada
  document:2#banned@user:eve
`;

describe("SpiceDB's files", () => {
  test("what is as expected passes", async () => {
    const report = await validate(`${schema}
assertions:
  assertTrue:
    - "document:1#view@user:ada"
    - 'document:1#view@user:carl with {"net": "10"}'
  assertFalse:
    - "document:1#view@user:eve"
  assertCaveated:
    - "document:1#view@user:carl"
validation:
  document:1#view:
    - "[user:ada] is <document:1#owner>/<group:x#member>"
    - "[user:bob] is <group:x#member>"
    - "[user:carl[...]] is <document:1#viewer>"
    - "[group:x#member] is <document:1#viewer>"
  document:2#view:
    - "[user:* - {user:eve}] is <document:2#viewer>"
    - "[user:ada#...] is <document:2#owner>"
  document:2#both:
    - "[user:ada] is <document:2#owner>/<document:2#viewer>"
`);
    const failed = report.outcomes.filter(({ passed }) => !passed);
    assert.deepEqual(failed, []);
    assert.deepEqual(
      report.problems.filter(({ severity }) => severity === "error"),
      [],
    );
    assert.equal(report.outcomes.length, 11);
    assert.ok(isGood(report));
  });

  test("what is not has its line, what was given, and why", async () => {
    const report = await validate(`${schema}
assertions:
  assertTrue:
    - "document:1#view@user:eve"
    - "document:1#veiw@user:eve"
validation:
  document:1#view:
    - "[user:ada] is <document:1#owner>"
    - "[user:eve] is <document:1#owner>"
`);
    assert.ok(!isGood(report));
    const lines = report.outcomes.map(({ group, what, line, passed, expected, given }) =>
      [group, what, line, passed, expected, given].join("; "),
    );
    assert.deepEqual(
      lines,
      [
        "assertTrue; document:1#view@user:eve; 27; false; yes; no",
        `assertTrue; document:1#veiw@user:eve; 28; false; yes; Type document has no relation or permission veiw`,
        "validation; document:1#view: user:ada; 31; false; [user:ada] is <document:1#owner>; [user:ada] is <document:1#owner>/<group:x#member>",
        "validation; document:1#view: user:eve; 32; false; [user:eve] is <document:1#owner>; is not there",
        "validation; document:1#view: group:x#member; 30; false; is not listed; [group:x#member] is <document:1#viewer>",
        "validation; document:1#view: user:bob; 30; false; is not listed; [user:bob] is <group:x#member>",
        "validation; document:1#view: user:carl; 30; false; is not listed; [user:carl[...]] is <document:1#viewer>",
      ].toSorted((a, b) => lines.indexOf(a) - lines.indexOf(b)),
    );
    assert.equal(report.outcomes[0]?.explanation?.verdict, "no");
  });

  test("a schema that is wrong is a problem at its line of the file", async () => {
    const { problems, outcomes } = await validate(
      "# head\nschema: |\n  definition user {}\n  definition doc {\n    relation viewer: usr\n  }\n",
    );
    assert.deepEqual(outcomes, []);
    assert.equal(problems[0]?.line, 5);
    assert.match(problems[0]?.message ?? "", /usr.*Did you mean "user"\?/);
  });

  test("a schema in a file of its own, and its problems with the name of that file", async () => {
    const good = await validate("schemaFile: s.zed\nassertions: {}\n", {
      "s.zed": "definition user {}\ndefinition doc {\n  relation viewer: user\n}\n",
    });
    assert.ok(isGood(good));
    const { problems } = await validate("schemaFile: s.zed\n", { "s.zed": "definitio user {}\n" });
    assert.deepEqual([problems[0]?.file, problems[0]?.line], ["s.zed", 1]);
  });

  test("relationships that cannot be read or written are problems, and the rest is tried", async () => {
    const { problems, outcomes } = await validate(
      `schema: |-\n  definition user {}\n  definition doc {\n    relation viewer: user\n  }
relationships: |-
  doc:1#viewer@user:ada
  doc:1#viewer
  doc:1#editor@user:ada
assertions:
  assertTrue:
    - doc:1#viewer@user:ada\n`,
    );
    assert.deepEqual(
      problems.filter(({ severity }) => severity === "error").map(({ line }) => line),
      [8, 9],
    );
    assert.deepEqual(
      outcomes.map(({ passed }) => passed),
      [true],
    );
  });

  test("fields that do not exist are told", async () => {
    const { problems } = await validate(
      `${schema}\nasertions: {}\nassertions:\n  assertMaybe: []\n`,
    );
    const errors = problems.filter(({ severity }) => severity === "error");
    assert.deepEqual(
      errors.map(({ message }) => message),
      [
        'There is no field asertions. Did you mean "assertions"?',
        'There is no kind of assertions assertMaybe. Did you mean "assertFalse"?',
      ],
    );
  });
});

const model = `model: |
  model
    schema 1.1
  type user
  type group
    relations
      define member: [user]
  type document
    relations
      define owner: [user]
      define viewer: [user, user:*, group#member, user with office] or owner
  condition office(net: string) {
    net == "10"
  }
`;

describe("OpenFGA's files", () => {
  const tests = `tuple_file: tuples.csv
tests:
  - name: one
    tuples:
      - user: user:dora
        relation: owner
        object: document:1
    check:
      - user: user:ada
        object: document:1
        assertions:
          viewer: true
          owner: false
      - users: [user:carl, user:dora]
        objects: [document:1]
        context: { net: "10" }
        assertions:
          viewer: true
    list_objects:
      - user: user:bob
        type: document
        assertions:
          viewer: [document:1]
    list_users:
      - object: document:1
        user_filter: [{ type: user }]
        context: { net: "10" }
        assertions:
          viewer:
            users: [user:ada, user:bob, user:carl, user:dora]
  - name: two
    check:
      - user: user:dora
        object: document:1
        assertions:
          viewer: false
`;
  const csv = `user_type,user_id,user_relation,relation,object_type,object_id,condition_name,condition_context
user,ada,,viewer,document,1,,
group,x,member,viewer,document,1,,
user,bob,,member,group,x,,
user,carl,,viewer,document,1,office,"{}"
`;

  test("what is as expected passes; tuples of one test are not in another", async () => {
    const report = await validate(model + tests, { "tuples.csv": csv });
    assert.deepEqual(
      report.outcomes.filter(({ passed }) => !passed),
      [],
    );
    assert.equal(report.outcomes.length, 7);
    assert.ok(isGood(report), JSON.stringify(report.problems));
  });

  test("what is not has its line, what was given, and why", async () => {
    const wrong = tests
      .replace("viewer: false", "viewer: true")
      .replace("user:ada, user:bob", "user:ada");
    const { outcomes } = await validate(model + wrong, { "tuples.csv": csv });
    const failed = outcomes.filter(({ passed }) => !passed);
    assert.deepEqual(
      failed.map(({ group, what, line, given }) => [group, what, line, given]),
      [
        ["one", "user with viewer on document:1", 43, "user:ada, user:bob, user:carl, user:dora"],
        ["two", "document:1#viewer@user:dora", 50, "false"],
      ],
    );
    assert.equal(failed[1]?.explanation?.verdict, "no");
  });

  test("a model of several files", async () => {
    const files = {
      "m/fga.mod": "schema: '1.2'\ncontents:\n  - core.fga\n  - wiki.fga\n",
      "m/core.fga": "module core\ntype user\n",
      "m/wiki.fga": "module wiki\ntype page\n  relations\n    define reader: [user]\n",
    };
    const report = await validate(
      `model_file: m/fga.mod
tuples:
  - { user: "user:ada", relation: reader, object: "page:1" }
tests:
  - check:
      - { user: "user:ada", object: "page:1", assertions: { reader: true } }
`,
      files,
    );
    assert.ok(isGood(report), JSON.stringify(report));
    assert.equal(report.outcomes.length, 1);
  });
});

describe("the files of others", () => {
  const spicedb = suiteFolder("spicedb");
  test("every file of SpiceDB's suite validates", { skip: whySkipped(spicedb) }, async (t) => {
    const folder = path.join(spicedb ?? "", "testconfigs");
    const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
    let outcomes = 0;
    for (const file of files) {
      const report = await validate(readFileSync(path.join(folder, file), "utf8"));
      assert.ok(isGood(report), `${file}: ${JSON.stringify(report, null, 1).slice(0, 2_000)}`);
      outcomes += report.outcomes.length;
    }
    t.diagnostic(`${files.length} files, ${outcomes} expectations`);
    assert.ok(outcomes > 100);
  });

  const openfga = suiteFolder("openfga");
  test("OpenFGA's stores pass or are refused as there", { skip: whySkipped(openfga) }, async () => {
    const folder = path.join(openfga ?? "", "language/stores");
    const verdicts = new Map<string, boolean>();
    for (const name of readdirSync(folder)) {
      const text = readFileSync(path.join(folder, name, "store.fga.yaml"), "utf8");
      const report = await validate(text, {
        "./model.fga":
          "model\n  schema 1.1\ntype user\ntype organization\n  relations\n    define member: [user]\n",
      });
      verdicts.set(name, isGood(report));
    }
    assert.deepEqual(Object.fromEntries(verdicts), {
      "00-valid-model": true,
      "01-valid-model-file": true,
      "02-missing-model": false,
      "03-additional-properties": false,
    });
  });
});

describe("hostile files", () => {
  test("are problems, and never anything else", async () => {
    const texts = [
      "",
      "[]",
      "1",
      "schema: 1",
      "schema: [",
      "model: {}",
      "tests: 1",
      "assertions: x",
      "schema: ''\nvalidation: []",
      "a: &a [*a]\nschema: *a",
      "schema: *nothing",
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\nschema: [*d,*d,*d,*d,*d,*d,*d,*d]`,
      `${schema}validation:\n  nothing: ["x"]\n  document:1#view: ["[] is", "[a:b] is <", 1]\n`,
      `${schema}assertions:\n  assertTrue: ["x", "document:1#view@user:a with {", {}]\n`,
    ];
    for (const text of texts) {
      const report = await validate(text);
      assert.ok(report.problems.length > 0, text.slice(0, 40));
      assert.ok(!isGood(report));
    }
  });

  test("expected relations are read as they are printed", () => {
    const name = fc.stringMatching(/^[a-z]{1,4}:[a-z0-9]{1,4}$/);
    const relation = fc.stringMatching(/^[a-z]{1,4}:[a-z0-9]{1,4}#[a-z]{1,4}$/);
    const member = fc
      .record({
        subject: fc.oneof(name, relation),
        conditional: fc.boolean(),
        excluded: fc.array(name, { maxLength: 3 }).map((all) => all.toSorted()),
        through: fc.array(relation, { minLength: 1, maxLength: 3 }).map((all) => all.toSorted()),
      })
      .map((one) => ({ ...one }));
    fc.assert(
      fc.property(member, (one) => {
        assert.deepEqual(parseExpected(printMember(one)), one);
      }),
    );
  });

  test("CSV is read as RFC 4180 has it", () => {
    assert.deepEqual(parseCsv("x.csv", 'a,b\r\n"x, ""y""",\n\n1,2'), [
      ["a", "b"],
      ['x, "y"', ""],
      ["1", "2"],
    ]);
    assert.throws(() => parseCsv("x.csv", 'a"b\n'), { code: "invalid-argument" });
  });
});

test("a file that is named and is not there is a problem where it is named", async () => {
  const missing = (text: string) =>
    validateText(text, {
      readFile: async (file) => {
        throw fail("file-unreadable", { file, reason: "there is no such file" });
      },
      makeTenant: async () => authz.tenant((await authz.createTenant()).id),
    });
  const problemsOf = async (text: string): Promise<(string | number | null)[][]> =>
    (await missing(text)).problems.map(({ line, message }) => [line, message]);
  const told = "The file x.zed cannot be read: there is no such file";
  assert.deepEqual(await problemsOf("relationships: ''\nschemaFile: x.zed\n"), [[2, told]]);
  assert.deepEqual(await problemsOf("tests: []\nmodel_file: x.zed\n"), [[2, told]]);
  const model = "model: |-\n  model\n    schema 1.1\n  type user\ntests: []\n";
  assert.deepEqual(await problemsOf(`${model}tuple_file: x.zed\n`), [[6, told]]);
  assert.deepEqual(await problemsOf(`${model}tuple_files:\n  - x.zed\n`), [[7, told]]);
});

test("a field that is misspelt is told with what was meant, where it stands", async () => {
  const problemsOf = async (text: string) =>
    (await validate(text)).problems.map(({ line, message }) => [line, message]);
  const wrong = "schema: definition user {}\nrelationship: x\n";
  assert.deepEqual(await problemsOf(wrong), [
    [2, 'There is no field relationship. Did you mean "relationships"?'],
  ]);
  const [[, neither] = []] = await problemsOf("shcema: x\n");
  assert.match(String(neither), /Did you mean "schema"\?/);
  const [[, field] = []] = await problemsOf("tests: []\nmodel: x\ntuple: []\n");
  assert.match(String(field), /has no field 'tuple'\. Did you mean "tuples"\?/);
});
