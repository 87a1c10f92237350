import assert from "node:assert/strict";
import type { RelationCommit, RelationWrites, TupleRow } from "../relations.ts";
import type { Batch } from "../store.ts";
import { at, type Opened, type Run } from "./place.ts";
import {
  describeTuples,
  sampleTenant,
  sampleTuple,
  scanAll,
  TenantWriter,
} from "./relation-samples.ts";
import { baseTime, sampleInvocation } from "./samples.ts";

export function testRelations(run: Run): void {
  testTenants(run);
  testVersions(run);
  testRefused(run);
  testTrimming(run);
  testTexts(run);
}

/** A tenant that is there, with a writer of its transactions. */
export async function openTenant(opened: Opened, number = 1): Promise<TenantWriter> {
  await opened.write((batch) => batch.putTenants.push(sampleTenant(number)));
  return new TenantWriter(number);
}

const document = (id: string): TupleRow => sampleTuple(`document:${id}#viewer@user:u`);
const documents = (...ids: string[]): TupleRow[] => ids.map(document);

function testTenants(run: Run): void {
  run("tenants are put, changed, and there after closing", async (opened) => {
    await opened.write((batch) => batch.putTenants.push(sampleTenant(2), sampleTenant(1)));
    const changed = sampleTenant(2, { name: "other", schema: "s1", updatedAt: baseTime + 5 });
    // Of one that is there neither revision nor trimmed is taken.
    await opened.write((batch) => batch.putTenants.push({ ...changed, revision: 9, trimmed: 9 }));
    const expected = [sampleTenant(1), changed];
    assert.deepEqual(await opened.store.relations.loadTenants(), expected);
    await opened.reopen();
    assert.deepEqual(await opened.store.relations.loadTenants(), expected);
    assert.deepEqual(await opened.store.relations.loadDeletedTenants(), []);
  });

  run("schemas and documents are of their tenant alone", async (opened) => {
    const schema = { id: "s1", revision: 1, dialect: "native", text: "…", createdAt: baseTime };
    const first = [
      { ...schema, tenant: 1, id: "s2" },
      { ...schema, tenant: 1, id: "s1", revision: 2 },
    ];
    const other = { ...schema, tenant: 2 };
    await opened.write((batch) => {
      batch.putTenants.push(sampleTenant(1), sampleTenant(2));
      batch.putSchemas.push(...first, other);
      batch.putDocuments.push({ tenant: 1, name: "d", text: "one" });
      batch.putDocuments.push({ tenant: 2, name: "d", text: "two" });
    });
    const { relations } = opened.store;
    assert.deepEqual(await relations.loadSchemas(1), first);
    assert.deepEqual(await relations.loadSchemas(2), [other]);
    assert.deepEqual(await relations.loadSchemas(3), []);
    await opened.write((batch) => {
      batch.putDocuments.push({ tenant: 1, name: "d", text: null });
      batch.putDocuments.push({ tenant: 2, name: "d", text: "more" });
    });
    assert.equal(await relations.loadDocument(1, "d"), null);
    assert.equal(await relations.loadDocument(2, "d"), "more");
    assert.equal(await relations.loadDocument(3, "d"), null);
  });

  run("tuples and log are of their tenant alone", async (opened) => {
    const writers = [await openTenant(opened, 1), await openTenant(opened, 2)];
    await opened.write((batch) => {
      for (const [i, writer] of writers.entries()) {
        batch.relations.push(writer.commit(documents("same", `only-${i}`)));
      }
    });
    for (const [i, { tenant }] of writers.entries()) {
      assert.deepEqual(describeTuples(await scanAll(opened.store, tenant)), [
        `document:only-${i}#viewer@user:u 1..`,
        "document:same#viewer@user:u 1..",
      ]);
      assert.equal(await opened.store.relations.countTuples(tenant), 2);
    }
    assert.deepEqual(await scanAll(opened.store, 3), []);
    assert.equal(await opened.store.relations.countTuples(3), 0);
  });

  testDeletedTenants(run);
}

function testDeletedTenants(run: Run): void {
  run("a deleted tenant is gone at once, and its rows in portions", async (opened) => {
    const writer = await openTenant(opened);
    const schema = { id: "s1", revision: 1, dialect: "native", text: "…", createdAt: baseTime };
    await opened.write((batch) => {
      batch.relations.push(writer.commit(documents("1", "2", "3", "4")), writer.commit([]));
      batch.putSchemas.push({ ...schema, tenant: 1 });
      batch.putDocuments.push({ tenant: 1, name: "d", text: "one" });
    });
    await opened.write((batch) => batch.deleteTenants.push(1));
    const { relations } = opened.store;
    assert.deepEqual(await relations.loadTenants(), []);
    assert.deepEqual(await relations.loadDeletedTenants(), [1]);
    assert.deepEqual(await relations.loadSchemas(1), []);
    assert.equal(await relations.loadDocument(1, "d"), null);
    assert.deepEqual(await scanAll(opened.store, 1), []);
    assert.deepEqual(await relations.loadTuples({ tenant: 1, resources: [sampleEnd] }), []);
    assert.deepEqual(await relations.scanLog({ tenant: 1, after: 0, limit: 9 }), []);
    assert.equal(await relations.findRevision(1, baseTime * 2), 0);
    assert.equal(await relations.countTuples(1), 0);
    // Its id is free, its number is not yet.
    await opened.write((batch) => batch.putTenants.push(sampleTenant(2, { id: "tenant-1" })));
    await opened.reopen();
    let portions = 0;
    while (await opened.store.relations.hasTrimmable(1, 0)) {
      await opened.write((batch) => batch.trimRelations.push({ tenant: 1, upTo: 0, limit: 3 }));
      portions++;
    }
    assert.ok(portions >= 2 && portions < 9, `${portions} portions`);
    assert.deepEqual(await opened.store.relations.loadDeletedTenants(), []);
    const again = sampleTenant(1, { id: "again" });
    await opened.write((batch) => batch.putTenants.push(again));
    assert.deepEqual(await scanAll(opened.store, 1), []);
    assert.deepEqual(await opened.store.relations.loadTenants(), [
      again,
      sampleTenant(2, { id: "tenant-1" }),
    ]);
  });
}

const sampleEnd = { type: "document", id: "1" };

function testVersions(run: Run): void {
  run("relations are part of the batch, and written with it", async (opened) => {
    const writer = await openTenant(opened);
    const done = opened.write((batch) => {
      batch.insertInvocations.push(sampleInvocation(at(1)));
      batch.relations.push(writer.commit(documents("1")));
    });
    // Seen as soon as commit was called.
    assert.equal((await scanAll(opened.store, 1)).length, 1);
    assert.equal((await opened.store.relations.loadTenants())[0]?.revision, 1);
    await done;
    await opened.reopen();
    assert.deepEqual(describeTuples(await scanAll(opened.store, 1)), [
      "document:1#viewer@user:u 1..",
    ]);
    assert.equal((await opened.store.load({ invocations: [at(1)] })).invocations.length, 1);
  });

  run("a version holds from its revision until it is deleted", async (opened) => {
    const writer = await openTenant(opened);
    const [one, two] = [document("1"), document("2")];
    const rich = { ...two, caveat: "c", context: '{"x":1}', expiresAt: baseTime };
    await opened.write((batch) => {
      batch.relations.push(writer.commit([one]), writer.commit([two]));
      batch.relations.push(writer.commit([rich], [one]), writer.commit([one]));
    });
    assert.deepEqual(describeTuples(await scanAll(opened.store, 1)), [
      "document:1#viewer@user:u 1..3",
      "document:1#viewer@user:u 4..",
      "document:2#viewer@user:u 2..3",
      "document:2#viewer@user:u 3..",
    ]);
    const visible = [[], ["1 1..3"], ["1 1..3", "2 2..3"], ["2 3.."], ["1 4..", "2 3.."]];
    for (const [revision, expected] of visible.entries()) {
      const read = { tenant: 1, filter: {}, revision, after: null, limit: 10 };
      const { rows } = await opened.store.relations.readTuples(read);
      const short = rows.map((row) => `${row.resourceId} ${row.created}..${row.deleted ?? ""}`);
      assert.deepEqual(short, expected, `at revision ${revision}`);
    }
    const found = await opened.store.relations.loadTuples({ tenant: 1, resources: [sampleEnd] });
    assert.equal(found.length, 2);
    const kept = (await scanAll(opened.store, 1)).find((row) => row.caveat !== "");
    assert.deepEqual(kept, { ...rich, created: 3, deleted: null });
    assert.equal(await opened.store.relations.countTuples(1), 2);
  });

  run("transactions are in the log, by revision and by time", async (opened) => {
    const writer = await openTenant(opened);
    const commits = [1, 2, 3, 4].map(() => writer.commit([]));
    await opened.write((batch) => batch.relations.push(...commits.slice(0, 3)));
    await opened.write((batch) => batch.relations.push(...commits.slice(3)));
    const { relations } = opened.store;
    const rows = commits.map(({ revision, at: time, log }) => ({ revision, at: time, log }));
    assert.deepEqual(await relations.scanLog({ tenant: 1, after: 0, limit: 10 }), rows);
    assert.deepEqual(await relations.scanLog({ tenant: 1, after: 1, limit: 2 }), rows.slice(1, 3));
    assert.deepEqual(await relations.scanLog({ tenant: 1, after: 4, limit: 2 }), []);
    const times = [9, 10, 19, 20, 40, 99].map((ms) => relations.findRevision(1, baseTime + ms));
    assert.deepEqual(await Promise.all(times), [0, 1, 1, 2, 4, 4]);
  });
}

function testRefused(run: Run): void {
  run("relations that cannot be are refused, and their batch with them", async (opened) => {
    const writer = await openTenant(opened);
    await opened.write((batch) => batch.relations.push(writer.commit(documents("1"))));
    const next = (): RelationCommit => ({
      tenant: 1,
      revision: 2,
      at: baseTime,
      inserts: [],
      deletes: [],
      log: "{}",
    });
    const [one, two] = [document("1"), document("2")];
    const schema = { id: "s", revision: 1, dialect: "d", text: "", createdAt: 1, tenant: 9 };
    const impossible: ((batch: RelationWrites) => void)[] = [
      (batch) => batch.relations.push({ ...next(), revision: 1 }),
      (batch) => batch.relations.push({ ...next(), revision: 3 }),
      (batch) => batch.relations.push(next(), next()),
      (batch) => batch.relations.push({ ...next(), tenant: 9, revision: 1 }),
      (batch) => batch.relations.push({ ...next(), deletes: [{ ...two, created: 1 }] }),
      (batch) => batch.relations.push({ ...next(), deletes: [{ ...one, created: 2 }] }),
      (batch) => {
        const twice = { ...one, created: 1 };
        batch.relations.push({ ...next(), deletes: [twice, twice] });
      },
      (batch) => batch.relations.push({ ...next(), inserts: [{ ...two, created: 1 }] }),
      (batch) => batch.putTenants.push(sampleTenant(2, { id: "tenant-1" })),
      (batch) => batch.putSchemas.push(schema),
      (batch) => batch.putDocuments.push({ tenant: 9, name: "n", text: "t" }),
      (batch) => batch.deleteTenants.push(9),
    ];
    for (const spoil of impossible) {
      const spoilt = opened.write((batch: Batch) => {
        batch.insertInvocations.push(sampleInvocation(at(1)));
        batch.putTenants.push(sampleTenant(5));
        // With names that are new: they are not there afterwards either.
        batch.relations.push({
          ...next(),
          tenant: 5,
          revision: 1,
          inserts: [sampleTuple("novel:1#kin@being:b", { created: 1 })],
        });
        spoil(batch);
      });
      await assert.rejects(spoilt, { code: "store-failed" });
    }
    assert.deepEqual((await opened.store.load({ invocations: [at(1)] })).invocations, [null]);
    assert.deepEqual(await opened.store.relations.loadTenants(), [
      sampleTenant(1, { revision: 1 }),
    ]);
    assert.deepEqual(describeTuples(await scanAll(opened.store, 1)), [
      "document:1#viewer@user:u 1..",
    ]);
    const novel = sampleTuple("fresh:1#novel@user:u");
    await opened.write((batch) => batch.relations.push(writer.commit([novel], documents("1"))));
    assert.equal(await opened.store.relations.countTuples(1), 1);
    assert.deepEqual(describeTuples(await scanAll(opened.store, 1)), [
      "document:1#viewer@user:u 1..2",
      "fresh:1#novel@user:u 2..",
    ]);
  });
}

function testTrimming(run: Run): void {
  run("old versions and log rows go in portions, the rest stays", async (opened) => {
    const writer = await openTenant(opened);
    await opened.write((batch) => {
      batch.relations.push(writer.commit(documents("1", "2", "3")));
      batch.relations.push(writer.commit([], documents("1", "2")));
      batch.relations.push(writer.commit(documents("1"), documents("3")));
    });
    const { relations } = opened.store;
    assert.equal(await relations.hasTrimmable(1, 0), false);
    let portions = 0;
    while (await opened.store.relations.hasTrimmable(1, 2)) {
      await opened.write((batch) => batch.trimRelations.push({ tenant: 1, upTo: 2, limit: 1 }));
      // Said at once, whatever is left to do.
      assert.equal((await opened.store.relations.loadTenants())[0]?.trimmed, 2);
      portions++;
      if (portions === 2) await opened.reopen();
    }
    assert.equal(portions, 4); // two versions, two log rows
    const kept = ["document:1#viewer@user:u 3..", "document:3#viewer@user:u 1..3"];
    assert.deepEqual(describeTuples(await scanAll(opened.store, 1)), kept);
    const log = await opened.store.relations.scanLog({ tenant: 1, after: 0, limit: 9 });
    assert.deepEqual(
      log.map(({ revision }) => revision),
      [3],
    );
    assert.equal(await opened.store.relations.findRevision(1, baseTime + 20), 0);
    assert.equal(await opened.store.relations.findRevision(1, baseTime + 30), 3);
    assert.equal(await opened.store.relations.countTuples(1), 1);
    await opened.write((batch) => batch.trimRelations.push({ tenant: 1, upTo: 1, limit: 9 }));
    assert.equal((await opened.store.relations.loadTenants())[0]?.trimmed, 2);
  });

  run("a trim comes after the relations of its batch, a deletion after all", async (opened) => {
    const writer = await openTenant(opened);
    await opened.write((batch) => {
      batch.relations.push(writer.commit(documents("1")));
      batch.relations.push(writer.commit([], documents("1")));
      batch.trimRelations.push({ tenant: 1, upTo: 2, limit: 100 });
    });
    assert.deepEqual(await scanAll(opened.store, 1), []);
    await opened.write((batch) => {
      batch.relations.push(writer.commit(documents("2")));
      batch.putTenants.push(sampleTenant(2));
      batch.deleteTenants.push(1, 2);
      batch.trimRelations.push({ tenant: 7, upTo: 2, limit: 100 });
    });
    assert.deepEqual(await opened.store.relations.loadDeletedTenants(), [1, 2]);
  });
}

function testTexts(run: Run): void {
  run("texts that look alike stay different, in every column", async (opened) => {
    const writer = await openTenant(opened);
    const alike = ["doc", "Doc", "DOC", "strasse", "straße", "\u00e9", "e\u0301", "doc ", " doc"];
    const rows = alike.flatMap((text) => [
      sampleTuple(`${text}:1#r@user:u`),
      sampleTuple(`t:${text}#r@user:u`),
      sampleTuple(`t:1#${text}@user:u`),
      sampleTuple(`t:1#r@${text}:u`),
      sampleTuple(`t:1#r@user:${text}`),
      sampleTuple(`t:1#r@user:u#${text}`),
    ]);
    await opened.write((batch) => batch.relations.push(writer.commit(rows)));
    await opened.reopen();
    const expected = rows.map((row) => ({ ...row, created: 1 }));
    assert.deepEqual(describeTuples(await scanAll(opened.store, 1)), describeTuples(expected));
    for (const id of alike) {
      const { relations } = opened.store;
      const resources = await relations.loadTuples({ tenant: 1, resources: [{ type: "t", id }] });
      assert.equal(resources.length, 1, `resource ${id}`);
      const subjects = await relations.loadTuples({ tenant: 1, subjects: [{ type: "user", id }] });
      assert.equal(subjects.length, 1, `subject ${id}`);
    }
  });

  run("ids may have every character", async (opened) => {
    const writer = await openTenant(opened);
    const ids = ["\u{10ffff}", "\ud7ff", "\ue000", "\u0085", "\n", "\t", '"', "\\", "%", "_", "*"];
    for (let code = 0x20; code < 0x7f; code++) ids.push(String.fromCharCode(code));
    for (let code = 0xa0; code < 0x180; code++) ids.push(String.fromCharCode(code));
    const rows = [...new Set(ids)].flatMap((id) => [
      { ...sampleTuple("t:1#r@u:1"), resourceId: id },
      { ...sampleTuple("t:1#r@v:1"), subjectId: id },
    ]);
    await opened.write((batch) => batch.relations.push(writer.commit(rows)));
    assert.deepEqual(
      new Set((await scanAll(opened.store, 1, 100)).map((row) => JSON.stringify(row))),
      new Set(rows.map((row) => JSON.stringify({ ...row, created: 1 }))),
    );
    for (const id of ids) {
      const ends = { resources: [{ type: "t", id }], subjects: [{ type: "v", id }] };
      const found = await opened.store.relations.loadTuples({ tenant: 1, ...ends });
      const expected = rows.filter(
        (row) => row.resourceId === id || (row.subjectType === "v" && row.subjectId === id),
      );
      assert.equal(found.length, expected.length, JSON.stringify(id));
    }
  });
}
