import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Needs } from "../engine/prefetch.ts";
import { fail } from "../model/errors.ts";
import { partitionOfKey } from "../model/ids.ts";
import { actor, workflow } from "../sdk/definition.ts";
import type { Holdfast } from "../server/open.ts";
import { codeOf, rest, Stage } from "./stage.ts";

/* What was under way when a commit failed and memory was dropped concerns nobody any more. */

const job = workflow("job", { run: async (_ctx, what: string) => what });

const counter = actor("counter", {
  state: { value: 0 },
  handlers: { add: (ctx, by: number) => ctx.set("value", ctx.get("value") + by) },
});

test("a refusal is not told when the batch that it rests on fails", async (t) => {
  const stage = new Stage();
  const app = await stage.open(t, job);
  const commit = stage.hold("commit");
  const first = codeOf(app.send(job, "k").run("first"));
  const second = codeOf(app.send(job, "k").run("second"));
  await commit.arrived;
  commit.fail();
  assert.deepEqual(await Promise.all([first, second]), ["store-failed", "store-failed"]);
  await stage.pass(1_000);
  assert.equal(await app.call(job, "k").run("third"), "third");
});

/** Memory is dropped while a call waits for its key, which is not in memory, to be loaded. */
async function waitingWhileDropped(stage: Stage, app: Holdfast) {
  const commit = stage.hold("commit");
  const lost = codeOf(app.call(counter, "other").add(1));
  await commit.arrived;
  const load = stage.hold("load");
  const waiting = codeOf(app.call(counter, "c").add(100));
  await load.arrived;
  commit.fail();
  return { load, told: await Promise.all([lost, waiting]) };
}

describe("a pass that waits for the store while memory is dropped is over", () => {
  test("what it had is not applied when the store answers at last", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, counter);
    await app.call(counter, "c").add(1);
    await stage.drop(app, () => app.call(counter, "c").add(10));
    await stage.pass(1_000);
    const { load, told } = await waitingWhileDropped(stage, app);
    assert.deepEqual(told, ["store-failed", "store-failed"]);
    await stage.pass(1_000);
    await app.call(counter, "c").add(1_000);
    load.goOn();
    await rest();
    await app.call(counter, "c").add(10_000);
    assert.deepEqual(await app.state(counter, "c"), { value: 11_001 });
  });

  test("rows that were read before are not put into memory after", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, counter);
    await app.call(counter, "c").add(1);
    await stage.drop(app, () => app.call(counter, "c").add(10));
    await stage.pass(1_000);
    const { load } = await waitingWhileDropped(stage, app);
    // While the store cannot be written, too.
    load.goOn();
    await rest();
    assert.equal(app.engine.core.findKey("counter", "c"), undefined);
    await stage.pass(1_000);
    await app.call(counter, "c").add(1_000);
    assert.deepEqual(await app.state(counter, "c"), { value: 1_001 });
  });

  test("a read that fails afterwards does not drop memory once more", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, counter);
    const { load } = await waitingWhileDropped(stage, app);
    await stage.pass(1_000);
    load.fail();
    await rest();
    assert.equal(app.engine.refusal, null);
    await app.call(counter, "c").add(1);
    assert.deepEqual(await app.state(counter, "c"), { value: 1 });
  });

  test("it does not end the pass that waits now", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, counter);
    const { load } = await waitingWhileDropped(stage, app);
    await stage.pass(1_000);
    const commit = stage.hold("commit");
    const lost = codeOf(app.call(counter, "other").add(1));
    await commit.arrived;
    const next = stage.hold("load");
    const waiting = codeOf(app.call(counter, "c").add(1));
    await next.arrived;
    load.goOn();
    await rest();
    commit.fail();
    const told = Promise.all([lost, waiting]);
    const nothing = rest().then(() => "nobody is told");
    assert.deepEqual(await Promise.race([told, nothing]), ["store-failed", "store-failed"]);
    next.goOn();
  });

  test("what was prepared and fails afterwards is nobody's", async () => {
    const preparing = Promise.withResolvers<void>();
    const core = { relations: { prepare: () => preparing.promise } };
    const needs = new Needs(core as never);
    needs.relations({ kind: "tenant-delete", tenant: "t" });
    needs.drop();
    assert.ok(needs.empty);
    preparing.reject(fail("store-failed", { reason: "the test wants it" }));
    await rest();
  });
});

describe("memory is rebuilt once, and before anything is taken", () => {
  test("a read that fails after the commit does not have it rebuilt twice", async (t) => {
    const stage = new Stage();
    const timers = stage.hold("scanTimers");
    const app = await stage.open(t, counter);
    await stage.drop(app, () => app.call(counter, "c").add(1));
    await stage.pass(100);
    timers.fail();
    await rest();
    stage.probes = 0;
    await stage.pass(1_000);
    assert.equal(stage.probes, 1);
    assert.equal(app.engine.refusal, null);
    await app.call(counter, "c").add(2);
    assert.deepEqual(await app.state(counter, "c"), { value: 2 });
  });

  test("one that fails while it is rebuilt has it rebuilt anew", async (t) => {
    const stage = new Stage();
    const timers = stage.hold("scanTimers");
    const app = await stage.open(t, counter);
    await stage.drop(app, () => app.call(counter, "c").add(1));
    const probe = stage.hold("commit");
    await stage.pass(300);
    await probe.arrived;
    timers.fail();
    await rest();
    probe.goOn();
    await rest();
    assert.notEqual(app.engine.refusal, null, "what the first began is over");
    await stage.pass(1_000);
    assert.equal(app.engine.refusal, null);
    await app.call(counter, "c").add(2);
    assert.deepEqual(await app.state(counter, "c"), { value: 2 });
  });

  test("nothing is taken before all that must be known is loaded", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, counter);
    await stage.drop(app, () => app.call(counter, "c").add(1));
    const received = stage.hold("loadReceived", 3);
    await stage.pass(300);
    await received.arrived;
    assert.equal(await codeOf(app.call(counter, "c").add(2)), "store-failed");
    received.fail();
    await rest();
    assert.equal(await codeOf(app.call(counter, "c").add(3)), "store-failed");
    await stage.pass(1_000);
    await app.call(counter, "c").add(4);
    assert.deepEqual(await app.state(counter, "c"), { value: 4 });
  });

  test("what ran is brought back, though a page of those before was still being read", async (t) => {
    const stage = new Stage();
    let runs = 0;
    const slow = workflow("slow", {
      run: (ctx) =>
        ctx.run("step", () => {
          runs++;
          return new Promise<void>(() => undefined);
        }),
    });
    const key = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"]
      .flatMap((letter) => [letter, `${letter}1`, `${letter}2`, `${letter}3`])
      .find((name) => partitionOfKey("slow", name, stage.disk.info.partitions) === 0);
    assert.ok(key !== undefined);
    const first = await stage.open(t, slow, counter);
    await first.send(slow, key).run();
    await rest();
    assert.equal(runs, 1);
    await first.close();
    const page = stage.hold("scanActive", 3);
    const app = await stage.open(t, slow, counter);
    await page.arrived;
    await rest();
    assert.equal(runs, 2);
    await stage.drop(app, () => app.call(counter, "c").add(1));
    await stage.pass(1_000);
    page.goOn();
    await rest();
    await rest();
    assert.equal(runs, 3);
  });
});
