/** What a question looks at counts for `authzWork` and the budget, whether or not it then counts for anything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckRequest, TenantPort } from "../../src/model/authz.ts";
import { open } from "../../src/server/open.ts";
import { codeOf, exactly } from "./ground.ts";
import { parseRelationship } from "./relationship-text.ts";

const schema = `definition user {}
definition robot {}
definition folder {
  relation viewer: user
  permission view = viewer
}
definition group { relation member: user | robot | group#member }
definition document {
  relation viewer: user
  relation parent: folder | user
  relation reader: group#member
  permission view = parent->view
  permission all = parent.all(view)
  permission read = reader
}`;

const many = 200;
const max = 100;

function asked(text: string): CheckRequest {
  const { resource, relation, subject } = parseRelationship(text);
  return { resource, permission: relation, subject };
}

const times = (make: (at: number) => string) => Array.from({ length: many }, (_, at) => make(at));

interface Case {
  readonly there: readonly string[];
  readonly gone?: readonly string[];
  ask(tenant: TenantPort): Promise<unknown>;
}

const subject = { type: "user", id: "u" };
const folder = { type: "folder", id: "1" };
const nestedGroups = ["document:1#reader@group:top#member", ...times(groupBelow)];

function groupBelow(at: number): string {
  return `group:top#member@group:${at}#member`;
}

const cases: Readonly<Record<string, Case>> = {
  "a lookup passes over relationships that lead nowhere": {
    there: times((at) => `document:${at}#viewer@user:u`),
    ask: (tenant) =>
      tenant.lookupResources({ resourceType: "folder", permission: "view", subject }),
  },
  "a lookup by an arrow passes over relationships of other relations": {
    there: ["folder:1#viewer@user:u", ...times((at) => `document:${at}#parent@folder:1`)],
    ask: (tenant) =>
      tenant.lookupResources({ resourceType: "folder", permission: "view", subject: folder }),
  },
  "an arrow passes over subjects that have no such right": {
    there: times((at) => `document:1#parent@user:${at}`),
    ask: (tenant) => tenant.check(asked("document:1#view@user:u")),
  },
  "an arrow to all passes over versions that have ended": {
    there: times((at) => `document:1#parent@folder:${at}`),
    gone: times((at) => `document:1#parent@folder:${at}`),
    ask: (tenant) => tenant.check(asked("document:1#all@user:u")),
  },
  "flattened groups are gone through": {
    there: [...nestedGroups, ...times((at) => `group:else${at}#member@user:u`)],
    ask: (tenant) => tenant.check(asked("document:1#read@user:u")),
  },
  "the memberships of a subject are gone through": {
    there: [
      ...nestedGroups,
      ...times((at) => `group:${at}#member@group:more${at}#member`),
      ...times((at) => `group:else${at}#member@user:u`),
    ],
    ask: (tenant) => tenant.check(asked("document:1#read@user:u")),
  },
};

async function withTenant(use: (tenant: TenantPort) => Promise<void>): Promise<void> {
  const app = await open({ services: [], store: ":memory:", limits: { authzWork: max } });
  try {
    await app.authz.createTenant({ id: "one" });
    const tenant = app.authz.tenant("one");
    await tenant.writeSchema({ dialect: "native", text: schema });
    await use(tenant);
  } finally {
    await app.close();
  }
}

function write(tenant: TenantPort, operation: "touch" | "delete", texts: readonly string[]) {
  const updates = texts.map((text) => ({ operation, relationship: parseRelationship(text) }));
  return tenant.write({ updates });
}

for (const [title, { there, gone, ask }] of Object.entries(cases)) {
  test(`${title}: counted`, () =>
    withTenant(async (tenant) => {
      await write(tenant, "touch", there);
      if (gone !== undefined) await write(tenant, "delete", gone);
      assert.equal(await codeOf(() => ask(tenant)), "work-exceeded");
    }));
}

test("of the past, the versions since then are passed over: counted", () =>
  withTenant(async (tenant) => {
    const text = "document:1#viewer@user:u";
    const { zookie } = await write(tenant, "touch", [text]);
    const question = { ...asked(text), ...exactly(zookie) };
    assert.equal((await tenant.check(question)).verdict, "yes");
    for (let at = 0; at < many; at++) {
      await write(tenant, at % 2 === 0 ? "delete" : "touch", [text]);
    }
    // A hundred versions, and one more.
    assert.equal(await codeOf(() => tenant.check(question)), "work-exceeded");
  }));
