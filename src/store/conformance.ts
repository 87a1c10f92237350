import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { formatInvocationId, makeNumber } from "../model/ids.ts";
import type { Status } from "../model/invocation.ts";
import { MemoryDisk } from "./memory/memory-disk.ts";
import { openMemoryStore } from "./memory/memory-store.ts";
import {
  BatchMaker,
  baseTime,
  sampleEntry,
  sampleInvocation,
  samplePromise,
  sampleSchedule,
  sampleTimer,
} from "./samples.ts";
import { type Batch, makeBatch, type Store } from "./store.ts";

/** One place where a store can lie. */
export interface StorePlace {
  /** Opens the store, making it the first time; the one before has been closed. */
  open(): Promise<Store>;
  remove(): Promise<void>;
}

export const bounds = { timeoutMs: 10_000, rowsMax: 1000 };

/** What every store must do, as tests. */
export function testStore(name: string, makePlace: () => Promise<StorePlace>): void {
  const run = (title: string, body: (opened: Opened) => Promise<void>): void => {
    test(title, async () => {
      const place = await makePlace();
      const opened = await open(place);
      try {
        await body(opened);
      } finally {
        await opened.store.close();
        await place.remove();
      }
    });
  };
  describe(name, () => {
    describe("ownership", () => testOwnership(run));
    describe("invocations and journals", () => testInvocations(run));
    describe("keys", () => testKeys(run));
    describe("scans", () => testScans(run));
    describe("messages and the rest", () => testMessages(run));
    describe("commits", () => testCommits(run));
    describe("queries", () => testQueries(makePlace));
    testAgainstModel(makePlace);
  });
}

interface Opened {
  store: Store;
  epochs: Map<number, number>;
  /** An empty batch with the epochs as claimed. */
  batch(): Batch;
  /** Commits what `fill` puts into a batch. */
  write(fill: (batch: Batch) => void): Promise<void>;
  /** Closes the store and opens it again. */
  reopen(): Promise<void>;
}

type Run = (title: string, body: (opened: Opened) => Promise<void>) => void;

async function open(place: StorePlace): Promise<Opened> {
  const opened: Opened = {
    store: await place.open(),
    epochs: new Map(),
    batch: () => makeBatch(opened.epochs),
    write: (fill) => {
      const batch = opened.batch();
      fill(batch);
      return opened.store.commit(batch);
    },
    reopen: async () => {
      await opened.store.close();
      opened.store = await place.open();
      await claim(opened);
    },
  };
  await claim(opened);
  return opened;
}

async function claim(opened: Opened): Promise<void> {
  const claims = await opened.store.claim([0, 1, 2, 3], "test");
  opened.epochs = new Map(claims.map(({ partition, epoch }) => [partition, epoch]));
}

const at = (counter: number, partition = 0): number => makeNumber(counter, partition);

function testOwnership(run: Run): void {
  run("each claim raises the epoch of its partitions only", async ({ store, epochs }) => {
    const claims = await store.claim([1, 2], "again");
    assert.deepEqual(
      claims.map(({ epoch }) => epoch),
      [epochs.get(1)! + 1, epochs.get(2)! + 1],
    );
    assert.equal((await store.claim([0], "again"))[0]?.epoch, epochs.get(0)! + 1);
  });

  run("a commit with an epoch of before is refused whole", async (opened) => {
    await opened.store.claim([1], "other");
    const stale = opened.write((batch) => batch.insertInvocations.push(sampleInvocation(at(1))));
    await assert.rejects(stale, { code: "fenced-out" });
    const loaded = await opened.store.load({ invocations: [at(1)] });
    assert.deepEqual(loaded.invocations, [null]);
    // Partitions that were not taken go on.
    const batch = makeBatch(new Map([[0, opened.epochs.get(0)!]]));
    batch.insertInvocations.push(sampleInvocation(at(1)));
    await opened.store.commit(batch);
  });

  run("a commit for a partition that was never claimed is refused", async ({ store }) => {
    await assert.rejects(store.commit(makeBatch(new Map([[9, 0]]))), { code: "fenced-out" });
    await assert.rejects(store.commit(makeBatch(new Map([[9, 1]]))), { code: "fenced-out" });
  });

  run("the counter starts where it was reserved, and never falls", async (opened) => {
    const counterOf = async (): Promise<number> => (await opened.store.claim([3], "x"))[0]!.counter;
    const first = await counterOf();
    assert.ok(first > 0, "no invocation has the number 0");
    await claim(opened);
    await opened.write((batch) => {
      batch.reserveCounters.push({ partition: 3, counter: 500 }, { partition: 3, counter: 400 });
    });
    assert.equal(await counterOf(), 500);
    await opened.reopen();
    assert.equal(await counterOf(), 500);
  });

  run("tag and number of partitions survive reopening", async (opened) => {
    const { info } = opened.store;
    assert.match(info.tag, /^[0-9a-z]{4}$/);
    await opened.reopen();
    assert.deepEqual(opened.store.info, info);
  });
}

function testInvocations(run: Run): void {
  const full = sampleInvocation(at(1), {
    key: "ключ \u{1f511}",
    output: '{"a":[1,"x"]}',
    status: "failed",
    endedAt: baseTime + 5,
    expiresAt: baseTime + 9,
    seed: 0xffffffff,
    extra: { parent: { number: at(2), command: 3 }, caller: "me", waiters: [], attempts: 2 },
  });

  run("an invocation comes back as it was written, also after reopening", async (opened) => {
    const bare = sampleInvocation(at(2), { mode: "stateless", key: null, input: null });
    await opened.write((batch) => batch.insertInvocations.push(full, bare));
    const ask = { invocations: [at(2), at(99), at(1)] };
    assert.deepEqual((await opened.store.load(ask)).invocations, [bare, null, full]);
    await opened.reopen();
    assert.deepEqual((await opened.store.load(ask)).invocations, [bare, null, full]);
  });

  run("an update changes what may change", async (opened) => {
    const invocation = sampleInvocation(at(1));
    await opened.write((batch) => batch.insertInvocations.push(invocation));
    Object.assign(invocation, {
      status: "succeeded",
      output: "1",
      endedAt: 5,
      expiresAt: 6,
      deployment: "d2",
      position: 77,
      entries: 3,
      extra: { caller: "you" },
    });
    await opened.write((batch) => batch.updateInvocations.push(invocation));
    assert.deepEqual((await opened.store.load({ invocations: [at(1)] })).invocations, [invocation]);
  });

  run("the batch is read before commit returns", async (opened) => {
    const invocation = sampleInvocation(at(1), { extra: { caller: "a" } });
    const promise = samplePromise(at(1));
    const done = opened.write((batch) => {
      batch.insertInvocations.push(invocation);
      batch.putPromises.push(promise);
    });
    invocation.status = "killed";
    invocation.extra!.caller = "b";
    promise.waiters.push({ number: 1, command: 1 });
    await done;
    const ask = { invocations: [at(1)], promises: [{ number: at(1), name: "approved" }] };
    const loaded = await opened.store.load(ask);
    assert.equal(loaded.invocations[0]?.status, "running");
    assert.deepEqual(loaded.invocations[0]?.extra, { caller: "a" });
    assert.deepEqual(loaded.promises[0]?.waiters, []);
    // And what was loaded is the caller's own.
    loaded.invocations[0]!.status = "paused";
    assert.equal((await opened.store.load(ask)).invocations[0]?.status, "running");
  });

  run("a batch is seen by reads as soon as commit was called", async (opened) => {
    const done = opened.write((batch) => batch.insertInvocations.push(full));
    assert.deepEqual((await opened.store.load({ invocations: [at(1)] })).invocations, [full]);
    await done;
  });

  run("journals are kept in order, and cut before they are continued", async (opened) => {
    const entries = [0, 1, 2, 3].map((index) => sampleEntry(index));
    const other = sampleEntry(0, { kind: "cancel", command: -1, name: "", payload: null });
    await opened.write((batch) => {
      for (const entry of entries) batch.appendEntries.push({ number: at(1), entry });
      batch.appendEntries.push({ number: at(2), entry: other });
    });
    const ask = { journals: [at(2), at(3), at(1)] };
    assert.deepEqual((await opened.store.load(ask)).journals, [[other], [], entries]);
    const again = sampleEntry(2, { name: "other", failed: true });
    await opened.write((batch) => {
      batch.appendEntries.push({ number: at(1), entry: again });
      batch.truncateJournals.push({ number: at(1), from: 2 });
    });
    const cut = [...entries.slice(0, 2), again];
    assert.deepEqual((await opened.store.load(ask)).journals, [[other], [], cut]);
  });

  run("deleting takes the journal, the promises and the timers along", async (opened) => {
    for (const number of [at(1), at(2)]) {
      await opened.write((batch) => {
        batch.insertInvocations.push(sampleInvocation(number));
        batch.appendEntries.push({ number, entry: sampleEntry(0) });
        batch.putPromises.push(samplePromise(number));
        batch.insertTimers.push(sampleTimer(number), sampleTimer(number, { kind: "deadline" }));
      });
    }
    await opened.write((batch) => batch.deleteInvocations.push(at(1)));
    const loaded = await opened.store.load({
      invocations: [at(1), at(2)],
      journals: [at(1), at(2)],
      promises: [at(1), at(2)].map((number) => ({ number, name: "approved" })),
    });
    assert.deepEqual(
      loaded.invocations.map((it) => it?.number),
      [undefined, at(2)],
    );
    assert.deepEqual(
      loaded.journals.map((it) => it.length),
      [0, 1],
    );
    assert.deepEqual(
      loaded.promises.map((it) => it?.number),
      [undefined, at(2)],
    );
    const timers = await opened.store.scanTimers(baseTime * 2, 10);
    assert.deepEqual(
      timers.map((it) => it.number),
      [at(2), at(2)],
    );
  });
}

function testKeys(run: Run): void {
  const address = { service: "cart", key: "k1" };

  run("a key is loaded with its state, its queue and its workflow", async (opened) => {
    const queue = [
      sampleInvocation(at(1), { position: 30 }),
      sampleInvocation(at(2), { position: 10, status: "queued" }),
      sampleInvocation(at(3), { position: 20, status: "paused", mode: "workflow" }),
    ];
    const aside = [
      sampleInvocation(at(4), { mode: "shared" }),
      sampleInvocation(at(5), { status: "scheduled" }),
      sampleInvocation(at(6), { status: "succeeded", mode: "workflow", expiresAt: 1 }),
      sampleInvocation(at(7), { key: "k2" }),
      sampleInvocation(at(8), { service: "other" }),
    ];
    await opened.write((batch) => {
      batch.insertInvocations.push(...queue, ...aside);
      for (const name of ["b", "a"]) batch.writeState.push({ ...address, name, value: "1" });
      batch.writeState.push({ service: "cart", key: "k2", name: "c", value: "2" });
    });
    const ask = { keys: [address, { service: "cart", key: "none" }] };
    const [found, none] = (await opened.store.load(ask)).keys;
    assert.deepEqual(
      found?.open.map((it) => it.number),
      [at(2), at(3), at(1)],
    );
    assert.equal(found?.workflow?.number, at(6));
    assert.deepEqual(found?.state, [
      ["a", "1"],
      ["b", "1"],
    ]);
    assert.deepEqual(none, { state: [], open: [], workflow: null });
  });

  run("state is replaced and deleted, the last write of a batch counts", async (opened) => {
    const put = (
      name: string,
      value: string | null,
    ): { service: string; key: string; name: string; value: string | null } => ({
      ...address,
      name,
      value,
    });
    await opened.write((batch) =>
      batch.writeState.push(put("a", "1"), put("b", "2"), put("c", "3")),
    );
    await opened.write((batch) => {
      batch.writeState.push(put("a", "null"), put("b", null), put("c", null), put("c", "4"));
    });
    const { state } = (await opened.store.load({ keys: [address] })).keys[0]!;
    assert.deepEqual(state, [
      ["a", "null"],
      ["c", "4"],
    ]);
  });

  run("idempotency keys are put, replaced and deleted, deletions first", async (opened) => {
    const row = {
      scope: "cart/add",
      idempotencyKey: "i1",
      partition: 2,
      number: at(1),
      inputHash: 0xffffffff,
      expiresAt: 50,
    };
    const other = { ...row, idempotencyKey: "i2" };
    await opened.write((batch) => batch.putIdempotency.push(row, other));
    const ask = { idempotency: [other, row, { scope: "x", idempotencyKey: "i1" }] };
    assert.deepEqual((await opened.store.load(ask)).idempotency, [other, row, null]);
    const renewed = { ...row, number: at(9), expiresAt: 99 };
    await opened.write((batch) => {
      batch.putIdempotency.push(renewed);
      batch.deleteIdempotency.push(row, other);
    });
    assert.deepEqual((await opened.store.load(ask)).idempotency, [null, renewed, null]);
  });

  run("promises are put and replaced", async (opened) => {
    const promise = samplePromise(at(1), { waiters: [{ number: at(2), command: 4 }] });
    await opened.write((batch) =>
      batch.putPromises.push(promise, samplePromise(at(1), { name: "b" })),
    );
    Object.assign(promise, { status: "rejected", value: '{"x":1}', settledAt: 9, waiters: [] });
    await opened.write((batch) => batch.putPromises.push(promise));
    const ask = {
      promises: [
        { number: at(1), name: "approved" },
        { number: at(1), name: "c" },
      ],
    };
    assert.deepEqual((await opened.store.load(ask)).promises, [promise, null]);
  });
}

function testScans(run: Run): void {
  run("active invocations of one partition come in pages, by number", async (opened) => {
    const active: Status[] = ["running", "backing-off"];
    const rows = Array.from({ length: 20 }, (_, i) =>
      sampleInvocation(at(i + 1, i % 2), {
        key: `k${i}`,
        status: i % 5 === 4 ? "suspended" : active[Math.floor(i / 2) % 2]!,
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
      after = page.at(-1)!.number;
    }
    assert.deepEqual(found, expected);
  });

  run("keys with a queue come once each, in pages", async (opened) => {
    const keys = ["a", "b", "ä", "\uff5e", "\u{1f600}"];
    await opened.write((batch) => {
      for (const [i, key] of keys.entries()) {
        for (const copy of [0, 1]) {
          const number = at(i * 2 + copy + 1, 2);
          batch.insertInvocations.push(sampleInvocation(number, { key, status: "queued" }));
        }
      }
      batch.insertInvocations.push(sampleInvocation(at(90, 2), { key: "running" }));
      batch.insertInvocations.push(sampleInvocation(at(91, 3), { key: "z", status: "queued" }));
    });
    const first = await opened.store.scanQueuedKeys(2, null, 2);
    const rest = await opened.store.scanQueuedKeys(2, first.at(-1)!, 10);
    assert.deepEqual(
      [...first, ...rest].map((it) => it.key),
      keys,
    );
  });

  run("timers come by due time, and the earliest is known", async (opened) => {
    assert.equal(await opened.store.nextTimer(), null);
    const timers = [
      sampleTimer(at(2), { due: 10, command: -1, kind: "retry" }),
      sampleTimer(at(2), { due: 10, command: -1, kind: "deadline" }),
      sampleTimer(at(2), { due: 10, command: 3 }),
      sampleTimer(at(1), { due: 20 }),
      sampleTimer(at(1), { due: 30 }),
    ];
    await opened.write((batch) => batch.insertTimers.push(...timers.toReversed(), timers[0]!));
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

function testMessages(run: Run): void {
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

function testCommits(run: Run): void {
  run("a batch that cannot be written leaves nothing behind", async (opened) => {
    await opened.write((batch) => batch.insertInvocations.push(sampleInvocation(at(1))));
    const impossible: ((batch: Batch) => void)[] = [
      (batch) => batch.insertInvocations.push(sampleInvocation(at(1))),
      (batch) => batch.updateInvocations.push(sampleInvocation(at(9))),
      (batch) => batch.reserveCounters.push({ partition: 9, counter: 5 }),
    ];
    for (const spoil of impossible) {
      const spoilt = opened.write((batch) => {
        batch.insertInvocations.push(sampleInvocation(at(2)));
        batch.writeState.push({ service: "s", key: "k", name: "n", value: "1" });
        spoil(batch);
      });
      await assert.rejects(spoilt, { code: "store-failed" });
    }
    const loaded = await opened.store.load({
      invocations: [at(1), at(2)],
      keys: [{ service: "s", key: "k" }],
    });
    assert.deepEqual(
      loaded.invocations.map((it) => it !== null),
      [true, false],
    );
    assert.deepEqual(loaded.keys[0]?.state, []);
    await opened.write((batch) => batch.insertInvocations.push(sampleInvocation(at(2))));
  });

  run("two commits at once are a bug of the caller", async (opened) => {
    const first = opened.write(() => undefined);
    assert.throws(() => void opened.store.commit(opened.batch()), /before the last one/);
    await first;
    await opened.write(() => undefined);
  });

  run("what was committed is there after closing", async (opened) => {
    for (let counter = 1; counter <= 20; counter++) {
      await opened.write((batch) => {
        batch.insertInvocations.push(sampleInvocation(at(counter), { key: `k${counter}` }));
      });
    }
    await opened.reopen();
    assert.equal((await opened.store.scanActive(0, 0, 100)).length, 20);
  });
}

function testQueries(makePlace: () => Promise<StorePlace>): void {
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
  const ask = async (sql: string, ...parameters: (string | number | null)[]) =>
    (await opened.store.query(sql, parameters, bounds)).rows;

  test("invocations are found by id, with words for codes", async () => {
    const id = formatInvocationId(opened.store.info.tag, at(1));
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
    const cut = await opened.store.query(sql, [], { ...bounds, rowsMax: 2 });
    assert.deepEqual(cut.columns, ["n", "n"]);
    assert.deepEqual(cut.rows, [
      [at(1), at(1)],
      [at(2), at(2)],
    ]);
    assert.equal(cut.truncated, true);
    const all = await opened.store.query(sql, [], { ...bounds, rowsMax: 8 });
    assert.equal(all.truncated, false);
  });

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
}

/** Random batches, written to this store and to the one in memory, must read the same. */
function testAgainstModel(makePlace: () => Promise<StorePlace>): void {
  test("random batches read as they do from memory", async () => {
    const property = fc.asyncProperty(fc.integer(), fc.nat(12), async (seed, rounds) => {
      const place = await makePlace();
      const opened = await open(place);
      const disk = new MemoryDisk({ random: () => 0 }, opened.store.info.partitions);
      const model = openMemoryStore(disk);
      await model.claim([0, 1, 2, 3], "test");
      const maker = new BatchMaker(seed, 4);
      try {
        for (let round = 0; round < rounds; round++) {
          const batch = maker.next(opened.epochs);
          await Promise.all([opened.store.commit(batch), model.commit(batch)]);
        }
        const expected = await readAll(model, maker.counters);
        assert.deepEqual(await readAll(opened.store, maker.counters), expected);
        await opened.reopen();
        assert.deepEqual(await readAll(opened.store, maker.counters), expected);
      } finally {
        await opened.store.close();
        await place.remove();
      }
    });
    await fc.assert(property, { numRuns: 12 });
  });
}

async function readAll(store: Store, counters: number): Promise<unknown> {
  const late = baseTime * 2;
  const numbers = Array.from({ length: counters * 4 }, (_, i) => at(i >> 2, i & 3));
  const words = ["a", "b", "ä", "\uff5e", "\u{1f600}", "a b", "'", "%"];
  const pairs = words.flatMap((first) => words.map((second) => [first, second] as const));
  const perPartition = async (partition: number): Promise<unknown> => ({
    active: await store.scanActive(partition, 0, 50),
    queued: await store.scanQueuedKeys(partition, null, 50),
    queuedLater: await store.scanQueuedKeys(partition, { service: "a", key: "b" }, 3),
    outbox: await store.scanOutbox(partition, 3, 50),
    received: await store.loadReceived(partition),
  });
  return {
    loaded: await store.load({
      invocations: numbers,
      journals: numbers,
      keys: pairs.map(([service, key]) => ({ service, key })),
      idempotency: pairs.map(([scope, idempotencyKey]) => ({ scope, idempotencyKey })),
      promises: numbers.flatMap((number) => words.map((name) => ({ number, name }))),
    }),
    partitions: await Promise.all([0, 1, 2, 3].map(perPartition)),
    timers: await store.scanTimers(late, 1000),
    nextTimer: await store.nextTimer(),
    expired: await store.scanExpired(late, 1000),
    expiredIdempotency: await store.scanExpiredIdempotency(late, 1000),
    nextExpiry: await store.nextExpiry(),
    schedules: await store.loadSchedules(),
    counts: { ...(await store.countByStatus()) },
  };
}
