import assert from "node:assert/strict";
import { workflow } from "holdfast";
import { coded, each, eachStore, later, makeGate, tick, until } from "./harness.ts";

const collector = workflow("collector", {
  state: { taken: [] as unknown[] },
  async run(ctx) {
    for await (const value of ctx.signals<string>("item")) {
      if (value === "end") break;
      ctx.set("taken", [...ctx.get("taken"), value]);
    }
    return ctx.get("taken");
  },
});

each(
  "signals are a stream, taken one by one until the end marker, in several batches [100]",
  async (world) => {
    const app = await world.open([collector]);
    const run = await app.send(collector, "a").run();
    await Promise.all(["1", "2", "3"].map((value) => run.signal("item", value)));
    await world.rest();
    await Promise.all(["4", "5", "end"].map((value) => run.signal("item", value)));
    assert.deepEqual(await run.result(), ["1", "2", "3", "4", "5"]);
    const empty = await app.send(collector, "b").run();
    await empty.signal("item", "end");
    assert.deepEqual(await empty.result(), []);
  },
);

each("signals of other names wait their turn and disturb nobody [197]", async (world) => {
  const picky = workflow("picky", {
    async run(ctx) {
      const first = await ctx.signal<string>("right");
      const second = await ctx.signal<string>("wrong");
      return [first, second];
    },
  });
  const app = await world.open([picky]);
  const run = await app.send(picky, "a").run();
  await run.signal("wrong", "w");
  await run.signal("Right", "case");
  await world.rest();
  await assert.rejects(run.result({ timeout: 0 }), coded("invocation-not-ended"));
  await run.signal("right", "r");
  assert.deepEqual(await run.result(), ["r", "w"]);
});

each(
  "signals come from outside, from other workflows, and with the start itself [148]",
  async (world) => {
    const friend = workflow("friend", {
      async run(ctx, id: string) {
        ctx.sendSignal(id, "item", "from a friend");
      },
    });
    const parent = workflow("parent", {
      async run(ctx) {
        const child = ctx.call(collector, "of parent").run();
        ctx.sendSignal(await child.id(), "item", "from the parent");
        ctx.sendSignal(await child.id(), "item", "end");
        return child;
      },
    });
    const app = await world.open([collector, friend, parent]);
    const run = await app.send(collector, "a").run();
    await run.signal("item", "with the start");
    await app.call(friend, "f").run(run.id);
    await world.rest();
    await run.signal("item", "end");
    assert.deepEqual(await run.result(), ["with the start", "from a friend"]);
    assert.deepEqual(await app.call(parent, "p").run(), ["from the parent"]);
  },
);

each("a step may run in answer to each signal [148]", async (world) => {
  const worker = workflow("worker", {
    async run(ctx) {
      const done: string[] = [];
      for await (const job of ctx.signals<string>("job")) {
        if (job === "end") return done;
        done.push(await ctx.run(`do ${job}`, () => `did ${job}`));
      }
      return done;
    },
  });
  const app = await world.open([worker]);
  const run = await app.send(worker, "a").run();
  for (const job of ["x", "y", "end"]) await run.signal("job", job);
  assert.deepEqual(await run.result(), ["did x", "did y"]);
});

each(
  "a signal is either recorded before the end or refused: none is accepted and lost [149]",
  async (world) => {
    const app = await world.open([collector]);
    const run = await app.send(collector, "a").run();
    const accepted: string[] = [];
    const sending = ["1", "2", "end", "3", "4"].map((value) =>
      run.signal("item", value).then(
        () => accepted.push(value),
        (error: unknown) => coded("invocation-ended")(error),
      ),
    );
    await Promise.all(sending);
    assert.deepEqual(await run.result(), ["1", "2"]);
    const recorded = (await run.journal()).filter((entry) => entry.kind === "signal");
    assert.deepEqual(
      recorded.map((entry) => entry.value),
      accepted,
    );
    await assert.rejects(run.signal("item", "late"), coded("invocation-ended"));
  },
);

eachStore(
  "acknowledged signals are never lost, however often the process dies [D]",
  async (world) => {
    let app = await world.open([collector]);
    await app.send(collector, "a").run();
    const accepted: string[] = [];
    for (let round = 0; round < 8; round++) {
      const run = app.get(collector, "a");
      for (let each = 0; each < 4; each++) {
        const value = `${round}.${each}`;
        later(run.signal("item", value).then(() => accepted.push(value)));
      }
      for (let ticks = 0; ticks <= round; ticks++) await tick();
      app = await world.crash();
    }
    const run = app.get(collector, "a");
    await run.signal("item", "end");
    const taken = await run.result();
    assert.deepEqual(
      accepted.filter((value) => !taken.includes(value)),
      [],
    );
    assert.equal(new Set(taken).size, taken.length);
  },
);

each("a signal that comes before anybody waits is kept [I]", async (world) => {
  const gate = makeGate();
  let busy = false;
  const late = workflow("late", {
    async run(ctx) {
      await ctx.run("busy", async () => {
        busy = true;
        await gate.opened;
      });
      return [await ctx.signal("s"), await ctx.signal("s")];
    },
  });
  const app = await world.open([late]);
  const run = await app.send(late, "a").run();
  await until(() => busy);
  await run.signal("s", 1);
  await run.signal("s", 2);
  gate.open();
  assert.deepEqual(await run.result(), [1, 2]);
});

eachStore("received signals are not received again after a restart [173]", async (world) => {
  let app = await world.open([collector]);
  const run = await app.send(collector, "a").run();
  await run.signal("item", "1");
  await world.rest();
  app = await world.crash();
  await app.get(collector, "a").signal("item", "2");
  await app.get(collector, "a").signal("item", "end");
  assert.deepEqual(await app.get(collector, "a").result(), ["1", "2"]);
});

each("signals arrive at the same point in the first run and in a replay [168]", async (world) => {
  const seen: string[] = [];
  const observer = workflow("observer", {
    async run(ctx) {
      const order: string[] = [];
      const note = (what: string): void => {
        order.push(what);
      };
      const signal = ctx.signal("s").then(() => note("signal"));
      const steps = (async () => {
        for (let step = 0; step < 3; step++) {
          await ctx.run(`step ${step}`, () => step);
          note(`step ${step}`);
          await ctx.sleep("1 minute");
        }
      })();
      await signal;
      await steps;
      await ctx.sleep("1 hour");
      seen.push(order.join());
      return order.join();
    },
  });
  let app = await world.open([observer]);
  await app.send(observer, "a").run();
  await world.pass("90 seconds");
  await app.get(observer, "a").signal("s");
  await world.pass("10 minutes");
  app = await world.crash();
  await world.pass("2 hours");
  assert.equal(await app.get(observer, "a").result(), "step 0,step 1,signal,step 2");
  assert.equal(new Set(seen).size, 1);
});
