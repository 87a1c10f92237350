import assert from "node:assert/strict";
import { TerminalError, workflow } from "holdfast";
import { coded, each, eachStore, makeGate, until } from "./harness.ts";

/* Nothing that the code left running or waiting keeps what was done from being undone. */

each("steps that still run do not", async (world) => {
  const undone: string[] = [];
  const gate = makeGate();
  let running = 0;
  const trip = workflow("trip", {
    async run(ctx) {
      await ctx.run("flight", () => "flight", { undo: (what) => void undone.push(what) });
      const busy = () => {
        running++;
        return gate.opened;
      };
      ctx.run("one", busy);
      ctx.run("two", busy);
      await ctx.promise("go");
      throw new TerminalError("no", { code: "no" });
    },
  });
  const app = await world.open([trip], { limits: { stepsRunning: 2 } });
  const run = await app.send(trip, "t").run();
  await until(() => running === 2);
  await run.resolve("go");
  await world.pass("1 minute");
  await assert.rejects(run.result({ timeout: 0 }), coded("no"));
  assert.deepEqual(undone, ["flight"]);
});

each("nor do waits that are open", async (world) => {
  const undone: string[] = [];
  const trip = workflow("trip", {
    async run(ctx) {
      await ctx.run("flight", () => "flight", { undo: (what) => void undone.push(what) });
      for (let at = 0; at < 5; at++) ctx.sleep("1 day");
      throw new TerminalError("no", { code: "no" });
    },
  });
  const app = await world.open([trip], { limits: { openCommands: 5 } });
  await assert.rejects(app.call(trip, "t").run(), coded("no"));
  assert.deepEqual(undone, ["flight"]);
});

eachStore("a branch of the code that is left does nothing more", async (world) => {
  const done: string[] = [];
  let fails = true;
  const trip = workflow("trip", {
    async run(ctx) {
      await ctx.run("flight", () => void done.push("flight"), {
        undo: () => {
          if (fails) throw new Error("not yet");
          done.push("no flight");
        },
      });
      const branch = async () => {
        await ctx.sleep("1 minute");
        await ctx.run("hotel", () => void done.push("hotel"), {
          undo: () => void done.push("no hotel"),
        });
      };
      await ctx.all([branch(), ctx.promise("go")]);
    },
    retry: { attempts: 1_000, initial: "10 minutes", max: "10 minutes" },
  });
  let app = await world.open([trip]);
  await app.send(trip, "t").run();
  await world.rest();
  await app.get(trip, "t").reject("go", "no");
  await world.pass("5 minutes");
  app = await world.crash();
  await world.pass("5 minutes");
  fails = false;
  await world.pass("1 hour");
  await assert.rejects(app.get(trip, "t").result({ timeout: 0 }), coded("rejected"));
  assert.deepEqual(done, ["flight", "no flight"]);
});

each("a cancellation that comes while steps are told to stop changes nothing", async (world) => {
  const done: string[] = [];
  const gate = makeGate();
  let running = false;
  const trip = workflow("trip", {
    async run(ctx) {
      const slow = ctx.run(
        "flight",
        () => {
          running = true;
          return gate.opened.then(() => "flight");
        },
        { undo: (what) => void done.push(`no ${what}`) },
      );
      const patient = async () => {
        await ctx.promise("never").catch(() => ctx.run("more", () => void done.push("more")));
      };
      await ctx.all([slow, patient(), ctx.promise("go")]);
    },
  });
  const app = await world.open([trip]);
  const run = await app.send(trip, "t").run();
  await until(() => running);
  await run.reject("go", "no");
  await world.rest();
  await run.cancel();
  await world.rest();
  gate.open();
  await world.pass("1 minute");
  await assert.rejects(run.result({ timeout: 0 }), coded("rejected"));
  assert.deepEqual(done, ["no flight"]);
});
