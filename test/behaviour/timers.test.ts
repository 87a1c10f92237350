import assert from "node:assert/strict";
import { service, workflow } from "holdfast";
import { coded, each, eachStore, later } from "./harness.ts";

const hour = 3_600_000;

const sleeper = workflow("sleeper", {
  async run(ctx, duration: string | number) {
    await ctx.sleep(duration);
    return ctx.now();
  },
});

eachStore(
  "a sleep of a week ends after a week, and not before, through restarts [173]",
  async (world) => {
    const start = world.clock.now;
    let app = await world.open([sleeper]);
    await app.send(sleeper, "s").run("1 week");
    for (let day = 0; day < 6; day++) {
      await world.pass("1 day");
      app = await (day % 2 === 0 ? world.crash() : world.restart());
    }
    await world.pass("23 hours 59 minutes");
    await assert.rejects(
      app.get(sleeper, "s").result({ timeout: 0 }),
      coded("invocation-not-ended"),
    );
    await world.pass("1 minute");
    assert.equal(await app.get(sleeper, "s").result(), start + 7 * 24 * hour);
  },
);

eachStore(
  "a timer that became due while nothing ran fires at once when it runs again [192]",
  async (world) => {
    let app = await world.open([sleeper]);
    await app.send(sleeper, "s").run("1 hour");
    await world.rest();
    world.fail();
    await world.clock.pass(5 * hour, async () => {});
    app = await world.open([sleeper]);
    await world.pass(0);
    assert.equal(await app.get(sleeper, "s").result(), world.clock.now);
  },
);

each("timers fire in the order of their times, not of their making [166]", async (world) => {
  const many = workflow("many", {
    async run(ctx) {
      const order: number[] = [];
      const sleep = (minutes: number) =>
        ctx.sleep(minutes * 60_000).then(() => order.push(minutes));
      await ctx.all([3, 1, 2, 0].map(sleep));
      return order;
    },
  });
  const app = await world.open([many]);
  const run = await app.send(many, "m").run();
  await world.pass("5 minutes");
  assert.deepEqual(await run.result(), [0, 1, 2, 3]);
});

each(
  "a sleep until a time that is over ends at once; time never runs backwards for the handler [192]",
  async (world) => {
    const until = workflow("until", {
      async run(ctx) {
        const before = ctx.now();
        await ctx.sleepUntil(before - hour);
        await ctx.sleepUntil(new Date(before + hour));
        return ctx.now() - before;
      },
    });
    const app = await world.open([until]);
    const run = await app.send(until, "u").run();
    await world.pass("1 hour");
    assert.equal(await run.result(), hour);
  },
);

each("a clock that is set back makes no timer fire early [197]", async (world) => {
  const app = await world.open([sleeper]);
  const run = await app.send(sleeper, "s").run("1 hour");
  await world.pass("30 minutes");
  world.clock.set(world.clock.now - 24 * hour);
  await world.pass("1 hour");
  await assert.rejects(run.result({ timeout: 0 }), coded("invocation-not-ended"));
  await world.pass("25 hours");
  await run.result();
});

each(
  "a timer of ten years is no trouble, nor is a clock that is set forward [197]",
  async (world) => {
    const app = await world.open([sleeper]);
    const start = world.clock.now;
    const run = await app.send(sleeper, "s").run("3650 days");
    await world.pass("1 hour");
    world.clock.set(start + 3649 * 24 * hour);
    await world.pass("10 minutes");
    await assert.rejects(run.result({ timeout: 0 }), coded("invocation-not-ended"));
    world.clock.set(start + 3650 * 24 * hour);
    await world.pass("2 minutes");
    await run.result();
  },
);

each(
  "a timeout that was not needed leaves no timer behind when the handler ends [195]",
  async (world) => {
    const waiter = workflow("waiter", {
      run: (ctx) => ctx.promise<string>("p").orTimeout("1 week"),
    });
    const app = await world.open([waiter]);
    const run = await app.send(waiter, "w").run();
    await run.resolve("p", "in time");
    assert.equal(await run.result(), "in time");
    await world.rest();
    assert.equal((await app.query("SELECT * FROM timers")).rows.length, 0);
  },
);

each(
  "a durable timeout expires with an error that can be caught, or with the fallback [195]",
  async (world) => {
    const waiter = workflow("waiter", {
      async run(ctx) {
        const fallback = await ctx.promise<string>("p").orTimeout("1 hour", "nobody came");
        try {
          return [fallback, await ctx.promise<string>("q").orTimeout("1 hour")];
        } catch (error) {
          return [fallback, coded("timed-out")(error)];
        }
      },
    });
    const app = await world.open([waiter]);
    const run = await app.send(waiter, "w").run();
    await world.pass("3 hours");
    assert.deepEqual(await run.result(), ["nobody came", true]);
  },
);

eachStore(
  "a handler that does not end within its time fails, awake or asleep, through restarts [180]",
  async (world) => {
    const limited = workflow("limited", { run: (ctx) => ctx.sleep("1 week"), timeout: "1 day" });
    let app = await world.open([limited]);
    await app.send(limited, "l").run();
    await world.pass("12 hours");
    app = await world.crash();
    await world.pass("11 hours");
    await assert.rejects(
      app.get(limited, "l").result({ timeout: 0 }),
      coded("invocation-not-ended"),
    );
    await world.pass("2 hours");
    await assert.rejects(app.get(limited, "l").result(), coded("timed-out"));
    assert.equal((await app.query("SELECT * FROM timers")).rows.length, 0);
  },
);

each("what a timed-out handler called ends with it [180]", async (world) => {
  const child = workflow("child", { run: (ctx) => ctx.sleep("1 week") });
  const parent = workflow("parent", {
    run: (ctx) => ctx.call(child, "c").run(),
    timeout: "1 hour",
  });
  const app = await world.open([child, parent]);
  const result = later(app.call(parent, "p").run());
  await world.pass("2 hours");
  await assert.rejects(result, coded("timed-out"));
  assert.notEqual((await app.get(child, "c").describe()).endedAt, null);
});

each("the time of the handler wins over the time of its step [180]", async (world) => {
  const never = new Promise<void>(() => {});
  const limited = service("limited", {
    handlers: { work: (ctx) => ctx.run("slow", () => never, { timeout: "1 day" }) },
    timeout: "1 minute",
  });
  const app = await world.open([limited]);
  const result = later(app.call(limited).work());
  await world.pass("2 minutes");
  await assert.rejects(result, coded("timed-out"));
});

each(
  "the time in a handler stands still within a turn and moves between turns, the same in a replay [197]",
  async (world) => {
    const seen: string[] = [];
    const clock = workflow("clock", {
      async run(ctx) {
        const times = [ctx.now(), ctx.now()];
        await ctx.sleep("1 hour");
        times.push(ctx.now());
        await ctx.run("step", () => 1);
        times.push(ctx.now());
        await ctx.sleep("1 hour");
        seen.push(times.join());
        return times;
      },
    });
    let app = await world.open([clock]);
    const start = world.clock.now;
    await app.send(clock, "c").run();
    await world.pass("90 minutes");
    app = await world.crash();
    await world.pass("1 hour");
    const times = await app.get(clock, "c").result();
    assert.deepEqual(times, [start, start, start + hour, start + hour]);
  },
);

each(
  "with nothing to do the store is left alone: no write, and a read or two a minute [G]",
  async (world) => {
    let reads = 0;
    let writes = 0;
    world.wrap = (store) =>
      new Proxy(store, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          return (...args: unknown[]) => {
            if (name === "commit") writes++;
            else reads++;
            return Reflect.apply(value, target, args);
          };
        },
      });
    const app = await world.open([sleeper]);
    const keys = Array.from({ length: 50 }, (_, index) => `s${index}`);
    await Promise.all(keys.map((key) => app.send(sleeper, key).run("1 week")));
    await world.pass("1 hour");
    [reads, writes] = [0, 0];
    await world.pass("1 day");
    assert.equal(writes, 0);
    assert.ok(reads <= 24 * 60 * 3, `${reads} reads in a day`);
  },
);
