import assert from "node:assert/strict";
import { actor, workflow } from "holdfast";
import { coded, each, eachStore, makeGate, until } from "./harness.ts";

each(
  "a killed invocation ends at once with all that it called, and no clean-up runs [195]",
  async (world) => {
    const cleaned: string[] = [];
    const child = workflow("child", {
      async run(ctx) {
        try {
          await ctx.sleep("1 week");
        } finally {
          cleaned.push("child");
        }
      },
    });
    const parent = workflow("parent", {
      async run(ctx) {
        await ctx.run("step", () => "done", { undo: () => void cleaned.push("undo") });
        try {
          await ctx.call(child, "c").run();
        } finally {
          cleaned.push("parent");
        }
      },
    });
    const app = await world.open([child, parent]);
    const run = await app.send(parent, "p").run();
    await world.rest();
    await run.kill();
    await assert.rejects(run.result(), coded("killed"));
    await world.rest();
    await assert.rejects(app.get(child, "c").result(), coded("killed"));
    await world.pass("2 weeks");
    assert.deepEqual(cleaned, []);
  },
);

each(
  "what a killed invocation still brings counts for nothing, and its key is free [175]",
  async (world) => {
    const gate = makeGate();
    let running = false;
    const desk = actor("desk", {
      state: { served: 0 },
      handlers: {
        async slow(ctx) {
          await ctx.run("slow", async () => {
            running = true;
            await gate.opened;
          });
          ctx.set("served", 100);
        },
        fast: (ctx) => ctx.set("served", ctx.get("served") + 1),
      },
    });
    const app = await world.open([desk]);
    const slow = await app.send(desk, "a").slow();
    await until(() => running);
    await slow.kill();
    assert.equal(await app.call(desk, "a").fast(), 1);
    gate.open();
    await world.rest();
    assert.deepEqual(await app.state(desk, "a"), { served: 1 });
    assert.equal((await slow.describe()).status, "killed");
  },
);

eachStore(
  "two thousand killed runs leave nothing behind when their retention is over [F]",
  async (world) => {
    const many = workflow("many", {
      async run(ctx) {
        await ctx.race([ctx.promise("never"), ctx.signal("never"), ctx.sleep("52 weeks")]);
      },
      retention: "1 hour",
    });
    const count = world.mode.store === "memory" ? 2_000 : 300;
    const app = await world.open([many]);
    const runs = await Promise.all(
      Array.from({ length: count }, (_, index) => app.send(many, `k${index}`).run()),
    );
    await world.rest();
    await Promise.all(runs.map((run) => run.kill()));
    await world.pass("3 hours");
    for (const view of ["invocations", "journal", "timers", "promises", "messages"]) {
      const { rows } = await app.query<{ n: number }>(`SELECT count(*) AS n FROM ${view}`);
      assert.deepEqual([view, rows[0]?.n], [view, 0]);
    }
    assert.equal(app.engine.core.live.size, 0);
  },
);

each("a call that was still on its way when its caller was killed ends as well", async (world) => {
  const callee = workflow("callee", { run: (ctx) => ctx.sleep("1 week") });
  const caller = workflow("caller", { run: (ctx) => ctx.call(callee, ctx.key).run() });
  const app = await world.open([callee, caller]);
  for (const key of ["a", "b", "c", "d"]) {
    const run = await app.send(caller, key).run();
    await run.kill();
  }
  await world.rest();
  for (const key of ["a", "b", "c", "d"]) {
    assert.equal((await app.get(callee, key).describe()).status, "killed");
  }
});
