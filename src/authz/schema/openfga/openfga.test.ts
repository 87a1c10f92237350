import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits as limits } from "../../../model/limits.ts";
import { parseSchema } from "../dialect.ts";
import { problemText } from "../problem.ts";
import type { ParsedSchema, Schema } from "../schema.ts";
import { parseOpenfgaDsl, parseOpenfgaJson } from "./openfga.ts";
import { printOpenfgaDsl } from "./print-dsl.ts";
import { toOpenfgaJson } from "./to-json.ts";

function schemaOf({ schema, problems }: ParsedSchema): Schema {
  assert.deepEqual(
    problems.filter(({ severity }) => severity === "error"),
    [],
  );
  return schema!;
}

function codesOf({ problems }: ParsedSchema): readonly string[] {
  return problems.map(({ code, severity }) => (severity === "error" ? code : `${code}?`));
}

function documents(...definitions: readonly string[]): string {
  const lines = definitions.map((definition) => `    define ${definition}\n`);
  return `model\n  schema 1.1\ntype user\ntype group\n  relations\n    define member: [user]\ntype document\n  relations\n${lines.join("")}`;
}

function rewriteOf(...definitions: readonly string[]): unknown {
  const schema = schemaOf(parseOpenfgaDsl(documents(...definitions), limits));
  return [...schema.types.get("document")!.relations.values()].at(-1)!.rewrite;
}

const direct = { kind: "this" };
const owner = { kind: "relation", name: "owner" };

test("brackets become the subjects that are allowed, and the stored tuples", () => {
  const schema = schemaOf(
    parseOpenfgaDsl(
      documents("owner: [user]", "viewer: [user, user:*, group#member] or owner"),
      limits,
    ),
  );
  assert.equal(schema.dialect, "openfga");
  assert.equal(schema.version, "1.1");
  const viewer = schema.types.get("document")!.relations.get("viewer")!;
  const base = { relation: null, wildcard: false, caveat: null, expiration: false };
  assert.deepEqual(viewer.allowed, [
    { ...base, type: "user" },
    { ...base, type: "user", wildcard: true },
    { ...base, type: "group", relation: "member" },
  ]);
  assert.deepEqual(viewer.rewrite, { kind: "union", operands: [direct, owner] });
  assert.deepEqual(viewer.at, { line: 10, column: 12 });
});

test("operators become expressions as they are nested", () => {
  const parent = ["parent: [document]", "owner: [user]", "editor: [user]"] as const;
  const arrow = { kind: "arrow", over: "parent", target: owner, all: false };
  const editor = { kind: "relation", name: "editor" };
  assert.deepEqual(rewriteOf(...parent, "viewer: owner from parent or owner"), {
    kind: "union",
    operands: [arrow, owner],
  });
  assert.deepEqual(rewriteOf(...parent, "viewer: owner but not editor"), {
    kind: "exclusion",
    base: owner,
    subtract: editor,
  });
  assert.deepEqual(
    rewriteOf(...parent, "viewer: (([user] or owner) and editor) but not (  owner )"),
    {
      kind: "exclusion",
      base: {
        kind: "intersection",
        operands: [{ kind: "union", operands: [direct, owner] }, editor],
      },
      subtract: owner,
    },
  );
});

test("restrictions may take several lines", () => {
  assert.deepEqual(rewriteOf("viewer: [\n      user,\n      group#member\n    ]"), direct);
});

const conditional = `model
  schema 1.1
type user
# what is written
# and by whom
type document
  relations
    # who may see it
    define viewer: [user with during]
# office hours
condition during(now: timestamp, days: list<string>, at: map<int>) {
  now.getHours() > 8 && // from nine
  "}" in days
}
`;

test("conditions become caveats: text and place of their expression, types of their parameters", () => {
  const schema = schemaOf(parseOpenfgaDsl(conditional, limits));
  const caveat = schema.caveats.get("during")!;
  assert.deepEqual(
    [...caveat.parameters],
    [
      ["now", { kind: "timestamp" }],
      ["days", { kind: "list", of: { kind: "string" } }],
      ["at", { kind: "map", of: { kind: "int" } }],
    ],
  );
  // OpenFGA drops the comments of expressions; what follows keeps its place.
  assert.equal(caveat.expression, 'now.getHours() > 8 && \n  "}" in days');
  assert.deepEqual(caveat.at, { line: 11, column: 11 });
  assert.deepEqual(caveat.expressionAt, { line: 12, column: 3 });
  const viewer = schema.types.get("document")!.relations.get("viewer")!;
  assert.equal(viewer.allowed[0]!.caveat, "during");
});

test("comment lines right above a declaration are its doc, and are printed again", () => {
  const schema = schemaOf(parseOpenfgaDsl(conditional, limits));
  const document = schema.types.get("document")!;
  assert.equal(document.doc, "what is written\nand by whom");
  assert.equal(document.relations.get("viewer")!.doc, "who may see it");
  assert.equal(schema.caveats.get("during")!.doc, "office hours");
  const { text } = printOpenfgaDsl(schema);
  assert.match(text!, /\n\n# what is written\n# and by whom\ntype document\n/);
  const again = schemaOf(parseOpenfgaDsl(text!, limits));
  assert.equal(again.types.get("document")!.doc, document.doc);
});

test("the JSON is that of the HTTP API, empty fields included", () => {
  const schema = schemaOf(
    parseOpenfgaDsl(documents("parent: [document]", "x: [user:*] or x from parent"), limits),
  );
  assert.deepEqual(toOpenfgaJson(schema), {
    schema_version: "1.1",
    type_definitions: [
      { type: "user", relations: {}, metadata: null },
      {
        type: "group",
        relations: { member: { this: {} } },
        metadata: {
          relations: {
            member: {
              directly_related_user_types: [{ type: "user", condition: "" }],
              module: "",
              source_info: null,
            },
          },
          module: "",
          source_info: null,
        },
      },
      {
        type: "document",
        relations: {
          parent: { this: {} },
          x: {
            union: {
              child: [
                { this: {} },
                {
                  tupleToUserset: {
                    tupleset: { object: "", relation: "parent" },
                    computedUserset: { object: "", relation: "x" },
                  },
                },
              ],
            },
          },
        },
        metadata: {
          relations: {
            parent: {
              directly_related_user_types: [{ type: "document", condition: "" }],
              module: "",
              source_info: null,
            },
            x: {
              directly_related_user_types: [{ type: "user", wildcard: {}, condition: "" }],
              module: "",
              source_info: null,
            },
          },
          module: "",
          source_info: null,
        },
      },
    ],
    conditions: {},
  });
});

test("JSON is read as text or as a value, with fields that are null, unknown or in the other style", () => {
  const model = {
    schema_version: "1.1",
    id: "01",
    type_definitions: [
      { type: "user", relations: null, metadata: null },
      {
        type: "document",
        relations: { owner: { this: {} }, viewer: { computed_userset: { relation: "owner" } } },
        metadata: {
          relations: { owner: { directly_related_user_types: [{ type: "user", relation: "" }] } },
        },
      },
    ],
    conditions: null,
  };
  const fromText = schemaOf(parseOpenfgaJson(JSON.stringify(model), limits));
  const fromValue = schemaOf(parseOpenfgaJson(model, limits));
  assert.deepEqual(fromValue.types, fromText.types);
  assert.equal(fromValue.source, JSON.stringify(model));
  assert.deepEqual(fromText.types.get("document")!.relations.get("viewer")!.rewrite, owner);
});

test("JSON that is none, or is no model, is refused with the path of what is wrong", () => {
  const circular: unknown[] = [];
  circular.push(circular);
  for (const json of ["{", undefined, circular, 1n]) {
    assert.deepEqual(codesOf(parseOpenfgaJson(json, limits)), ["invalid-json"]);
  }
  const wrong = {
    schema_version: "1.1",
    type_definitions: [
      { type: 7 },
      {
        type: "t",
        relations: { a: {}, b: { this: {}, union: {} }, c: { union: { child: [{ this: {} }] } } },
      },
    ],
    conditions: { c: { name: "c", parameters: { p: { type_name: "TYPE_NAME_LIST" }, q: {} } } },
  };
  const { schema, problems } = parseOpenfgaJson(wrong, limits);
  assert.equal(schema, null);
  assert.deepEqual(
    problems.map(({ message }) => message.split(":")[0]),
    [
      "type_definitions[0].type",
      "type_definitions[0]",
      "type_definitions[1].relations.a",
      "type_definitions[1].relations.b",
      "type_definitions[1].relations.c.union",
      "conditions.c.parameters.p",
      "conditions.c.parameters.q",
    ],
  );
});

test("names of JavaScript's own are names like others", () => {
  const text = documents("constructor: [user]", "__proto__: [user]", "toString: constructor");
  const schema = schemaOf(parseOpenfgaDsl(text, limits));
  assert.deepEqual(
    [...schema.types.get("document")!.relations.keys()],
    ["constructor", "__proto__", "toString"],
  );
  const again = schemaOf(parseOpenfgaJson(JSON.stringify(toOpenfgaJson(schema)), limits));
  assert.deepEqual([...again.types.keys()], [...schema.types.keys()]);
  assert.ok(again.types.get("document")!.relations.has("__proto__"));
});

test("what only OpenFGA's tools refuse is a warning where its server decides", () => {
  const text = documents("owner: [user, user]", "viewer: owner or owner");
  const unused = `${text}condition c(x: int) {\n  x < 1\n}\n`;
  assert.deepEqual(codesOf(parseOpenfgaDsl(unused, limits)), [
    "duplicated-error",
    "duplicated-error",
    "condition-not-used",
  ]);
  const lenient = parseOpenfgaDsl(unused, limits, { strict: false });
  assert.deepEqual(codesOf(lenient), [
    "duplicated-error?",
    "duplicated-error?",
    "condition-not-used?",
  ]);
  const json = parseOpenfgaJson(toOpenfgaJson(schemaOf(lenient)), limits);
  assert.deepEqual(codesOf(json), codesOf(lenient));
});

test("what only OpenFGA's server refuses is refused: cycles, and types of what stores nothing", () => {
  const cyclic = documents("a: [user] or b", "b: [user] or a", "c: [user] or a");
  const parsed = parseOpenfgaDsl(cyclic, limits);
  assert.deepEqual(
    parsed.problems.map(({ code, at }) => [code, at.line]),
    [
      ["relation-cycle", 9],
      ["relation-cycle", 10],
    ],
  );
  const json = {
    schema_version: "1.1",
    type_definitions: [
      {
        type: "user",
        relations: { a: { this: {} }, b: { computedUserset: { relation: "a" } } },
        metadata: {
          relations: {
            a: { directly_related_user_types: [{ type: "user" }] },
            b: { directly_related_user_types: [{ type: "user" }] },
          },
        },
      },
    ],
  };
  assert.deepEqual(codesOf(parseOpenfgaJson(json, limits)), ["non-assignable-relation-with-type"]);
});

test("a name that is nearly right comes with a suggestion", () => {
  const { problems } = parseOpenfgaDsl(documents("owner: [usr]", "viewer: ownr"), limits);
  assert.deepEqual(
    problems.map(({ suggestion }) => suggestion),
    ['Did you mean "user"?', 'Did you mean "owner"?'],
  );
});

test("sizes are limited", () => {
  const small = { ...limits, authzTypes: 2, authzRelations: 1, authzExpression: 2 };
  const text = documents("owner: [user]", "viewer: owner");
  assert.deepEqual(codesOf(parseOpenfgaDsl(text, small)), ["too-many-types", "too-many-relations"]);
  assert.deepEqual(
    codesOf(parseOpenfgaDsl(documents("a: (([user]))"), { ...limits, authzExpression: 2 })),
    [],
  );
  const deep = parseOpenfgaDsl(documents("a: ((([user])))"), { ...limits, authzExpression: 2 });
  assert.deepEqual(codesOf(deep), ["expression-too-deep"]);
  assert.deepEqual(deep.problems[0]!.at, { line: 9, column: 17 });
  assert.deepEqual(codesOf(parseOpenfgaDsl(text, { ...limits, authzSchema: 10 })), [
    "schema-too-large",
  ]);
  assert.deepEqual(codesOf(parseOpenfgaJson("{}", { ...limits, authzSchema: 1 })), [
    "schema-too-large",
  ]);
  const tight = { ...limits, authzCaveatParameters: 2, authzCaveatText: 5 };
  assert.deepEqual(codesOf(parseOpenfgaDsl(conditional, tight)), [
    "too-many-parameters",
    "caveat-too-long",
  ]);
});

test("what JSON can say and the DSL cannot is not printed", () => {
  const model = (name: string, expression: string): unknown => ({
    schema_version: "1.1",
    type_definitions: [
      {
        type: "user",
        relations: { [name]: { this: {} } },
        metadata: {
          relations: {
            [name]: { directly_related_user_types: [{ type: "user", condition: "c" }] },
          },
        },
      },
    ],
    conditions: { c: { name: "c", expression, parameters: { x: { type_name: "TYPE_NAME_INT" } } } },
  });
  const printed = (name: string, expression: string): string | null =>
    printOpenfgaDsl(schemaOf(parseOpenfgaJson(model(name, expression), limits))).text;
  assert.ok(printed("fine", "x < 1"));
  for (const name of ["define", "a=b", "or", "-"]) assert.equal(printed(name, "x < 1"), null, name);
  for (const text of ["{1: x}[1] < 1", "x < 1 #", "x == 'a #b'", '"', "condition < x"]) {
    assert.equal(printed("fine", text), null, text);
  }
});

test("a comment of CEL may stand on a line of its own before a declaration, once", () => {
  const text = `${documents("owner: [user]")}// one\n`;
  assert.deepEqual(codesOf(parseOpenfgaDsl(text, limits)), []);
  assert.deepEqual(codesOf(parseOpenfgaDsl(`${text}\n// two\n`, limits)), ["invalid-syntax"]);
});

test("as deep as the DSL may go the JSON may, too", () => {
  const depth = { ...limits, authzExpression: 3 };
  const text = documents("b: [user]", "a: (((b or member from b) and b) or b) but not b").replace(
    "b: [user]",
    "b: [group]",
  );
  const { schema } = parseOpenfgaDsl(text, depth);
  assert.deepEqual(parseOpenfgaJson(toOpenfgaJson(schema!), depth).problems, []);
});

test("problems of JSON stand where the part stands that they are about", () => {
  const text = `{
  "schema_version": "1.1",
  "type_definitions": [
    { "type": "user" },
    {
      "type": "document",
      "relations": { "viewer": { "this": {} }, "editor": { "computedUserset": { "relation": "vewer" } } },
      "metadata": { "relations": { "viewer": {
        "directly_related_user_types": [{ "type": "usr" }]
      } } }
    }
  ]
}`;
  const at = (json: string): string[] =>
    parseOpenfgaJson(json, limits).problems.map(({ at }) => `${at.line}:${at.column}`);
  assert.deepEqual(at(text), ["9:52", "7:94"]);
  assert.deepEqual(at(text.replace('"vewer"', "7")), ["7:93", "7:61"]);
  assert.deepEqual(at(text.replace('"user" },', '"user" }')), ["5:5"]);
  assert.deepEqual(at(text.slice(0, -1)), ["13:1"]);
});

test("syntax is told in plain words, and no full stop stands twice", () => {
  const wrong = (define: string): string[] => {
    const text = `model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define ${define}\n`;
    return parseSchema(text).problems.map(problemText);
  };
  assert.deepEqual(wrong("x: [usr]"), ['`usr` is not a valid type. Did you mean "user"?']);
  const syntax = [...wrong("x: [user"), ...wrong("x user"), ...wrong("x: ;"), ...wrong("")];
  assert.ok(syntax.length >= 4);
  for (const message of syntax) {
    assert.match(message, /cannot stand here|is missing before/);
    assert.doesNotMatch(message, /input|expecting|recognition|WHITESPACE|EOF/);
  }
});
