import assert from "node:assert/strict";
import type { Status } from "../../model/invocation.ts";
import { at, type Run } from "./place.ts";
import { sampleInvocation, sampleSchedule, sampleTimer } from "./samples.ts";

export function testScans(run: Run): void {
  run("active invocations of one partition come in pages, by number", async (opened) => {
    const active: Status[] = ["running", "backing-off"];
    const rows = Array.from({ length: 20 }, (_, i) =>
      sampleInvocation(at(i + 1, i % 2), {
        key: `k${i}`,
        status: i % 5 === 4 ? "suspended" : (active[Math.floor(i / 2) % 2] ?? "paused"),
      }),
    );
    await opened.write((batch) => batch.insertInvocations.push(...rows.toReversed()));
    const expected = rows
      .filter((it) => it.number % 4096 === 1 && it.status !== "suspended")
      .map((it) => it.number);
    const found: number[] = [];
    for (let after = 0; ; ) {
      const page = await opened.store.scanActive(1, after, 3);
      if (page.length === 0) break;
      assert.ok(page.length <= 3);
      found.push(...page.map((it) => it.number));
      after = page.at(-1)?.number ?? 0;
    }
    assert.deepEqual(found, expected);
  });

  testTimes(run);
}

function testTimes(run: Run): void {
  run("timers come by due time, and the earliest is known", async (opened) => {
    assert.equal(await opened.store.nextTimer(), null);
    const timers = [
      sampleTimer(at(2), { due: 10, command: -1, kind: "retry" }),
      sampleTimer(at(2), { due: 10, command: -1, kind: "deadline" }),
      sampleTimer(at(2), { due: 10, command: 3 }),
      sampleTimer(at(1), { due: 20 }),
      sampleTimer(at(1), { due: 30 }),
    ];
    await opened.write((batch) =>
      batch.insertTimers.push(...timers.toReversed(), ...timers.slice(0, 1)),
    );
    assert.equal(await opened.store.nextTimer(), 10);
    assert.deepEqual(await opened.store.scanTimers(20, 10), timers.slice(0, 4));
    assert.deepEqual(await opened.store.scanTimers(20, 2), timers.slice(0, 2));
    await opened.write((batch) => batch.deleteTimers.push(...timers.slice(0, 3)));
    assert.deepEqual(await opened.store.scanTimers(99, 10), timers.slice(3));
    assert.equal(await opened.store.nextTimer(), 20);
  });

  run("what expires is found, earliest first", async (opened) => {
    assert.equal(await opened.store.nextExpiry(), null);
    const row = { scope: "s", partition: 0, number: 1, inputHash: 1 };
    const ended = { status: "succeeded" as const, endedAt: 1 };
    await opened.write((batch) => {
      batch.insertInvocations.push(
        sampleInvocation(at(1), { ...ended, expiresAt: 30 }),
        sampleInvocation(at(2), { ...ended, expiresAt: 20 }),
        sampleInvocation(at(3), { ...ended, expiresAt: 40 }),
        sampleInvocation(at(4)),
      );
      batch.putIdempotency.push(
        { ...row, idempotencyKey: "a", expiresAt: 25 },
        { ...row, idempotencyKey: "b", expiresAt: 15 },
      );
    });
    assert.equal(await opened.store.nextExpiry(), 15);
    assert.deepEqual(await opened.store.scanExpired(30, 10), [at(2), at(1)]);
    assert.deepEqual(await opened.store.scanExpired(30, 1), [at(2)]);
    assert.deepEqual(await opened.store.scanExpiredIdempotency(24, 10), [
      { scope: "s", idempotencyKey: "b" },
    ]);
    await opened.write((batch) => {
      batch.deleteIdempotency.push({ scope: "s", idempotencyKey: "b" });
    });
    assert.equal(await opened.store.nextExpiry(), 20);
  });

  run("live invocations are counted by status", async (opened) => {
    await opened.write((batch) => {
      for (const [i, status] of (["running", "paused", "paused", "killed"] as const).entries()) {
        batch.insertInvocations.push(sampleInvocation(at(i + 1), { status, key: `k${i}` }));
      }
    });
    assert.deepEqual({ ...(await opened.store.countByStatus()) }, { running: 1, paused: 2 });
  });
}

export function testMessages(run: Run): void {
  run("the outbox keeps order and forgets what was received", async (opened) => {
    const message = (partition: number, sequence: number, destination: number) => ({
      partition,
      sequence,
      destination,
      payload: `{"n":${sequence}}`,
    });
    const mine = [message(0, 1, 2), message(0, 2, 1), message(0, 3, 2), message(0, 4, 2)];
    await opened.write((batch) => batch.insertOutbox.push(...mine.toReversed(), message(1, 1, 0)));
    assert.deepEqual(await opened.store.scanOutbox(0, 0, 10), mine);
    assert.deepEqual(await opened.store.scanOutbox(0, 1, 2), mine.slice(1, 3));
    await opened.write((batch) => {
      batch.truncateOutbox.push({ partition: 0, destination: 2, upTo: 3 });
    });
    assert.deepEqual(await opened.store.scanOutbox(0, 0, 10), [mine[1], mine[3]]);
    assert.equal((await opened.store.scanOutbox(1, 0, 10)).length, 1);
  });

  run("what was received is known per source", async (opened) => {
    await opened.write((batch) => {
      batch.putReceived.push(
        { partition: 1, source: 2, sequence: 5 },
        { partition: 1, source: 0, sequence: 7 },
        { partition: 2, source: 0, sequence: 9 },
        { partition: 1, source: 2, sequence: 6 },
      );
    });
    assert.deepEqual(await opened.store.loadReceived(1), [
      { source: 0, sequence: 7 },
      { source: 2, sequence: 6 },
    ]);
    assert.deepEqual(await opened.store.loadReceived(3), []);
  });

  run("schedules are put, replaced and deleted", async (opened) => {
    const hourly = sampleSchedule("hourly", { key: "k", input: "1", lastNumber: at(3), lastAt: 4 });
    await opened.write((batch) => batch.putSchedules.push(sampleSchedule("b"), hourly));
    assert.deepEqual(await opened.store.loadSchedules(), [sampleSchedule("b"), hourly]);
    Object.assign(hourly, { paused: true, pending: 2, nextAt: null });
    await opened.write((batch) => {
      batch.deleteSchedules.push("b");
      batch.putSchedules.push(hourly);
    });
    await opened.reopen();
    assert.deepEqual(await opened.store.loadSchedules(), [hourly]);
  });
}
