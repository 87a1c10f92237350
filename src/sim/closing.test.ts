import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { actor } from "../sdk/definition.ts";
import { schedule } from "../sdk/schedule.ts";
import type { Holdfast } from "../server/open.ts";
import { codeOf, rest, Stage } from "./stage.ts";

/* Closing waits for what is under way, but not for ever; whoever asked is told in any case. */

const counter = actor("counter", {
  state: { value: 0 },
  handlers: { add: (ctx, by: number) => ctx.set("value", ctx.get("value") + by) },
});

/** More than it waits for what is under way. */
const longMs = 11_000;

/** What they have heard by now. */
function heard<T>(told: Promise<T>): Promise<T | string> {
  return Promise.race([told, rest().then(() => "nobody is told")]);
}

/** A call is being applied, and waits for its key to be loaded. */
async function applying(t: TestContext) {
  const stage = new Stage();
  const app = await stage.open(t, counter);
  const load = stage.hold("load");
  const first = codeOf(app.call(counter, "c").add(1));
  await load.arrived;
  return { stage, app, load, first };
}

async function close(stage: Stage, app: Holdfast): Promise<void> {
  const closing = app.close();
  await stage.pass(longMs);
  await closing;
}

describe("when closing gives up", () => {
  test("who asked for what is being applied is told", async (t) => {
    const { stage, app, first } = await applying(t);
    await close(stage, app);
    assert.equal(await heard(first), "shutting-down");
  });

  test("who asked for what waits behind it is told", async (t) => {
    const { stage, app } = await applying(t);
    const told = Promise.all([
      codeOf(app.call(counter, "d").add(1)),
      codeOf(app.send(counter, "e").add(1)),
      codeOf(app.authz.createTenant({ id: "t" })),
    ]);
    await close(stage, app);
    assert.deepEqual(await heard(told), ["shutting-down", "shutting-down", "shutting-down"]);
  });

  test("what is being applied comes to nothing, even when the store answers at last", async (t) => {
    const { stage, app, load } = await applying(t);
    await close(stage, app);
    const { commits } = stage;
    load.goOn();
    await rest();
    assert.equal(stage.commits, commits);
    assert.equal(app.engine.core.findKey("counter", "c"), undefined);
  });

  test("who waited while memory was rebuilt is told", async (t) => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const slow = actor("slow", {
      handlers: { wait: (ctx) => ctx.run("wait", () => gate.promise) },
    });
    const app = await stage.open(t, slow, counter);
    const waiting = codeOf(app.call(slow, "s").wait());
    await rest();
    await stage.drop(app, () => app.call(counter, "c").add(1));
    const load = stage.hold("load");
    await stage.pass(1_000);
    await load.arrived;
    await close(stage, app);
    assert.equal(await heard(waiting), "shutting-down");
  });

  test("nothing is under way any more", async (t) => {
    const { stage, app } = await applying(t);
    const settled = app.engine.settled().then(() => "settled");
    await close(stage, app);
    assert.equal(await heard(settled), "settled");
  });
});

test("a read that fails while closing ends the waiting", async (t) => {
  const { app, load, first } = await applying(t);
  const closing = app.close().then(() => "closed");
  await rest();
  load.fail();
  assert.equal(await heard(first), "store-failed");
  assert.equal(await closing, "closed");
});

test("schedules that are declared too late are refused", async (t) => {
  const stage = new Stage();
  const app = await stage.open(t, counter);
  await close(stage, app);
  const target = { service: "counter", handler: "add", key: "c", input: 1 };
  const late = schedule("late", { cron: "@daily", target });
  assert.equal(await heard(codeOf(app.engine.declareSchedules([late]))), "shutting-down");
});
