import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { fail } from "../model/errors.ts";
import { actor, workflow } from "../sdk/definition.ts";
import { codeOf, rest, Stage } from "./stage.ts";

/* Timers, and what else looks into the store by itself, when the store is slow or throws. */

const counter = actor("counter", {
  state: { value: 0 },
  handlers: { add: (ctx, by: number) => ctx.set("value", ctx.get("value") + by) },
});

/** Sleeps, and says what it had to say to the list of those that are awake. */
function makeSleeper() {
  const awake: string[] = [];
  const sleeper = workflow("sleeper", {
    run: async (ctx, ms: number) => {
      await ctx.sleep(ms);
      awake.push(ctx.key);
    },
  });
  return { sleeper, awake };
}

function thrower(): never {
  throw fail("store-failed", { reason: "the test wants it" });
}

test("timers are not late when those before a rebuild were still being read", async (t) => {
  const stage = new Stage();
  const { sleeper, awake } = makeSleeper();
  const timers = stage.hold("scanTimers");
  const app = await stage.open(t, sleeper, counter);
  await timers.arrived;
  await app.send(sleeper, "a").run(10_000);
  await rest();
  await stage.drop(app, () => app.call(counter, "c").add(1));
  await stage.pass(1_000);
  assert.equal(app.engine.refusal, null);
  timers.goOn();
  await rest();
  await stage.pass(10_000);
  assert.deepEqual(awake, ["a"]);
});

test("they are not late when those before are read last", async (t) => {
  const stage = new Stage();
  const { sleeper, awake } = makeSleeper();
  const before = stage.hold("scanTimers");
  const app = await stage.open(t, sleeper, counter);
  await before.arrived;
  await app.send(sleeper, "a").run(10_000);
  await rest();
  await stage.drop(app, () => app.call(counter, "c").add(1));
  const after = stage.hold("scanTimers");
  await stage.pass(1_000);
  await app.send(sleeper, "b").run(5_000);
  await rest();
  after.goOn();
  await rest();
  before.fail();
  await rest();
  assert.equal(app.engine.refusal, null, "nobody waits for what was read before");
  await stage.pass(10_000);
  assert.deepEqual(awake, ["b", "a"]);
});

describe("a store that throws", () => {
  /** Somebody sleeps longer than timers are held in memory for. */
  async function asleep(t: TestContext) {
    const stage = new Stage();
    const { sleeper, awake } = makeSleeper();
    const app = await stage.open(t, sleeper, counter);
    await app.send(sleeper, "a").run(120_000);
    await rest();
    return { stage, app, awake };
  }

  test("when timers are looked for has memory rebuilt, and no timer is lost", async (t) => {
    const { stage, app, awake } = await asleep(t);
    stage.instead.scanTimers = thrower;
    await stage.pass(61_000);
    assert.notEqual(app.engine.refusal, null);
    delete stage.instead.scanTimers;
    await stage.pass(1_000);
    assert.equal(app.engine.refusal, null);
    await stage.pass(60_000);
    assert.deepEqual(awake, ["a"]);
  });

  test("while memory is rebuilt has nothing taken before it was", async (t) => {
    const { stage, app, awake } = await asleep(t);
    await stage.drop(app, () => app.call(counter, "c").add(1));
    stage.instead.scanTimers = thrower;
    await stage.pass(300);
    assert.equal(await codeOf(app.call(counter, "c").add(2)), "store-failed");
    delete stage.instead.scanTimers;
    await stage.pass(1_000);
    await app.call(counter, "c").add(3);
    assert.deepEqual(await app.state(counter, "c"), { value: 3 });
    await stage.pass(120_000);
    assert.deepEqual(awake, ["a"]);
  });

  test("when it is asked for what expires has memory rebuilt", async (t) => {
    const { stage, app } = await asleep(t);
    stage.instead.nextExpiry = thrower;
    await app.call(counter, "c").add(1);
    await rest();
    assert.notEqual(app.engine.refusal, null);
    delete stage.instead.nextExpiry;
    await stage.pass(1_000);
    await app.call(counter, "c").add(2);
    assert.deepEqual(await app.state(counter, "c"), { value: 3 });
  });

  test("when it is opened is not opened", async (t) => {
    const stage = new Stage();
    stage.instead.scanTimers = thrower;
    assert.equal(await codeOf(stage.open(t, counter)), "store-failed");
  });
});
