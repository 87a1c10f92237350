import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOpenfgaStoreFile, parseOpenfgaTuples } from "./store-file.ts";

const tuple = { user: "user:anne", relation: "viewer", object: "doc:1" };

test("a store file becomes plain data", () => {
  const { store, problems } = parseOpenfgaStoreFile({
    name: "Docs",
    model_file: "model.fga",
    tuple_file: "a.yaml",
    tuple_files: ["b.yaml"],
    tuples: [{ ...tuple, condition: { name: "c", context: { x: 1 } } }],
    tests: [
      {
        name: "first",
        description: "of all",
        tuples: [tuple],
        tuple_file: "t.yaml",
        check: [
          {
            users: ["user:anne", "user:*"],
            object: "doc:1",
            context: { y: 2 },
            assertions: { viewer: true },
          },
        ],
        list_objects: [
          { user: "team:x#member", type: "doc", assertions: { viewer: ["doc:1"], owner: [] } },
        ],
        list_users: [
          {
            object: "doc:1",
            user_filter: [{ type: "user" }, { type: "team", relation: "member" }],
            assertions: { viewer: { users: ["user:anne"] } },
          },
        ],
      },
    ],
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(store, {
    name: "Docs",
    model: null,
    modelFile: "model.fga",
    tuples: [{ ...tuple, condition: { name: "c", context: { x: 1 } } }],
    tupleFiles: ["a.yaml", "b.yaml"],
    tests: [
      {
        name: "first",
        description: "of all",
        tuples: [{ ...tuple, condition: null }],
        tupleFiles: ["t.yaml"],
        check: [
          {
            users: ["user:anne", "user:*"],
            objects: ["doc:1"],
            context: { y: 2 },
            assertions: new Map([["viewer", true]]),
          },
        ],
        listObjects: [
          {
            user: "team:x#member",
            type: "doc",
            context: {},
            assertions: new Map([
              ["viewer", ["doc:1"]],
              ["owner", []],
            ]),
          },
        ],
        listUsers: [
          {
            object: "doc:1",
            filters: [
              { type: "user", relation: null },
              { type: "team", relation: "member" },
            ],
            context: {},
            assertions: new Map([["viewer", ["user:anne"]]]),
          },
        ],
      },
    ],
  });
});

test("what is wrong in a store file has a code and a path", () => {
  const { store, problems } = parseOpenfgaStoreFile({
    model: "",
    tuples: [{ user: "anne", relation: "a b", object: "doc:a,b" }],
    tests: [
      {
        extra: 1,
        check: [
          { user: "user:a", users: [], object: "doc:1", assertions: { viewer: "yes" } },
          { object: 7, context: [], assertions: [] },
        ],
        list_objects: {},
        list_users: [{ object: "doc:1", assertions: {} }],
      },
      null,
    ],
  });
  assert.equal(store, null);
  assert.deepEqual(
    problems.map(({ code, path }) => `${path} ${code}`),
    [
      " missing-model",
      "/tuples/0/user malformed",
      "/tuples/0/relation malformed",
      "/tuples/0/object malformed",
      "/tests/0 unknown-field",
      "/tests/0/check/0 conflicting-fields",
      "/tests/0/check/0/assertions/viewer wrong-type",
      "/tests/0/check/1 missing-field",
      "/tests/0/check/1/object wrong-type",
      "/tests/0/check/1/context wrong-type",
      "/tests/0/check/1/assertions wrong-type",
      "/tests/0/list_objects wrong-type",
      "/tests/0/list_users/0 missing-field",
      "/tests/1 wrong-type",
    ],
  );
});

test("a tuple file has tuples alone", () => {
  assert.deepEqual(parseOpenfgaTuples([tuple]).tuples, [{ ...tuple, condition: null }]);
  assert.deepEqual(parseOpenfgaTuples([{ ...tuple, object: "doc" }]).problems, [
    { code: "malformed", path: "/0/object", message: "must be <type>:<id>" },
  ]);
});
