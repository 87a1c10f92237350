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
import { relationSchema } from "./relation-format.ts";
import { openSqliteStore } from "./sqlite-store.ts";

/** A file as the code of format 1 made it, with an invocation and some state in it. */
function makeFormat1(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA application_id = 1215261796; PRAGMA user_version = 1");
  assert.ok(schema.includes(relationSchema), "format 2 is format 1 and the relations");
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
    assert.equal(db.prepare("PRAGMA user_version").get()?.["user_version"], 2);
    assert.equal(db.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
    db.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
