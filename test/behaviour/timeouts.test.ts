import assert from "node:assert/strict";
import { actor, handler, TimeoutError, workflow } from "holdfast";
import { coded, eachStore } from "./harness.ts";

eachStore(
  "a handler whose time is over catches it, cleans up and undoes its steps",
  async (world) => {
    const done: string[] = [];
    const trip = workflow("trip", {
      timeout: "1 hour",
      async run(ctx) {
        await ctx.run("book", () => done.push("book"), { undo: () => done.push("cancel booking") });
        try {
          await ctx.promise("paid");
        } catch (error) {
          assert.ok(error instanceof TimeoutError);
          await ctx.run("tell", () => done.push("tell"));
          throw error;
        }
      },
    });
    let app = await world.open([trip]);
    await app.send(trip, "t1").run();
    await world.pass("30 minutes");
    app = await world.restart([trip]);
    await world.pass("1 hour");
    await assert.rejects(app.get(trip, "t1").result(), coded("timed-out"));
    assert.equal((await app.get(trip, "t1").describe()).status, "failed");
    assert.deepEqual(done, ["book", "tell", "cancel booking"]);
  },
);

eachStore("a handler that goes on after its time is ended all the same", async (world) => {
  const stubborn = actor("stubborn", {
    handlers: {
      work: handler({ timeout: "1 minute" }, async (ctx) => {
        for (;;) await ctx.promise("never").catch(() => undefined);
      }),
    },
  });
  const app = await world.open([stubborn]);
  const run = await app.send(stubborn, "a").work();
  await world.pass("90 seconds");
  await assert.rejects(run.result({ timeout: 0 }), coded("invocation-not-ended"));
  await world.pass("5 minutes");
  await assert.rejects(run.result(), coded("timed-out"));
});
