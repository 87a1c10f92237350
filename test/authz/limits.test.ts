/** One test per limit of authorization: the least that is too much is refused, and one less is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeAuthzPort } from "../../src/authz/port.ts";
import { makeNodeHost } from "../../src/host/node-host.ts";
import type { CheckRequest, TenantPort } from "../../src/model/authz.ts";
import { HoldfastError } from "../../src/model/errors.ts";
import { type Limits, limitTable } from "../../src/model/limits.ts";
import type { Relationship } from "../../src/model/relationship.ts";
import { open, submitAuthz } from "../../src/server/open.ts";

const schema = `caveat small(n int) { n < 10 }
definition user {}
definition group { relation member: user | group#member }
definition document {
  relation viewer: user | user with small | group#member
  relation parent: document
  permission view = viewer + parent->view
}`;

interface Reach {
  /** The limit for the test; the table's own would take long to reach. */
  readonly max: number;
  readonly code: string;
  /** Comes to just the limit, or to one more. */
  reach(tenant: TenantPort, count: number): Promise<unknown>;
  /** For schemas: the tenant has none before. */
  readonly bare?: true;
}

const user = (id: string | number) => ({ type: "user", id: String(id) });
const document = (id: string | number) => ({ type: "document", id: String(id) });

function viewer(at: number, more: Partial<Relationship> = {}): Relationship {
  return { resource: document(at), relation: "viewer", subject: user(at), ...more };
}

function touches(relationships: readonly Relationship[]) {
  return {
    updates: relationships.map((relationship) => ({ operation: "touch" as const, relationship })),
  };
}

const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

const question: CheckRequest = { resource: document(0), permission: "view", subject: user(0) };
const native = (text: string) => ({ dialect: "native" as const, text });

const reaches: Readonly<Record<string, Reach>> = {
  authzDepth: {
    max: 10,
    code: "depth-exceeded",
    async reach(tenant, count) {
      // Documents within documents: each is one level, and so is the one at the end.
      const chain = times(count - 1, (at) => ({
        resource: document(at),
        relation: "parent",
        subject: document(at + 1),
      }));
      await tenant.write(touches(chain));
      return tenant.check(question);
    },
  },
  authzWork: {
    max: 20,
    code: "work-exceeded",
    async reach(tenant, count) {
      const parents = times(count, (at) => ({
        resource: document("wide"),
        relation: "parent",
        subject: document(at),
      }));
      await tenant.write(touches(parents));
      // Each parent costs a relationship and a permission.
      return count <= 20
        ? tenant.check({ ...question, resource: document("narrow") })
        : tenant.check({ ...question, resource: document("wide"), subject: user("x") });
    },
  },
  authzUpdates: {
    max: 5,
    code: "too-many",
    reach: (tenant, count) => tenant.write(touches(times(count, viewer))),
  },
  authzPreconditions: {
    max: 5,
    code: "too-many",
    reach: (tenant, count) =>
      tenant.write({
        ...touches([viewer(1)]),
        preconditions: times(count, () => ({
          must: "not-match" as const,
          filter: { resourceType: "document", resourceId: "none" },
        })),
      }),
  },
  authzDelete: {
    max: 5,
    code: "too-many",
    async reach(tenant, count) {
      await tenant.write(touches(times(count, viewer)));
      return tenant.deleteRelationships({
        filter: { resourceType: "document" },
        allOrNothing: true,
      });
    },
  },
  authzPage: {
    max: 5,
    code: "invalid-argument",
    reach: (tenant, count) => tenant.read({ limit: count }),
  },
  authzChecks: {
    max: 5,
    code: "too-many",
    reach: (tenant, count) => tenant.checkMany({ items: times(count, () => question) }),
  },
  authzContextual: {
    max: 5,
    code: "too-many",
    reach: (tenant, count) => tenant.check({ ...question, contextual: times(count, viewer) }),
  },
  authzId: {
    max: 20,
    code: "invalid-relationship",
    reach: (tenant, count) =>
      tenant.write(touches([viewer(1, { subject: user("u".repeat(count)) })])),
  },
  authzName: {
    max: 20,
    code: "schema-invalid",
    bare: true,
    reach: (tenant, count) => tenant.writeSchema(native(`definition ${"d".repeat(count)} {}`)),
  },
  authzContext: {
    max: 40,
    code: "too-large",
    reach: (tenant, count) =>
      tenant.check({ ...question, context: { x: "x".repeat(count - '{"x":""}'.length) } }),
  },
  authzStoredContext: {
    max: 7,
    code: "too-large",
    reach: (tenant, count) =>
      tenant.write(
        touches([
          viewer(1, {
            caveat: { name: "small", context: { n: 10 ** (count - '{"n":}'.length - 1) } },
          }),
        ]),
      ),
  },
  authzMetadata: {
    max: 40,
    code: "too-large",
    reach: (tenant, count) =>
      tenant.write({
        ...touches([viewer(1)]),
        metadata: { x: "x".repeat(count - '{"x":""}'.length) },
      }),
  },
  authzSchema: {
    max: 60,
    code: "schema-invalid",
    bare: true,
    reach: (tenant, count) => tenant.writeSchema(native("definition user {}".padEnd(count, " "))),
  },
  authzTypes: {
    max: 5,
    code: "schema-invalid",
    bare: true,
    reach: (tenant, count) =>
      tenant.writeSchema(native(times(count, (at) => `definition type${at} {}`).join("\n"))),
  },
  authzRelations: {
    max: 5,
    code: "schema-invalid",
    bare: true,
    reach(tenant, count) {
      const relations = times(count, (at) => `relation name${at}: user`).join("\n");
      return tenant.writeSchema(native(`definition user {}\ndefinition one {\n${relations}\n}`));
    },
  },
  authzNames: {
    max: 9,
    code: "limit-exceeded",
    async reach(tenant, count) {
      // What is stored has no place in the next schema: `document`, `viewer`. `user` has one.
      await tenant.write(touches([viewer(1)]));
      // The permission `may` needs another for the arrow within it.
      const nested = "relation over: one\npermission may = over->over->over";
      const text = `definition user {}\ndefinition one {\n${nested}\n}`;
      const others = times(count - 7, (at) => `definition type${at} {}`).join("\n");
      return tenant.writeSchema({ ...native(`${text}\n${others}`), orphans: "keep" });
    },
  },
  authzExpression: {
    max: 10,
    code: "schema-invalid",
    bare: true,
    reach(tenant, count) {
      const nested = `${"(owner & ".repeat(count)}owner${")".repeat(count)}`;
      const relations = `relation owner: user\npermission may = ${nested}`;
      return tenant.writeSchema(native(`definition user {}\ndefinition one {\n${relations}\n}`));
    },
  },
  authzCaveatParameters: {
    max: 5,
    code: "schema-invalid",
    bare: true,
    reach(tenant, count) {
      const names = times(count, (at) => `p${at}`);
      const parameters = names.map((name) => `${name} int`).join(", ");
      const expression = names.map((name) => `${name} > 0`).join(" && ");
      return tenant.writeSchema(native(`caveat many(${parameters}) { ${expression} }`));
    },
  },
  authzCaveatText: {
    max: 60,
    code: "schema-invalid",
    bare: true,
    reach: (tenant, count) =>
      tenant.writeSchema(
        native(`caveat long(text string) { text == "${"x".repeat(count <= 60 ? 10 : 60)}" }`),
      ),
  },
  authzCaveatCost: {
    max: 100,
    code: "caveat-cost",
    async reach(tenant, count) {
      await tenant.writeSchema(
        native(`${schema}
caveat all_small(ns list<int>) { ns.all(n, n < 10) }
definition costly { relation viewer: user with all_small }`),
      );
      const resource = { type: "costly", id: "1" };
      await tenant.write(
        touches([
          { resource, relation: "viewer", subject: user(1), caveat: { name: "all_small" } },
        ]),
      );
      const ns = times(count <= 100 ? 2 : 100, () => 1);
      const asked = { resource, permission: "viewer", subject: user(1) };
      return tenant.check({ ...asked, context: { ns } });
    },
  },
  authzRelationships: {
    max: 5,
    code: "limit-exceeded",
    async reach(tenant, count) {
      for (const relationship of times(count, viewer)) await tenant.write(touches([relationship]));
    },
  },
};

/** Reached where time, many tenants or open connections are. */
const elsewhere: Readonly<Record<string, string>> = {
  authzBudget: "below: it is about questions from outside",
  authzTenants: "below: it is about tenants",
  authzHistory: "test/authz/bug-classes.test.ts, ask 29",
  authzWatchers: "below: it is about watches",
};

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "taken";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
}

async function withTenant(
  limits: Partial<Limits>,
  use: (tenant: TenantPort) => Promise<void>,
  text: string | null = schema,
): Promise<void> {
  const app = await open({ services: [], store: ":memory:", limits, authz: { indexPairs: 0 } });
  try {
    await app.authz.createTenant({ id: "one" });
    const tenant = app.authz.tenant("one");
    if (text !== null) await tenant.writeSchema(native(text));
    await use(tenant);
  } finally {
    await app.close();
  }
}

for (const [name, { max, code, reach, bare }] of Object.entries(reaches)) {
  test(`${name}: what comes to it is taken, and one more is ${code}`, async () => {
    const text = bare === true ? null : schema;
    const limits = { [name]: max };
    await withTenant(
      limits,
      async (tenant) => {
        assert.equal(await codeOf(() => reach(tenant, max)), "taken");
      },
      text,
    );
    await withTenant(
      limits,
      async (tenant) => {
        assert.equal(await codeOf(() => reach(tenant, max + 1)), code);
      },
      text,
    );
  });
}

test("authzBudget: what comes to it is answered, and the next question is rate-exceeded", async () => {
  const host = { ...makeNodeHost(() => {}), monotonic: () => 0 };
  const limits = { authzBudget: 5 };
  const app = await open({ services: [], store: ":memory:", limits, host });
  const submit = submitAuthz(app.engine);
  const tenant = makeAuthzPort(app.relations, submit, "outside").tenant("one");
  await app.authz.createTenant({ id: "one" });
  await tenant.writeSchema(native(schema));
  // Each looks at nothing, and costs one.
  for (let at = 0; at < 5; at++) {
    assert.equal(await codeOf(() => tenant.check(question)), "taken");
  }
  assert.equal(await codeOf(() => tenant.check(question)), "rate-exceeded");
  await app.close();
});

test("authzTenants: one tenant more than it is limit-exceeded", async () => {
  await withTenant({ authzTenants: 2 }, async () => {}, null);
  const app = await open({ services: [], store: ":memory:", limits: { authzTenants: 2 } });
  await app.authz.createTenant({ id: "one" });
  await app.authz.createTenant({ id: "two" });
  assert.equal(await codeOf(() => app.authz.createTenant({ id: "three" })), "limit-exceeded");
  await app.authz.deleteTenant("one");
  assert.equal(await codeOf(() => app.authz.createTenant({ id: "three" })), "taken");
  await app.close();
});

test("authzWatchers: one watch more than it is limit-exceeded", async () => {
  await withTenant({ authzWatchers: 2 }, async (tenant) => {
    const ends = new AbortController();
    const watch = async () => {
      const events = tenant.watch({ signal: ends.signal })[Symbol.asyncIterator]();
      await events.next();
    };
    await watch();
    await watch();
    assert.equal(await codeOf(watch), "limit-exceeded");
    ends.abort();
  });
});

test("every limit of authorization has a test", () => {
  const known = new Set([...Object.keys(reaches), ...Object.keys(elsewhere)]);
  const names = Object.keys(limitTable).filter((name) => name.startsWith("authz"));
  assert.deepEqual(
    names.filter((name) => !known.has(name)),
    [],
  );
});
