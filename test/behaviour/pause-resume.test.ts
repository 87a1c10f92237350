import assert from "node:assert/strict";
import { actor, service, workflow } from "holdfast";
import { coded, each, eachStore, makeGate, until } from "./harness.ts";

eachStore(
  "with its attempts used up an invocation pauses with its error; resumed, it completes with its input [67]",
  async (world) => {
    let mended = false;
    const fragile = service("fragile", {
      handlers: {
        work(_, input: string) {
          if (!mended) throw new Error("broken");
          return `did ${input}`;
        },
      },
      retry: { attempts: 3, initial: "1 second" },
    });
    let app = await world.open([fragile]);
    const { id } = await app.send(fragile).work("this");
    await world.pass("1 minute");
    const paused = await app.get(id).describe();
    assert.equal(paused.status, "paused");
    assert.equal(paused.attempts, 3);
    assert.match(JSON.stringify(paused.failure), /broken/);
    app = await world.crash();
    await world.pass("1 hour");
    assert.equal((await app.get(id).describe()).status, "paused");
    mended = true;
    await app.get(id).resume();
    assert.equal(await app.get(id).result(), "did this");
  },
);

each("a resumed invocation has all its attempts again [176]", async (world) => {
  let runs = 0;
  const broken = service("broken", {
    handlers: {
      work() {
        runs++;
        throw new Error("broken");
      },
    },
    retry: { attempts: 2, initial: "1 second" },
  });
  const app = await world.open([broken]);
  const run = await app.send(broken).work();
  await world.pass("1 minute");
  assert.equal(runs, 2);
  await run.resume();
  await world.pass("1 minute");
  assert.equal(runs, 4);
  assert.equal((await run.describe()).status, "paused");
});

each(
  "paused in the middle of a step, an invocation stops; resumed, it repeats that step [95]",
  async (world) => {
    let attempts = 0;
    const gate = makeGate();
    const slow = workflow("slow", {
      async run(ctx) {
        await ctx.run("first", () => 1);
        return ctx.run("second", async () => {
          attempts++;
          if (attempts === 1) await gate.opened;
          return attempts;
        });
      },
    });
    const app = await world.open([slow]);
    const run = await app.send(slow, "a").run();
    await until(() => attempts === 1);
    await run.pause();
    gate.open();
    await world.pass("1 hour");
    assert.equal((await run.describe()).status, "paused");
    await run.resume();
    assert.equal(await run.result(), 2);
  },
);

each(
  "what arrives while an invocation is paused is there when it is resumed [67]",
  async (world) => {
    const waiter = workflow("waiter", {
      async run(ctx) {
        const timer = ctx.sleep("1 hour").then(() => "slept");
        const signal = ctx.signal<string>("s");
        const promise = ctx.promise<string>("p");
        return [await timer, await signal, await promise];
      },
    });
    const app = await world.open([waiter]);
    const run = await app.send(waiter, "a").run();
    await world.rest();
    await run.pause();
    await run.signal("s", "signalled");
    await run.resolve("p", "resolved");
    await world.pass("2 hours");
    assert.equal((await run.describe()).status, "paused");
    await run.resume();
    assert.deepEqual(await run.result(), ["slept", "signalled", "resolved"]);
  },
);

each("a paused actor keeps its key, so its order is kept [67]", async (world) => {
  const order: number[] = [];
  const line = actor("line", {
    handlers: {
      async join(ctx, number: number) {
        if (number === 1) await ctx.promise("go");
        order.push(number);
      },
    },
  });
  const app = await world.open([line]);
  const first = await app.send(line, "a").join(1);
  const second = await app.send(line, "a").join(2);
  await world.rest();
  await first.pause();
  await first.resolve("go");
  await world.rest();
  assert.equal((await second.describe()).status, "queued");
  await first.resume();
  await second.result();
  assert.deepEqual(order, [1, 2]);
});

each(
  "an invocation that waits for its next attempt can be told to try at once [67]",
  async (world) => {
    let runs = 0;
    const flaky = service("flaky", {
      handlers: {
        work() {
          if (++runs === 1) throw new Error("not yet");
          return runs;
        },
      },
      retry: { initial: "1 day", max: "1 day" },
    });
    const app = await world.open([flaky]);
    const run = await app.send(flaky).work();
    await world.rest();
    assert.equal((await run.describe()).status, "backing-off");
    await run.resume();
    assert.equal(await run.result(), 2);
  },
);

each("what neither is paused nor waits for an attempt cannot be resumed [67]", async (world) => {
  const waiter = workflow("waiter", { run: (ctx) => ctx.promise("go") });
  const app = await world.open([waiter]);
  const run = await app.send(waiter, "a").run();
  await world.rest();
  await assert.rejects(run.resume(), coded("not-paused"));
  await run.resolve("go");
  await run.result();
  await assert.rejects(run.resume(), coded("invocation-ended"));
  await assert.rejects(run.pause(), coded("invocation-ended"));
});

each("a thousand paused invocations do not change what a call costs [H]", async (world) => {
  let reads = 0;
  world.wrap = (store) =>
    new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          if (name === "load" || String(name).startsWith("scan")) reads++;
          return Reflect.apply(value, target, args);
        };
      },
    });
  const broken = service("broken", {
    handlers: {
      work() {
        throw new Error("broken");
      },
    },
    retry: { attempts: 1 },
  });
  const counter = actor("counter", {
    state: { count: 0 },
    handlers: { add: (ctx) => ctx.set("count", ctx.get("count") + 1) },
  });
  const app = await world.open([broken, counter]);
  const costOf = async (key: string) => {
    await world.rest();
    const before = reads;
    await app.call(counter, key).add();
    await world.rest();
    return reads - before;
  };
  await costOf("warm");
  const alone = await costOf("a");
  const sent = await Promise.all(Array.from({ length: 1_000 }, () => app.send(broken).work()));
  await world.rest();
  assert.equal((await sent[0]?.describe())?.status, "paused");
  assert.equal(await costOf("b"), alone);
});
