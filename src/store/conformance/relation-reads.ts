import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RelationshipFilter } from "../../model/relationship.ts";
import { MemoryDisk } from "../memory/memory-disk.ts";
import { openMemoryStore } from "../memory/memory-store.ts";
import type {
  Tally,
  TupleEnd,
  TuplePage,
  TupleRead,
  TupleRow,
  WrittenTuple,
} from "../relations.ts";
import type { Store } from "../store.ts";
import { chunkRows } from "../tuple-chunk.ts";
import { open, type Run, type StorePlace } from "./place.ts";
import {
  describeTuple,
  describeTuples,
  RelationMaker,
  sampleTuple,
  scanAll,
} from "./relation-samples.ts";
import { openTenant } from "./relations.ts";
import { baseTime } from "./samples.ts";

export function testRelationReads(run: Run): void {
  testScanning(run);
  testPages(run);
  testLooks(run);
  testLoading(run);
  testExpiry(run);
}

function testScanning(run: Run): void {
  run("a scan has what was there when it began, once, whatever is written", async (opened) => {
    const writer = await openTenant(opened);
    const row = (id: number): TupleRow => sampleTuple(`t${id % 3}:${id % 50}#r@u:${id}`);
    const before = Array.from({ length: 300 }, (_, i) => row(i));
    await opened.write((batch) => batch.relations.push(writer.commit(before)));
    const seen: string[] = [];
    const written: Promise<void>[] = [];
    let id = 300;
    for (let after: string | null = null; ; ) {
      const chunk = await opened.store.relations.scanTuples({ tenant: 1, after, limit: 7 });
      assert.ok(chunk.count <= 7);
      for (const each of chunkRows(chunk)) seen.push(describeTuple({ ...each, deleted: null }));
      after = chunk.next;
      if (after === null) break;
      await Promise.all(written.splice(0));
      const ended = before.splice(0, 3);
      written.push(
        opened.write((batch) =>
          batch.relations.push(writer.commit([row(id++), row(id++), row(id++)], ended)),
        ),
      );
    }
    await Promise.all(written);
    assert.equal(new Set(seen).size, seen.length, "no version twice");
    const expected = Array.from({ length: 300 }, (_, i) => `${describeTuple(row(i))}`);
    const held = expected.map((text) => text.replace("0..", "1.."));
    assert.deepEqual(
      held.filter((text) => !seen.includes(text)),
      [],
    );
  });

  run(
    "a scan has what was there when it began, also what ends while it is read",
    async (opened) => {
      const writer = await openTenant(opened);
      const row = (id: number): TupleRow => sampleTuple(`t:${id}#r@u:${id % 9}`);
      const before = Array.from({ length: 200 }, (_, i) => row(i));
      for (let i = 0; i < 200; i += 20) {
        await opened.write((batch) => {
          batch.relations.push(writer.commit(before.slice(i, i + 20)));
        });
      }
      const seen = new Set<string>();
      const gone: Promise<void>[] = [];
      for (let after: string | null = null, left = [...before].reverse(); ; ) {
        const chunk = opened.store.relations.scanTuples({ tenant: 1, after, limit: 11 });
        // Before the chunk is there.
        const ended = left.splice(0, 15);
        gone.push(
          opened.write((batch) => {
            batch.relations.push(writer.commit([], ended));
          }),
        );
        const { next, ...rest } = await chunk;
        for (const each of chunkRows({ ...rest, next })) seen.add(each.resourceId);
        after = next;
        if (after === null) break;
      }
      await Promise.all(gone);
      assert.equal(seen.size, before.length);
    },
  );

  run("versions of one tuple come in order of revision", async (opened) => {
    const writer = await openTenant(opened);
    const row = sampleTuple("t:1#r@u:1");
    for (let i = 0; i < 12; i++) {
      await opened.write((batch) => batch.relations.push(writer.commit([row])));
    }
    const found = await scanAll(opened.store, 1, 5);
    assert.deepEqual(
      found.map(({ created }) => created),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    );
  });
}

function testPages(run: Run): void {
  run("pages follow each other in order, without gaps or doubles", async (opened) => {
    const writer = await openTenant(opened);
    const row = (i: number): TupleRow =>
      sampleTuple(`t:${i % 40}#r${i % 2}@u:${i % 7}${i % 3 === 0 ? "#m" : ""}`);
    const rows = Array.from({ length: 400 }, (_, i) => row(i));
    const distinct = new Map(rows.map((each) => [describeTuple(each), each]));
    await opened.write((batch) => batch.relations.push(writer.commit([...distinct.values()])));
    const filters: RelationshipFilter[] = [{}, { subjectId: "3" }, { resourceIdPrefix: "1" }];
    for (const filter of filters) {
      const found: TupleRow[] = [];
      for (let after: string | null = null; ; ) {
        const read = { tenant: 1, filter, revision: 1, after, limit: 5 };
        const page = await opened.store.relations.readTuples(read);
        assert.ok(page.rows.length <= 5);
        found.push(...page.rows);
        after = page.next;
        if (after === null) break;
        // What is written later is not seen, and what is deleted later is.
        const touched = page.rows.slice(0, 1);
        await opened.write((batch) => batch.relations.push(writer.commit(touched, [])));
      }
      const expected = [...distinct.values()].filter((each) => matchesSome(filter, each));
      assert.deepEqual(
        found.map(({ created }) => created),
        expected.map(() => 1),
      );
      const texts = found.map((each) => describeTuple({ ...each, created: 0, deleted: null }));
      assert.deepEqual(texts.toSorted(), describeTuples(expected));
      const order = found.map((each) => each.resourceId);
      assert.deepEqual(order, order.toSorted(), "by resource");
    }
  });

  run("each row of a page says when it was written", async (opened) => {
    const writer = await openTenant(opened);
    for (const id of ["a", "b", "a"]) {
      const row = sampleTuple(`d:${id}#r@u:1`);
      await opened.write((batch) => batch.relations.push(writer.commit([row])));
    }
    await opened.reopen();
    const read = { tenant: 1, filter: {}, after: null, limit: 10 };
    const times = async (revision: number): Promise<(string | number)[][]> => {
      const { rows } = await opened.store.relations.readTuples({ ...read, revision });
      return rows.map(({ resourceId, writtenAt }) => [resourceId, writtenAt - baseTime]);
    };
    assert.deepEqual(await times(2), [
      ["a", 10],
      ["b", 20],
    ]);
    assert.deepEqual(await times(3), [
      ["a", 30],
      ["b", 20],
    ]);
  });

  run("a page is found among very many that do not match", async (opened) => {
    const writer = await openTenant(opened);
    const many = Array.from({ length: 12_000 }, (_, i) => sampleTuple(`t:${i}#r@u:${i}`));
    const rare = sampleTuple("t:zz#rare@u:1");
    await opened.write((batch) => batch.relations.push(writer.commit([...many, rare])));
    const found: TupleRow[] = [];
    const base = { tenant: 1, filter: { relation: "rare" }, revision: 1, limit: 10 };
    for (let after: string | null = null; ; ) {
      const page = await opened.store.relations.readTuples({ ...base, after });
      found.push(...page.rows);
      after = page.next;
      if (after === null) break;
    }
    assert.deepEqual(describeTuples(found), ["t:zz#rare@u:1 1.."]);
  });
}

function testLooks(run: Run): void {
  run("what is looked at for pages is counted, and bounded", async (opened) => {
    const writer = await openTenant(opened);
    const many = Array.from({ length: 30 }, (_, i) => sampleTuple(`t:${100 + i}#r@u:${i % 2}`));
    await opened.write((batch) => batch.relations.push(writer.commit(many)));
    const filters: RelationshipFilter[] = [{ resourceType: "t" }, { subjectId: "0" }];
    for (const filter of filters) {
      const [found, tallies]: [TupleRow[], Tally[]] = [[], []];
      for (let after: string | null = null; ; ) {
        const read = { tenant: 1, filter, revision: 1, after, limit: 100, look: 4 };
        const page: TuplePage = await opened.store.relations.readTuples(read);
        found.push(...page.rows);
        if (page.tally !== undefined) tallies.push(page.tally);
        after = page.next;
        if (after === null) break;
      }
      const expected = many.filter((row) => matchesSome(filter, row));
      assert.equal(found.length, expected.length);
      const looked = tallies.reduce((sum, tally) => sum + tally.looked, 0);
      assert.ok(looked >= expected.length && looked <= many.length);
      assert.ok(tallies.every(({ ended }) => ended === 0));
    }
  });
}

function testExpiry(run: Run): void {
  const describe = (rows: readonly TupleRow[]): string[] => rows.map(describeTuple);

  run("what expires first is read first, while it holds", async (opened) => {
    const writer = await openTenant(opened);
    const row = (id: string, ms: number | null): TupleRow =>
      sampleTuple(`d:${id}#r@u:1`, { expiresAt: ms === null ? null : baseTime + ms });
    const rows = [row("a", 30), row("b", 10), row("c", null), row("d", 20), row("e", 40)];
    await opened.write((batch) => batch.relations.push(writer.commit(rows)));
    const read = { tenant: 1, upTo: baseTime + 30, limit: 10 };
    const { relations } = opened.store;
    const found = describe(await relations.readExpired(read));
    assert.deepEqual(found, ["d:b#r@u:1 1..", "d:d#r@u:1 1..", "d:a#r@u:1 1.."]);
    assert.deepEqual(
      describe(await relations.readExpired({ ...read, limit: 2 })),
      found.slice(0, 2),
    );
    // One ends, and one is given more time.
    await opened.write((batch) =>
      batch.relations.push(writer.commit([row("d", 50)], [row("b", 10)])),
    );
    await opened.reopen();
    const later = await opened.store.relations.readExpired(read);
    assert.deepEqual(describe(later), ["d:a#r@u:1 1.."]);
    assert.deepEqual(await opened.store.relations.readExpired({ ...read, tenant: 2 }), []);
  });
}

function matchesSome(filter: RelationshipFilter, row: TupleRow): boolean {
  const { subjectId = row.subjectId, resourceIdPrefix = "" } = filter;
  return row.subjectId === subjectId && row.resourceId.startsWith(resourceIdPrefix);
}

function testLoading(run: Run): void {
  run("versions are loaded by resource and by subject, each once", async (opened) => {
    const writer = await openTenant(opened);
    const texts = ["d:1#viewer@u:a", "d:1#editor@u:b", "d:2#viewer@u:a", "d:2#viewer@g:x#m"];
    const rows = [...texts, "g:x#m@u:a", "g:x#m@g:y#m", "D:1#viewer@u:a"].map((text) =>
      sampleTuple(text),
    );
    await opened.write((batch) => batch.relations.push(writer.commit(rows)));
    await opened.write((batch) => batch.relations.push(writer.commit([], rows.slice(0, 1))));
    const load = async (ends: {
      resources?: TupleEnd[];
      subjects?: TupleEnd[];
    }): Promise<string[]> =>
      describeTuples(await opened.store.relations.loadTuples({ tenant: 1, ...ends }));
    const one = ["d:1#editor@u:b 1..", "d:1#viewer@u:a 1..2"];
    assert.deepEqual(await load({}), []);
    assert.deepEqual(await load({ resources: [{ type: "d", id: "1" }] }), one);
    const editors = { type: "d", id: "1", relation: "editor" };
    assert.deepEqual(await load({ resources: [editors] }), one.slice(0, 1));
    assert.deepEqual(await load({ resources: [editors, { type: "d", id: "1" }, editors] }), one);
    assert.deepEqual(await load({ subjects: [{ type: "g", id: "x" }] }), ["d:2#viewer@g:x#m 1.."]);
    assert.deepEqual(await load({ subjects: [{ type: "g", id: "x", relation: "" }] }), []);
    const both = { resources: [{ type: "d", id: "1" }], subjects: [{ type: "u", id: "a" }] };
    assert.deepEqual(await load(both), [
      "D:1#viewer@u:a 1..",
      "d:1#editor@u:b 1..",
      "d:1#viewer@u:a 1..2",
      "d:2#viewer@u:a 1..",
      "g:x#m@u:a 1..",
    ]);
    const none = { type: "none", id: "1" };
    assert.deepEqual(await load({ resources: [none], subjects: [none] }), []);
  });
}

/** Random transactions, written to this store and to the one in memory, must read the same. */
export function testRelationsAgainstModel(makePlace: () => Promise<StorePlace>): void {
  test("random relations read as they do from memory", async () => {
    const property = fc.asyncProperty(fc.integer(), fc.nat(15), async (seed, rounds) => {
      const place = await makePlace();
      const opened = await open(place);
      const model = openMemoryStore(new MemoryDisk({ random: () => 0 }, 16));
      await model.claim([0, 1, 2, 3], "test");
      const maker = new RelationMaker(seed);
      try {
        for (let round = 0; round < rounds; round++) {
          const batch = maker.next(opened.epochs);
          await Promise.all([opened.store.commit(batch), model.commit(batch)]);
        }
        const expected = await readAll(model, maker);
        assert.deepEqual(await readAll(opened.store, maker), expected);
        await opened.reopen();
        assert.deepEqual(await readAll(opened.store, maker), expected);
      } finally {
        await opened.store.close();
        await place.remove();
      }
    });
    await fc.assert(property, { numRuns: 12 });
  });
}

async function readAll(store: Store, maker: RelationMaker): Promise<unknown> {
  const { relations } = store;
  const ends = maker.words.flatMap((id) => ["t0", "t1", "t2"].map((type) => ({ type, id })));
  const perTenant = async (tenant: number): Promise<unknown> => ({
    scanned: describeTuples(await scanAll(store, tenant, 4)),
    resources: describeTuples(await relations.loadTuples({ tenant, resources: ends })),
    subjects: describeTuples(await relations.loadTuples({ tenant, subjects: ends })),
    pages: await Promise.all(filters.map((filter) => readPages(store, { tenant, filter }))),
    expired: await Promise.all([-1, 20, 60, 100].map((ms) => readExpired(store, tenant, ms))),
    count: await relations.countTuples(tenant),
    log: await relations.scanLog({ tenant, after: 2, limit: 50 }),
    found: await relations.findRevision(tenant, baseTime + 50),
    trimmable: [0, 2, 5].map((upTo) => relations.hasTrimmable(tenant, upTo)),
  });
  const numbers = Array.from({ length: maker.tenants }, (_, i) => i + 1);
  return {
    tenants: await relations.loadTenants(),
    each: await Promise.all(numbers.map(perTenant)),
  };
}

/** Those that expire at the same time are in no order. */
async function readExpired(store: Store, tenant: number, ms: number): Promise<string[]> {
  const read = { tenant, upTo: baseTime + ms, limit: 1_000 };
  const rows = await store.relations.readExpired(read);
  return rows.map((row) => `${row.expiresAt} ${describeTuple(row)}`).toSorted();
}

const filters: readonly RelationshipFilter[] = [
  {},
  { resourceType: "t1" },
  { resourceId: "a" },
  { resourceType: "t1", resourceId: "ä" },
  { resourceIdPrefix: "a" },
  { resourceType: "t0", resourceIdPrefix: "\u{1f600}" },
  { relation: "r1" },
  { resourceType: "t1", resourceId: "a", relation: "r1" },
  { subjectType: "t2" },
  { subjectId: "a" },
  { subjectId: "a", subjectRelation: null },
  { subjectType: "t1", subjectId: "a", subjectRelation: "m" },
  { resourceType: "t1", subjectId: "B", relation: "r0" },
  { resourceIdPrefix: "a", subjectId: "b" },
  { resourceType: "t2", resourceIdPrefix: "a", subjectType: "t1", subjectId: "b" },
  { resourceId: "b", subjectId: "b" },
  { subjectRelation: null },
  { caveat: "c" },
  { caveat: "none" },
  { resourceType: "none" },
];

/** All pages at some revisions: as sets, and the ids of resources in order. */
async function readPages(
  store: Store,
  { tenant, filter }: Pick<TupleRead, "tenant" | "filter">,
): Promise<unknown> {
  const result: unknown[] = [];
  for (const revision of [0, 2, 4, 7, 100]) {
    const rows: WrittenTuple[] = [];
    for (let after: string | null = null; ; ) {
      const read = { tenant, filter, revision, after, limit: 4 };
      const page = await store.relations.readTuples(read);
      rows.push(...page.rows);
      after = page.next;
      if (after === null) break;
    }
    assert.equal(new Set(rows.map(describeTuple)).size, rows.length, "no row twice");
    const byType = Map.groupBy(rows, (row) => row.resourceType);
    const ids = [...byType].map(([type, of]) => [type, ...of.map((row) => row.resourceId)]);
    const written = rows.map((row) => `${describeTuple(row)} at ${row.writtenAt}`);
    result.push([written.toSorted(), ids.toSorted()]);
  }
  return result;
}
