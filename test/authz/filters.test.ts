/** What changes look for by filters is what holds, however much there is, in memory and beyond it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { AuthzSettings } from "../../src/authz/authz.ts";
import { AdjustableClock } from "../../src/host/adjustable-clock.ts";
import type { AuthzChange, TenantPort } from "../../src/model/authz.ts";
import type { Limits } from "../../src/model/limits.ts";
import type { Relationship, RelationshipFilter } from "../../src/model/relationship.ts";
import { type Holdfast, open } from "../../src/server/open.ts";
import { codeOf } from "./ground.ts";

const schema = `use expiration
definition user {}
definition document {
  relation viewer: user | user with expiration
  relation editor: user
  permission view = viewer + editor
}`;

const grounds: Readonly<Record<string, Partial<AuthzSettings>>> = {
  memory: {},
  "larger than memory": { residentMax: 4, windowMax: 8 },
};

interface Opened {
  readonly app: Holdfast;
  readonly tenant: TenantPort;
  readonly clock: AdjustableClock;
}

interface Given {
  readonly limits?: Partial<Limits>;
  there(clock: AdjustableClock): readonly Relationship[];
}

/** The title on every ground: a store with relationships, opened again. */
function each(title: string, given: Given, body: (opened: Opened) => Promise<void>): void {
  for (const [name, authz] of Object.entries(grounds)) {
    test(`${title} (${name})`, async (t) => body(await opened(t, given, authz)));
  }
}

async function opened(
  t: TestContext,
  { there, limits = {} }: Given,
  authz: Partial<AuthzSettings>,
): Promise<Opened> {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-filters-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const clock = new AdjustableClock();
  const options = { services: [], store: path.join(folder, "holdfast.db"), host: clock.host };
  const before = await open(options);
  await before.authz.createTenant({ id: "t" });
  await before.authz.tenant("t").writeSchema({ dialect: "native", text: schema });
  const relationships = there(clock);
  for (let at = 0; at < relationships.length; at += 1_000) {
    await before.authz.tenant("t").write(touches(relationships.slice(at, at + 1_000)));
  }
  await before.close();
  const app = await open({ ...options, authz, limits });
  t.after(() => app.close());
  return { app, tenant: app.authz.tenant("t"), clock };
}

const touches = (relationships: readonly Relationship[]) => ({
  updates: relationships.map((relationship) => ({ operation: "touch" as const, relationship })),
});

function viewer(document: string | number, user: string | number, expiresAt?: number) {
  return {
    resource: { type: "document", id: String(document) },
    relation: "viewer",
    subject: { type: "user", id: String(user) },
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

const viewers: RelationshipFilter = { resourceType: "document", relation: "viewer" };
const editors: RelationshipFilter = { resourceType: "document", relation: "editor" };

async function left({ tenant }: Opened): Promise<number> {
  return (await tenant.read({ filter: viewers, limit: 10_000 })).items.length;
}

/** What a write comes to that must find something, or nothing: null if it is taken. */
function guarded(
  { tenant }: Opened,
  must: "match" | "not-match",
  ...filters: readonly RelationshipFilter[]
): Promise<string | null> {
  const preconditions = filters.map((filter) => ({ must, filter }));
  const marker = { ...viewer("marker", must), relation: "editor" };
  return codeOf(() => tenant.write({ ...touches([marker]), preconditions }));
}

each(
  "any number of expired relationships is nothing to a precondition",
  {
    there: ({ host }) => [
      ...times(2_500, (at) => viewer("one", `gone${at}`, host.now() + 1_000)),
      viewer("one", "stays"),
      ...times(2_500, (at) => viewer("two", `gone${at}`, host.now() + 1_000)),
    ],
  },
  async (opened) => {
    await opened.clock.advance(5_000, async () => {});
    const [one, two] = ["one", "two"].map((resourceId) => ({ ...viewers, resourceId }));
    assert.equal(await guarded(opened, "match", one as RelationshipFilter), null);
    assert.equal(
      await guarded(opened, "not-match", one as RelationshipFilter),
      "precondition-failed",
    );
    assert.equal(await guarded(opened, "match", two as RelationshipFilter), "precondition-failed");
    assert.equal(await guarded(opened, "not-match", two as RelationshipFilter), null);
  },
);

each(
  "deletes at once tell how much is left",
  { there: () => times(300, (at) => viewer(at, "u")), limits: { authzDelete: 100 } },
  async (opened) => {
    const { tenant } = opened;
    const told = await Promise.all(times(2, () => tenant.deleteRelationships({ filter: viewers })));
    const deleted = told.reduce((sum, each) => sum + each.deleted, 0);
    assert.deepEqual(
      told.map(({ complete }) => complete),
      [false, false],
    );
    assert.equal(await left(opened), 300 - deleted);
    let complete = false;
    while (!complete) ({ complete } = await tenant.deleteRelationships({ filter: viewers }));
    assert.equal(await left(opened), 0);
  },
);

each(
  "what must know everything knows what was deleted at once",
  { there: () => times(150, (at) => viewer(at, "u")), limits: { authzDelete: 100 } },
  async (opened) => {
    const { tenant } = opened;
    const [, guard, all, object] = await Promise.all([
      tenant.deleteRelationships({ filter: viewers }),
      guarded(opened, "not-match", viewers),
      codeOf(() => tenant.deleteRelationships({ filter: viewers, limit: 10, allOrNothing: true })),
      tenant.deleteObject({ type: "user", id: "u" }),
    ]);
    assert.deepEqual([guard, all], ["precondition-failed", "too-many"]);
    assert.ok(object.deleted > 0);
    assert.equal(object.complete, (await left(opened)) === 0);
  },
);

each(
  "as many as there are each take one, at once",
  { there: () => times(60, (at) => viewer(at, "u")) },
  async (opened) => {
    const take = () =>
      opened.tenant.deleteRelationships({
        filter: viewers,
        limit: 1,
        preconditions: [{ must: "match", filter: viewers }],
      });
    const taken = await Promise.all(times(60, take));
    assert.equal(
      taken.reduce((sum, { deleted }) => sum + deleted, 0),
      60,
    );
    assert.equal(await left(opened), 0);
    await assert.rejects(take(), { code: "precondition-failed" });
  },
);

test("a change whose ground is taken away time and again is refused at last", async (t) => {
  const given = { there: () => times(60, (at) => viewer(at, "u")), limits: { authzDelete: 1 } };
  const { app, tenant } = await opened(t, given, { residentMax: 4 });
  const request = { filter: viewers, allOrNothing: true };
  const change: AuthzChange = { kind: "delete", tenant: "t", request };
  const apply = async (): Promise<unknown> => {
    await app.relations.prepare(change, 0);
    await tenant.deleteRelationships({ filter: viewers });
    return app.relations.apply(change, { now: 0, batch: 0, writes: {} as never });
  };
  for (let round = 0; round < 20; round++) assert.equal(await apply(), null);
  await assert.rejects(apply(), { code: "overloaded" });
});

const many: Given = {
  limits: { authzWork: 200 },
  there: () => [
    ...times(600, (at) => viewer(at, "everywhere")),
    ...times(600, (at) => viewer("shared", `u${at}`)),
    { ...viewer("zz", "last"), relation: "editor" },
  ],
};

each("a precondition looks at so much at most, with all of its write", many, async (opened) => {
  assert.equal(await guarded(opened, "not-match", editors), "work-exceeded");
  assert.equal(await guarded(opened, "match", editors), "work-exceeded");
  assert.equal(await guarded(opened, "match", viewers), null);
  const nobody = { resourceType: "document", subjectType: "user", subjectId: "nobody" };
  assert.equal(await guarded(opened, "not-match", nobody), null);
  assert.equal(await guarded(opened, "not-match", { subjectId: "nobody" }), null);
  assert.equal(await guarded(opened, "match", { subjectId: "everywhere" }), null);
  assert.equal(await guarded(opened, "match", { resourceId: "shared" }), null);
  // Whoever is named may be everywhere, and what is named may be everybody's.
  const both = { ...viewers, resourceId: "shared", subjectType: "user", subjectId: "everywhere" };
  assert.equal(await guarded(opened, "not-match", both), null);
  assert.equal(await guarded(opened, "match", { ...both, subjectId: "u7" }), null);
  const wanting = { ...viewers, resourceId: "shared", caveat: "none" };
  assert.notEqual(await guarded(opened, "match", wanting), null);
  const hundreds = times(190, (at) => ({ ...both, subjectId: `u${at}` }));
  assert.equal(await guarded(opened, "match", ...hundreds.slice(0, 60)), null);
  assert.equal(await guarded(opened, "match", ...hundreds, ...hundreds), "work-exceeded");
});

each("a delete looks at so much at most, and portions come to an end", many, async (opened) => {
  const { tenant } = opened;
  const remove = (filter: RelationshipFilter, more = {}) =>
    codeOf(() => tenant.deleteRelationships({ filter, ...more }));
  assert.equal(await remove(editors), "work-exceeded");
  assert.equal(await remove(viewers, { allOrNothing: true }), "work-exceeded");
  const some = await tenant.deleteRelationships({ filter: viewers });
  assert.deepEqual([some.deleted, some.complete], [200, false]);
  const named = await tenant.deleteRelationships({ filter: { resourceId: "shared" }, limit: 50 });
  assert.deepEqual([named.deleted, named.complete], [50, false]);
  let deleted = 250;
  for (let complete = false; !complete; ) {
    const portion = await tenant.deleteRelationships({ filter: viewers, limit: 50 });
    ({ complete } = portion);
    deleted += portion.deleted;
  }
  assert.equal(deleted, 1_200);
  assert.equal(await left(opened), 0);
  // What is over is looked at as well.
  assert.equal(await guarded(opened, "not-match", viewers), "work-exceeded");
});
