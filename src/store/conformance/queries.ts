import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { formatInvocationId } from "../../model/ids.ts";
import type { Batch, QueryResult, SqlValue, Store } from "../store.ts";
import { at, bounds, type Opened, open, type StorePlace } from "./place.ts";
import { sampleTenant, sampleTuple, TenantWriter } from "./relation-samples.ts";
import {
  baseTime,
  sampleEntry,
  sampleInvocation,
  samplePromise,
  sampleSchedule,
  sampleTimer,
} from "./samples.ts";

export function testQueries(makePlace: () => Promise<StorePlace>): void {
  let place: StorePlace;
  let opened: Opened;
  before(async () => {
    place = await makePlace();
    opened = await open(place);
    await opened.write(fillForQueries);
  });
  after(async () => {
    await opened.store.close();
    await place.remove();
  });
  const ask: Ask = async (sql, ...parameters) =>
    (await opened.store.query(sql, parameters, bounds)).rows;
  testInvocationsView(() => opened.store, ask);
  testOtherViews(() => opened.store, ask);
  testRelationViews(ask);
  testRefusals(ask);
}

type Ask = (sql: string, ...parameters: SqlValue[]) => Promise<QueryResult["rows"]>;

function testInvocationsView(store: () => Store, ask: Ask): void {
  test("invocations are found by id, with words for codes", async () => {
    const id = formatInvocationId(store().info.tag, at(1));
    const sql = "SELECT number, partition, status, mode, created_at FROM invocations WHERE id = ?";
    const created = "2026-05-28T20:26:40.000Z";
    assert.deepEqual(await ask(sql, id), [[at(1), 0, "suspended", "exclusive", created]]);
    const byNumber = "SELECT id FROM invocations WHERE number = invocation_number(?)";
    assert.deepEqual(await ask(byNumber, id), [[id]]);
  });

  test("what an invocation waits for, and since when", async () => {
    const due = "2026-05-28T20:26:41.000Z";
    const since = "2026-05-28T20:26:40.001Z";
    const sql = "SELECT waiting_for, waiting_since FROM invocations ORDER BY number";
    assert.deepEqual(await ask(sql), [
      [`sleep until ${due}`, since],
      ["key", "2026-05-28T20:26:40.000Z"],
      [`start at ${due}`, "2026-05-28T20:26:40.000Z"],
      ["charge retry", "2026-05-28T20:26:40.007Z"],
      ["call inventory/reserve, promise approved, signal go", since],
      ["resume", "2026-05-28T20:26:40.008Z"],
      [null, null],
      [null, null],
    ]);
  });

  test("results and errors have columns of their own", async () => {
    const sql = `SELECT output, error_code, error_message FROM invocations
      WHERE ended_ms IS NOT NULL ORDER BY number`;
    assert.deepEqual(await ask(sql), [
      ["42", null, null],
      [null, "no-funds", "too poor"],
    ]);
  });
}

function testOtherViews(store: () => Store, ask: Ask): void {
  test("the other views answer", async () => {
    assert.deepEqual(await ask("SELECT entry, kind, name FROM journal WHERE number = ?", at(1)), [
      [0, "run", "step"],
      [1, "sleep", ""],
    ]);
    assert.deepEqual(await ask("SELECT service, key, name, value FROM state"), [
      ["cart", "k1", "total", "7"],
    ]);
    assert.deepEqual(await ask("SELECT kind, due_ms FROM timers"), [["sleep", baseTime + 1000]]);
    assert.deepEqual(await ask("SELECT name, status, waiters FROM promises"), [
      ["approved", "pending", 1],
    ]);
    assert.deepEqual(await ask("SELECT name, overlap, paused FROM schedules"), [["s", "skip", 0]]);
    assert.deepEqual(await ask("SELECT kind, destination FROM messages ORDER BY kind"), [
      ["delayed", 0],
      ["outbox", 3],
    ]);
    assert.deepEqual(await ask("SELECT key, queued, holder_id IS NULL FROM keys ORDER BY key"), [
      ["k1", 1, 0],
      ["k4", 0, 0],
      ["k5", 0, 0],
      ["k6", 0, 0],
    ]);
  });

  test("views can be counted and joined", async () => {
    assert.deepEqual(await ask("SELECT count(*) FROM invocations"), [[8]]);
    const sql = `WITH j AS (SELECT * FROM journal)
      SELECT i.key, count(*) FROM invocations i JOIN j ON j.number = i.number GROUP BY i.key`;
    assert.deepEqual(await ask(sql), [
      ["k1", 2],
      ["k5", 5],
    ]);
  });

  test("rows beyond the limit are cut, and that is said", async () => {
    const sql = "SELECT number AS n, number AS n FROM invocations ORDER BY number";
    const cut = await store().query(sql, [], { ...bounds, rowsMax: 2 });
    assert.deepEqual(cut.columns, ["n", "n"]);
    assert.deepEqual(cut.rows, [
      [at(1), at(1)],
      [at(2), at(2)],
    ]);
    assert.equal(cut.truncated, true);
    const all = await store().query(sql, [], { ...bounds, rowsMax: 8 });
    assert.equal(all.truncated, false);
  });
}

function testRelationViews(ask: Ask): void {
  test("tenants, with their schemas and relationships, answer", async () => {
    const tenants = "SELECT id, revision, relationships, schema_id, created_ms FROM tenants";
    assert.deepEqual(await ask(tenants), [["tenant-1", 2, 2, "s1", baseTime]]);
    assert.deepEqual(await ask("SELECT tenant, id, current, revision, dialect FROM schemas"), [
      ["tenant-1", "s1", 1, 1, "native"],
    ]);
    const held = `SELECT resource_type, resource_id, relation, subject_type, subject_id,
      subject_relation, caveat, context ->> '$.x', expires_ms, revision
      FROM relationships WHERE tenant = ? ORDER BY resource_id`;
    assert.deepEqual(await ask(held, "tenant-1"), [
      ["document", "1", "viewer", "group", "g", "member", null, null, null, 1],
      ["document", "2", "viewer", "user", "u", null, "c", 1, baseTime, 2],
    ]);
    const log = "SELECT tenant, revision, change ->> '$.revision' FROM relationship_changes";
    assert.deepEqual(await ask(log), [
      ["tenant-1", 1, 1],
      ["tenant-1", 2, 2],
    ]);
    const counted = "SELECT count(*) FROM relationships WHERE resource_type = 'document'";
    assert.deepEqual(await ask(counted), [[2]]);
  });
}

function testRefusals(ask: Ask): void {
  for (const sql of refusedQueries) {
    test(`refused: ${sql.slice(0, 60)}`, async () => {
      const before = await ask("SELECT count(*) FROM invocations");
      await assert.rejects(ask(sql), { code: "invalid-query" });
      assert.deepEqual(await ask("SELECT count(*) FROM invocations"), before);
    });
  }

  test("a wrong number of parameters is refused", async () => {
    await assert.rejects(ask("SELECT 1", 1), { code: "invalid-query" });
  });
}

const refusedQueries: readonly string[] = [
  "",
  "-- nothing",
  "SELEC 1",
  "SELECT nothing FROM invocations",
  "SELECT 1; SELECT 2",
  "DELETE FROM invocations",
  "DELETE FROM main.invocations",
  "UPDATE main.state SET value = '1'",
  "INSERT INTO main.state VALUES ('a', 'b', 'c', 'd')",
  "DROP VIEW invocations",
  "CREATE TEMP TABLE t (a)",
  "SELECT * FROM main.invocations",
  "SELECT * FROM received",
  "SELECT count(*) FROM idempotency",
  "SELECT * FROM main.tenants",
  "SELECT * FROM tuples",
  "SELECT name FROM names",
  "SELECT * FROM sqlite_schema",
  "SELECT count(*) FROM sqlite_master",
  "SELECT * FROM sqlite_temp_schema",
  "SELECT * FROM pragma_table_info('meta')",
  "WITH invocations AS (SELECT * FROM main.invocations) SELECT * FROM invocations",
  "PRAGMA user_version = 9",
  "PRAGMA table_info(meta)",
  "ATTACH '/tmp/other.db' AS other",
  "VACUUM",
  "VACUUM INTO '/tmp/other.db'",
  "BEGIN",
  "SELECT load_extension('x')",
  "SELECT randomblob(1 << 30)",
];

function fillForQueries(batch: Batch): void {
  const failure = { code: "step-failed", message: "no", step: "charge" };
  const later = { expiresAt: baseTime + 99, endedAt: baseTime + 9 };
  batch.insertInvocations.push(
    sampleInvocation(at(1), { status: "suspended" }),
    sampleInvocation(at(2), { status: "queued" }),
    sampleInvocation(at(3), { status: "scheduled", extra: { due: baseTime + 1000 } }),
    sampleInvocation(at(4), {
      key: "k4",
      status: "backing-off",
      extra: { failure: { ...failure, at: baseTime + 7 } },
    }),
    sampleInvocation(at(5), { key: "k5", status: "running" }),
    sampleInvocation(at(6), {
      key: "k6",
      status: "paused",
      extra: { failure: { ...failure, at: baseTime + 8 } },
    }),
    sampleInvocation(at(7), { status: "succeeded", output: "42", ...later }),
    sampleInvocation(at(8), {
      status: "failed",
      output: '{"name":"E","message":"too poor","code":"no-funds"}',
      ...later,
    }),
  );
  const entries: [number, Parameters<typeof sampleEntry>[1]][] = [
    [1, {}],
    [1, { kind: "sleep", name: "", payload: String(baseTime + 1000) }],
    [5, { kind: "call", name: "a/b" }],
    [5, { kind: "call", name: "inventory/reserve" }],
    [5, { kind: "promise", name: "approved" }],
    [5, { kind: "done", name: "", command: 0 }],
    [5, { kind: "await-signal", name: "go" }],
  ];
  const indexes = new Map<number, number>();
  for (const [counter, differing] of entries) {
    const index = indexes.get(counter) ?? 0;
    indexes.set(counter, index + 1);
    batch.appendEntries.push({ number: at(counter), entry: sampleEntry(index, differing) });
  }
  batch.writeState.push({ service: "cart", key: "k1", name: "total", value: "7" });
  batch.insertTimers.push(sampleTimer(at(1)));
  batch.putPromises.push(samplePromise(at(5), { waiters: [{ number: at(5), command: 2 }] }));
  batch.putSchedules.push(sampleSchedule("s"));
  batch.insertOutbox.push({ partition: 0, sequence: 1, destination: 3, payload: "{}" });
  fillRelations(batch);
}

/** One tenant, and another that was deleted. */
function fillRelations(batch: Batch): void {
  const group = sampleTuple("document:1#viewer@group:g#member");
  const user = sampleTuple("document:2#viewer@user:u");
  const rich = { ...user, caveat: "c", context: '{"x":1}', expiresAt: baseTime };
  for (const tenant of [1, 2]) {
    const writer = new TenantWriter(tenant);
    const schema = { id: "s1", revision: 1, dialect: "native", text: "…", createdAt: baseTime };
    batch.putTenants.push(sampleTenant(tenant, { schema: "s1" }));
    batch.putSchemas.push({ ...schema, tenant });
    batch.relations.push(writer.commit([group, user]), writer.commit([rich]));
  }
  batch.deleteTenants.push(2);
}
