/**
 * The classes of bugs that engines of this kind have had, each by the name it has in its tracker, on
 * memory and on SQLite. What concerns the service itself (tokens, headers) is tested with the gateway.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  CheckRequest,
  Question,
  RelationshipsWritten,
  SchemaDialect,
  TenantPort,
} from "../../src/model/authz.ts";
import type { Relationship } from "../../src/model/relationship.ts";
import type { TimedGround } from "./differential.ts";
import { allPages, codeOf, exactly, newTenant, onGround } from "./ground.ts";
import { modes } from "./grounds.ts";
import { parseObject, parseRelationship, parseSubject } from "./relationship-text.ts";

const hour = 3_600_000;

/** The title on every ground. */
function each(title: string, body: (ground: TimedGround) => Promise<void>): void {
  for (const mode of modes) test(`${title} (${mode.name})`, () => onGround(mode.open, body));
}

async function tenantWith(
  ground: TimedGround,
  of: {
    readonly dialect?: SchemaDialect;
    readonly schema: string;
    readonly there?: readonly string[];
  },
): Promise<TenantPort> {
  const tenant = await newTenant(ground);
  await tenant.writeSchema({ dialect: of.dialect ?? "native", text: of.schema });
  if (of.there !== undefined) await touch(tenant, ...of.there);
  return tenant;
}

async function touch(tenant: TenantPort, ...texts: readonly string[]): Promise<string> {
  return await put(tenant, texts.map(parseRelationship));
}

async function put(tenant: TenantPort, relationships: readonly Relationship[]): Promise<string> {
  const updates = relationships.map((relationship) => ({
    operation: "touch" as const,
    relationship,
  }));
  return (await tenant.write({ updates })).zookie;
}

async function remove(tenant: TenantPort, text: string): Promise<string> {
  const relationship = parseRelationship(text);
  return (await tenant.write({ updates: [{ operation: "delete", relationship }] })).zookie;
}

/** `document:1#view@user:a` */
function asked(text: string, question: Question = {}): CheckRequest {
  const { resource, relation, subject } = parseRelationship(text);
  return { resource, permission: relation, subject, ...question };
}

async function verdict(tenant: TenantPort, text: string, question?: Question): Promise<string> {
  return (await tenant.check(asked(text, question))).verdict;
}

/** `document#view@user:a`: what is looked up. */
function sought(text: string, question: Question = {}) {
  const { resource, permission, subject } = asked(text.replace("#", ":x#"), question);
  return { ...question, resourceType: resource.type, permission, subject };
}

const drive = `
definition user {}
definition group {
  relation member: user | group#member
}
definition folder {
  relation parent: folder
  relation viewer: user | user:* | group#member
  relation banned: user
  permission view = (viewer - banned) + parent->view
}
definition document {
  relation parent: folder
  relation viewer: user | group#member
  permission view = viewer + parent->view
}
`;

const flagged = `
caveat is_on(flag bool) {
  flag
}
caveat has(nested list<list<int>>) {
  nested == [[1], [2]]
}
definition user {}
definition group {
  relation member: user | user with is_on | user with has
}
definition document {
  relation viewer: user | group#member | group#member with is_on
  permission view = viewer
}
`;

// Cache key omits an input.

each(
  "cache key: a question that differs in one thing is another question (GHSA-4vrg-r928-h5vv)",
  async (ground) => {
    const there = [
      "document:1#viewer@group:g#member",
      "group:g#member@user:a",
      "group:h#member@user:b[is_on]",
      "document:2#viewer@group:h#member[is_on]",
      "document:1#viewer@group:h#member",
    ];
    const tenant = await tenantWith(ground, { schema: flagged, there });
    const empty = await tenantWith(ground, { schema: flagged });
    const on = { context: { flag: true } };
    const off = { context: { flag: false } };
    const own = { contextual: [parseRelationship("group:h#member@user:c")] };
    const questions: readonly (readonly [TenantPort, string, Question, string])[] = [
      [tenant, "document:1#view@user:a", {}, "yes"],
      [tenant, "document:1#view@user:b", {}, "conditional"],
      [tenant, "document:1#view@user:b", on, "yes"],
      [tenant, "document:1#view@user:b", off, "no"],
      [tenant, "document:1#view@user:c", {}, "no"],
      [tenant, "document:1#view@user:c", own, "yes"],
      [tenant, "document:2#view@user:a", {}, "no"],
      [tenant, "document:2#view@user:c", { ...own, ...on }, "yes"],
      [tenant, "document:2#view@user:c", { ...own, ...off }, "no"],
      [tenant, "document:2#view@user:c", own, "conditional"],
      [tenant, "document:1#viewer@group:g#member", {}, "yes"],
      [tenant, "document:1#viewer@group:g", {}, "no"],
      [empty, "document:1#view@user:a", {}, "no"],
      [empty, "document:1#view@user:c", own, "no"],
    ];
    // In both directions and again, so that each meets what the others left behind.
    for (const round of [questions, questions.toReversed(), questions]) {
      for (const [of, text, question, expected] of round) {
        assert.equal(
          await verdict(of, text, question),
          expected,
          `${text} ${JSON.stringify(question)}`,
        );
      }
    }
  },
);

each(
  "cache key: names that run together differently are different (fga #3097, #3117, #3148)",
  async (ground) => {
    const tenant = await tenantWith(ground, { schema: drive });
    const ids = ["a", "a|b", "a/b", "a=b", "a-b", "a_b", "a+b"];
    for (const one of ids) {
      const question = { contextual: [parseRelationship(`document:${one}#viewer@user:${one}`)] };
      for (const resource of ids) {
        for (const subject of ids) {
          const expected = resource === one && subject === one ? "yes" : "no";
          assert.equal(
            await verdict(tenant, `document:${resource}#view@user:${subject}`, question),
            expected,
          );
        }
      }
    }
    // The same characters, cut elsewhere.
    const cut = { contextual: [parseRelationship("document:a|viewer#viewer@user:b")] };
    assert.equal(await verdict(tenant, "document:a|viewer#view@user:b", cut), "yes");
    assert.equal(await verdict(tenant, "document:a#view@user:b", cut), "no");
  },
);

each(
  "cache key: lists within lists of a context are not run together (sp #3065)",
  async (ground) => {
    const tenant = await tenantWith(ground, {
      schema: flagged,
      there: ["document:1#viewer@group:g#member", "group:g#member@user:a[has]"],
    });
    const ask = (nested: unknown) =>
      verdict(tenant, "document:1#view@user:a", { context: { nested } });
    for (const round of [1, 2]) {
      assert.equal(await ask([[1], [2]]), "yes", `round ${round}`);
      for (const other of [[[1, 2]], [[], [1], [2]], [[1], [], [2]], [[12]], [[2], [1]]]) {
        assert.equal(await ask(other), "no", JSON.stringify(other));
      }
    }
  },
);

each("cached answers are told of groups that are walked", async (ground) => {
  const tenant = await tenantWith(ground, {
    schema: `definition user {}
definition group {
  relation direct: user
  permission member = direct
}
definition document { relation viewer: group#member }`,
    there: ["group:a#direct@user:ann", "document:1#viewer@group:b#member"],
  });
  const question = "document:1#viewer@user:ann";
  for (let round = 0; round < 3; round++) {
    assert.equal(await verdict(tenant, question), "no");
    await touch(tenant, "document:1#viewer@group:a#member");
    assert.equal(await verdict(tenant, question), "yes");
    await remove(tenant, "document:1#viewer@group:a#member");
  }
});

each("cache key: each schema of a tenant answers by its own rules", async (ground) => {
  const tenant = await newTenant(ground);
  const model = (view: string) =>
    `model\n  schema 1.1\ntype user\ntype document\n  relations\n    define one: [user]\n    define two: [user]\n    define view: ${view}`;
  const one = await tenant.writeSchema({ dialect: "openfga", text: model("one") });
  const two = await tenant.writeSchema({ dialect: "openfga", text: model("two") });
  await touch(tenant, "document:1#one@user:a");
  for (const [schema, expected] of [
    [one.id, "yes"],
    [two.id, "no"],
    [one.id, "yes"],
    [two.id, "no"],
  ] as const) {
    assert.equal(await verdict(tenant, "document:1#view@user:a", { schema }), expected);
  }
});

// A cancelled or failed branch cached as an answer.

each(
  "failed branches are not answers: one that failed once is evaluated again (fga #3125)",
  async (ground) => {
    const schema = `
caveat divides(x int) {
  10 / x > 1
}
definition user {}
definition group {
  relation member: user with divides
}
definition document {
  relation viewer: group#member
  permission view = viewer
}
`;
    const tenant = await tenantWith(ground, {
      schema,
      there: ["document:1#viewer@group:g#member", "group:g#member@user:a[divides]"],
    });
    const ask = (x: unknown) => () => verdict(tenant, "document:1#view@user:a", { context: { x } });
    for (const round of [1, 2]) {
      assert.equal(await codeOf(ask(0)), "caveat-failed", `round ${round}`);
      assert.equal(await ask(2)(), "yes");
      assert.equal(await codeOf(ask("two")), "caveat-context");
      assert.equal(await ask(9)(), "no");
    }
  },
);

each(
  "failed branches are not answers: what was cut off at its depth is not false elsewhere",
  async (ground) => {
    const tenant = await tenantWith(ground, { schema: drive, there: ["folder:0#viewer@user:a"] });
    const chain = Array.from({ length: 70 }, (_, at) => `folder:${at + 1}#parent@folder:${at}`);
    await touch(tenant, ...chain);
    for (const round of [1, 2]) {
      const deep = () => verdict(tenant, "folder:70#view@user:a");
      assert.equal(await codeOf(deep), "depth-exceeded", `round ${round}`);
      for (const id of [30, 20, 10, 0]) {
        assert.equal(await verdict(tenant, `folder:${id}#view@user:a`), "yes");
      }
    }
  },
);

// Optimised path and plain path.

each(
  "optimised path: contextual relationships count in nested groups (fga #3145)",
  async (ground) => {
    const tenant = await tenantWith(ground, {
      schema: drive,
      there: [
        "document:1#viewer@group:a#member",
        "group:a#member@group:b#member",
        "group:c#member@user:x",
      ],
    });
    const contextual = [parseRelationship("group:b#member@group:c#member")];
    assert.equal(await verdict(tenant, "document:1#view@user:x", { contextual }), "yes");
    assert.equal(await verdict(tenant, "document:1#view@user:x"), "no");
    const { items } = await tenant.lookupResources({
      ...sought("document#view@user:x", { contextual }),
    });
    assert.deepEqual(
      items.map(({ id }) => id),
      ["1"],
    );
  },
);

each(
  "optimised path: whom a wildcard leaves out, LookupSubjects leaves out (sp #3136)",
  async (ground) => {
    const tenant = await tenantWith(ground, {
      schema: drive,
      there: [
        "folder:1#viewer@user:*",
        "folder:1#banned@user:bad",
        "folder:1#viewer@user:good",
        "document:1#parent@folder:1",
      ],
    });
    const { items } = await tenant.lookupSubjects({
      resource: parseObject("document:1"),
      permission: "view",
      subjectType: "user",
    });
    const [everybody, ...others] = items;
    assert.equal(everybody?.id, "*");
    assert.deepEqual(
      everybody?.excluded?.map(({ id }) => id),
      ["bad"],
    );
    assert(!others.some(({ id }) => id === "bad"));
    assert.equal(await verdict(tenant, "document:1#view@user:bad"), "no");
    assert.equal(await verdict(tenant, "document:1#view@user:whoever"), "yes");
  },
);

each(
  "optimised path: groups in a circle answer alike stored and contextual (fga #3195)",
  async (ground) => {
    const model = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define allowed: [user]
    define banned: [group#member]
    define view: allowed but not banned`;
    const circle = [
      "group:a#member@group:b#member",
      "group:b#member@group:a#member",
      "document:1#banned@group:a#member",
      "document:1#allowed@user:x",
    ];
    const stored = await tenantWith(ground, { dialect: "openfga", schema: model, there: circle });
    const bare = await tenantWith(ground, { dialect: "openfga", schema: model });
    const contextual = circle.map(parseRelationship);
    assert.equal(await verdict(stored, "document:1#view@user:x"), "no");
    assert.equal(await verdict(bare, "document:1#view@user:x", { contextual }), "no");
  },
);

/** Groups in circles, and documents that ban whoever is in them. */
const circular = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
    define pass: [user]
    define middle: [user, group#outer]
    define inner: [user, group#middle]
    define outer: inner and pass
type document
  relations
    define viewer: [user]
    define flagged: [user with is_on]
    define cleared: [user]
    define circle: [group#member]
    define both: circle and flagged
    define left: circle but not cleared
    define loose: circle or flagged
    define unless_both: viewer but not both
    define unless_left: viewer but not left
    define unless_loose: viewer but not loose
    define twice: viewer but not unless_left
    define entered: [group#outer]
    define found: [group#middle]
    define unless_found: viewer but not (entered or found)
condition is_on(flag: bool) {
  flag
}`;

const around = ["group:g#member@group:h#member", "group:h#member@group:g#member"];

each(
  "circles: one cut on the way to what is yes all the same does not count right of `but not`",
  async (ground) => {
    const relationships = [
      ...around,
      "group:g#member@group:e#member",
      "group:h#member@group:e#member",
      "group:e#member@user:a",
      "document:1#viewer@user:a",
      "document:1#circle@group:g#member",
      "document:1#flagged@user:a[is_on]",
    ];
    // In one of the orders the circle comes before what leads out of it.
    for (const there of [relationships, relationships.toReversed()]) {
      const of = { dialect: "openfga", schema: circular, there } as const;
      const tenant = await tenantWith(ground, of);
      const ask = (question?: Question) =>
        verdict(tenant, "document:1#unless_both@user:a", question);
      assert.equal(await ask(), "conditional");
      assert.equal(await ask({ context: { flag: false } }), "yes");
      assert.equal(await ask({ context: { flag: true } }), "no");
      const { items } = await tenant.lookupResources(sought("document#unless_both@user:a"));
      assert.deepEqual(items, [{ id: "1", verdict: "conditional", missing: ["flag"] }]);
    }
  },
);

each(
  "circles: one from which a yes is taken away is a no, and no circle any more",
  async (ground) => {
    const there = [
      ...around,
      "document:1#viewer@user:a",
      "document:1#circle@group:g#member",
      "document:1#cleared@user:a",
      "document:2#viewer@user:a",
      "document:2#circle@group:g#member",
    ];
    const tenant = await tenantWith(ground, { dialect: "openfga", schema: circular, there });
    assert.equal(await verdict(tenant, "document:1#left@user:a"), "no");
    assert.equal(await verdict(tenant, "document:1#unless_left@user:a"), "yes");
    assert.equal(await verdict(tenant, "document:1#twice@user:a"), "no");
    // Where it is a circle still, nothing is granted.
    assert.equal(await verdict(tenant, "document:2#unless_left@user:a"), "no");
    assert.equal(await verdict(tenant, "document:2#twice@user:a"), "no");
    const { items } = await tenant.lookupResources(sought("document#unless_left@user:a"));
    assert.deepEqual(items, [{ id: "1", verdict: "yes", missing: [] }]);
  },
);

each("circles: under a condition, one denies only where the condition lets it", async (ground) => {
  const there = [
    ...around,
    "document:1#viewer@user:a",
    "document:1#circle@group:g#member",
    "document:1#flagged@user:a[is_on]",
  ];
  const tenant = await tenantWith(ground, { dialect: "openfga", schema: circular, there });
  const expected = { both: ["conditional", "no", "yes"], loose: ["no", "no", "no"] };
  for (const [name, [open, on, off]] of Object.entries(expected)) {
    const ask = (question?: Question) =>
      verdict(tenant, `document:1#unless_${name}@user:a`, question);
    assert.equal(await ask(), open, name);
    assert.equal(await ask({ context: { flag: true } }), on, name);
    assert.equal(await ask({ context: { flag: false } }), off, name);
  }
  const { missing } = await tenant.check(asked("document:1#unless_both@user:a"));
  assert.deepEqual(missing, ["flag"]);
});

each(
  "circles: what was found on the way around one that comes to no is no itself",
  async (ground) => {
    // `outer` is a no whatever the circle is, so `middle`, which leads nowhere else, is one as well.
    const there = [
      "group:g#inner@group:g#middle",
      "group:g#middle@group:g#outer",
      "document:1#viewer@user:a",
      "document:1#entered@group:g#outer",
      "document:1#found@group:g#middle",
    ];
    const tenant = await tenantWith(ground, { dialect: "openfga", schema: circular, there });
    assert.equal(await verdict(tenant, "document:1#unless_found@user:a"), "yes");
    await touch(tenant, "group:g#pass@user:a");
    assert.equal(await verdict(tenant, "document:1#unless_found@user:a"), "no");
  },
);

// Snapshots.

each(
  "snapshots: revisions compare as numbers, and each is what it was (sp #2958)",
  async (ground) => {
    const tenant = await tenantWith(ground, { schema: drive });
    const zookies: string[] = [];
    for (let at = 0; at < 120; at++) {
      const text = "document:1#viewer@user:a";
      zookies.push(await (at % 2 === 0 ? touch(tenant, text) : remove(tenant, text)));
    }
    for (const [at, zookie] of zookies.entries()) {
      const expected = at % 2 === 0 ? "yes" : "no";
      assert.equal(
        await verdict(tenant, "document:1#view@user:a", exactly(zookie)),
        expected,
        `${at}`,
      );
      const fresh = { consistency: { kind: "at-least-as-fresh", zookie } } as const;
      assert.equal(await verdict(tenant, "document:1#view@user:a", fresh), "no");
    }
  },
);

each(
  "snapshots: writes that overlap have one order, and every snapshot is a prefix of it",
  async (ground) => {
    const tenant = await tenantWith(ground, { schema: drive });
    const writes = Array.from({ length: 60 }, (_, at) =>
      touch(tenant, `document:${at}#viewer@user:a`),
    );
    const zookies = await Promise.all(writes);
    const question = {
      ...sought("document#viewer@user:a"),
      limit: 1_000,
    };
    const seen: Set<string>[] = [];
    for (const [at, zookie] of zookies.entries()) {
      const { items } = await tenant.lookupResources({ ...question, ...exactly(zookie) });
      const ids = new Set(items.map(({ id }) => id));
      assert(ids.has(String(at)), "a write sees itself");
      seen.push(ids);
    }
    seen.sort((a, b) => a.size - b.size);
    for (const [at, ids] of seen.entries()) assert(ids.isSubsetOf(seen[at + 1] ?? ids));
  },
);

// Collation.

each("collation: ids are compared byte for byte (CVE-2026-55170)", async (ground) => {
  const schema =
    "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]";
  const tenant = await tenantWith(ground, { dialect: "openfga", schema });
  const ids = [
    "Alice",
    "alice",
    "ALICE",
    "stra\u00dfe",
    "strasse",
    "caf\u00e9",
    "cafe\u0301",
    "\u0131",
    "i",
    "I",
  ];
  for (const id of ids) {
    const other = ids.filter((one) => one !== id);
    await put(tenant, [
      { resource: { type: "document", id }, relation: "viewer", subject: { type: "user", id } },
    ]);
    for (const wrong of other) {
      const mixed = {
        permission: "viewer",
        resource: { type: "document", id },
        subject: { type: "user", id: wrong },
      };
      assert.equal((await tenant.check(mixed)).verdict, "no", `${id} and ${wrong}`);
    }
  }
  const { items } = await tenant.read({
    filter: { resourceType: "document", resourceId: "alice" },
  });
  assert.deepEqual(
    items.map(({ resource }) => resource.id),
    ["alice"],
  );
  await tenant.deleteObject({ type: "document", id: "alice" });
  const left = await tenant.read({ limit: 100 });
  assert.equal(left.items.length, ids.length - 1);
});

// Wildcards and conditions.

each("wildcard and condition: each alternative is its own (CVE-2025-64751)", async (ground) => {
  const model = (viewer: string) => `model
  schema 1.1
type user
type document
  relations
    define viewer: [${viewer}]
condition is_on(flag: bool) {
  flag
}`;
  const off = { context: { flag: false } };
  const on = { context: { flag: true } };
  const tenant = await tenantWith(ground, {
    dialect: "openfga",
    schema: model("user, user:* with is_on"),
    there: ["document:1#viewer@user:*[is_on]"],
  });
  assert.equal(await verdict(tenant, "document:1#viewer@user:a", off), "no");
  assert.equal(await verdict(tenant, "document:1#viewer@user:a", on), "yes");
  await touch(tenant, "document:1#viewer@user:b");
  assert.equal(await verdict(tenant, "document:1#viewer@user:b", off), "yes");
  assert.equal(await verdict(tenant, "document:1#viewer@user:c", off), "no");
  // A wildcard that the model has no place for any more gives nothing to anybody.
  await tenant.writeSchema({ dialect: "openfga", text: model("user:*, user with is_on") });
  assert.equal(await verdict(tenant, "document:1#viewer@user:a", on), "no");
  assert.equal(await verdict(tenant, "document:1#viewer@user:b", on), "no");
  await touch(tenant, "document:2#viewer@user:*", "document:2#viewer@user:a[is_on]");
  assert.equal(await verdict(tenant, "document:2#viewer@user:a", off), "yes");
});

// Shared iterators, explanations, expiry.

each(
  "shared reading: pages taken at the same time, with writes between them, do not mix (fga #3155)",
  async (ground) => {
    const tenant = await tenantWith(ground, { schema: drive });
    const owners = ["a", "b", "c"];
    const ids = Array.from({ length: 40 }, (_, at) => String(at).padStart(2, "0"));
    for (const owner of owners)
      await touch(tenant, ...ids.map((id) => `document:${owner}${id}#viewer@user:${owner}`));
    const lists = owners.map((owner) =>
      allPages(
        (page) =>
          tenant.lookupResources({
            ...sought(`document#view@user:${owner}`),
            ...page,
          }),
        7,
      ),
    );
    const changes = owners.map((owner) => touch(tenant, `document:z#viewer@user:${owner}`));
    const [found] = await Promise.all([Promise.all(lists), ...changes]);
    for (const [at, owner] of owners.entries()) {
      const own = found[at]?.map(({ id }) => id).filter((id) => id !== "z");
      assert.deepEqual(
        own,
        ids.map((id) => `${owner}${id}`),
      );
    }
  },
);

each(
  "explanations: they come to those who asked for one, and to nobody else (sp #3159)",
  async (ground) => {
    const tenant = await tenantWith(ground, {
      schema: drive,
      there: ["document:1#viewer@group:a#member", "group:a#member@user:x"],
    });
    const question = asked("document:1#view@user:x");
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => tenant.check({ ...question, explain: at % 2 === 0 })),
    );
    for (const [at, answer] of answers.entries()) {
      assert.equal(answer.verdict, "yes");
      assert.equal(answer.explanation !== undefined, at % 2 === 0);
      if (answer.explanation !== undefined) assert.equal(answer.explanation.verdict, "yes");
    }
  },
);

each(
  "expiry and caches: what was cached does not outlive what it rests on (sp PR #2152)",
  async (ground) => {
    const schema = `
use expiration
definition user {}
definition group {
  relation member: user with expiration
}
definition document {
  relation viewer: group#member | user
  relation banned: user with expiration
  permission view = viewer - banned
}
`;
    const tenant = await tenantWith(ground, {
      schema,
      there: ["document:1#viewer@group:g#member", "document:1#viewer@user:b"],
    });
    const soon = ground.now() + hour;
    await put(tenant, [
      { ...parseRelationship("group:g#member@user:a"), expiresAt: soon },
      { ...parseRelationship("document:1#banned@user:b"), expiresAt: soon },
    ]);
    const contextual = [{ ...parseRelationship("group:g#member@user:c"), expiresAt: soon }];
    for (const round of [1, 2]) {
      assert.equal(await verdict(tenant, "document:1#view@user:a"), "yes", `round ${round}`);
      assert.equal(await verdict(tenant, "document:1#view@user:b"), "no");
      assert.equal(await verdict(tenant, "document:1#view@user:c", { contextual }), "yes");
    }
    await ground.advance(hour + 1_000);
    assert.equal(await verdict(tenant, "document:1#view@user:a"), "no");
    assert.equal(await verdict(tenant, "document:1#view@user:b"), "yes");
    assert.equal(await verdict(tenant, "document:1#view@user:c", { contextual }), "no");
    const { items } = await tenant.lookupSubjects({
      resource: parseObject("document:1"),
      permission: "view",
      subjectType: "user",
    });
    assert.deepEqual(
      items.map(({ id }) => id),
      ["b"],
    );
  },
);

// What users ask for.

each(
  "asks 1 and 30: no list is cut short, and nothing is listed twice (fga #2828, #1298; sp #2999)",
  async (ground) => {
    const tenant = await tenantWith(ground, { schema: drive });
    const ids = Array.from({ length: 2_500 }, (_, at) => `d${at}`);
    for (let from = 0; from < ids.length; from += 500) {
      await touch(
        tenant,
        ...ids.slice(from, from + 500).map((id) => `document:${id}#viewer@user:a`),
      );
    }
    const found = await allPages((page) =>
      tenant.lookupResources({
        ...sought("document#view@user:a"),
        ...page,
      }),
    );
    assert.deepEqual(
      found.map(({ id }) => id),
      ids.toSorted(),
    );
    const read = await allPages((page) => tenant.read(page));
    assert.equal(new Set(read.map(({ resource }) => resource.id)).size, ids.length);
    assert.equal(read.length, ids.length);
  },
);

each(
  "asks 2 and 5: subjects in pages are those in one go, in the same order each time (sp #1964, fga #2466)",
  async (ground) => {
    const names = Array.from({ length: 120 }, (_, at) => `user${at}`);
    const tenant = await tenantWith(ground, {
      schema: drive,
      there: names.map((name) => `group:g#member@user:${name}`),
    });
    const question = {
      resource: parseObject("group:g"),
      permission: "member",
      subjectType: "user",
    };
    const whole = await allPages((page) => tenant.lookupSubjects({ ...question, ...page }), 1_000);
    assert.deepEqual(new Set(whole.map(({ id }) => id)), new Set(names));
    for (const limit of [1, 7, 100]) {
      assert.deepEqual(
        await allPages((page) => tenant.lookupSubjects({ ...question, ...page }), limit),
        whole,
      );
    }
  },
);

each(
  "ask 6: everything that a subject may do with an object, in one call (sp #1173)",
  async (ground) => {
    const tenant = await tenantWith(ground, { schema: drive, there: ["folder:1#viewer@user:a"] });
    const { permissions } = await tenant.permissions({
      resource: parseObject("folder:1"),
      subject: parseSubject("user:a"),
    });
    const had = permissions.filter((one) => one.verdict === "yes").map(({ name }) => name);
    assert.deepEqual(had.toSorted(), ["view", "viewer"]);
    assert.equal(permissions.length, 4);
  },
);

each("ask 8: writes may be idempotent, deletes go by filter (fga #258, #1223)", async (ground) => {
  const tenant = await tenantWith(ground, {
    schema: drive,
    there: ["document:1#viewer@user:a", "document:1#viewer@user:b"],
  });
  const update = {
    operation: "create",
    relationship: parseRelationship("document:1#viewer@user:a"),
  } as const;
  assert.equal(await codeOf(() => tenant.write({ updates: [update] })), "relationship-exists");
  await tenant.write({ updates: [update], onExisting: "ignore" });
  const gone = await tenant.deleteRelationships({
    filter: { subjectType: "user", subjectId: "a" },
  });
  assert.deepEqual([gone.deleted, gone.complete], [1, true]);
  const part = await tenant.deleteRelationships({ filter: { resourceType: "document" }, limit: 1 });
  assert.deepEqual([part.deleted, part.complete], [1, true]);
});

each(
  "asks 10 and 11: all of one subject can be read; an object goes with all that names it (fga #463, cm #340)",
  async (ground) => {
    const tenant = await tenantWith(ground, {
      schema: drive,
      there: [
        "document:1#viewer@user:a",
        "folder:1#viewer@user:a",
        "document:1#viewer@group:g#member",
        "group:g#member@user:b",
        "group:h#member@group:g#member",
      ],
    });
    const { items } = await tenant.read({ filter: { subjectType: "user", subjectId: "a" } });
    assert.equal(items.length, 2);
    const { deleted } = await tenant.deleteObject({ type: "group", id: "g" });
    assert.equal(deleted, 3);
    assert.equal((await tenant.read({})).items.length, 2);
  },
);

each(
  "asks 12 and 13: a change of schema can be tried, and says what would be left over (sp #2418, cm #62)",
  async (ground) => {
    const tenant = await tenantWith(ground, {
      schema: drive,
      there: ["document:1#viewer@group:g#member", "document:1#viewer@user:a"],
    });
    const text = drive.replace(
      "relation viewer: user | group#member\n  permission view = viewer + parent",
      "relation viewer: user\n  permission view = viewer + parent",
    );
    const tried = await tenant.writeSchema({
      dialect: "native",
      text,
      dryRun: true,
      orphans: "keep",
    });
    assert.equal(tried.orphanCount, 1);
    assert.equal(tried.orphans[0]?.subject.type, "group");
    assert.equal((await tenant.readSchema()).text, drive);
    assert.equal(
      await codeOf(() => tenant.writeSchema({ dialect: "native", text })),
      "schema-orphans",
    );
    assert.equal((await tenant.readSchema()).text, drive);
  },
);

each(
  "a slip of the pen takes nothing away, and says so; what is stored can always go",
  async (ground) => {
    const tenant = await tenantWith(ground, { schema: drive, there: ["document:1#viewer@user:a"] });
    const deleting = (...texts: readonly string[]) =>
      tenant.write({
        updates: texts.map((text) => ({
          operation: "delete",
          relationship: parseRelationship(text),
        })),
      });
    for (const [text, code] of [
      ["dokument:1#viewer@user:a", "unknown-type"],
      ["document:1#viewers@user:a", "unknown-relation"],
      ["document:1#viewer@usr:a", "unknown-type"],
      ["document:1#view@user:a", "relation-not-writable"],
    ] as const) {
      assert.equal(await codeOf(() => deleting("document:1#viewer@user:a", text)), code, text);
    }
    assert.equal(
      await codeOf(() => tenant.deleteObject({ type: "nosuch", id: "1" })),
      "unknown-type",
    );
    const filter = { resourceType: "nosuch" };
    assert.equal(await codeOf(() => tenant.deleteRelationships({ filter })), "unknown-type");
    assert.equal((await tenant.read({})).items.length, 1);
    // The counts are those of what came of it.
    const counts = async (written: Promise<RelationshipsWritten>) => {
      const { written: put, deleted } = await written;
      return [put, deleted];
    };
    const touching = tenant.write({
      updates: ["document:1#viewer@user:a", "document:2#viewer@user:a"].map((text) => ({
        operation: "touch",
        relationship: parseRelationship(text),
      })),
    });
    assert.deepEqual(await counts(touching), [1, 0]);
    const two = deleting("document:2#viewer@user:a", "document:3#viewer@user:a");
    assert.deepEqual(await counts(two), [0, 1]);
    // An orphan that was kept.
    const text = "definition user {}";
    await tenant.writeSchema({ dialect: "native", text, orphans: "keep" });
    assert.equal(await codeOf(() => deleting("document:2#viewer@user:a")), "unknown-type");
    assert.deepEqual(await counts(deleting("document:1#viewer@user:a")), [0, 1]);
  },
);

each("ask 15: one tenant knows nothing of another (sp #204)", async (ground) => {
  const one = await tenantWith(ground, { schema: drive, there: ["document:1#viewer@user:a"] });
  const two = await tenantWith(ground, { schema: drive });
  assert.equal(await verdict(one, "document:1#view@user:a"), "yes");
  assert.equal(await verdict(two, "document:1#view@user:a"), "no");
  assert.deepEqual((await two.read({})).items, []);
  await ground.authz.deleteTenant(one.id);
  assert.equal(await codeOf(() => verdict(one, "document:1#view@user:a")), "unknown-tenant");
  // The same name again is another tenant.
  await ground.authz.createTenant({ id: one.id });
  const again = ground.authz.tenant(one.id);
  await again.writeSchema({ dialect: "native", text: drive });
  assert.equal(await verdict(again, "document:1#view@user:a"), "no");
});

each(
  "asks 20 and 21: a decision can be explained, and says which parameter is missing (fga #2784, sp #1722)",
  async (ground) => {
    const tenant = await tenantWith(ground, {
      schema: flagged,
      there: ["document:1#viewer@group:g#member[is_on]", "group:g#member@user:a"],
    });
    const answer = await tenant.check(asked("document:1#view@user:a", {}));
    assert.deepEqual([answer.verdict, answer.missing], ["conditional", ["flag"]]);
    const { explanation } = await tenant.check({
      ...asked("document:1#view@user:a"),
      explain: true,
      context: { flag: false },
    });
    assert.equal(explanation?.verdict, "no");
    assert.match(JSON.stringify(explanation), /is_on/);
  },
);

each(
  "ask 27: what was written is seen by whoever has its zookie, in either language (rm #54)",
  async (ground) => {
    const model =
      "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]";
    const tenant = await tenantWith(ground, { dialect: "openfga", schema: model });
    for (let round = 0; round < 20; round++) {
      const zookie = await touch(tenant, `document:${round}#viewer@user:a`);
      const fresh = { consistency: { kind: "at-least-as-fresh", zookie } } as const;
      assert.equal(await verdict(tenant, `document:${round}#viewer@user:a`, fresh), "yes");
    }
  },
);

each("ask 29: a watch from beyond the history ends with an error (sp #1272)", async (ground) => {
  const tenant = await tenantWith(ground, { schema: drive });
  const zookie = await touch(tenant, "document:1#viewer@user:a");
  await touch(tenant, "document:2#viewer@user:a");
  // What is done with the history is done before the next write.
  for (let round = 0; round < 3; round++) {
    await ground.advance(25 * hour);
    await touch(tenant, `document:${round}#viewer@user:b`);
  }
  const watched = async () => {
    for await (const event of tenant.watch({ after: zookie })) {
      if (event.kind === "change") return event;
    }
    return null;
  };
  assert.equal(await codeOf(watched), "zookie-expired");
  assert.equal(
    await codeOf(() => verdict(tenant, "document:1#view@user:a", exactly(zookie))),
    "zookie-expired",
  );
});
