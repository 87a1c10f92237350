import assert from "node:assert/strict";
import { handler, workflow } from "holdfast";
import * as v from "valibot";
import { coded, each } from "./harness.ts";

/* A schema for the result that takes its time. */

/** Takes a moment, and then has this to say. */
const slow = (refuses: boolean) =>
  v.pipeAsync(
    v.any(),
    v.checkAsync(async () => {
      for (let at = 0; at < 3; at++) await new Promise<void>((resolve) => setImmediate(resolve));
      return !refuses;
    }, "no good"),
  );

each("what it accepts and is too large fails the invocation, and nothing else", async (world) => {
  const job = workflow("job", {
    run: handler({ output: slow(false) }, async () => "x".repeat(1_000)),
  });
  const app = await world.open([job], { limits: { payload: 100 } });
  await assert.rejects(app.call(job, "j").run(), coded("too-large"));
});

each("what it accepts is the result, though a wait is left open", async (world) => {
  const job = workflow("job", {
    run: handler({ output: slow(false) }, async (ctx) => {
      void ctx.promise("never").then();
      await ctx.sleep("1 minute");
      return "done";
    }),
  });
  const app = await world.open([job]);
  const run = await app.send(job, "j").run();
  await world.pass("1 hour");
  for (let at = 0; at < 9; at++) await world.rest();
  assert.equal(await run.result({ timeout: 0 }), "done");
});

each("what it refuses fails the invocation, and what was done is undone", async (world) => {
  const undone: string[] = [];
  const job = workflow("job", {
    run: handler({ output: slow(true) }, async (ctx) => {
      const what = await ctx.run("one", () => "one", { undo: (one) => void undone.push(one) });
      ctx.signal("late").then(() => ctx.run("late", () => void undone.push("late")));
      return what;
    }),
  });
  const app = await world.open([job]);
  const run = await app.send(job, "j").run();
  for (let at = 0; at < 9; at++) await world.rest();
  await assert.rejects(run.result({ timeout: 0 }), coded("handler-failed"));
  assert.deepEqual(undone, ["one"]);
});
