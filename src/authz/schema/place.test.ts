import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldfastError } from "../../model/errors.ts";
import { defaultLimits } from "../../model/limits.ts";
import type { Relationship } from "../../model/relationship.ts";
import { parseSchema } from "./dialect.ts";
import { parseNativeSchema } from "./native/parse.ts";
import { placeFor, requirePlace, requireRelation } from "./place.ts";

const { schema } = parseNativeSchema(
  `use expiration
caveat cond(aaa int) { aaa > 1 }
caveat other(aaa int) { aaa > 1 }
definition user {}
definition group { relation member: user | group#member\n permission all = member\n }
definition doc {
  relation viewer: user | group#member | user:* with cond | group#all with expiration
  relation editor: user with cond | user with cond and expiration
  permission view = viewer
}`,
  defaultLimits,
);
assert(schema !== null);

/** `type:id#relation@type:id#relation [caveat] !`, the last when it expires. */
function relationship(text: string): Relationship {
  const found = /^(\w+):(\w+)#(\w+)@(\w+):([\w*]+)(?:#(\w+))?(?: \[(\w+)\])?( !)?$/.exec(text);
  assert(found !== null, text);
  const [
    ,
    type = "",
    id = "",
    relation = "",
    subjectType = "",
    subjectId = "",
    userset,
    caveat,
    expiry,
  ] = found;
  return {
    resource: { type, id },
    relation,
    subject: {
      type: subjectType,
      id: subjectId,
      ...(userset !== undefined && { relation: userset }),
    },
    ...(caveat !== undefined && { caveat: { name: caveat } }),
    ...(expiry !== undefined && { expiresAt: 1 }),
  };
}

test("what the schema allows has a place", () => {
  for (const text of [
    "doc:1#viewer@user:a",
    "doc:1#viewer@group:g#member",
    "doc:1#viewer@user:* [cond]",
    "doc:1#viewer@group:g#all !",
    "doc:1#editor@user:a [cond]",
    "doc:1#editor@user:a [cond] !",
    "group:g#member@group:h#member",
  ]) {
    assert.equal(placeFor(schema, relationship(text)), null, text);
    requirePlace(schema, relationship(text));
  }
});

test("what has no place is told why, and thrown as a row of the error table", () => {
  const cases: Record<string, [string, RegExp]> = {
    "dog:1#viewer@user:a": ["unknown-type", /no type dog/],
    "doc:1#veiwer@user:a": ["unknown-relation", /no relation or permission veiwer/],
    "doc:1#view@user:a": ["relation-not-writable", /doc#view is a permission/],
    "doc:1#viewer@usr:a": ["unknown-type", /no type usr/],
    "doc:1#viewer@group:g#membr": ["unknown-relation", /Type group has no .* membr/],
    "doc:1#viewer@user:a [cand]": ["unknown-caveat", /no caveat cand/],
    "doc:1#viewer@user:a [cond]": [
      "subject-not-allowed",
      /doc#viewer takes no .* user:a with cond: it takes user \| group#member/,
    ],
    "doc:1#viewer@user:a !": ["subject-not-allowed", /user:a with expiration/],
    "doc:1#viewer@user:*": ["subject-not-allowed", /user:\*/],
    "doc:1#viewer@group:g": ["subject-not-allowed", /group:g:/],
    "doc:1#viewer@group:*": ["subject-not-allowed", /group:\*/],
    "doc:1#viewer@group:g#all": ["subject-not-allowed", /group:g#all/],
    "doc:1#viewer@group:g#member !": ["subject-not-allowed", /expiration/],
    "doc:1#editor@user:a": ["subject-not-allowed", /editor/],
    "doc:1#editor@user:a [other]": ["subject-not-allowed", /with other/],
    "doc:1#viewer@doc:1": ["subject-not-allowed", /doc:1/],
    "doc:1#viewer@doc:1#view": ["subject-not-allowed", /doc:1#view/],
  };
  for (const [text, [code, message]] of Object.entries(cases)) {
    assert.equal(placeFor(schema, relationship(text))?.code, code, text);
    assert.throws(
      () => requirePlace(schema, relationship(text)),
      (error) =>
        error instanceof HoldfastError && error.code === code && message.test(error.message),
      text,
    );
  }
});

test("errors say what was probably meant", () => {
  const actionOf = (text: string) => {
    try {
      requirePlace(schema, relationship(text));
    } catch (error) {
      return error instanceof HoldfastError ? error.action : "";
    }
    return "";
  };
  assert.equal(actionOf("doc:1#veiwer@user:a"), 'Check the name; did you mean "viewer"?');
  assert.equal(actionOf("elephant:1#viewer@user:a"), "Check the name; there are user, group, doc.");
  // What is computed cannot be written, so it is not what was meant.
  const computing = parseSchema(
    "definition user {}\ndefinition doc {\n relation owner: user\n permission viewers = owner\n}",
  ).schema;
  assert.ok(computing !== null);
  const told = (text: string): string =>
    String(placeFor(computing, relationship(text))?.details["suggestion"]);
  assert.equal(told("doc:1#viewer@user:a"), "there is owner.");
  assert.equal(told("doc:1#viewers@user:a"), "there is owner.");
});

test("a relation or permission is found by type and name", () => {
  assert.equal(requireRelation(schema, { type: "doc", name: "view" }).name, "view");
  assert.throws(() => requireRelation(schema, { type: "doc", name: "vew" }), {
    code: "unknown-relation",
  });
  assert.throws(() => requireRelation(schema, { type: "dco", name: "view" }), {
    code: "unknown-type",
  });
});
