import assert from "node:assert/strict";
import { actor, shared, workflow } from "holdfast";
import { coded, each, eachStore, later, makeGate, tick, until } from "./harness.ts";

const counter = actor("counter", {
  state: { count: 0 },
  handlers: {
    add: (ctx, by: number) => ctx.set("count", ctx.get("count") + by),
    async slowAdd(ctx, by: number) {
      const before = ctx.get("count");
      await ctx.run("think", () => 1);
      await ctx.sleep("1 second");
      return ctx.set("count", before + by);
    },
    value: shared((ctx) => ctx.get("count")),
  },
});

each(
  "exclusive handlers of a key run one at a time, in order of arrival, through all their waits [177, 194]",
  async (world) => {
    const app = await world.open([counter]);
    const runs = await Promise.all([1, 2, 3].map((by) => app.send(counter, "a").slowAdd(by)));
    await world.pass("10 seconds");
    assert.deepEqual(await Promise.all(runs.map((run) => run.result())), [1, 3, 6]);
  },
);

each("keys do not wait for each other [177]", async (world) => {
  const app = await world.open([counter]);
  const blocked = await app.send(counter, "slow").slowAdd(1);
  await world.rest();
  assert.equal(await app.call(counter, "fast").add(1), 1);
  await assert.rejects(blocked.result({ timeout: 0 }), coded("invocation-not-ended"));
});

each(
  "a shared handler answers while an exclusive one works, with committed state, and wakes nobody [150, 170]",
  async (world) => {
    const app = await world.open([counter]);
    await app.call(counter, "a").add(1);
    const slow = await app.send(counter, "a").slowAdd(5);
    await world.rest();
    const before = await slow.journal();
    assert.equal(await app.call(counter, "a").value(), 1);
    assert.deepEqual(await slow.journal(), before);
    await world.pass("2 seconds");
    assert.equal(await app.call(counter, "a").value(), 6);
  },
);

each(
  "an update from outside is a call: answered when it is durable, validated, of itself and of others [151]",
  async (world) => {
    const friend = actor("friend", {
      state: { seen: 0 },
      handlers: {
        async visit(ctx, key: string) {
          const count = await ctx.call(counter, key).add(10);
          return ctx.set("seen", count);
        },
      },
    });
    const app = await world.open([counter, friend]);
    assert.equal(await app.call(counter, "a").add(1), 1);
    assert.equal(await app.call(friend, "f").visit("a"), 11);
    assert.deepEqual(await app.state(friend, "f"), { seen: 11 });
  },
);

eachStore("an update that was accepted is carried out after a restart [155]", async (world) => {
  let app = await world.open([counter]);
  const accepted = await Promise.all([1, 2, 3].map((by) => app.send(counter, "a").add(by)));
  app = await world.crash();
  assert.deepEqual(await Promise.all(accepted.map((sent) => app.get(sent.id).result())), [1, 3, 6]);
});

each("two updates that arrive with the first are taken in their order [167]", async (world) => {
  const order: string[] = [];
  const line = actor("line", {
    handlers: { join: (_, who: string) => void order.push(who) },
  });
  const app = await world.open([line]);
  await Promise.all(["a", "b", "c"].map((who) => app.call(line, "l").join(who)));
  assert.deepEqual(order, ["a", "b", "c"]);
});

each(
  "an actor that goes on for ever sends itself the next message; what arrives meanwhile has its turn, and none is lost [145, 146, 147]",
  async (world) => {
    const loop = actor("loop", {
      state: { rounds: 0, heard: [] as string[] },
      handlers: {
        round(ctx) {
          const rounds = ctx.set("rounds", ctx.get("rounds") + 1);
          if (rounds < 10) ctx.send(loop_, ctx.key, { delay: "1 minute" }).round();
        },
        hear: (ctx, what: string) => void ctx.set("heard", [...ctx.get("heard"), what]),
      },
    });
    // The same actor as a handler names it, of a type that does not go round in circles.
    const loop_ = actor("loop", { state: {}, handlers: { round: () => {} } });
    const app = await world.open([loop]);
    await app.call(loop, "l").round();
    for (let minute = 0; minute < 12; minute++) {
      await app.send(loop, "l").hear(`m${minute}`);
      await world.pass("1 minute");
    }
    const state = await app.state(loop, "l");
    assert.equal(state.rounds, 10);
    assert.deepEqual(
      state.heard,
      Array.from({ length: 12 }, (_, minute) => `m${minute}`),
    );
  },
);

each(
  "actors that count and greet in a sequence, in parallel, nested and many at once come out right [195]",
  async (world) => {
    const greet = workflow("greet", {
      run: (ctx, who: string) => ctx.run("say", () => `Hello ${who}`),
    });
    const sequence = workflow("sequence", {
      async run(ctx) {
        const said: string[] = [];
        for (const who of ["a", "b"])
          said.push(await ctx.call(greet, `${ctx.key}-${who}`).run(who));
        return said;
      },
    });
    const parallel = workflow("parallel", {
      run: (ctx, count: number) =>
        ctx.all(
          Array.from({ length: count }, (_, index) =>
            ctx.call(greet, `${ctx.key}-${index}`).run(`${index}`),
          ),
        ),
    });
    const twice = workflow("twice", {
      run: (ctx) => ctx.all([ctx.call(parallel, "x").run(3), ctx.call(parallel, "y").run(3)]),
    });
    const parent = workflow("parent", { run: (ctx) => ctx.call(sequence, "child").run() });
    const app = await world.open([greet, sequence, parallel, twice, parent]);
    assert.deepEqual(await app.call(sequence, "s").run(), ["Hello a", "Hello b"]);
    assert.deepEqual(await app.call(parent, "p").run(), ["Hello a", "Hello b"]);
    assert.equal((await app.call(parallel, "wide").run(300)).at(-1), "Hello 299");
    assert.deepEqual(
      (await app.call(twice, "t").run()).map((each) => each.length),
      [3, 3],
    );
  },
);

each(
  "inputs and outputs of a megabyte arrive whole, with every character [195, 198]",
  async (world) => {
    const text = `${"x".repeat(1_000_000)}\u0000 \u2028 ü 👍 "quoted" \\`;
    const echo = workflow("echo", {
      async run(ctx, input: string) {
        const step = await ctx.run("same", () => input);
        await ctx.sleep("1 minute");
        return step;
      },
    });
    const app = await world.open([echo]);
    const run = await app.send(echo, "e").run(text);
    await world.pass("1 minute");
    assert.ok((await run.result()) === text, "the text came back unchanged");
  },
);

each("waiting parents hold nothing that their children need [J]", async (world) => {
  const child = workflow("child", { run: (ctx) => ctx.run("work", () => ctx.key) });
  const parent = workflow("parent", { run: (ctx) => ctx.call(child, ctx.key).run() });
  const app = await world.open([child, parent], { limits: { running: 2 } });
  const keys = Array.from({ length: 40 }, (_, index) => `k${index}`);
  assert.deepEqual(await Promise.all(keys.map((key) => app.call(parent, key).run())), keys);
});

each(
  "with room for two in memory, hundreds of waiting invocations complete [76, 77]",
  async (world) => {
    const waiter = workflow("waiter", {
      async run(ctx) {
        const step = await ctx.run("step", () => 1);
        const value = await ctx.promise<number>("p");
        await ctx.sleep("1 minute");
        return step + value;
      },
    });
    const app = await world.open([waiter, counter], { limits: { running: 2 } });
    const keys = Array.from({ length: 200 }, (_, index) => `k${index}`);
    const runs = await Promise.all(keys.map((key) => app.send(waiter, key).run()));
    await Promise.all(keys.map((key) => app.call(counter, key).add(1)));
    await Promise.all(runs.map((run, index) => run.resolve("p", index)));
    await world.pass("1 minute");
    const results = await Promise.all(runs.map((run) => run.result()));
    assert.deepEqual(
      results,
      keys.map((_, index) => index + 1),
    );
    await world.rest();
    assert.ok(app.engine.core.live.size <= 3, `${app.engine.core.live.size} are in memory`);
  },
);

each("after a mixed load nothing is held in memory [101, 196]", async (world) => {
  const flaky = actor("flaky", {
    state: { runs: 0 },
    handlers: {
      async work(ctx) {
        await ctx.run("step", ({ attempt }) => {
          if (attempt === 1) throw new Error("again");
        });
        await ctx.sleep("1 minute");
        return ctx.set("runs", ctx.get("runs") + 1);
      },
    },
  });
  const app = await world.open([flaky, counter], { limits: { running: 50 } });
  const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
  const runs = await Promise.all(keys.map((key) => app.send(flaky, key).work()));
  await Promise.all(keys.map((key) => app.call(counter, key).add(1)));
  await runs[0]?.kill();
  await runs[1]?.cancel();
  await world.pass("1 hour");
  await Promise.all(runs.slice(2).map((run) => run.result()));
  await world.rest();
  assert.equal(app.engine.core.live.size, 0);
  assert.ok(app.engine.core.keyCount <= 50, `${app.engine.core.keyCount} keys are in memory`);
  assert.equal(app.engine.outboxSize, 0);
});

eachStore(
  "additions under crashes: each that was acknowledged counts once, and no total is seen twice [200]",
  async (world) => {
    let app = await world.open([counter]);
    const totals: number[] = [];
    let calls = 0;
    for (let round = 0; round < 6; round++) {
      for (let each = 0; each < 5; each++) {
        calls++;
        later(
          app
            .call(counter, "a")
            .add(1)
            .then((total) => totals.push(total)),
        );
      }
      for (let ticks = 0; ticks <= round; ticks++) await tick();
      app = await world.crash();
      const seen = await app.call(counter, "a").value();
      assert.ok(seen >= Math.max(0, ...totals), "what was told is there");
      totals.push(await app.call(counter, "a").add(1));
      calls++;
    }
    const final = await app.call(counter, "a").value();
    assert.equal(new Set(totals).size, totals.length);
    assert.deepEqual(
      [...totals].sort((a, b) => a - b),
      totals,
    );
    assert.ok(final >= totals.length && final <= calls, `${totals.length} <= ${final} <= ${calls}`);
  },
);

each(
  "a shared handler sees a prefix of what was committed, never a part of a change [200]",
  async (world) => {
    const pair = actor("pair", {
      state: { left: 0, right: 0 },
      handlers: {
        async both(ctx) {
          ctx.set("left", ctx.get("left") + 1);
          await ctx.run("between", () => 1);
          ctx.set("right", ctx.get("right") + 1);
        },
        read: shared((ctx) => [ctx.get("left"), ctx.get("right")] as const),
      },
    });
    const app = await world.open([pair]);
    const writes = Array.from({ length: 20 }, () => app.call(pair, "p").both());
    let last: readonly number[] = [0, 0];
    for (let reads = 0; reads < 20; reads++) {
      const now = await app.call(pair, "p").read();
      assert.ok(
        (now[0] ?? 0) >= (last[0] ?? 0) && (now[1] ?? 0) >= (last[1] ?? 0),
        "never backwards",
      );
      assert.ok((now[0] ?? 0) - (now[1] ?? 0) <= 1, "one writer at a time");
      last = now;
      await tick();
    }
    await Promise.all(writes);
    assert.deepEqual(await app.call(pair, "p").read(), [20, 20]);
  },
);

each(
  "what exceeds the one that a key admits is held back, and released when that one ends [75]",
  async (world) => {
    const gate = makeGate();
    let running = 0;
    let most = 0;
    const desk = actor("desk", {
      handlers: {
        serve: (ctx) =>
          ctx.run("serve", async () => {
            most = Math.max(most, ++running);
            await gate.opened;
            running--;
          }),
      },
    });
    const app = await world.open([desk]);
    const served = Array.from({ length: 5 }, () => app.call(desk, "d").serve());
    await until(() => running === 1);
    await world.rest();
    const { rows } = await app.query<{ queued: number }>("SELECT queued FROM keys");
    assert.equal(rows[0]?.queued, 4);
    gate.open();
    await Promise.all(served);
    assert.equal(most, 1);
  },
);
