import assert from "node:assert/strict";
import { service, workflow } from "holdfast";
import { coded, each, eachStore, later, tick } from "./harness.ts";

const waiter = workflow("waiter", {
  run: (ctx) => ctx.promise<string>("go"),
  handlers: { also: (ctx) => ctx.promise<string>("go") },
});

each(
  "a durable promise is resolved or rejected from outside, by name and by id [64]",
  async (world) => {
    const ids = new Map<string, string>();
    const other = workflow("other", {
      run(ctx) {
        const promise = ctx.promise<number>();
        ids.set(ctx.key, promise.id);
        return promise;
      },
    });
    const app = await world.open([waiter, other]);
    const good = await app.send(waiter, "good").run();
    await good.resolve("go", "yes");
    assert.equal(await good.result(), "yes");
    const bad = await app.send(waiter, "bad").run();
    await bad.reject("go", "no");
    await assert.rejects(
      bad.result(),
      (error: Error) => error.message === "no" && coded("rejected")(error),
    );
    const byId = await app.send(other, "id").run();
    await world.rest();
    await app.resolve(ids.get("id") ?? "", 7);
    assert.equal(await byId.result(), 7);
    const rejected = await app.send(other, "rejected").run();
    await world.rest();
    await app.reject(ids.get("rejected") ?? "", "nothing");
    await assert.rejects(rejected.result(), coded("rejected"));
  },
);

eachStore(
  "every accepted resolve leads to completion, however often the process dies [65]",
  async (world) => {
    const keys = Array.from({ length: 30 }, (_, index) => `w${index}`);
    let app = await world.open([waiter]);
    for (const key of keys) await app.send(waiter, key).run();
    const accepted = new Set<string>();
    for (let next = 0; next < keys.length; next += 5) {
      for (const key of keys.slice(next, next + 5)) {
        const resolving = app.get(waiter, key).resolve("go", key);
        later(resolving.then(() => accepted.add(key)));
      }
      for (let ticks = 0; ticks < next / 5; ticks++) await tick();
      app = await world.crash();
    }
    for (const key of accepted) assert.equal(await app.get(waiter, key).result(), key);
    for (const key of keys) {
      await app.get(waiter, key).resolve("go", key).catch(coded("already-settled"));
      assert.equal(await app.get(waiter, key).result(), key);
    }
  },
);

each(
  "one promise reaches everybody who waits for it, and those who come later [109]",
  async (world) => {
    const app = await world.open([waiter]);
    const run = await app.send(waiter, "w").run();
    const others = [1, 2, 3].map(() => app.call(waiter, "w").also());
    await world.rest();
    await app.get(waiter, "w").resolve("go", "all");
    assert.deepEqual(await Promise.all([run.result(), ...others]), ["all", "all", "all", "all"]);
    assert.equal(await app.call(waiter, "w").also(), "all");
  },
);

eachStore(
  "a promise that was resolved before anybody waited is there for who comes [173]",
  async (world) => {
    const late = workflow("late", {
      async run(ctx) {
        await ctx.sleep("1 hour");
        return ctx.promise<string>("go");
      },
    });
    let app = await world.open([late]);
    await app.send(late, "w").run();
    await app.get(late, "w").resolve("go", "early");
    app = await world.crash();
    await world.pass("1 hour");
    assert.equal(await app.get(late, "w").result(), "early");
  },
);

each("a handler resolves and rejects promises of others, and its own", async (world) => {
  const settler = service("settler", {
    handlers: {
      resolve: (ctx, id: string) => ctx.resolve(id, "from a handler"),
      reject: (ctx, id: string) => ctx.reject(id, "refused by a handler"),
    },
  });
  const asker = workflow("asker", {
    async run(ctx, how: "resolve" | "reject" | "own") {
      const promise = ctx.promise<string>("answer");
      if (how === "own") promise.resolve("by itself");
      else ctx.send(settler)[how](promise.id);
      return promise;
    },
  });
  const app = await world.open([settler, asker]);
  assert.equal(await app.call(asker, "a").run("resolve"), "from a handler");
  await assert.rejects(app.call(asker, "b").run("reject"), coded("rejected"));
  assert.equal(await app.call(asker, "c").run("own"), "by itself");
});

each("falsy values and nothing at all arrive as they were sent [197]", async (world) => {
  const values = [0, "", false, null, undefined, [], {}];
  const echo = workflow("echo", {
    async run(ctx, input: unknown) {
      const step = await ctx.run("step", () => input);
      const settled = await ctx.promise("value");
      const signal = await ctx.signal("value");
      return { list: [input, step, settled, signal], input, step, settled, signal };
    },
  });
  const same = service("same", { handlers: { value: (_, input: unknown) => input } });
  const app = await world.open([echo, same]);
  for (const [index, value] of values.entries()) {
    const run = await app.send(echo, `k${index}`).run(value);
    await run.resolve("value", value);
    await run.signal("value", value);
    const { input, step, settled, signal } = await run.result();
    assert.deepEqual([input, step, settled, signal], [value, value, value, value]);
    assert.deepEqual(await app.call(same).value(value), value);
  }
});
