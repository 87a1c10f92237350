import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { afterEach, beforeEach, describe, test } from "node:test";
import { makeNodeHost } from "../../host/node-host.ts";
import { scanAll } from "../conformance/relation-samples.ts";
import { sampleEntry, sampleInvocation } from "../conformance/samples.ts";
import type { Store } from "../store.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const host = makeNodeHost();

/** Runs TypeScript-free code in another process, with the store's modules at hand. */
function runElsewhere(path: string, body: string): ChildProcess {
  const here = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  const code = `
    import { openSqliteStore } from ${here("./sqlite-store.ts")};
    import { makeNodeHost } from ${here("../../host/node-host.ts")};
    import { sampleTenant, sampleTuple, TenantWriter } from ${here("../conformance/relation-samples.ts")};
    import { sampleEntry, sampleInvocation } from ${here("../conformance/samples.ts")};
    import { makeBatch } from ${here("../store.ts")};
    const store = await openSqliteStore({ path: ${JSON.stringify(path)}, host: makeNodeHost() });
    ${body}`;
  return spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function linesOf(child: ChildProcess): Interface {
  assert.ok(child.stdout !== null);
  return createInterface(child.stdout);
}

async function nextLine(lines: Interface): Promise<string> {
  return new Promise((resolve, reject) => {
    lines.once("line", resolve);
    lines.once("close", () => reject(new Error("the process ended without a word")));
  });
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
}

describe("processes and one file", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-process-"));
    path = join(folder, "store.db");
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = (at = path): Promise<Store> => openSqliteStore({ path: at, host });

  test("a second store in the same process is refused, also through a link", async () => {
    const store = await open();
    await symlink(path, join(folder, "link.db"));
    for (const name of ["store.db", "link.db"]) {
      await assert.rejects(open(join(folder, name)), {
        code: "store-in-use",
        message: new RegExp(`process ${process.pid} on .* since \\d{4}-`),
      });
    }
    // The refusals have cost the first one nothing, its locks least of all.
    await store.claim([0], "still here");
    await assert.rejects(open(), { code: "store-in-use" });
    await store.close();
    await (await open()).close();
  });

  test("a second process is refused at once and told who holds the file", async () => {
    const child = runElsewhere(path, `console.log("open"); setInterval(() => {}, 1000);`);
    assert.equal(await nextLine(linesOf(child)), "open");
    await assert.rejects(open(), {
      code: "store-in-use",
      message: new RegExp(`process ${child.pid} on `),
    });
    // The lock dies with its process, however that dies.
    await kill(child);
    await (await open()).close();
  });

  test("what a killed process was told is durable is there, in whole batches", async () => {
    const body = `
      const [claim] = await store.claim([0], "child");
      for (let n = 1; ; n++) {
        const batch = makeBatch(new Map([[0, claim.epoch]]));
        batch.insertInvocations.push(sampleInvocation(n * 4096, { key: "k" + n, entries: 20 }));
        for (let i = 0; i < 20; i++) {
          batch.appendEntries.push({ number: n * 4096, entry: sampleEntry(i) });
        }
        await store.commit(batch);
        console.log(n);
      }`;
    const child = runElsewhere(path, body);
    let told = 0;
    const lines = linesOf(child);
    await new Promise<void>((resolve) => {
      lines.on("line", (line) => {
        told = Number(line);
        if (told === 50) resolve();
      });
    });
    await kill(child);
    const store = await open();
    const found = (await store.scanActive(0, 0, 1_000_000)).map((it) => it.number / 4096);
    assert.ok(found.length >= told, `${told} were told, ${found.length} are there`);
    assert.deepEqual(
      found,
      Array.from({ length: found.length }, (_, i) => i + 1),
    );
    const { journals } = await store.load({ journals: found.map((counter) => counter * 4096) });
    assert.ok(journals.every((journal) => journal.length === 20));
    assert.deepEqual(journals[0]?.[19], sampleEntry(19));
    assert.equal((await store.claim([0], "next"))[0]?.epoch, 2);
    assert.deepEqual(
      (await store.load({ invocations: [4096] })).invocations[0],
      sampleInvocation(4096, { key: "k1", entries: 20 }),
    );
    await store.close();
  });

  test("what a killed process left in a large WAL can be read, also what waits for its place", {
    timeout: 60_000,
  }, async () => {
    const body = `
      const [claim] = await store.claim([0], "child");
      const epochs = new Map([[0, claim.epoch]]);
      const writer = new TenantWriter(1);
      for (let round = 0; round < 6; round++) {
        const batch = makeBatch(epochs);
        if (round === 0) batch.putTenants.push(sampleTenant(1));
        const rows = Array.from({ length: 500 }, (_, i) => sampleTuple("d:" + (round * 500 + i) + "#r@u:1"));
        batch.relations.push(writer.commit(rows));
        await store.commit(batch);
      }
      console.log("written");
      setInterval(() => {}, 1000);`;
    const child = runElsewhere(path, body);
    assert.equal(await nextLine(linesOf(child)), "written");
    await kill(child);
    // So small that it is to be emptied as soon as it is opened.
    const store = await openSqliteStore({ path, host, walBytes: 65_536 });
    assert.equal((await scanAll(store, 1, 1_000)).length, 3_000);
    const read = { tenant: 1, filter: {}, revision: 6, after: null, limit: 10 };
    assert.equal((await store.relations.readTuples(read)).rows.length, 10);
    await store.claim([0], "next");
    await store.close();
  });

  const onLinux = { skip: process.platform !== "linux" && "it looks into /proc" };
  test("the query process ends with a parent killed during a query", onLinux, async () => {
    const endless = `WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)
      SELECT count(*) FROM c`;
    const body = `
      const bounds = { timeoutMs: 60000, rowsMax: 1 };
      await store.query("SELECT 1", [], bounds);
      const { readFileSync } = await import("node:fs");
      void store.query(${JSON.stringify(endless)}, [], bounds);
      const children = readFileSync("/proc/self/task/" + process.pid + "/children", "utf8");
      console.log(children.trim());`;
    const child = runElsewhere(path, body);
    const query = Number(await nextLine(linesOf(child)));
    assert.ok(query > 0);
    await kill(child);
    for (let left = 200; isAlive(query); left--) {
      assert.ok(left > 0, "the query process outlived its parent by 2 s");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
});

/** A process that has ended may stay in the table as a zombie until its new parent looks at it. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
