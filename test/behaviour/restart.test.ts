import assert from "node:assert/strict";
import { TerminalError, workflow } from "holdfast";
import { coded, each, eachStore, later } from "./harness.ts";

each("what failed for good is restarted as new and runs everything again [69]", async (world) => {
  let version = "old";
  const job = workflow("job", {
    async run(ctx) {
      const first = await ctx.run("first", () => version);
      const second = await ctx.run("second", () => version);
      if (version === "old") throw new TerminalError("the old one fails");
      return [first, second];
    },
  });
  const app = await world.open([job]);
  const run = await app.send(job, "a").run();
  await assert.rejects(run.result(), coded("terminal"));
  version = "new";
  const again = await run.restart();
  assert.notEqual(again.id, run.id);
  assert.deepEqual(await again.result(), ["new", "new"]);
  await assert.rejects(run.result(), coded("terminal"));
});

eachStore("restarted with a prefix of its journal, the kept results stay [70]", async (world) => {
  let version = "old";
  const job = workflow("job", {
    async run(ctx, input: string) {
      const first = await ctx.run("first", () => version);
      const second = await ctx.run("second", () => version);
      if (version === "old") throw new TerminalError("the old one fails");
      return [input, first, second];
    },
  });
  let app = await world.open([job]);
  const run = await app.send(job, "a").run("input");
  await assert.rejects(run.result(), coded("terminal"));
  version = "new";
  app = await world.crash();
  const again = await app.get(run.id).restart({ from: 1 });
  assert.deepEqual(await again.result(), ["input", "old", "new"]);
});

each(
  "randomness and identity of a restarted run are those of the first, where its journal is kept [160]",
  async (world) => {
    const job = workflow("job", {
      async run(ctx) {
        const uuid = ctx.uuid();
        await ctx.run("one", () => 1);
        return { uuid, random: ctx.random() };
      },
    });
    const app = await world.open([job]);
    const run = await app.send(job, "a").run();
    const first = await run.result();
    const again = await run.restart({ from: 1 });
    assert.deepEqual(await again.result(), first);
  },
);

each("a timer that was open where the journal is cut keeps its time [182]", async (world) => {
  const job = workflow("job", {
    async run(ctx) {
      await ctx.run("one", () => 1);
      await ctx.sleep("1 hour");
      await ctx.run("two", () => 2);
      return ctx.now();
    },
  });
  const app = await world.open([job]);
  const start = world.clock.now;
  const run = await app.send(job, "a").run();
  await world.pass("30 minutes");
  await run.pause();
  const again = await run.restart({ from: 2 });
  await world.pass("1 hour");
  assert.equal(await again.result(), start + 3_600_000);
});

each("a call that was open where the journal is cut is called again [182]", async (world) => {
  let version = "old";
  const child = workflow("child", {
    async run(ctx) {
      const made = version;
      await ctx.sleep("1 hour");
      return made;
    },
  });
  const parent = workflow("parent", {
    async run(ctx) {
      await ctx.run("one", () => 1);
      return ctx.call(child, `child of ${ctx.id}`).run();
    },
  });
  const app = await world.open([child, parent]);
  const run = await app.send(parent, "a").run();
  await world.rest();
  await run.kill();
  version = "new";
  const journal = await run.journal();
  const call = journal.findIndex((entry) => entry.kind === "call");
  const again = await run.restart({ from: call + 1 });
  await world.pass("2 hours");
  assert.equal(await again.result(), "new");
});

each(
  "what has not ended is not restarted, unless it is paused; its successor takes its place [182]",
  async (world) => {
    const job = workflow("job", { run: (ctx) => ctx.promise<string>("go") });
    const app = await world.open([job]);
    const run = await app.send(job, "a").run();
    await world.rest();
    await assert.rejects(run.restart(), coded("invocation-not-ended"));
    await run.pause();
    const again = await run.restart();
    await assert.rejects(run.result(), coded("killed"));
    await app.get(job, "a").resolve("go", "to the successor");
    assert.equal(await again.result(), "to the successor");
    assert.equal(await app.get(job, "a").result(), "to the successor");
  },
);

each("a run restarted from where it failed goes on from there [182]", async (world) => {
  let works = false;
  const effects: string[] = [];
  const job = workflow("job", {
    async run(ctx) {
      for (const name of ["a", "b", "c"]) {
        await ctx.run(name, () => {
          if (name === "b" && !works) throw new TerminalError("not this time");
          effects.push(name);
        });
      }
    },
  });
  const app = await world.open([job]);
  const run = await app.send(job, "j").run();
  await assert.rejects(run.result(), coded("terminal"));
  works = true;
  const failed = (await run.journal()).find((entry) => entry.failed);
  await (await run.restart({ from: failed?.index ?? 0 })).result();
  assert.deepEqual(effects, ["a", "b", "c"]);
});

each(
  "a purged run is gone with all that belongs to it, and its key is free [160]",
  async (world) => {
    const job = workflow("job", {
      async run(ctx) {
        await ctx.run("one", () => 1);
        return ctx.promise<string>("p");
      },
    });
    const app = await world.open([job]);
    const run = await app.send(job, "a").run();
    await assert.rejects(run.purge(), coded("invocation-not-ended"));
    await run.resolve("p", "first");
    await run.result();
    await run.purge();
    await assert.rejects(run.result(), coded("unknown-invocation"));
    await assert.rejects(run.describe(), coded("unknown-invocation"));
    for (const view of ["invocations", "journal", "promises"]) {
      assert.equal((await app.query(`SELECT * FROM ${view}`)).rows.length, 0);
    }
    const second = await app.send(job, "a").run();
    await second.resolve("p", "second");
    assert.equal(await second.result(), "second");
  },
);

each("an entry that cannot be restarted from is refused [160]", async (world) => {
  const job = workflow("job", { run: () => "done" });
  const app = await world.open([job]);
  const run = await app.send(job, "a").run();
  await run.result();
  for (const from of [-1, 0.5, Number.NaN]) {
    await assert.rejects(run.restart({ from }), coded("invalid-argument"));
  }
  later(run.result());
});
