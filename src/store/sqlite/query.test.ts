import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { makeNodeHost } from "../../host/node-host.ts";
import type { Store } from "../store.ts";
import { makeTables } from "./file.ts";
import { QueryConnection } from "./query-connection.ts";
import { questions } from "./reader.ts";
import { relationQuestions } from "./relation-reader.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { functionTable, viewTable } from "./views.ts";

const endless = `WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)
  SELECT count(*) FROM c`;

function makeDatabase(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  makeTables(db, { tag: "test", partitions: 4 });
  return db;
}

describe("the process that runs queries", () => {
  let folder: string;
  let store: Store;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-query-"));
    store = await openSqliteStore({ path: join(folder, "store.db"), host: makeNodeHost() });
  });
  after(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  const bounds = { timeoutMs: 10_000, rowsMax: 10 };

  test("is killed when a query takes too long, and another one goes on", async () => {
    const [slow, next] = await Promise.allSettled([
      store.query(endless, [], { timeoutMs: 50, rowsMax: 1 }),
      store.query("SELECT ? + 1", [1], bounds),
    ]);
    assert.equal(slow.status === "rejected" && slow.reason.code, "query-timed-out");
    assert.deepEqual(next.status === "fulfilled" && next.value.rows, [[2]]);
  });

  test("lets the loop run while a query does", async () => {
    const slow = store.query(endless, [], { timeoutMs: 100, rowsMax: 1 });
    let turns = 0;
    let over = false;
    const ended = slow.catch(() => {
      over = true;
    });
    while (!over) {
      turns++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    assert.ok(turns > 50, `${turns} turns`);
  });

  test("answers many at once, each with its own", async () => {
    const asked = Array.from({ length: 50 }, (_, i) => i);
    const answers = await Promise.all(asked.map((i) => store.query("SELECT ?", [i], bounds)));
    assert.deepEqual(
      answers.map((it) => it.rows[0]?.[0]),
      asked,
    );
  });

  test("gives blobs as hexadecimal and large integers as text", async () => {
    const { rows } = await store.query(
      "SELECT x'00ff', 9007199254740993, 1.5, 'é', NULL",
      [],
      bounds,
    );
    assert.deepEqual(rows, [["00ff", "9007199254740993", 1.5, "é", null]]);
  });

  test("gives queries that close interrupts an error", async () => {
    const path = join(folder, "other.db");
    const other = await openSqliteStore({ path, host: makeNodeHost() });
    const query = assert.rejects(other.query(endless, [], bounds), { code: "shutting-down" });
    const waiting = assert.rejects(other.query("SELECT 1", [], bounds), { code: "shutting-down" });
    await other.close();
    await Promise.all([query, waiting]);
  });
});

describe("views", () => {
  for (const view of viewTable) {
    test(`${view.name} has the columns of its table, each explained`, () => {
      const connection = new QueryConnection(makeDatabase(), "test", "secret");
      const { columns } = connection.run(`SELECT * FROM ${view.name}`, [], 1);
      assert.deepEqual(
        columns,
        view.columns.map((column) => column.name),
      );
      assert.equal(new Set(columns).size, columns.length);
      assert.ok(view.columns.every((column) => column.meaning !== ""));
    });
  }

  test("functions work as their table says", () => {
    const connection = new QueryConnection(makeDatabase(), "test", "secret");
    const sql = `SELECT invocation_number(invocation_id(8192)), invocation_number('inv_x'),
      invocation_id(-1), partition_of('a', 'b') BETWEEN 0 AND 3`;
    assert.deepEqual(connection.run(sql, [], 1).rows, [[8192, null, null, 1]]);
    assert.equal(functionTable.length, 3);
  });

  test("an invocation is found by number without a scan", () => {
    const connection = new QueryConnection(makeDatabase(), "test", "secret");
    const sql = "EXPLAIN QUERY PLAN SELECT id FROM invocations WHERE number = 1";
    const plan = connection.run(sql, [], 10).rows.map((row) => row.at(-1));
    assert.deepEqual(plan, ["SEARCH i USING INTEGER PRIMARY KEY (rowid=?)"]);
  });
});

describe("questions of the engine", () => {
  const db = makeDatabase();
  /** Those that read a whole small table, or a whole index, by their nature. */
  const scans = new Set(["schedules", "countByStatus", "tenants", "deletedTenants", "fresh"]);

  for (const [name, sql] of Object.entries({ ...questions, ...relationQuestions })) {
    test(`${name} is answered from an index`, () => {
      const plan = db
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => String(row["detail"]));
      for (const step of plan) {
        if (!scans.has(name))
          assert.doesNotMatch(
            step,
            /^SCAN (?!\(|CONSTANT|asked VIRTUAL TABLE|each$)/,
            plan.join("\n"),
          );
        assert.doesNotMatch(step, /TEMP B-TREE/, plan.join("\n"));
      }
    });
  }
});
