import assert from "node:assert/strict";
import type { Invocation } from "../../model/invocation.ts";
import { at, type Run } from "./place.ts";
import { baseTime, sampleEntry, sampleInvocation, samplePromise } from "./samples.ts";

export function testInvocations(run: Run): void {
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

  testVisibility(run, full);
  testJournals(run);
}

function testVisibility(run: Run, full: Invocation): void {
  run("the batch is read before commit returns", async (opened) => {
    const invocation = sampleInvocation(at(1), { extra: { caller: "a" } });
    const promise = samplePromise(at(1));
    const done = opened.write((batch) => {
      batch.insertInvocations.push(invocation);
      batch.putPromises.push(promise);
    });
    invocation.status = "killed";
    Object.assign(invocation.extra ?? {}, { caller: "b" });
    promise.waiters.push({ number: 1, command: 1 });
    await done;
    const ask = { invocations: [at(1)], promises: [{ number: at(1), name: "approved" }] };
    const loaded = await opened.store.load(ask);
    assert.equal(loaded.invocations[0]?.status, "running");
    assert.deepEqual(loaded.invocations[0]?.extra, { caller: "a" });
    assert.deepEqual(loaded.promises[0]?.waiters, []);
    // And what was loaded is the caller's own.
    Object.assign(loaded.invocations[0] ?? {}, { status: "paused" });
    assert.equal((await opened.store.load(ask)).invocations[0]?.status, "running");
  });

  run("a batch is seen by reads as soon as commit was called", async (opened) => {
    const done = opened.write((batch) => batch.insertInvocations.push(full));
    assert.deepEqual((await opened.store.load({ invocations: [at(1)] })).invocations, [full]);
    await done;
  });
}

function testJournals(run: Run): void {
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

  run("deleting takes the journal and the promises along", async (opened) => {
    for (const number of [at(1), at(2)]) {
      await opened.write((batch) => {
        batch.insertInvocations.push(sampleInvocation(number));
        batch.appendEntries.push({ number, entry: sampleEntry(0) });
        batch.putPromises.push(samplePromise(number));
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
  });
}

export function testKeys(run: Run): void {
  const address = { service: "cart", key: "k1" };

  run("the state of a workflow goes with its latest run", async (opened) => {
    const state = async (): Promise<number | undefined> =>
      (await opened.store.load({ keys: [address] })).keys[0]?.state.length;
    await opened.write((batch) => {
      for (const number of [at(1), at(2)]) {
        const ended = { mode: "workflow", status: "succeeded", expiresAt: 1 } as const;
        batch.insertInvocations.push(sampleInvocation(number, ended));
      }
      batch.insertInvocations.push(sampleInvocation(at(3), { mode: "shared" }));
      batch.writeState.push({ ...address, name: "a", value: "1" });
    });
    await opened.write((batch) => batch.deleteInvocations.push(at(1)));
    assert.equal(await state(), 1);
    await opened.write((batch) => batch.deleteInvocations.push(at(3)));
    assert.equal(await state(), 1);
    await opened.write((batch) => batch.deleteInvocations.push(at(2)));
    assert.equal(await state(), 0);
  });

  run("a key is loaded with its state, its queue and its workflow", async (opened) => {
    const queue = [
      sampleInvocation(at(1), { position: 30 }),
      sampleInvocation(at(2), { position: 10, status: "queued" }),
      sampleInvocation(at(3), { position: 20, status: "paused" }),
    ];
    const aside = [
      sampleInvocation(at(4), { mode: "shared" }),
      sampleInvocation(at(9), { mode: "shared", status: "paused" }),
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
    assert.equal(found?.workflow, at(6));
    assert.deepEqual(found?.state, [
      ["a", "1"],
      ["b", "1"],
    ]);
    assert.deepEqual(none, { state: [], open: [], workflow: null });
  });

  testReplacing(run);
}

function testReplacing(run: Run): void {
  const address = { service: "cart", key: "k1" };

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
    const [found] = (await opened.store.load({ keys: [address] })).keys;
    assert.deepEqual(found?.state, [
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
