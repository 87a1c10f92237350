/** A process that writes relationships is killed: whatever it was told to be durable is there. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { openAuthz } from "holdfast/authz";

const perWrite = 500;

/** @returns the transactions that were acknowledged before the process was killed. */
async function writeUntil(store: string, first: number, count: number): Promise<number[]> {
  const file = path.join(import.meta.dirname, "killed-writer.ts");
  const child = spawn(process.execPath, ["--conditions=holdfast-source", file, store, `${first}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const acknowledged: number[] = [];
  let rest = "";
  for await (const text of child.stdout.setEncoding("utf8")) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    acknowledged.push(...lines.map(Number));
    if (acknowledged.length >= count) child.kill("SIGKILL");
  }
  if (child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
  return acknowledged;
}

function numbersOf(at: number): number[] {
  return Array.from({ length: perWrite }, (_, i) => at * perWrite + i);
}

function goneWith(at: number): number[] {
  const gone = [at * perWrite - 1, Math.floor(at / 2) * perWrite];
  return gone.filter((number) => at > 1 && number > 0);
}

test("relationships survive a kill, wherever they lie, and so do deletes", async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "holdfast-killed-"));
  const store = path.join(folder, "store.db");
  const acknowledged = new Set<number>();
  try {
    // All of them wait for their places; then there are so many that some have gone over.
    for (const count of [20, 290]) {
      const first = acknowledged.size === 0 ? 0 : Math.max(...acknowledged) + 10;
      for (const at of await writeUntil(store, first, count)) acknowledged.add(at);
      await using authz = await openAuthz({ store });
      const tenant = authz.tenant("t");
      const found = new Set<number>();
      for (let after: string | undefined; ; ) {
        const page = await tenant.read({
          limit: 1_000,
          ...(after === undefined ? {} : { after }),
        });
        for (const { subject } of page.items) {
          const number = Number(subject.id.slice(1));
          assert.ok(!found.has(number), `${number} is there once`);
          found.add(number);
        }
        if (page.next === null) break;
        after = page.next;
      }
      // Also with a transaction that became durable and was not acknowledged any more.
      const begun = Math.max(...acknowledged) + 10;
      const gone = new Set(Array.from({ length: begun }, (_, at) => goneWith(at)).flat());
      for (const at of acknowledged) {
        for (const number of numbersOf(at)) {
          if (!gone.has(number)) assert.ok(found.has(number), `${number} of ${at} is there`);
        }
      }
      for (const at of acknowledged) {
        const ordered = goneWith(at).filter((number) =>
          acknowledged.has(Math.floor(number / perWrite)),
        );
        for (const number of ordered) {
          const before = Math.floor(number / perWrite);
          // Four are written at once: what is only just older may have come later.
          if (at - before > 8) assert.ok(!found.has(number), `${number} went with ${at}`);
        }
      }
      const resource = { type: "document", id: `d${(perWrite * 7_919) % 100_003}` };
      const subject = { type: "user", id: `u${perWrite}` };
      const { verdict } = await tenant.check({ resource, permission: "viewer", subject });
      assert.equal(verdict === "yes", found.has(perWrite));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
