import assert from "node:assert/strict";
import { actor, shared, TerminalError, workflow } from "holdfast";
import { coded, each, eachStore, later, makeGate, refused, until } from "./harness.ts";

const box = actor("box", {
  state: { color: "none", size: 0, extra: undefined as unknown },
  handlers: {
    paint: (ctx, color: string) => ctx.set("color", color),
    fill(ctx, size: number) {
      ctx.set("size", size);
      return ctx.get("size");
    },
    empty: (ctx) => ctx.clear(),
    clean: (ctx) => ctx.clear("color"),
    names: shared((ctx) => ctx.keys()),
    look: shared((ctx) => [ctx.get("color"), ctx.get("size")] as const),
    spoil(ctx) {
      ctx.set("color", "spoilt");
      throw new TerminalError("after writing");
    },
  },
});

eachStore(
  "state is there after a restart; cleared entries have their initial value again [191]",
  async (world) => {
    let app = await world.open([box]);
    await app.call(box, "b").paint("red");
    await app.call(box, "b").fill(3);
    app = await world.crash();
    assert.deepEqual(await app.call(box, "b").look(), ["red", 3]);
    assert.deepEqual(await app.call(box, "b").names(), ["color", "size"]);
    await app.call(box, "b").clean();
    assert.deepEqual(await app.call(box, "b").look(), ["none", 3]);
    await app.call(box, "b").empty();
    app = await world.crash();
    assert.deepEqual(await app.call(box, "b").look(), ["none", 0]);
    assert.deepEqual(await app.call(box, "b").names(), []);
  },
);

each("an operator changes state, and an entry set to null is taken away [73]", async (world) => {
  const app = await world.open([box]);
  await app.call(box, "b").paint("red");
  await app.patchState(box, "b", { color: "blue", size: 9 });
  assert.deepEqual(await app.call(box, "b").look(), ["blue", 9]);
  await app.patchState(box, "b", { color: null });
  assert.deepEqual(await app.state(box, "b"), { color: "none", size: 9, extra: undefined });
});

each("what a handler reads is a copy: changing it changes nothing [110]", async (world) => {
  const list = actor("list", {
    state: { items: ["a"] },
    handlers: {
      cheat(ctx) {
        ctx.get("items").push("b");
        return ctx.get("items");
      },
    },
  });
  const app = await world.open([list]);
  assert.deepEqual(await app.call(list, "l").cheat(), ["a"]);
  assert.deepEqual(await app.state(list, "l"), { items: ["a"] });
});

each("a shared handler cannot write [110]", async (world) => {
  const sneaky = actor("sneaky", {
    state: { count: 0 },
    handlers: {
      write: shared((ctx) =>
        (ctx as unknown as { set(name: string, value: number): void }).set("count", 1),
      ),
    },
  });
  const app = await world.open([sneaky]);
  await assert.rejects(app.call(sneaky, "s").write(), coded("context-misused"));
  assert.deepEqual(await app.state(sneaky, "s"), { count: 0 });
});

each(
  "state that was written before a failure stays written: undo is for steps, not for state",
  async (world) => {
    const app = await world.open([box]);
    await assert.rejects(app.call(box, "b").spoil(), coded("terminal"));
    assert.deepEqual(await app.call(box, "b").look(), ["spoilt", 0]);
  },
);

each(
  "nothing is answered before it is durable, not even to who only reads [191, 193]",
  async (world) => {
    let syncs: (() => void)[] = [];
    let slow = false;
    world.memory = {
      sync: () => (slow ? new Promise<void>((resolve) => syncs.push(resolve)) : Promise.resolve()),
    };
    const app = await world.open([box]);
    await app.call(box, "b").paint("red");
    slow = true;
    const answers: string[] = [];
    later(
      app
        .call(box, "b")
        .paint("blue")
        .then(() => answers.push("write")),
    );
    await until(() => syncs.length > 0);
    later(
      app
        .call(box, "b")
        .look()
        .then(([color]) => answers.push(`read ${color}`)),
    );
    for (let ticks = 0; ticks < 20; ticks++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(answers, []);
    slow = false;
    for (const done of syncs.splice(0)) done();
    syncs = [];
    await until(() => answers.length === 2);
    assert.deepEqual(answers.sort(), ["read blue", "write"]);
  },
);

each(
  "a commit that fails is told to all who wait for it, and what it held is gone [191, 193]",
  async (world) => {
    let failing = false;
    world.memory = { fault: () => (failing ? "failed" : null) };
    const app = await world.open([box]);
    await app.call(box, "b").paint("red");
    failing = true;
    const lost = ["blue", "green"].map((color) => later(app.call(box, "b").paint(color)));
    for (const call of lost) await assert.rejects(call, refused("store-failed"));
    failing = false;
    await world.pass("1 second");
    assert.deepEqual(await app.call(box, "b").look(), ["red", 0]);
  },
);

each("a commit that was written although it failed counts once [174, 191]", async (world) => {
  let hiccup = false;
  world.memory = {
    fault() {
      if (!hiccup) return null;
      hiccup = false;
      return "failed-written";
    },
  };
  let runs = 0;
  const job = workflow("job", {
    async run(ctx) {
      await ctx.run("before", () => 1);
      const value = await ctx.run("effect", () => ++runs);
      await ctx.promise("go");
      return value;
    },
  });
  const app = await world.open([job, box]);
  const run = await app.send(job, "j").run();
  await world.rest();
  hiccup = true;
  await assert.rejects(app.call(box, "b").paint("red"), refused("store-failed"));
  await world.pass("1 second");
  assert.deepEqual(await app.call(box, "b").look(), ["red", 0]);
  await run.resolve("go");
  assert.equal(await run.result(), 1);
});

each(
  "with the disk full, requests are refused and nothing acknowledged is lost; with room again, work goes on [191]",
  async (world) => {
    let full = false;
    world.memory = { fault: () => (full ? "full" : null) };
    const job = workflow("job", {
      async run(ctx) {
        await ctx.sleep("1 minute");
        return ctx.run("step", () => "done");
      },
    });
    const app = await world.open([box, job]);
    await app.call(box, "b").paint("red");
    const run = await app.send(job, "j").run();
    full = true;
    await assert.rejects(app.call(box, "b").paint("blue"), refused("store-full"));
    await assert.rejects(app.call(box, "b").paint("green"), refused("store-full"));
    await world.clock.pass(120_000, () => new Promise((resolve) => setImmediate(resolve)));
    full = false;
    await world.clock.pass(2_000, () => new Promise((resolve) => setImmediate(resolve)));
    await until(async () => (await app.call(box, "b").look())[0] === "red");
    await world.pass("1 minute");
    assert.equal(await run.result(), "done");
    assert.equal(await app.call(box, "b").paint("blue"), "blue");
  },
);

each("reads and writes of one handler see each other at once, in order [191]", async (world) => {
  const ordered = actor("ordered", {
    state: { value: 0 },
    handlers: {
      async work(ctx) {
        const seen = [ctx.get("value")];
        ctx.set("value", 1);
        seen.push(ctx.get("value"));
        await ctx.run("step", () => 1);
        seen.push(ctx.get("value"));
        ctx.clear("value");
        seen.push(ctx.get("value"));
        ctx.set("value", 2);
        await ctx.sleep("1 minute");
        seen.push(ctx.get("value"));
        return seen;
      },
    },
  });
  const app = await world.open([ordered]);
  const run = await app.send(ordered, "o").work();
  await world.pass("1 minute");
  assert.deepEqual(await run.result(), [0, 1, 1, 0, 2]);
});

each(
  "a message for later and the state that goes with it are written together or not at all [192]",
  async (world) => {
    let failing = false;
    world.memory = { fault: () => (failing ? "failed" : null) };
    const rung: string[] = [];
    const bell = actor("bell", { handlers: { ring: (ctx) => void rung.push(ctx.key) } });
    const alarm = actor("alarm", {
      state: { set: false },
      handlers: {
        arm(ctx) {
          ctx.set("set", true);
          ctx.send(bell, ctx.key, { delay: "1 hour" }).ring();
        },
      },
    });
    const app = await world.open([bell, alarm]);
    failing = true;
    await assert.rejects(app.call(alarm, "lost").arm(), refused("store-failed"));
    failing = false;
    await world.pass("1 second");
    await app.call(alarm, "kept").arm();
    await world.pass("2 hours");
    assert.deepEqual(rung, ["kept"]);
    assert.deepEqual(await app.state(alarm, "lost"), { set: false });
    assert.deepEqual(await app.state(alarm, "kept"), { set: true });
  },
);

eachStore(
  "what would be a search attribute is state or input, found by SQL and changed at any time [162]",
  async (world) => {
    const order = workflow("order", {
      state: { stage: "new" },
      async run(ctx, _customer: { name: string }) {
        ctx.set("stage", "waiting");
        await ctx.promise("paid");
        ctx.set("stage", "paid");
      },
    });
    const app = await world.open([order]);
    await app.send(order, "1").run({ name: "Ada" });
    await app.send(order, "2").run({ name: "Bob" });
    await app.get(order, "2").resolve("paid");
    await app.get(order, "2").result();
    const stage = (name: string) =>
      app.query(
        `SELECT i.key FROM invocations i JOIN state s ON s.service = i.service AND s.key = i.key
       WHERE s.name = 'stage' AND s.value ->> '$' = ?`,
        [name],
      );
    assert.deepEqual((await stage("waiting")).rows, [{ key: "1" }]);
    assert.deepEqual((await stage("paid")).rows, [{ key: "2" }]);
    const named = await app.query("SELECT key FROM invocations WHERE input ->> '$.name' = 'Ada'");
    assert.deepEqual(named.rows, [{ key: "1" }]);
  },
);

each("state held by a handler is not changed from outside", async (world) => {
  const gate = makeGate();
  const holder = actor("holder", {
    state: { count: 0 },
    handlers: {
      async work(ctx) {
        await ctx.run("wait", () => gate.opened);
        return ctx.set("count", 1);
      },
    },
  });
  const app = await world.open([holder]);
  const run = await app.send(holder, "h").work();
  await assert.rejects(app.patchState(holder, "h", { count: 5 }), coded("key-held"));
  gate.open();
  await run.result();
  await app.patchState(holder, "h", { count: 5 });
  assert.deepEqual(await app.state(holder, "h"), { count: 5 });
});
