import assert from "node:assert/strict";
import { actor, service, TerminalError, workflow } from "holdfast";
import { coded, each, eachStore, later, tick } from "./harness.ts";

const child = workflow("child", {
  async run(ctx, how: string) {
    if (how === "fail")
      throw new TerminalError("the child failed", { code: "child-failed", details: { n: 1 } });
    if (how === "wait") return ctx.promise<string>("go");
    return `child ${ctx.key} says ${how}`;
  },
});

each("a private handler is called by handlers, and by nobody from outside [63]", async (world) => {
  const secret = service("secret", { handlers: { tell: () => "secret" }, private: true });
  const open = service("open", { handlers: { ask: (ctx) => ctx.call(secret).tell() } });
  const app = await world.open([secret, open]);
  await assert.rejects(app.call(secret).tell(), coded("private-handler"));
  await assert.rejects(app.send(secret).tell(), coded("private-handler"));
  assert.equal(await app.call(open).ask(), "secret");
});

each(
  "a handler starts a child, knows its id, and gets its result [132, 133, 134]",
  async (world) => {
    const parent = workflow("parent", {
      async run(ctx) {
        const call = ctx.call(child, "c").run("hello");
        return { id: await call.id(), result: await call };
      },
    });
    const app = await world.open([child, parent]);
    const { id, result } = await app.call(parent, "p").run();
    assert.equal(result, "child c says hello");
    assert.equal((await app.get(child, "c").describe()).id, id);
  },
);

each("a handler signals its child and settles its child's promise [136]", async (world) => {
  const listening = workflow("listening", {
    async run(ctx) {
      return [await ctx.signal<string>("s"), await ctx.promise<string>("p")];
    },
  });
  const ids = workflow("ids", {
    async run(ctx) {
      const call = ctx.call(listening, "l").run();
      const id = await call.id();
      ctx.sendSignal(id, "s", "signalled");
      ctx.resolve(`prm_${id.slice(4)}.p`, "settled");
      return call;
    },
  });
  const app = await world.open([listening, ids]);
  assert.deepEqual(await app.call(ids, "i").run(), ["signalled", "settled"]);
});

each(
  "a child that was started already is refused to its caller, as an error to catch [137]",
  async (world) => {
    const parent = workflow("parent", {
      async run(ctx) {
        return ctx
          .call(child, "taken")
          .run("x")
          .catch((error: unknown) => coded("already-started")(error));
      },
    });
    const app = await world.open([child, parent]);
    await app.call(child, "taken").run("first");
    assert.equal(await app.call(parent, "p").run(), true);
  },
);

each(
  "the error of a child reaches its caller with message, code and details [138]",
  async (world) => {
    const parent = workflow("parent", {
      async run(ctx) {
        try {
          return await ctx.call(child, "c").run("fail");
        } catch (error) {
          assert(error instanceof TerminalError);
          return [error.message, error.code, error.details];
        }
      },
    });
    const app = await world.open([child, parent]);
    assert.deepEqual(await app.call(parent, "p").run(), [
      "the child failed",
      "child-failed",
      { n: 1 },
    ]);
  },
);

each("a child that is killed fails its caller's call [139]", async (world) => {
  const parent = workflow("parent", {
    run: (ctx) =>
      ctx
        .call(child, "c")
        .run("wait")
        .catch((error: unknown) => coded("killed")(error)),
  });
  const app = await world.open([child, parent]);
  const run = await app.send(parent, "p").run();
  await world.rest();
  await app.get(child, "c").kill();
  assert.equal(await run.result(), true);
});

each("a child that takes too long fails its caller's call [140]", async (world) => {
  const slow = workflow("slow", { run: (ctx) => ctx.promise("never"), timeout: "1 hour" });
  const parent = workflow("parent", {
    async run(ctx) {
      const own = ctx
        .call(slow, "a")
        .run()
        .catch((error: unknown) => coded("timed-out")(error));
      const patience = ctx
        .call(slow, "b")
        .run()
        .orTimeout("1 minute")
        .catch((error: unknown) => coded("timed-out")(error));
      return [await patience, await own];
    },
  });
  const app = await world.open([slow, parent]);
  const run = await app.send(parent, "p").run();
  await world.pass("2 hours");
  assert.deepEqual(await run.result(), [true, true]);
});

each(
  "a handler leaves its child alone, cancels it, or waits until its cancellation is complete [141, 142, 143, 144]",
  async (world) => {
    const cleaning = workflow("cleaning", {
      async run(ctx) {
        try {
          await ctx.promise("never");
        } finally {
          await ctx.sleep("1 minute");
        }
      },
    });
    const parent = workflow("parent", {
      async run(ctx) {
        ctx.send(cleaning, "left").run();
        const cancelled = ctx.call(cleaning, "cancelled").run();
        const waited = ctx.call(cleaning, "waited").run();
        await ctx.sleep("1 minute");
        cancelled.cancel();
        const asked = ctx.now();
        waited.cancel();
        await waited.catch(() => "gone");
        return ctx.now() - asked;
      },
    });
    const app = await world.open([cleaning, parent]);
    const run = await app.send(parent, "p").run();
    await world.pass("10 minutes");
    assert.equal(await run.result(), 60_000);
    const ended = async (key: string) => (await app.get(cleaning, key).describe()).endedAt !== null;
    assert.deepEqual(
      [await ended("left"), await ended("cancelled"), await ended("waited")],
      [false, true, true],
    );
  },
);

each("messages from one sender to one key arrive in order, exactly once [195]", async (world) => {
  const log = actor("log", {
    state: { lines: [] as number[] },
    handlers: { write: (ctx, line: number) => void ctx.set("lines", [...ctx.get("lines"), line]) },
  });
  const writer = workflow("writer", {
    async run(ctx) {
      for (let line = 0; line < 30; line++) {
        ctx.send(log, "l").write(line);
        if (line % 7 === 0) await ctx.run(`pause ${line}`, () => 1);
      }
    },
  });
  const app = await world.open([log, writer]);
  await app.call(writer, "w").run();
  await world.rest();
  const { lines } = await app.state(log, "l");
  assert.deepEqual(
    lines,
    Array.from({ length: 30 }, (_, line) => line),
  );
});

eachStore(
  "calls and messages under way survive crashes, and arrive once [173, 176, 190]",
  async (world) => {
    const counter = actor("counter", {
      state: { count: 0 },
      handlers: { add: (ctx, by: number) => ctx.set("count", ctx.get("count") + by) },
    });
    const chain = workflow("chain", {
      async run(ctx) {
        const totals: number[] = [];
        for (let round = 0; round < 10; round++) {
          ctx.send(counter, "messages").add(1);
          totals.push(await ctx.call(counter, "calls").add(1));
          await ctx.sleep("1 second");
        }
        return totals;
      },
    });
    let app = await world.open([counter, chain]);
    await app.send(chain, "c").run();
    for (let crashes = 0; crashes < 10; crashes++) {
      for (let ticks = 0; ticks < crashes; ticks++) await tick();
      app = await world.crash();
      await world.pass("700 ms");
    }
    await world.pass("1 minute");
    assert.deepEqual(await app.get(chain, "c").result(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual(await app.state(counter, "messages"), { count: 10 });
  },
);

each(
  "a delayed message is due at its time, can be withdrawn before, and is listed until then [177]",
  async (world) => {
    const rung: string[] = [];
    const bell = actor("bell", { handlers: { ring: (ctx) => void rung.push(ctx.key) } });
    const setter = workflow("setter", {
      async run(ctx) {
        ctx.send(bell, "a", { delay: "10 hours" }).ring();
        const b = ctx.send(bell, "b", { delay: "10 hours" }).ring();
        await ctx.sleep("1 hour");
        b.cancel();
        return b.id();
      },
    });
    const app = await world.open([bell, setter]);
    const run = await app.send(setter, "s").run();
    await world.pass("30 minutes");
    assert.equal((await app.query("SELECT * FROM messages WHERE kind = 'delayed'")).rows.length, 2);
    await world.pass("9 hours");
    assert.deepEqual(rung, []);
    await world.pass("1 hour");
    assert.deepEqual(rung, ["a"]);
    assert.equal((await app.get(await run.result()).describe()).status, "cancelled");
  },
);

each(
  "a delayed message takes its place in the queue when it is due, not when it was sent [177]",
  async (world) => {
    const order: string[] = [];
    const line = actor("line", { handlers: { join: (_, who: string) => void order.push(who) } });
    const app = await world.open([line]);
    await app.send(line, "l", { delay: "1 hour" }).join("delayed");
    await app.send(line, "l").join("at once");
    await world.pass("1 hour");
    await app.call(line, "l").join("afterwards");
    assert.deepEqual(order, ["at once", "delayed", "afterwards"]);
  },
);

each(
  "calls by handlers are idempotent by key, as calls from outside are [173, 177]",
  async (world) => {
    let runs = 0;
    const pay = service("pay", {
      handlers: { charge: (_, amount: number) => `charge ${++runs} of ${amount}` },
    });
    const buyer = workflow("buyer", {
      async run(ctx) {
        const key = { idempotencyKey: "order-1" };
        const first = ctx.call(pay, key).charge(5);
        const second = ctx.call(pay, key).charge(5);
        return [await first, await second, (await first.id()) === (await second.id())];
      },
    });
    const app = await world.open([pay, buyer]);
    assert.deepEqual(await app.call(buyer, "b").run(), ["charge 1 of 5", "charge 1 of 5", true]);
    assert.equal(await app.call(pay, { idempotencyKey: "order-1" }).charge(5), "charge 1 of 5");
    await assert.rejects(
      app.call(pay, { idempotencyKey: "order-1" }).charge(6),
      coded("idempotency-conflict"),
    );
  },
);

each("trace context and caller travel with calls and messages [85]", async (world) => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const seen: unknown[] = [];
  const last = service("last", {
    handlers: { look: (ctx) => void seen.push([ctx.traceparent, ctx.caller]) },
  });
  const first = service("first", {
    handlers: {
      async look(ctx) {
        await ctx.call(last).look();
        ctx.send(last).look();
        return [ctx.traceparent, ctx.caller];
      },
    },
  });
  const app = await world.open([first, last]);
  const target = { service: "first", handler: "look", caller: "ada", traceparent };
  assert.deepEqual(await app.port.call(target), [traceparent, "ada"]);
  await world.rest();
  assert.deepEqual(seen, [
    [traceparent, "ada"],
    [traceparent, "ada"],
  ]);
});

each(
  "attached to by id or key, an invocation tells everybody its result, its error, and those who come late [62]",
  async (world) => {
    const watcher = workflow("watcher", {
      async run(ctx, how: { id: string } | { key: string }) {
        try {
          return "id" in how ? await ctx.attach<string>(how.id) : await ctx.attach(child, how.key);
        } catch (error) {
          return error instanceof Error ? error.message : "?";
        }
      },
    });
    const app = await world.open([child, watcher]);
    const run = await app.send(child, "c").run("wait");
    const byId = await app.send(watcher, "1").run({ id: run.id });
    const byKey = await app.send(watcher, "2").run({ key: "c" });
    const outside = later(app.get(child, "c").result());
    await world.rest();
    await run.resolve("go", "went");
    assert.deepEqual(await Promise.all([byId.result(), byKey.result(), outside]), [
      "went",
      "went",
      "went",
    ]);
    assert.equal(await app.call(watcher, "3").run({ id: run.id }), "went");
    await app
      .call(child, "f")
      .run("fail")
      .catch(() => {});
    assert.equal(await app.call(watcher, "4").run({ key: "f" }), "the child failed");
    assert.match(
      String(await app.call(watcher, "5").run({ key: "nobody" })),
      /There is no invocation/,
    );
  },
);

each(
  "waiting for a result stops when it is told to, and the invocation goes on [62]",
  async (world) => {
    const app = await world.open([child]);
    const run = await app.send(child, "c").run("wait");
    const controller = new AbortController();
    const waiting = later(run.result({ signal: controller.signal }));
    const patient = later(run.result({ timeout: "1 minute" }));
    controller.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
    await world.pass("2 minutes");
    await assert.rejects(patient, coded("timed-out"));
    await run.resolve("go", "went");
    assert.equal(await run.result(), "went");
  },
);

each(
  "closing lets what is being answered be answered, refuses the rest, and loses nothing [164]",
  async (world) => {
    let app = await world.open([child]);
    const run = await app.send(child, "c").run("wait");
    const waiting = later(run.result());
    await world.close();
    await assert.rejects(waiting, coded("shutting-down"));
    await assert.rejects(app.call(child, "d").run("x"), coded("shutting-down"));
    app = await world.open([child]);
    await app.get(child, "c").resolve("go", "went");
    assert.equal(await app.get(child, "c").result(), "went");
  },
);
