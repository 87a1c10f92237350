import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HoldfastError } from "../model/errors.ts";
import type { Relationship } from "../model/relationship.ts";
import {
  isBlank,
  parseCheckItem,
  parseObject,
  parseRelationship,
  parseSubject,
  printRelationship,
} from "./relationship-text.ts";

const document = { type: "document", id: "1" };
const ada = { type: "user", id: "ada" };
const viewer: Relationship = { resource: document, relation: "viewer", subject: ada };

const forms: readonly [string, Relationship][] = [
  ["document:1#viewer@user:ada", viewer],
  [
    "document:1#viewer@group:x#member",
    { ...viewer, subject: { type: "group", id: "x", relation: "member" } },
  ],
  ["document:1#viewer@user:*", { ...viewer, subject: { type: "user", id: "*" } }],
  [
    "document:a/b:c#viewer@user:ada@example.org",
    {
      ...viewer,
      resource: { type: "document", id: "a/b:c" },
      subject: { type: "user", id: "ada@example.org" },
    },
  ],
  ["document:1#viewer@user:ada[office]", { ...viewer, caveat: { name: "office" } }],
  [
    'document:1#viewer@user:ada[office:{"ip":"}]\\"["}][expiration:2030-01-01T00:00:00Z]',
    {
      ...viewer,
      caveat: { name: "office", context: { ip: '}]"[' } },
      expiresAt: Date.UTC(2030, 0, 1),
    },
  ],
  [
    "document:1#viewer@user:ada[expiration:2030-01-01T00:00:00.250Z]",
    { ...viewer, expiresAt: Date.UTC(2030, 0, 1) + 250 },
  ],
];

describe("the text of a relationship", () => {
  for (const [text, relationship] of forms) {
    test(`${text} is read and printed`, () => {
      assert.deepEqual(parseRelationship(text), relationship);
      assert.equal(printRelationship(relationship), text);
    });
  }

  test("space around it, SpiceDB's three dots and other offsets are taken", () => {
    assert.deepEqual(parseRelationship("  document:1#viewer@user:ada#... "), viewer);
    const { expiresAt } = parseRelationship(
      "document:1#viewer@user:ada[expiration:2030-01-01T02:00:00+02:00]",
    );
    assert.equal(expiresAt, Date.UTC(2030, 0, 1));
  });

  test("objects, subjects, questions and comments are read alone", () => {
    assert.deepEqual(parseObject("document:1"), document);
    assert.deepEqual(parseSubject("user:ada"), ada);
    assert.deepEqual(parseCheckItem("document:1#view@user:ada"), {
      resource: document,
      permission: "view",
      subject: ada,
    });
    assert.ok(isBlank("  // a comment") && isBlank("") && !isBlank("a:b#c@d:e"));
  });

  const bad = [
    "",
    "document",
    "document:1",
    "document:1#viewer",
    "document:1#@user:ada",
    "document:1@user:ada#x",
    ":1#viewer@user:ada",
    "document:#viewer@user:ada",
    "document:1#viewer@ada",
    "document:1#viewer@user:ada#",
    "document:1#viewer@user:ada#a#b",
    "document:1#view er@user:ada",
    "document:1#viewer@user:ada[",
    "document:1#viewer@user:ada[]",
    "document:1#viewer@user:ada[a",
    "document:1#viewer@user:ada[a:]",
    "document:1#viewer@user:ada[a:{]",
    "document:1#viewer@user:ada[a:[1]]",
    "document:1#viewer@user:ada[a:{}x]",
    "document:1#viewer@user:ada[a]x",
    "document:1#viewer@user:ada[a][b]",
    'document:1#viewer@user:ada[a:{"k":1,}]',
    "document:1#viewer@user:ada[expiration]",
    "document:1#viewer@user:ada[expiration:2030]",
    "document:1#viewer@user:ada[expiration:2030-13-01T00:00:00Z]",
    "document:1#viewer@user:ada[expiration:2030-01-01T00:00:00Z][expiration:2030-01-01T00:00:00Z]",
  ];
  for (const text of bad) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => parseRelationship(text), { code: "invalid-relationship" });
    });
  }

  test("a question has no caveat", () => {
    assert.throws(() => parseCheckItem("document:1#view@user:ada[a]"), {
      code: "invalid-relationship",
    });
  });

  test("a subject with a bracket is not printed", () => {
    const subject = { type: "user", id: "a[b]" };
    assert.throws(() => printRelationship({ ...viewer, subject }), {
      code: "invalid-relationship",
    });
  });

  test("what is printed is read as the same", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_/]{0,8}$/);
    const id = fc.stringMatching(/^[^\s#*[\p{C}]{1,12}$/u);
    const object = fc.record({ type: name, id });
    const subject = fc.record({ type: name, id, relation: name }, { requiredKeys: ["type", "id"] });
    const context = fc.dictionary(
      fc.string().filter((key) => key !== "__proto__"),
      fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))),
    );
    const caveat = fc.record(
      { name: name.filter((it) => it !== "expiration"), context },
      { requiredKeys: ["name"] },
    );
    const expiresAt = fc.integer({ min: 1, max: Date.UTC(9999, 0, 1) });
    const relationship = fc.record(
      { resource: object, relation: name, subject, caveat, expiresAt },
      { requiredKeys: ["resource", "relation", "subject"] },
    );
    fc.assert(
      fc.property(relationship, (one) => {
        const plain = JSON.parse(JSON.stringify(one));
        const read = parseRelationship(printRelationship(plain));
        assert.deepEqual(JSON.parse(JSON.stringify(read)), plain);
      }),
      { numRuns: 200 },
    );
  });

  test("whatever is given is read or refused with a code, and in linear time", () => {
    const pieces = ["a:b", "#c", "@", "[", "]", "{", "}", '"', "\\", ":", "expiration", " ", "é"];
    const noise = fc
      .array(fc.oneof(fc.constantFrom(...pieces), fc.string()))
      .map((all) => all.join(""));
    fc.assert(
      fc.property(noise, (text) => {
        try {
          parseRelationship(text);
        } catch (error) {
          assert.ok(error instanceof HoldfastError && error.code === "invalid-relationship");
        }
      }),
      { numRuns: 5_000 },
    );
    const began = performance.now();
    for (const part of ["[", "[a:{", '[a:{"', "#", "[a:]"]) {
      assert.throws(() => parseRelationship(`a:b#c@d:e${part.repeat(100_000)}`));
    }
    assert.ok(performance.now() - began < 2_000);
  });
});
