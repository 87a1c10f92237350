import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "../../model/limits.ts";
import { diffSchemas } from "./diff.ts";
import { parseNativeSchema } from "./native/parse.ts";
import type { Schema } from "./schema.ts";
import { expressionText, subjectText } from "./text.ts";

function parsed(text: string): Schema {
  const { schema, problems } = parseNativeSchema(text, defaultLimits);
  assert.deepEqual(problems, [], text);
  assert(schema !== null);
  return schema;
}

/** Each difference as one line. */
function differences(before: string, after: string): string[] {
  return diffSchemas(parsed(before), parsed(after)).map((difference) => {
    const { kind, ...rest } = difference;
    const values = Object.values(rest).map((value) => {
      if (typeof value === "string") return value;
      if ("wildcard" in value) return subjectText(value);
      if (
        ["this", "nil", "self", "relation", "arrow", "union", "intersection", "exclusion"].includes(
          value.kind,
        )
      ) {
        return expressionText(value);
      }
      return value.kind;
    });
    return [kind, ...values].join(" ");
  });
}

const before = `use expiration
caveat gone(aaa int) { aaa > 1 }
caveat kept(aaa int, bbb string, ccc bool) { aaa > 1 && bbb == "" && ccc }
definition user {}
// Old.
definition old { relation aaa: user
}
definition doc {
  relation viewer: user | user:* | old
  relation left: user
  // The old words.
  permission view = viewer + left
  permission stays = viewer
  relation turns: user
  permission gone = nil
}`;

const after = `use expiration
caveat kept(aaa uint, bbb string, ddd bool) { aaa > 1u && bbb == "" && ddd }
caveat new_one(aaa int) { aaa > 1 }
definition user {}
// New.
definition doc {
  relation added: user
  // The new words.
  permission view = left + viewer
  relation left: user
  relation viewer: user | old_user | user:* with kept | user with expiration
  permission stays = viewer
  permission turns = viewer
}
definition old_user {}`;

test("every kind of difference is told, once", () => {
  assert.deepEqual(differences(before, after), [
    "type-removed old",
    "type-doc-changed doc",
    "subject-removed doc viewer user:*",
    "subject-removed doc viewer old",
    "subject-added doc viewer old_user",
    "subject-added doc viewer user:* with kept",
    "subject-added doc viewer user with expiration",
    "permission-doc-changed doc view",
    "expression-changed doc view viewer + left left + viewer",
    "relation-removed doc turns",
    "permission-added doc turns",
    "permission-removed doc gone",
    "relation-added doc added",
    "type-added old_user",
    "caveat-removed gone",
    "parameter-changed kept aaa int uint",
    "parameter-removed kept ccc bool",
    "parameter-added kept ddd bool",
    'caveat-expression-changed kept aaa > 1 && bbb == "" && ccc aaa > 1u && bbb == "" && ddd',
    "caveat-added new_one",
  ]);
});

test("layout, order of types and positions make no difference", () => {
  assert.deepEqual(
    differences(
      "definition aaa {}\ndefinition bbb { relation xxx: aaa | bbb\n }",
      "\ndefinition bbb {\n relation xxx: bbb|aaa\n}\ndefinition aaa {}",
    ),
    [],
  );
});

test("expressions differ in operator, operands, arrows and what they lead to", () => {
  const schema = (expression: string) =>
    `use self\ndefinition doc { relation aaa: doc\n relation bbb: doc\n permission ccc = ${expression}\n }`;
  const expressions = [
    "aaa",
    "bbb",
    "nil",
    "self",
    "aaa + bbb",
    "bbb + aaa",
    "aaa & bbb",
    "aaa - bbb",
    "aaa->bbb",
    "aaa.all(bbb)",
    "bbb->bbb",
    "aaa->aaa",
    "aaa->aaa->bbb",
    "aaa + bbb + aaa",
    "aaa - (bbb - aaa)",
  ];
  for (const one of expressions) {
    for (const other of expressions) {
      const found = differences(schema(one), schema(other));
      assert.equal(found.length, one === other ? 0 : 1, `${one} | ${other}`);
    }
  }
});

test("an annotation that changes is a difference", () => {
  const schema = (annotation: string) =>
    `use typechecking\ndefinition doc { relation aaa: doc\n permission bbb${annotation} = aaa\n }`;
  assert.deepEqual(differences(schema(": doc"), schema("")), ["annotation-changed doc bbb"]);
});
