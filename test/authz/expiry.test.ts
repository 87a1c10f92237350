/** Expired relationships end when history is over: of tenants in memory, and of larger ones alike. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { AuthzSettings } from "../../src/authz/authz.ts";
import { AdjustableClock } from "../../src/host/adjustable-clock.ts";
import type { Limits } from "../../src/model/limits.ts";
import { formatRelationship, type Relationship } from "../../src/model/relationship.ts";
import { type Holdfast, open, submitAuthz } from "../../src/server/open.ts";
import type { TupleRow } from "../../src/store/relations.ts";
import { chunkRows } from "../../src/store/tuple-chunk.ts";

const schema = `use expiration
definition user {}
definition group { relation member: user with expiration | user }
definition document {
  relation viewer: user | user with expiration | group#member
  permission view = viewer
}`;

const hour = 3_600_000;
const day = 24 * hour;
const documents = 60;

interface Opened {
  readonly app: Holdfast;
  readonly clock: AdjustableClock;
  /** When the first relationships were written. */
  readonly start: number;
}

const stores = {
  memory: {},
  tight: { residentMax: 4, windowMax: 8 },
} as const satisfies Record<string, Partial<AuthzSettings>>;

/** A store with documents of which every second was shared for an hour, opened again. */
async function opened(
  t: TestContext,
  authz: Partial<AuthzSettings>,
  limits: Partial<Limits> = {},
): Promise<Opened> {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-expiry-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const clock = new AdjustableClock();
  const options = { services: [], store: path.join(folder, "holdfast.db"), host: clock.host };
  const before = await open(options);
  const start = clock.host.now();
  await before.authz.createTenant({ id: "t" });
  await before.authz.tenant("t").writeSchema({ dialect: "native", text: schema });
  const relationships = Array.from({ length: documents }, (_, at) =>
    at % 2 === 0 ? shared(at, start + hour) : shared(at),
  );
  await touch(before, relationships);
  await before.close();
  const app = await open({ ...options, authz, limits });
  t.after(() => app.close());
  return { app, clock, start };
}

function shared(at: number, expiresAt?: number): Relationship {
  return {
    resource: { type: "document", id: String(at) },
    relation: "viewer",
    subject: { type: "user", id: `u${at % 7}` },
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function touch(app: Holdfast, relationships: readonly Relationship[]) {
  return app.authz.tenant("t").write({
    updates: relationships.map((relationship) => ({ operation: "touch", relationship })),
  });
}

function trim({ app }: Opened): Promise<void> {
  return app.relations.history.trim(submitAuthz(app.engine));
}

async function pass(ground: Opened, ms: number): Promise<void> {
  await ground.clock.advance(ms, async () => {});
}

async function rowsOf({ app }: Opened): Promise<TupleRow[]> {
  const rows: TupleRow[] = [];
  for (let after: string | null = null; ; ) {
    const chunk = await app.store.relations.scanTuples({ tenant: 1, after, limit: 1_000 });
    rows.push(...chunkRows(chunk));
    after = chunk.next;
    if (after === null) return rows;
  }
}

const holding = (rows: readonly TupleRow[]) => rows.filter(({ deleted }) => deleted === null);

function answers({ app }: Opened): Promise<string[]> {
  const tenant = app.authz.tenant("t");
  return Promise.all(
    Array.from({ length: documents }, async (_, at) => {
      const { resource, subject } = shared(at);
      return (await tenant.check({ resource, subject, permission: "view" })).verdict;
    }),
  );
}

/** What the log says, without what no two stores have in common. */
async function logOf({ app }: Opened): Promise<string[]> {
  const tenant = app.authz.tenant("t");
  const { items } = await tenant.changes();
  return items.flatMap(({ updates }) =>
    updates.map(
      ({ operation, relationship: { expiresAt: _, ...rest } }) =>
        `${operation} ${formatRelationship(rest)}`,
    ),
  );
}

for (const [name, authz] of Object.entries(stores)) {
  test(`what expired is gone from the store when history is over: ${name}`, async (t) => {
    const ground = await opened(t, authz);
    const { app } = ground;
    const { residency } = app.relations.tenant("t").view;
    assert.equal(residency === null, name === "memory");
    await pass(ground, 2 * hour);
    const expired = await answers(ground);
    assert.equal(expired.filter((verdict) => verdict === "no").length, documents / 2);
    await trim(ground);
    assert.equal(holding(await rowsOf(ground)).length, documents, "history still needs them");
    await pass(ground, day);
    await trim(ground);
    assert.equal(holding(await rowsOf(ground)).length, documents / 2);
    assert.equal(app.relations.tenant("t").relationships, documents / 2);
    assert.deepEqual(await answers(ground), expired);
    await pass(ground, day + hour);
    await trim(ground);
    assert.equal((await rowsOf(ground)).length, documents / 2, "nothing is left of them");
    assert.deepEqual(await answers(ground), expired);
  });
}

test("the log says of the expiry of a tenant larger than memory what it says of others", async (t) => {
  const logs: string[][] = [];
  for (const authz of Object.values(stores)) {
    const ground = await opened(t, authz);
    await pass(ground, day + 2 * hour);
    await trim(ground);
    const log = await logOf(ground);
    assert.equal(log.filter((line) => line.startsWith("delete ")).length, documents / 2);
    logs.push(log.toSorted());
  }
  assert.deepEqual(logs[1], logs[0]);
});

test("what was given more time after it was found stays", async (t) => {
  const ground = await opened(t, stores.tight);
  const { app, start } = ground;
  await pass(ground, day + 2 * hour);
  const submit = submitAuthz(app.engine);
  await app.relations.history.trim(async (change) => {
    if (change.kind === "expire") await touch(app, [shared(0, start + 100 * day), shared(2)]);
    return submit(change);
  });
  const left = holding(await rowsOf(ground));
  assert.equal(left.length, documents / 2 + 2);
  const verdicts = await answers(ground);
  assert.deepEqual([verdicts[0], verdicts[2], verdicts[4]], ["yes", "yes", "no"]);
});

test("one pass ends so many of a tenant larger than memory, and the next goes on", async (t) => {
  const ground = await opened(t, stores.tight, { authzDelete: 20 });
  await pass(ground, day + 2 * hour);
  const left: number[] = [];
  for (let round = 0; round < 3; round++) {
    await trim(ground);
    left.push(holding(await rowsOf(ground)).length);
  }
  assert.deepEqual(left, [documents - 20, documents / 2, documents / 2]);
  await touch(ground.app, [shared(1, ground.clock.host.now() + hour)]);
  await pass(ground, day + 2 * hour);
  await trim(ground);
  assert.equal(holding(await rowsOf(ground)).length, documents / 2 - 1);
});

test("a pass reads a tenant larger than memory to its end, however many chunks it has", async (t) => {
  const ground = await opened(t, stores.tight);
  const { app, clock } = ground;
  for (let at = 1_000; at < 6_000; at += 500) {
    const expiresAt = clock.host.now() + hour;
    await touch(
      app,
      Array.from({ length: 500 }, (_, more) =>
        shared(at + more, (at + more) % 100 === 99 ? expiresAt : undefined),
      ),
    );
  }
  await pass(ground, day + 2 * hour);
  await trim(ground);
  assert.equal(holding(await rowsOf(ground)).length, documents / 2 + 5_000 - 50);
});
