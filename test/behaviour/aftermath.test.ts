import assert from "node:assert/strict";
import { TerminalError, workflow } from "holdfast";
import { coded, each, makeGate, tick, until } from "./harness.ts";

/* What an attempt leaves behind when it ends: nothing. */

each("a step that was to start beside one that gives up does not start", async (world) => {
  const started: string[] = [];
  const job = workflow("job", {
    async run(ctx) {
      const step = (name: string) =>
        ctx.run(name, () => {
          started.push(name);
          throw new Error("no");
        });
      await ctx.all([step("one"), step("two")]);
    },
    retry: { attempts: 1 },
  });
  const app = await world.open([job]);
  const run = await app.send(job, "j").run();
  await world.rest();
  assert.equal((await run.describe()).status, "paused");
  assert.deepEqual(started, ["one"]);
});

each("no timer of an attempt outlives it", async (world) => {
  const before = world.clock.armed;
  const never = makeGate();
  let running = false;
  const trip = workflow("trip", {
    async run(ctx) {
      const deaf = ctx.run(
        "deaf",
        () => {
          running = true;
          return never.opened;
        },
        { undo: () => undefined, timeout: "1 day" },
      );
      await ctx.all([deaf, ctx.promise("go")]);
    },
  });
  const app = await world.open([trip]);
  const idle = world.clock.armed;
  const run = await app.send(trip, "t").run();
  await until(() => running);
  await run.reject("go", "no");
  await world.rest();
  assert.ok(world.clock.armed > idle, "it waits for the step");
  await run.kill();
  await world.rest();
  assert.ok(world.clock.armed <= idle + 1, `${world.clock.armed - before} timers are armed`);
});

each("what is done with a future and never awaited harms nobody when it fails", async (world) => {
  const unheard: unknown[] = [];
  const listen = (reason: unknown): void => void unheard.push(reason);
  process.on("unhandledRejection", listen);
  try {
    const careless = workflow("careless", {
      async run(ctx) {
        ctx.sleep("1 hour").then(() => "slept");
        ctx.signal("never").finally(() => undefined);
        const failing = ctx.run("fails", () => {
          throw new TerminalError("no");
        });
        failing.then((value) => value);
        failing.orTimeout("1 hour").then((value) => value);
        await ctx.sleep("1 hour").catch(() => undefined);
        return await ctx.run("cleaned", () => "cleaned");
      },
    });
    const app = await world.open([careless]);
    const run = await app.send(careless, "c").run();
    await world.rest();
    await run.cancel();
    await world.rest();
    assert.equal(await run.result({ timeout: 0 }), "cleaned");
    await tick();
    assert.deepEqual(unheard, []);
  } finally {
    process.off("unhandledRejection", listen);
  }
});

each("a signal that is asked for late says why it was aborted", async (world) => {
  const gate = makeGate();
  let running = false;
  let reason: unknown;
  const job = workflow("job", {
    run: (ctx) =>
      ctx.run("late", async (step) => {
        running = true;
        await gate.opened;
        reason = step.signal.reason;
        step.signal.throwIfAborted();
      }),
  });
  const app = await world.open([job]);
  const run = await app.send(job, "j").run();
  await until(() => running);
  await run.cancel();
  await world.rest();
  gate.open();
  await world.rest();
  await assert.rejects(run.result({ timeout: 0 }), coded("cancelled"));
  coded("cancelled")(reason);
});

each(
  "a timer that nobody waits for goes with its invocation, however short that was",
  async (world) => {
    const brief = workflow("brief", {
      async run(ctx) {
        ctx.sleep("1 week");
        return "done";
      },
    });
    const app = await world.open([brief]);
    assert.equal(await app.call(brief, "b").run(), "done");
    assert.deepEqual((await app.query("SELECT * FROM timers")).rows, []);
  },
);
