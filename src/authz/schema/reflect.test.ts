import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "../../model/limits.ts";
import { parseNativeSchema } from "./native/parse.ts";
import {
  affectedPermissions,
  dependencies,
  type RelationRef,
  reachableSubjects,
  reachableTypes,
  reflectSchema,
  type SubjectKind,
} from "./reflect.ts";
import { subjectText } from "./text.ts";

const { schema } = parseNativeSchema(
  `use self
use typechecking
// When.
caveat cond(aaa int, bbb list<string>) { aaa > 1 && bbb == [] }
// Who.
definition user {}
definition bot {}
definition group {
  relation member: user | group#member
  relation head: user
}
// What.
definition folder {
  relation parent: folder
  relation viewer: user | group#head with cond
  // See.
  permission view: folder | user = viewer + parent->view + self
}
definition doc {
  relation folder: folder
  relation banned: user | bot:* | group#member
  permission view = folder->view - banned
  permission deep = folder->parent->viewer
  permission all = view & deep
  permission none = nil
}`,
  defaultLimits,
);
assert(schema !== null);

const names = (refs: readonly RelationRef[]) => refs.map(({ type, name }) => `${type}#${name}`);
const kinds = (subjects: readonly SubjectKind[]) =>
  subjects.map((subject) => subjectText({ ...subject, caveat: null, expiration: false }));

test("a schema is described as plain data", () => {
  const reflected = reflectSchema(schema);
  assert.deepEqual(JSON.parse(JSON.stringify(reflected)), reflected);
  assert.deepEqual(reflected.caveats, [
    {
      name: "cond",
      doc: "When.",
      parameters: [
        { name: "aaa", type: "int" },
        { name: "bbb", type: "list<string>" },
      ],
      expression: "aaa > 1 && bbb == []",
    },
  ]);
  const plain = { relation: null, wildcard: false, caveat: null, expiration: false };
  assert.deepEqual(
    reflected.types.map(({ name }) => name),
    ["user", "bot", "group", "folder", "doc"],
  );
  assert.deepEqual(reflected.types[3], {
    name: "folder",
    doc: "What.",
    relations: [
      { name: "parent", doc: null, subjects: [{ ...plain, type: "folder" }] },
      {
        name: "viewer",
        doc: null,
        subjects: [
          { ...plain, type: "user" },
          { ...plain, type: "group", relation: "head", caveat: "cond" },
        ],
      },
    ],
    permissions: [
      {
        name: "view",
        doc: "See.",
        expression: "viewer + parent->view + self",
        annotation: ["folder", "user"],
      },
    ],
  });
});

test("a permission depends on all that it is computed from, over arrows and usersets", () => {
  const of = (type: string, name: string) => names(dependencies(schema, { type, name }));
  assert.deepEqual(of("doc", "view"), [
    "doc#banned",
    "doc#folder",
    "folder#parent",
    "folder#view",
    "folder#viewer",
    "group#head",
    "group#member",
  ]);
  assert.deepEqual(of("doc", "deep"), [
    "doc#folder",
    "folder#parent",
    "folder#viewer",
    "group#head",
  ]);
  assert.deepEqual(of("doc", "none"), []);
  assert.deepEqual(of("group", "member"), []);
});

test("a relation affects the permissions that are computed from it", () => {
  const of = (type: string, name: string) => names(affectedPermissions(schema, { type, name }));
  assert.deepEqual(of("group", "member"), ["doc#all", "doc#view"]);
  assert.deepEqual(of("group", "head"), ["doc#all", "doc#deep", "doc#view", "folder#view"]);
  assert.deepEqual(of("folder", "parent"), ["doc#all", "doc#deep", "doc#view", "folder#view"]);
  assert.deepEqual(of("doc", "view"), ["doc#all"]);
  assert.deepEqual(of("doc", "all"), []);
});

test("what subjects a permission can have is never less than the truth", () => {
  const of = (type: string, name: string) => kinds(reachableSubjects(schema, { type, name }));
  assert.deepEqual(of("group", "member"), ["group#member", "user"]);
  assert.deepEqual(of("doc", "banned"), ["bot:*", "group#member", "user"]);
  assert.deepEqual(of("folder", "view"), ["folder", "group#head", "user"]);
  assert.deepEqual(of("doc", "view"), ["folder", "group#head", "user"]);
  assert.deepEqual(of("doc", "deep"), ["group#head", "user"]);
  assert.deepEqual(of("doc", "none"), []);
  assert.deepEqual(reachableTypes(schema, "doc"), ["bot", "folder", "group", "user"]);
  assert.deepEqual(reachableTypes(schema, "user"), []);
});

test("what does not exist cannot be asked about", () => {
  for (const ask of [affectedPermissions, dependencies, reachableSubjects]) {
    assert.throws(() => ask(schema, { type: "doc", name: "veiw" }), { code: "unknown-relation" });
    assert.throws(() => ask(schema, { type: "dog", name: "view" }), { code: "unknown-type" });
  }
});
