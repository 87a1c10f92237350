import assert from "node:assert/strict";
import { CancelledError, service, workflow } from "holdfast";
import { coded, each, eachStore, later, makeGate, until } from "./harness.ts";

/** Resolves when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}

each("cancellation wins a race that nothing else has won [89]", async (world) => {
  const racer = workflow("racer", {
    async run(ctx) {
      try {
        return await ctx.race([ctx.promise<string>("never"), ctx.sleep("1 day")]);
      } catch (error) {
        return error instanceof CancelledError ? "cancelled" : "something else";
      }
    },
  });
  const app = await world.open([racer]);
  const run = await app.send(racer, "a").run();
  await world.rest();
  await run.cancel();
  assert.equal(await run.result(), "cancelled");
});

each(
  "two cancellations are caught one after the other, clean-up runs, and the result counts [90]",
  async (world) => {
    const stubborn = workflow("stubborn", {
      async run(ctx) {
        let caught = 0;
        for (let tries = 0; tries < 2; tries++) {
          try {
            await ctx.sleep("1 day");
          } catch {
            caught++;
          }
        }
        const cleaned = await ctx.run("clean up", () => "clean");
        await ctx.sleep("1 minute");
        return { caught, cleaned };
      },
    });
    const app = await world.open([stubborn]);
    const run = await app.send(stubborn, "a").run();
    await world.rest();
    await run.cancel();
    await world.rest();
    await run.cancel();
    await world.pass("1 minute");
    assert.deepEqual(await run.result(), { caught: 2, cleaned: "clean" });
    assert.equal((await run.describe()).status, "succeeded");
  },
);

each("the signals of all running steps are aborted [91]", async (world) => {
  let running = 0;
  let stopped = 0;
  const parallel = workflow("parallel", {
    async run(ctx) {
      const step = (name: string) =>
        ctx.run(name, async ({ signal }) => {
          running++;
          await aborted(signal);
          stopped++;
          throw signal.reason;
        });
      await ctx.all([step("a"), step("b"), step("c")]);
    },
  });
  const app = await world.open([parallel]);
  const run = await app.send(parallel, "a").run();
  await until(() => running === 3);
  await run.cancel();
  await assert.rejects(run.result(), coded("cancelled"));
  assert.equal(stopped, 3);
});

each(
  "a handler cancels the calls of one batch, and those of the other go on [92]",
  async (world) => {
    const child = workflow("child", {
      async run(ctx) {
        await ctx.sleep("1 hour");
        return ctx.key;
      },
    });
    const parent = workflow("parent", {
      async run(ctx) {
        const first = ["a1", "a2"].map((key) => ctx.call(child, key).run());
        const second = ["b1", "b2"].map((key) => ctx.call(child, key).run());
        await ctx.sleep("1 minute");
        for (const call of first) call.cancel();
        const ends = await ctx.allSettled(first);
        return [...ends.map((end) => end.status), ...(await ctx.all(second))];
      },
    });
    const app = await world.open([child, parent]);
    const run = await app.send(parent, "p").run();
    await world.pass("2 hours");
    assert.deepEqual(await run.result(), ["rejected", "rejected", "b1", "b2"]);
    assert.equal((await app.get(child, "a1").describe()).status, "cancelled");
  },
);

each(
  "the handler is told of its cancellation only when its running step has ended [94]",
  async (world) => {
    const gate = makeGate();
    const order: string[] = [];
    let running = false;
    const careful = workflow("careful", {
      async run(ctx) {
        try {
          await ctx.run("slow", async () => {
            running = true;
            await gate.opened;
            order.push("step ended");
          });
          await ctx.sleep("1 day");
        } catch (error) {
          order.push("told");
          throw error;
        }
      },
    });
    const app = await world.open([careful]);
    const run = await app.send(careful, "a").run();
    await until(() => running);
    await run.cancel();
    await world.rest();
    assert.deepEqual(order, []);
    gate.open();
    await assert.rejects(run.result(), coded("cancelled"));
    assert.equal(order[0], "step ended");
    assert.equal(order.at(-1), "told");
  },
);

each("cancellation interrupts a sleep long before its time [104]", async (world) => {
  const sleeper = workflow("sleeper", { run: (ctx) => ctx.sleep("1 week") });
  const app = await world.open([sleeper]);
  const run = await app.send(sleeper, "a").run();
  await world.rest();
  await run.cancel();
  await assert.rejects(run.result(), coded("cancelled"));
  assert.equal((await app.query("SELECT * FROM timers")).rows.length, 0);
});

eachStore(
  "clean-up in a catch is durable: it goes on where it was after a crash [105]",
  async (world) => {
    const effects: string[] = [];
    const cleaner = workflow("cleaner", {
      async run(ctx) {
        try {
          await ctx.sleep("1 week");
        } catch (error) {
          await ctx.run("first", () => effects.push("first"));
          await ctx.sleep("1 hour");
          await ctx.run("second", () => effects.push("second"));
          throw error;
        }
      },
    });
    let app = await world.open([cleaner]);
    await app.send(cleaner, "a").run();
    await world.rest();
    await app.get(cleaner, "a").cancel();
    await world.rest();
    app = await world.crash();
    await world.pass("1 hour");
    await assert.rejects(app.get(cleaner, "a").result(), coded("cancelled"));
    assert.deepEqual(effects, ["first", "second"]);
  },
);

each(
  "cancellation reaches children and grandchildren; messages are on their own [106]",
  async (world) => {
    const leaf = workflow("leaf", { run: (ctx) => ctx.sleep("1 week") });
    const middle = workflow("middle", { run: (ctx) => ctx.call(leaf, ctx.key).run() });
    const top = workflow("top", {
      async run(ctx) {
        ctx.send(leaf, "sent").run();
        await ctx.all([ctx.call(middle, "x").run(), ctx.call(middle, "y").run()]);
      },
    });
    const app = await world.open([leaf, middle, top]);
    const run = await app.send(top, "t").run();
    await world.rest();
    await run.cancel();
    await assert.rejects(run.result(), coded("cancelled"));
    await world.rest();
    const status = async (key: string) => (await app.get(leaf, key).describe()).status;
    assert.deepEqual([await status("x"), await status("y")], ["cancelled", "cancelled"]);
    assert.equal((await app.get(middle, "x").describe()).status, "cancelled");
    assert.ok(["running", "suspended"].includes(await status("sent")));
  },
);

eachStore(
  "the error of a cancellation is the same in the record and in every replay [107]",
  async (world) => {
    const seen: string[] = [];
    const watcher = workflow("watcher", {
      async run(ctx) {
        try {
          await ctx.sleep("1 week");
        } catch (error) {
          assert(error instanceof CancelledError);
          seen.push(JSON.stringify([error.name, error.message, error.code, error.stack]));
        }
        await ctx.sleep("1 hour");
        await ctx.sleep("1 hour");
      },
    });
    let app = await world.open([watcher]);
    await app.send(watcher, "a").run();
    await world.rest();
    await app.get(watcher, "a").cancel();
    await world.pass("1 hour");
    app = await world.crash();
    await world.pass("1 hour");
    await app.get(watcher, "a").result();
    assert.ok(seen.length >= 2, "it was replayed");
    assert.equal(new Set(seen).size, 1);
  },
);

each(
  "a step that ignores its signal is abandoned after a while, and what it brings is dropped [113, 126]",
  async (world) => {
    const gate = makeGate();
    let running = false;
    const deaf = workflow("deaf", {
      run: (ctx) =>
        ctx.run("deaf", async () => {
          running = true;
          await gate.opened;
          return "too late";
        }),
    });
    const app = await world.open([deaf]);
    const run = await app.send(deaf, "a").run();
    await until(() => running);
    await run.cancel();
    await world.pass("9 seconds");
    await assert.rejects(run.result({ timeout: 0 }), coded("invocation-not-ended"));
    await world.pass("2 seconds");
    await assert.rejects(run.result({ timeout: 0 }), coded("cancelled"));
    gate.open();
    await world.rest();
    assert.deepEqual(
      (await run.journal()).filter((entry) => entry.kind === "run"),
      [],
    );
  },
);

each("a step that obeys its signal ends at once [114, 127]", async (world) => {
  let running = false;
  const obedient = workflow("obedient", {
    run: (ctx) =>
      ctx.run("obedient", async ({ signal }) => {
        running = true;
        await aborted(signal);
        throw new Error("stopped");
      }),
  });
  const app = await world.open([obedient]);
  const run = await app.send(obedient, "a").run();
  await until(() => running);
  await run.cancel();
  await assert.rejects(run.result(), coded("cancelled"));
});

each(
  "a step that ends well although it was asked to stop has its result recorded, and its undo runs [115]",
  async (world) => {
    let running = false;
    const undone: string[] = [];
    const finishing = workflow("finishing", {
      async run(ctx) {
        await ctx.run(
          "charge",
          async ({ signal }) => {
            running = true;
            await aborted(signal);
            return "charged";
          },
          { undo: (result) => void undone.push(result) },
        );
        await ctx.sleep("1 day");
      },
    });
    const app = await world.open([finishing]);
    const run = await app.send(finishing, "a").run();
    await until(() => running);
    await run.cancel();
    await assert.rejects(run.result(), coded("cancelled"));
    const recorded = (await run.journal()).find((entry) => entry.name === "charge");
    assert.equal(recorded?.value, "charged");
    assert.deepEqual(undone, ["charged"]);
  },
);

each("a step that waits to be tried again is not tried any more [128]", async (world) => {
  let attempts = 0;
  const failing = workflow("failing", {
    run: (ctx) =>
      ctx.run(
        "failing",
        () => {
          attempts++;
          throw new Error("not yet");
        },
        { retry: { attempts: 100, initial: "1 minute" } },
      ),
  });
  const app = await world.open([failing]);
  const run = await app.send(failing, "a").run();
  await world.rest();
  assert.equal(attempts, 1);
  await run.cancel();
  await assert.rejects(run.result(), coded("cancelled"));
  await world.pass("1 hour");
  assert.equal(attempts, 1);
  assert.equal((await app.query("SELECT * FROM timers")).rows.length, 0);
});

each(
  "an invocation between attempts of its handler is cancelled and runs its clean-up [128]",
  async (world) => {
    let runs = 0;
    const failing = workflow("failing", {
      async run(ctx) {
        runs++;
        if (runs === 1) throw new Error("not yet");
        await ctx.sleep("1 day");
      },
      retry: { initial: "1 hour", max: "1 hour" },
    });
    const app = await world.open([failing]);
    const run = await app.send(failing, "a").run();
    await world.rest();
    assert.equal((await run.describe()).status, "backing-off");
    await run.cancel();
    await assert.rejects(run.result(), coded("cancelled"));
  },
);

each(
  "cancelled while it waits for its key or its time, an invocation ends without running [177]",
  async (world) => {
    const ran: string[] = [];
    const gate = makeGate();
    const work = workflow("work", { run: (ctx) => void ran.push(ctx.key) });
    const desk = service("desk", { handlers: { serve: () => void ran.push("desk") } });
    const app = await world.open([work, desk]);
    const delayed = await app.send(work, "later", { delay: "1 hour" }).run();
    const other = await app.send(desk, { delay: "1 hour" }).serve();
    await delayed.cancel();
    await other.cancel();
    await assert.rejects(delayed.result(), coded("cancelled"));
    await assert.rejects(other.result(), coded("cancelled"));
    await world.pass("2 hours");
    gate.open();
    assert.deepEqual(ran, []);
  },
);

each(
  "progress that comes together with a cancellation replays the same way [172]",
  async (world) => {
    const seen: string[] = [];
    const progress = workflow("progress", {
      async run(ctx) {
        let order = "";
        try {
          await ctx.promise("go");
          order += "went ";
          await ctx.sleep("1 day");
        } catch {
          order += "cancelled ";
        }
        await ctx.sleep("1 hour");
        seen.push(order);
        await ctx.sleep("1 hour");
        return order;
      },
    });
    let app = await world.open([progress]);
    const run = await app.send(progress, "a").run();
    await world.rest();
    await Promise.all([run.resolve("go"), run.cancel()]);
    await world.pass("90 minutes");
    app = await world.crash();
    await world.pass("2 hours");
    const result = await app.get(progress, "a").result();
    assert.deepEqual([...new Set(seen)], [result]);
  },
);

each(
  "a cancelled caller's calls end cancelled, and that is not the outcome of its steps [183]",
  async (world) => {
    let runs = 0;
    const child = workflow("child", { run: (ctx) => ctx.sleep("1 week") });
    const parent = workflow("parent", {
      async run(ctx) {
        await ctx.run("before", () => ++runs);
        await ctx.call(child, "c").run();
      },
    });
    const app = await world.open([child, parent]);
    const run = await app.send(parent, "p").run();
    await world.rest();
    await run.cancel();
    await assert.rejects(run.result(), coded("cancelled"));
    const again = await run.restart({ from: 1 });
    await world.rest();
    assert.equal(runs, 1);
    assert.deepEqual((await again.journal())[0]?.value, 1);
    later(again.result());
  },
);

each(
  "waiting for a result, a promise and a signal is interrupted by cancellation [183]",
  async (world) => {
    const forever = workflow("forever", { run: (ctx) => ctx.sleep("1 week") });
    const waits = {
      result: workflow("result", { run: (ctx) => ctx.attach(forever, "f") }),
      promise: workflow("promise", { run: (ctx) => ctx.promise("never") }),
      signal: workflow("signal", { run: (ctx) => ctx.signal("never") }),
    };
    const app = await world.open([forever, ...Object.values(waits)]);
    await app.send(forever, "f").run();
    for (const wait of Object.values(waits)) {
      const run = await app.send(wait, "w").run();
      await world.rest();
      await run.cancel();
      await assert.rejects(run.result(), coded("cancelled"));
    }
    assert.equal((await app.get(forever, "f").describe()).endedAt, null);
  },
);
