import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { makeNodeHost } from "../../host/node-host.ts";
import {
  sampleTenant,
  sampleTuple,
  scanAll,
  TenantWriter,
} from "../conformance/relation-samples.ts";
import { sampleInvocation } from "../conformance/samples.ts";
import { makeBatch } from "../store.ts";
import { schema } from "./format.ts";
import { expirySchema, freshSchema, relationSchema } from "./relation-format.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { formatSubjectKey } from "./version-key.ts";

/** A file as the code of format 1 made it, with an invocation and some state in it. */
function makeFormat1(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA application_id = 1215261796; PRAGMA user_version = 1");
  assert.ok(schema.includes(relationSchema), "format 1 had no relations");
  db.exec(schema.replace(relationSchema, ""));
  db.exec(`INSERT INTO meta VALUES ('tag', 'abcd'), ('partitions', '8');
    INSERT INTO partitions VALUES (0, 3, 77, 'before');
    INSERT INTO invocations VALUES (4096, 'cart', 'add', 1, 'k1', 2, 4096, 0, 1, NULL, NULL, 'd1', 7,
      '1', NULL, NULL);
    INSERT INTO state VALUES ('cart', 'k1', 'total', '7')`);
  db.close();
}

test("a store of format 1 keeps all it has, and can keep relationships then", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-migration-"));
  const path = join(folder, "store.db");
  makeFormat1(path);
  const host = makeNodeHost();
  try {
    let store = await openSqliteStore({ path, host });
    assert.deepEqual(store.info, { tag: "abcd", partitions: 8 });
    const [claim] = await store.claim([0], "test");
    assert.deepEqual(claim, { partition: 0, epoch: 4, counter: 77 });
    const loaded = await store.load({
      invocations: [4096],
      keys: [{ service: "cart", key: "k1" }],
    });
    assert.equal(loaded.invocations[0]?.status, "running");
    assert.deepEqual(loaded.keys[0]?.state, [["total", "7"]]);
    const batch = makeBatch(new Map([[0, 4]]));
    batch.insertInvocations.push(sampleInvocation(8192));
    batch.putTenants.push(sampleTenant(1));
    batch.relations.push(new TenantWriter(1).commit([sampleTuple("document:1#viewer@user:u")]));
    await store.commit(batch);
    await store.close();
    store = await openSqliteStore({ path, host });
    assert.equal((await scanAll(store, 1)).length, 1);
    assert.equal((await store.load({ invocations: [4096, 8192] })).invocations.length, 2);
    await store.close();
    const db = new DatabaseSync(path, { readOnly: true });
    assert.equal(db.prepare("PRAGMA user_version").get()?.["user_version"], 4);
    assert.equal(db.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
    db.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** The tables as they were before they kept when a version was written. */
function beforeFormat4(text: string): string {
  const written = "  written_at INTEGER NOT NULL,\n";
  assert.equal(text.split(written).length, 3, "of versions and of what is new");
  assert.ok(text.includes(expirySchema));
  return text.replaceAll(written, "").replace(expirySchema, "");
}

/** A file as the code of format 2 made it: a version has its place, and waits for the other index. */
function makeFormat2(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA application_id = 1215261796; PRAGMA user_version = 2");
  assert.ok(schema.includes(freshSchema), "format 2 had another table for what is new");
  const fresh = `CREATE TABLE fresh_subjects (tenant INTEGER NOT NULL, revision INTEGER NOT NULL,
    keys TEXT NOT NULL, PRIMARY KEY (tenant, revision)) STRICT, WITHOUT ROWID;`;
  db.exec(beforeFormat4(schema).replace(freshSchema.replace(/ *written_at.*\n/, ""), fresh));
  db.exec(`INSERT INTO meta VALUES ('tag', 'abcd'), ('partitions', '8');
    INSERT INTO tenants VALUES (1, 't', 't', 1, 0, NULL, 1, 1, 1, 0);
    INSERT INTO names VALUES (1, 'document'), (2, 'viewer'), (3, 'user');
    INSERT INTO tuples VALUES (1, 1, 'd', 2, 3, 'u', 0, 1, 0, NULL, NULL, NULL);
    INSERT INTO relation_log VALUES (1, 1, 1, '[]')`);
  const key = formatSubjectKey(1, [1, "d", 2, 3, "u", 0, 1]);
  db.prepare("INSERT INTO fresh_subjects VALUES (1, 1, ?)").run(JSON.stringify([key]));
  db.close();
}

test("relationships of format 2 are found from both sides, and more of them can be written", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-migration-"));
  const path = join(folder, "store.db");
  makeFormat2(path);
  const host = makeNodeHost();
  try {
    let store = await openSqliteStore({ path, host });
    const [claim] = await store.claim([0], "test");
    const batch = makeBatch(new Map([[0, claim?.epoch ?? 0]]));
    const writer = new TenantWriter(1);
    writer.revision = 1;
    batch.relations.push(writer.commit([sampleTuple("document:2#viewer@user:u")]));
    await store.commit(batch);
    for (let round = 0; round < 2; round++) {
      assert.equal((await scanAll(store, 1)).length, 2);
      const subjects = [{ type: "user", id: "u" }];
      assert.equal((await store.relations.loadTuples({ tenant: 1, subjects })).length, 2);
      await store.close();
      store = await openSqliteStore({ path, host });
    }
    await store.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** A file as the code of format 3 made it: one version has its place, and one waits. */
function makeFormat3(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA application_id = 1215261796; PRAGMA user_version = 3");
  db.exec(beforeFormat4(schema));
  db.exec(`INSERT INTO meta VALUES ('tag', 'abcd'), ('partitions', '8');
    INSERT INTO tenants VALUES (1, 't', 't', 2, 0, NULL, 2, 1, 1, 0);
    INSERT INTO names VALUES (1, 'document'), (2, 'viewer'), (3, 'user');
    INSERT INTO tuples VALUES (1, 1, 'd', 2, 3, 'u', 0, 1, 0, NULL, 77, NULL);
    INSERT INTO by_subject VALUES ('${formatSubjectKey(1, [1, "d", 2, 3, "u", 0, 1])}');
    INSERT INTO fresh_versions VALUES (1, 2, '[[1,"e",2,3,"u",0,0,null,78]]');
    INSERT INTO relation_log VALUES (1, 1, 1, '[]'), (1, 2, 1, '[]')`);
  db.close();
}

test("relationships of format 3 are there; when they were written, and what expires, is known of new ones", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-migration-"));
  const path = join(folder, "store.db");
  makeFormat3(path);
  try {
    const store = await openSqliteStore({ path, host: makeNodeHost() });
    const [claim] = await store.claim([0], "test");
    const batch = makeBatch(new Map([[0, claim?.epoch ?? 0]]));
    const writer = new TenantWriter(1);
    writer.revision = 2;
    const commit = writer.commit([sampleTuple("document:f#viewer@user:u", { expiresAt: 79 })]);
    batch.relations.push(commit);
    await store.commit(batch);
    const read = { tenant: 1, filter: {}, revision: 3, after: null, limit: 9 };
    const { rows } = await store.relations.readTuples(read);
    assert.deepEqual(
      rows.map(({ resourceId, writtenAt }) => [resourceId, writtenAt]),
      [
        ["d", 0],
        ["e", 0],
        ["f", commit.at],
      ],
    );
    const expired = await store.relations.readExpired({ tenant: 1, upTo: 79, limit: 9 });
    assert.deepEqual(
      expired.map(({ resourceId }) => resourceId),
      ["d", "e", "f"],
    );
    await store.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
