import assert from "node:assert/strict";
import { TerminalError, workflow } from "holdfast";
import { coded, each, makeGate, until, type World } from "./harness.ts";

/* A cancellation that was acknowledged reaches the handler, whatever else happens at that moment. */

/** Asks for the cancellation of a key, as a client does, while a turn of it is open. */
function cancelNow(world: World, key: string): void {
  const number = [...world.app.engine.core.live.values()].find(({ row }) => row.key === key)?.row;
  assert(number !== undefined, "it runs");
  world.app.engine.submit({ kind: "cancel", number: number.number });
}

each("one that comes while the handler falls asleep", async (world) => {
  let asked = false;
  const sleeper = workflow("sleeper", {
    async run(ctx) {
      if (!asked) cancelNow(world, ctx.key);
      asked = true;
      await ctx.sleep("1 week");
    },
  });
  const app = await world.open([sleeper]);
  const run = await app.send(sleeper, "a").run();
  await world.rest();
  await assert.rejects(run.result({ timeout: 0 }), coded("cancelled"));
});

each("one that comes while the handler fails and is to be tried again", async (world) => {
  let runs = 0;
  const failing = workflow("failing", {
    async run(ctx) {
      runs++;
      if (runs === 1) {
        cancelNow(world, ctx.key);
        throw new Error("not yet");
      }
      await ctx.sleep("1 day");
    },
    retry: { initial: "1 hour", max: "1 hour" },
  });
  const app = await world.open([failing]);
  const run = await app.send(failing, "a").run();
  await world.rest();
  await assert.rejects(run.result({ timeout: 0 }), coded("cancelled"));
  assert.equal((await app.query("SELECT * FROM timers")).rows.length, 0);
});

each("one that comes while the handler fails and is not tried again", async (world) => {
  let runs = 0;
  const failing = workflow("failing", {
    async run(ctx) {
      runs++;
      if (runs === 1) {
        cancelNow(world, ctx.key);
        throw new Error("never");
      }
      await ctx.sleep("1 day");
    },
    retry: { attempts: 1 },
  });
  const app = await world.open([failing]);
  const run = await app.send(failing, "a").run();
  await world.rest();
  await assert.rejects(run.result({ timeout: 0 }), coded("cancelled"));
});

each("one that waits for a step while another step gives up", async (world) => {
  const gate = makeGate();
  const bad = makeGate();
  let running = 0;
  const failing = workflow("failing", {
    async run(ctx) {
      await ctx.all([
        ctx.run("slow", () => {
          running++;
          return gate.opened;
        }),
        ctx.run(
          "bad",
          async () => {
            running++;
            await bad.opened;
            throw new Error("for good");
          },
          { timeout: "1 second" },
        ),
      ]);
    },
    retry: { attempts: 1 },
  });
  const app = await world.open([failing]);
  const run = await app.send(failing, "a").run();
  await until(() => running === 2);
  await run.cancel();
  await world.pass("2 seconds");
  gate.open();
  await world.rest();
  await assert.rejects(run.result({ timeout: 0 }), coded("cancelled"));
});

each(
  "one whose step is given up while the handler fails: what was done is undone",
  async (world) => {
    const undone: string[] = [];
    let running = false;
    const trip = workflow("trip", {
      async run(ctx) {
        await ctx.run("flight", () => "flight", { undo: (what) => void undone.push(what) });
        const deaf = ctx.run(
          "hotel",
          () => {
            running = true;
            return new Promise<string>(() => undefined);
          },
          { undo: (what) => void undone.push(what) },
        );
        const late = ctx.sleep("3 seconds").then(() => {
          throw new TerminalError("too late", { code: "late" });
        });
        await ctx.all([deaf, late]);
      },
    });
    const app = await world.open([trip]);
    const run = await app.send(trip, "t").run();
    await until(() => running);
    await run.cancel();
    await world.pass("1 minute");
    await assert.rejects(run.result({ timeout: 0 }), coded("late"));
    assert.deepEqual(undone, ["flight"]);
  },
);
