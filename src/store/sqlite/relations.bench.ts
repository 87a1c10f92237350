/**
 * Relationships per second that the store alone writes and reads, durable, in transactions of 100,
 * into a tenant that has very many already. Run it as
 * `npm run node -- src/store/sqlite/relations.bench.ts [rows] [folder]`.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeNodeHost } from "../../host/node-host.ts";
import { Prng } from "../../std/prng.ts";
import { sampleTenant } from "../conformance/relation-samples.ts";
import type { TupleRow } from "../relations.ts";
import { type Batch, makeBatch, type Store } from "../store.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const perTransaction = 100;
const kinds = [
  ["document", "viewer", "user", ""],
  ["document", "viewer", "group", "member"],
  ["document", "editor", "user", ""],
  ["folder", "parent", "folder", ""],
  ["group", "member", "user", ""],
] as const;

interface Bench {
  readonly store: Store;
  readonly epochs: ReadonlyMap<number, number>;
  readonly random: Prng;
  readonly path: string;
  readonly rows: number;
  revision: number;
}

/** What is written: resources picked at random among a quarter as many as there are rows, or new ones in order. */
type Spread = "scattered" | "new";

function makeRows(bench: Bench, spread: Spread): TupleRow[] {
  const { random, rows } = bench;
  const created = bench.revision + 1;
  return Array.from({ length: perTransaction }, (_, i) => {
    const kind = kinds[random.below(kinds.length)] ?? kinds[0];
    const number = spread === "new" ? created * perTransaction + i : random.below(rows / 4);
    return {
      resourceType: kind[0],
      resourceId: `${kind[0].slice(0, 3)}-${spread === "new" ? "n" : ""}${number}`,
      relation: kind[1],
      subjectType: kind[2],
      subjectId: `${kind[2].slice(0, 2)}_${random.below(rows / 10)}`,
      subjectRelation: kind[3],
      caveat: "",
      context: null,
      expiresAt: null,
      created,
      deleted: null,
    };
  });
}

/** The changes as those who watch will get them. */
function makeLog(rows: readonly TupleRow[]): string {
  return JSON.stringify(
    rows.map((row) => [
      `${row.resourceType}:${row.resourceId}#${row.relation}`,
      `${row.subjectType}:${row.subjectId}#${row.subjectRelation}`,
    ]),
  );
}

function addTransaction(bench: Bench, batch: Batch, spread: Spread): void {
  const inserts = makeRows(bench, spread);
  bench.revision++;
  const { revision } = bench;
  const log = makeLog(inserts);
  batch.relations.push({ tenant: 1, revision, at: revision, inserts, deletes: [], log });
}

/** Batches as the engine makes them: the next while those before are on their way to the disk. */
async function keepCommitting(
  bench: Bench,
  count: number,
  fill: (batch: Batch) => void,
): Promise<number> {
  const { store } = bench;
  const flying = new Set<Promise<void>>();
  let making = 0;
  const startedAt = performance.now();
  for (let i = 0; i < count; i++) {
    while (flying.size > 0 && !store.canOverlap) await Promise.race(flying);
    const madeAt = performance.now();
    const batch = makeBatch(bench.epochs);
    fill(batch);
    making += performance.now() - madeAt;
    const done = store.commit(batch).finally(() => flying.delete(done));
    flying.add(done);
    if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(flying);
  return performance.now() - startedAt - making;
}

async function measureBare(bench: Bench, count: number): Promise<void> {
  let number = 4096 * (bench.revision + 1);
  const payload = "x".repeat(60);
  const entry = { index: 0, kind: "run", command: 0, name: "s", payload, failed: false, at: 1 };
  const ms = await keepCommitting(bench, count, (batch) => {
    number += 4096;
    for (let index = 0; index < perTransaction; index++) {
      batch.appendEntries.push({ number, entry: { ...entry, index } as never });
    }
  });
  report("bare batches (journal entries)", count * perTransaction, ms);
}

async function measureWrites(bench: Bench, count: number): Promise<void> {
  for (const spread of ["new", "scattered"] as const) {
    for (const transactions of [1, 10]) {
      const ms = await keepCommitting(bench, count / transactions, (batch) => {
        for (let i = 0; i < transactions; i++) addTransaction(bench, batch, spread);
      });
      report(`${spread} resources, ${transactions} per batch`, count * perTransaction, ms);
    }
  }
}

async function measureLoad({ store }: Bench): Promise<void> {
  let rows = 0;
  let longest = 0;
  const startedAt = performance.now();
  for (let after: string | null = null; ; ) {
    const askedAt = performance.now();
    const answer = store.relations.scanTuples({ tenant: 1, after, limit: 2000 });
    longest = Math.max(longest, performance.now() - askedAt);
    const chunk = await answer;
    rows += chunk.count;
    after = chunk.next;
    if (after === null) break;
  }
  report("loaded", rows, performance.now() - startedAt);
  console.log(`  the longest stop of this thread: ${longest.toFixed(1)} ms`);
}

function report(what: string, rows: number, ms: number): void {
  console.log(`${what}: ${Math.round(rows / (ms / 1000))} rows/s`);
}

async function run(rows: number, folder: string): Promise<void> {
  const path = join(folder, "store.db");
  const host = makeNodeHost();
  const store = await openSqliteStore({ path, host });
  const [claim] = await store.claim([0], "bench");
  const epochs = new Map([[0, claim?.epoch ?? 0]]);
  const bench: Bench = { store, epochs, random: new Prng(1), path, rows, revision: 0 };
  const first = makeBatch(epochs);
  first.putTenants.push(sampleTenant(1));
  await store.commit(first);
  const count = Math.ceil(rows / perTransaction);
  const ms = await keepCommitting(bench, count / 100, (batch) => {
    for (let i = 0; i < 100; i++) addTransaction(bench, batch, "scattered");
  });
  report(`filled with ${rows}`, rows, ms);
  const writes = Math.min(count, 2000);
  await measureBare(bench, writes);
  await measureWrites(bench, writes);
  await measureBare(bench, writes);
  await measureLoad(bench);
  await store.close();
  const bytes = statSync(path).size / (await countRows(path));
  console.log(
    `${Math.round(bytes)} bytes per relationship, with the log of ${perTransaction} each`,
  );
}

async function countRows(path: string): Promise<number> {
  const store = await openSqliteStore({ path, host: makeNodeHost() });
  const count = await store.relations.countTuples(1);
  await store.close();
  return count;
}

const folder = process.argv[3] ?? mkdtempSync(join(tmpdir(), "holdfast-bench-"));
try {
  await run(Number(process.argv[2] ?? 1_000_000), folder);
} finally {
  rmSync(folder, { recursive: true });
}
