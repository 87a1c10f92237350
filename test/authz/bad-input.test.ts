/**
 * Whatever is wrong with what comes in: a coded error, nothing written, and another tenant that
 * notices nothing of it.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parseNativeSchema } from "../../src/authz/schema/native/parse.ts";
import { parseOpenfgaDsl, parseOpenfgaJson } from "../../src/authz/schema/openfga/openfga.ts";
import type { CheckRequest, TenantPort } from "../../src/model/authz.ts";
import type { ErrorCode } from "../../src/model/errors.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Relationship, RelationshipUpdate } from "../../src/model/relationship.ts";
import { Prng } from "../../src/std/prng.ts";
import type { TimedGround } from "./differential.ts";
import { codeOf, exactly, newTenant } from "./ground.ts";
import { memoryMode } from "./grounds.ts";
import { parseRelationship } from "./relationship-text.ts";

const schema = `
use expiration

caveat is_large(x int, why string) {
  x > 10 && why != "?"
}
caveat is_costly(list list<int>) {
  list.all(a, list.all(b, list.all(c, list.all(d, a + b + c + d >= 0))))
}
definition user {}
definition group {
  relation member: user | group#member | user with is_large | user with is_costly
}
definition document {
  relation parent: document
  relation viewer: user | user:* | group#member | user with is_large
  relation guest: user with expiration
  relation owner: user
  permission view = viewer + owner + parent->view
}
`;

const there = [
  "document:1#owner@user:ada",
  "document:1#viewer@group:staff#member",
  "group:staff#member@user:bob",
  "group:rich#member@user:carl[is_large]",
  "group:costly#member@user:carl[is_costly]",
];

let ground: TimedGround;
let tenant: TenantPort;
let other: TenantPort;

before(async () => {
  ground = await memoryMode.open();
  tenant = await prepared();
  other = await prepared();
});
after(() => ground.close());

async function prepared(): Promise<TenantPort> {
  const made = await newTenant(ground);
  await made.writeSchema({ dialect: "native", text: schema });
  await made.write({ updates: there.map((text) => put(text)) });
  return made;
}

function put(text: string, operation: "touch" | "create" | "delete" = "touch"): RelationshipUpdate {
  return { operation, relationship: parseRelationship(text) };
}

const view: CheckRequest = {
  resource: { type: "document", id: "1" },
  permission: "view",
  subject: { type: "user", id: "ada" },
};

/** One that would be taken, were it not for what is put in its place. */
function almost(change: Partial<Relationship>): () => Promise<unknown> {
  const good = parseRelationship("document:new#viewer@user:new");
  const update = { operation: "touch" as const, relationship: { ...good, ...change } };
  // It comes last, after one that is right: nothing of a write may stay.
  return () => tenant.write({ updates: [put("document:new#owner@user:new"), update] });
}

function asking(change: Partial<CheckRequest>): () => Promise<unknown> {
  return () => tenant.check({ ...view, ...change });
}

/** What no type allows and JSON does. */
function wrong<T>(value: unknown): T {
  return value as T; // that is what is tested
}

const user = { type: "user", id: "new" };
const long = "x".repeat(1_025);
const manyContextual = Array.from({ length: 1_001 }, (_, at) =>
  parseRelationship(`document:${at}#owner@user:ada`),
);

type Row = readonly [what: string, call: () => Promise<unknown>, code: ErrorCode];

const relationships: readonly Row[] = [
  [
    "an unknown type of resource",
    almost({ resource: { type: "docment", id: "1" } }),
    "unknown-type",
  ],
  ["an unknown relation", almost({ relation: "viewr" }), "unknown-relation"],
  ["a permission to be written to", almost({ relation: "view" }), "relation-not-writable"],
  ["an unknown type of subject", almost({ subject: { type: "usr", id: "1" } }), "unknown-type"],
  [
    "an unknown relation of a subject",
    almost({ subject: { type: "group", id: "1", relation: "membr" } }),
    "unknown-relation",
  ],
  [
    "an object as subject",
    almost({ subject: { type: "document", id: "1" } }),
    "subject-not-allowed",
  ],
  [
    "a group in place of its members",
    almost({ subject: { type: "group", id: "staff" } }),
    "subject-not-allowed",
  ],
  [
    "a wildcard where none may stand",
    almost({ relation: "owner", subject: { type: "user", id: "*" } }),
    "subject-not-allowed",
  ],
  [
    "a wildcard as resource",
    almost({ resource: { type: "document", id: "*" } }),
    "invalid-relationship",
  ],
  ["an empty id", almost({ resource: { type: "document", id: "" } }), "invalid-relationship"],
  ["an oversized id", almost({ resource: { type: "document", id: long } }), "invalid-relationship"],
  ["an id with a space", almost({ subject: { type: "user", id: "a b" } }), "invalid-relationship"],
  [
    "an id with a zero byte",
    almost({ subject: { type: "user", id: "a\0" } }),
    "invalid-relationship",
  ],
  [
    "an id with half a character",
    almost({ subject: { type: "user", id: "\ud800" } }),
    "invalid-relationship",
  ],
  [
    "an id that is a number",
    almost({ subject: wrong({ type: "user", id: 1 }) }),
    "invalid-relationship",
  ],
  ["no subject", almost({ subject: wrong(undefined) }), "invalid-relationship"],
  ["an unknown caveat", almost({ caveat: { name: "is_lrge" } }), "unknown-caveat"],
  [
    "a caveat where there is none",
    almost({ relation: "owner", subject: { type: "user", id: "x" }, caveat: { name: "is_large" } }),
    "subject-not-allowed",
  ],
  [
    "no caveat where there must be one",
    almost({
      resource: { type: "document", id: "n" },
      relation: "guest",
      caveat: { name: "is_large" },
    }),
    "subject-not-allowed",
  ],
  ["no expiry where there must be one", almost({ relation: "guest" }), "subject-not-allowed"],
  ["an expiry where there is none", almost({ expiresAt: 4e12 }), "subject-not-allowed"],
  [
    "an expiry that is no time",
    almost({ relation: "guest", expiresAt: Number.NaN }),
    "invalid-relationship",
  ],
  [
    "a parameter that the caveat has not",
    almost({ caveat: { name: "is_large", context: { y: 1 } } }),
    "caveat-context",
  ],
  [
    "a parameter of another type",
    almost({ caveat: { name: "is_large", context: { x: "twenty" } } }),
    "caveat-context",
  ],
  [
    "an oversized stored context",
    almost({ caveat: { name: "is_large", context: { why: "y".repeat(4_100) } } }),
    "too-large",
  ],
];

const writes: readonly Row[] = [
  [
    "the same relationship twice",
    () =>
      tenant.write({
        updates: [put("document:n#owner@user:n"), put("document:n#owner@user:n", "delete")],
      }),
    "duplicate-update",
  ],
  [
    "more updates than one write takes",
    () =>
      tenant.write({
        updates: manyContextual.map((relationship) => ({ operation: "touch", relationship })),
      }),
    "too-many",
  ],
  [
    "a create of what is there",
    () => tenant.write({ updates: [put("document:n#owner@user:n"), put(there[0]!, "create")] }),
    "relationship-exists",
  ],
  [
    "a delete of what is not there, when that matters",
    () =>
      tenant.write({ updates: [put("document:n#owner@user:n", "delete")], onMissing: "refuse" }),
    "relationship-missing",
  ],
  [
    "a precondition that does not hold",
    () =>
      tenant.write({
        updates: [put("document:n#owner@user:n")],
        preconditions: [
          { must: "not-match", filter: { resourceType: "document", resourceId: "1" } },
        ],
      }),
    "precondition-failed",
  ],
  [
    "a precondition without a filter",
    () =>
      tenant.write({
        updates: [put("document:n#owner@user:n")],
        preconditions: [{ must: "match", filter: {} }],
      }),
    "invalid-filter",
  ],
  [
    "more preconditions than one write takes",
    () =>
      tenant.write({
        updates: [put("document:n#owner@user:n")],
        preconditions: Array.from({ length: 1_001 }, () => ({
          must: "match",
          filter: { resourceType: "document" },
        })),
      }),
    "too-many",
  ],
  [
    "oversized metadata",
    () =>
      tenant.write({
        updates: [put("document:n#owner@user:n")],
        metadata: { why: "y".repeat(17_000) },
      }),
    "too-large",
  ],
  [
    "an unknown operation",
    () =>
      tenant.write({
        updates: [wrong({ ...put("document:n#owner@user:n"), operation: "upsert" })],
      }),
    "invalid-argument",
  ],
  ["no list of updates", () => tenant.write(wrong({ updates: null })), "invalid-argument"],
  ["a delete of everything", () => tenant.deleteRelationships({ filter: {} }), "invalid-filter"],
  [
    "a delete of none at most",
    () => tenant.deleteRelationships({ filter: { resourceType: "document" }, limit: 0 }),
    "invalid-argument",
  ],
  [
    "a delete of a part, when it must be all",
    () =>
      tenant.deleteRelationships({
        filter: { resourceType: "group" },
        limit: 1,
        allOrNothing: true,
      }),
    "too-many",
  ],
];

const questions: readonly Row[] = [
  ["an unknown type", asking({ resource: { type: "docment", id: "1" } }), "unknown-type"],
  ["an unknown permission", asking({ permission: "veiw" }), "unknown-relation"],
  ["an unknown type of subject", asking({ subject: { type: "usr", id: "1" } }), "unknown-type"],
  [
    "an unknown relation of a subject",
    asking({ subject: { ...user, relation: "x" } }),
    "unknown-relation",
  ],
  ["everybody as subject", asking({ subject: { type: "user", id: "*" } }), "wildcard-asked"],
  ["every object", asking({ resource: { type: "document", id: "*" } }), "wildcard-asked"],
  ["an empty id", asking({ resource: { type: "document", id: "" } }), "invalid-relationship"],
  ["an oversized id", asking({ subject: { type: "user", id: long } }), "invalid-relationship"],
  ["an oversized context", asking({ context: { why: "y".repeat(33_000) } }), "too-large"],
  ["a context that is a list", asking({ context: wrong([1]) }), "invalid-argument"],
  [
    "more contextual relationships than a question takes",
    asking({ contextual: manyContextual }),
    "too-many",
  ],
  [
    "a contextual relationship without a place",
    asking({ contextual: [parseRelationship("document:1#owner@group:staff#member")] }),
    "subject-not-allowed",
  ],
  ["an unknown schema", asking({ schema: "none" }), "unknown-schema"],
  [
    "a zookie that is none",
    asking({ consistency: { kind: "exact-snapshot", zookie: "abc" } }),
    "zookie-invalid",
  ],
  [
    "an empty zookie",
    asking({ consistency: { kind: "at-least-as-fresh", zookie: "" } }),
    "zookie-invalid",
  ],
  [
    "a consistency that is none",
    asking({ consistency: wrong({ kind: "eventual" }) }),
    "invalid-argument",
  ],
  [
    "more checks than one call takes",
    () => tenant.checkMany({ items: Array.from({ length: 10_001 }, () => view) }),
    "too-many",
  ],
  ["a cursor that is none", () => tenant.read({ after: "abc" }), "invalid-cursor"],
  ["pages of nothing", () => tenant.read({ limit: 0 }), "invalid-argument"],
  ["pages of half a relationship", () => tenant.read({ limit: 0.5 }), "invalid-argument"],
  ["pages without end", () => tenant.read({ limit: 10_001 }), "invalid-argument"],
  ["an empty filter", () => tenant.read({ filter: {} }), "invalid-filter"],
  [
    "an unknown type in a filter",
    () => tenant.read({ filter: { resourceType: "docment" } }),
    "unknown-type",
  ],
  [
    "a cursor that is none, for resources",
    () => tenant.lookupResources({ ...view, resourceType: "document", after: "abc" }),
    "invalid-cursor",
  ],
  [
    "a cursor that is none, for subjects",
    () => tenant.lookupSubjects({ ...view, subjectType: "user", after: "abc" }),
    "invalid-cursor",
  ],
  [
    "subjects of an unknown type",
    () => tenant.lookupSubjects({ ...view, subjectType: "usr" }),
    "unknown-type",
  ],
  [
    "resources of an unknown type",
    () => tenant.lookupResources({ ...view, resourceType: "docment" }),
    "unknown-type",
  ],
  [
    "an expansion of an unknown relation",
    () => tenant.expand({ ...view, permission: "veiw" }),
    "unknown-relation",
  ],
  ["changes after nothing", () => tenant.changes({ after: "abc" }), "zookie-invalid"],
  [
    "a caveat that costs too much",
    asking({
      resource: { type: "group", id: "costly" },
      permission: "member",
      subject: { type: "user", id: "carl" },
      context: { list: Array.from({ length: 50 }, (_, at) => at) },
    }),
    "caveat-cost",
  ],
  [
    "a context of another type",
    asking({
      resource: { type: "group", id: "rich" },
      permission: "member",
      subject: { type: "user", id: "carl" },
      context: { x: "twenty" },
    }),
    "caveat-context",
  ],
];

const lines = (count: number, line: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => line(at)).join("\n");

function writing(text: string, dialect: "native" | "openfga" = "native"): () => Promise<unknown> {
  return () => tenant.writeSchema({ dialect, text });
}

const schemas: readonly Row[] = [
  ["no schema", writing("definition {"), "schema-invalid"],
  [
    "a schema that names what is not there",
    writing("definition doc { relation a: usr }"),
    "schema-invalid",
  ],
  [
    "a schema of 100,000 types",
    writing(lines(100_000, (at) => `definition type${at} {}`)),
    "schema-invalid",
  ],
  [
    "a schema with 1,000 relations in a type",
    writing(
      `definition user {}\ndefinition doc {\n${lines(1_000, (at) => `relation rel${at}: user`)}\n}`,
    ),
    "schema-invalid",
  ],
  [
    "a caveat of 1,000 parameters",
    writing(
      `definition user {}\ncaveat many(${Array.from({ length: 1_000 }, (_, at) => `p${at} int`).join(", ")}) { p0 == p1 }`,
    ),
    "schema-invalid",
  ],
  [
    "a caveat whose expression is huge",
    writing(
      `definition user {}\ncaveat huge(x int) { ${Array.from({ length: 5_000 }, () => "x == 1").join(" || ")} }`,
    ),
    "schema-invalid",
  ],
  [
    "a permission of 10,000 parentheses",
    writing(
      `definition user {}\ndefinition doc { relation own: user\npermission all = ${"(".repeat(10_000)}own${")".repeat(10_000)} }`,
    ),
    "schema-invalid",
  ],
  [
    "permissions in a circle",
    writing("definition user {}\ndefinition doc { permission one = two\npermission two = one }"),
    "schema-invalid",
  ],
  [
    "text of more than a schema may have",
    writing(`// ${"x".repeat(1_100_000)}\n${schema}`),
    "schema-invalid",
  ],
  [
    "a model in place of a schema",
    writing("model\n  schema 1.1\ntype user", "native"),
    "schema-invalid",
  ],
  ["a schema in place of a model", writing("definition user {}", "openfga"), "schema-invalid"],
  ["an unknown language", writing(schema, wrong("rego")), "invalid-argument"],
  ["no text", () => tenant.writeSchema(wrong({ dialect: "native" })), "invalid-argument"],
  ["a schema without a place for what is stored", writing("definition user {}"), "schema-orphans"],
  ["an unknown schema to read", () => tenant.readSchema("none"), "unknown-schema"],
];

const tenants: readonly Row[] = [
  ["a tenant that is there", () => ground.authz.createTenant({ id: tenant.id }), "tenant-exists"],
  ["an empty id", () => ground.authz.createTenant({ id: "" }), "invalid-argument"],
  ["an id with a slash", () => ground.authz.createTenant({ id: "a/b" }), "invalid-argument"],
  ["an oversized id", () => ground.authz.createTenant({ id: "x".repeat(65) }), "invalid-argument"],
  ["a tenant that is not there", () => ground.authz.tenant("nobody").check(view), "unknown-tenant"],
  [
    "a delete of a tenant that is not there",
    () => ground.authz.deleteTenant("nobody"),
    "unknown-tenant",
  ],
  [
    "a tenant without a schema",
    async () => await (await newTenant(ground)).check(view),
    "schema-missing",
  ],
  [
    "a document beyond all bounds",
    () => tenant.writeDocument("big", "x".repeat(5_000_000)),
    "too-large",
  ],
];

/** Everything of the tenant that could have changed. */
async function contents(of: TenantPort): Promise<unknown> {
  const { items } = await of.read({ limit: 1_000 });
  return [items, (await of.readSchema()).id];
}

for (const [title, rows] of Object.entries({
  relationships,
  writes,
  questions,
  schemas,
  tenants,
})) {
  describe(`bad ${title}`, () => {
    for (const [what, call, code] of rows) {
      test(`${what}: ${code}`, async () => {
        const before = await contents(tenant);
        assert.equal(await codeOf(call), code);
        assert.deepEqual(await contents(tenant), before);
        assert.equal((await other.check(view)).verdict, "yes");
      });
    }
  });
}

test("what makes no sense in a bulk check has its error in its place", async () => {
  const bad = [
    { ...view, permission: "veiw" },
    { ...view, resource: { type: "docment", id: "1" } },
    { ...view, subject: { type: "user", id: "" } },
  ];
  const { items } = await tenant.checkMany({ items: [view, ...bad, view] });
  assert.equal(items.length, 5);
  assert.deepEqual(
    [items[0], items[4]],
    [
      { verdict: "yes", missing: [] },
      { verdict: "yes", missing: [] },
    ],
  );
  for (const item of items.slice(1, 4)) assert("error" in item);
});

test("the same question twice in a bulk check is answered twice", async () => {
  const { items } = await tenant.checkMany({ items: [view, view, view] });
  assert.deepEqual(items, Array(3).fill({ verdict: "yes", missing: [] }));
});

test("groups in a circle are an error, also at length, and disturb nobody", async () => {
  const own = await prepared();
  const ring = Array.from(
    { length: 100 },
    (_, at) => `group:g${at}#member@group:g${(at + 1) % 100}#member`,
  );
  await own.write({ updates: ring.map((text) => put(text)) });
  const question = { resource: { type: "group", id: "g0" }, permission: "member", subject: user };
  assert.equal(await codeOf(() => own.check(question)), "depth-exceeded");
  assert.equal((await own.check(view)).verdict, "yes");
  assert.equal((await other.check(view)).verdict, "yes");
});

test("what is nested beyond the limit is an error, up to it is not", async () => {
  const own = await prepared();
  const chain = Array.from({ length: 60 }, (_, at) => `document:d${at + 1}#parent@document:d${at}`);
  await own.write({
    updates: [put("document:d0#owner@user:new"), ...chain.map((text) => put(text))],
  });
  const ask = (id: string) =>
    own.check({ resource: { type: "document", id }, permission: "view", subject: user });
  assert.equal((await ask("d40")).verdict, "yes");
  assert.equal(await codeOf(() => ask("d60")), "depth-exceeded");
});

test("a schema of 10,000 lines is taken, in time", async () => {
  const text = lines(
    500,
    (at) => `definition type${at} {\n${lines(18, (of) => `  relation rel${of}: user`)}\n}`,
  );
  const own = await newTenant(ground);
  const start = performance.now();
  await own.writeSchema({ dialect: "native", text: `definition user {}\n${text}` });
  assert(performance.now() - start < 5_000);
});

test("names of what every object has are names like others", async () => {
  for (const id of ["__proto__", "constructor", "toString"]) {
    await tenant.write({ updates: [put(`document:${id}#owner@user:${id}`)] });
    const question = {
      resource: { type: "document", id },
      permission: "view",
      subject: { type: "user", id },
    };
    assert.equal((await tenant.check(question)).verdict, "yes");
    assert.equal(await codeOf(asking({ permission: id })), "unknown-relation");
    assert.equal(await codeOf(asking({ resource: { type: id, id: "1" } })), "unknown-type");
    await tenant.write({ updates: [put(`document:${id}#owner@user:${id}`, "delete")] });
  }
});

describe("tokens that were tampered with, or come from elsewhere", () => {
  test("a zookie of another tenant is refused by name", async () => {
    const { zookie } = await other.check(view);
    for (const kind of ["exact-snapshot", "at-least-as-fresh"] as const) {
      assert.equal(await codeOf(asking({ consistency: { kind, zookie } })), "zookie-foreign");
    }
  });

  test("a zookie of another store is refused by name", async () => {
    const elsewhere = await memoryMode.open();
    try {
      await elsewhere.authz.createTenant({ id: tenant.id });
      const twin = elsewhere.authz.tenant(tenant.id);
      await twin.writeSchema({ dialect: "native", text: schema });
      const { zookie } = await twin.check(view);
      assert.equal(await codeOf(asking(exactly(zookie))), "zookie-foreign");
    } finally {
      await elsewhere.close();
    }
  });

  test("no change of one character is taken", async () => {
    const { zookie } = await tenant.check(view);
    const random = new Prng(1);
    for (const at of zookie.split("").keys()) {
      const char = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".at(
        random.below(64),
      );
      const changed = zookie.slice(0, at) + char + zookie.slice(at + 1);
      if (changed === zookie) continue;
      const code = await codeOf(asking(exactly(changed)));
      // The last character may have bits that mean nothing, and still must not pass for another one.
      assert(code === "zookie-invalid" || code === "zookie-foreign", `${changed}: ${code}`);
    }
  });

  test("a cursor is of one question, of one tenant, and whole", async () => {
    const asked = { resourceType: "document", permission: "view", subject: view.subject, limit: 1 };
    const own = await prepared();
    await own.write({
      updates: [put("document:2#owner@user:ada"), put("document:3#owner@user:ada")],
    });
    const { next } = await own.lookupResources(asked);
    assert(next !== null);
    const refused = async (ask: () => Promise<unknown>) =>
      assert.equal(await codeOf(ask), "invalid-cursor");
    await refused(() => own.lookupResources({ ...asked, permission: "owner", after: next }));
    await refused(() =>
      own.lookupResources({ ...asked, subject: { type: "user", id: "bob" }, after: next }),
    );
    await refused(() => own.lookupResources({ ...asked, context: { x: 1 }, after: next }));
    await refused(() => own.read({ after: next }));
    await refused(() => other.lookupResources({ ...asked, after: next }));
    await refused(() => own.lookupResources({ ...asked, after: next.slice(1) }));
    await refused(() => own.lookupResources({ ...asked, after: `${next}A` }));
    const page = await own.lookupResources({ ...asked, after: next });
    assert.deepEqual(
      page.items.map(({ id }) => id),
      ["2"],
    );
  });
});

describe("any text at all is a schema or has problems", () => {
  const texts = [
    schema,
    "model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define a: [user, user:*] or b\n    define b: [user with c] but not a\ncondition c(x: int) {\n  x > 1\n}\n",
  ];
  const pieces = [
    "(",
    ")",
    "{",
    "}",
    "[",
    "#",
    ":",
    "*",
    "->",
    ".all(",
    "\n",
    "\t",
    "\0",
    "'",
    '"',
    "/*",
    "//",
    "\u2028",
    "\ud800",
    "+",
    "-",
    "&",
    "|",
    "use self",
    "from",
    "but not",
    "999999999999999999999",
  ];
  for (const [name, parse] of Object.entries({
    native: (text: string) => parseNativeSchema(text, defaultLimits),
    openfga: (text: string) => parseOpenfgaDsl(text, defaultLimits),
    "openfga JSON": (text: string) => parseOpenfgaJson(text, defaultLimits),
  })) {
    test(name, () => {
      const random = new Prng(7);
      for (let round = 0; round < 3_000; round++) {
        let text = texts[random.below(2)]!;
        for (let changes = 1 + random.below(4); changes > 0; changes--) {
          const at = random.below(text.length);
          text =
            text.slice(0, at) +
            pieces[random.below(pieces.length)] +
            text.slice(at + random.below(12));
        }
        const { schema: parsed, problems } = parse(text);
        assert(parsed !== null || problems.some(({ severity }) => severity === "error"), text);
      }
    });
  }
});
