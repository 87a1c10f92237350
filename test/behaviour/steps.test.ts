import assert from "node:assert/strict";
import { CancelledError, service, TerminalError, workflow } from "holdfast";
import { coded, each, eachStore, later, makeGate, until } from "./harness.ts";

eachStore("a recorded step never runs again, whatever dies after it [173]", async (world) => {
  const ran: string[] = [];
  const job = workflow("job", {
    async run(ctx) {
      const results: string[] = [];
      for (const name of ["a", "b", "c"]) {
        results.push(
          await ctx.run(name, () => {
            ran.push(name);
            return name.toUpperCase();
          }),
        );
        await ctx.sleep("1 hour");
      }
      return results;
    },
  });
  let app = await world.open([job]);
  await app.send(job, "j").run();
  await world.rest();
  for (let restarts = 0; restarts < 4; restarts++) {
    app = await world.crash();
    await world.pass("1 hour");
  }
  assert.deepEqual(await app.get(job, "j").result(), ["A", "B", "C"]);
  assert.deepEqual(ran, ["a", "b", "c"]);
});

each("a replayed run executes no step and logs nothing [93]", async (world) => {
  let ran = 0;
  const job = workflow("job", {
    async run(ctx) {
      ctx.log.info("begins");
      await ctx.run("once", () => ran++);
      ctx.log.info("goes on");
      await ctx.sleep("1 hour");
      ctx.log.info("ends");
    },
  });
  let app = await world.open([job]);
  await app.send(job, "j").run();
  await world.rest();
  app = await world.crash();
  await world.pass("1 hour");
  await app.get(job, "j").result();
  assert.equal(ran, 1);
  const said = world.log.filter((line) => line.level === "info").map((line) => line.message);
  assert.deepEqual(said, ["begins", "goes on", "ends"]);
});

each("a step may take longer than anything, when it has no timeout [111, 122]", async (world) => {
  const gate = makeGate();
  const job = workflow("job", {
    run: (ctx) => ctx.run("long", () => gate.opened.then(() => "at last")),
  });
  const app = await world.open([job]);
  const run = await app.send(job, "j").run();
  await world.pass("3 weeks");
  gate.open();
  assert.equal(await run.result(), "at last");
});

each("steps that are awaited one by one run one by one [119]", async (world) => {
  let running = 0;
  let most = 0;
  const job = workflow("job", {
    async run(ctx) {
      for (const name of ["a", "b", "c"]) {
        await ctx.run(name, async () => {
          most = Math.max(most, ++running);
          await Promise.resolve();
          running--;
        });
      }
      return most;
    },
  });
  const app = await world.open([job]);
  assert.equal(await app.call(job, "j").run(), 1);
});

each("steps that are started together run together [117, 120]", async (world) => {
  let running = 0;
  const gate = makeGate();
  const job = workflow("job", {
    run: (ctx) =>
      ctx.all(
        [1, 2, 3].map((number) =>
          ctx.run(`step ${number}`, async () => {
            running++;
            await gate.opened;
            return number;
          }),
        ),
      ),
  });
  const app = await world.open([job]);
  const run = await app.send(job, "j").run();
  await until(() => running === 3);
  gate.open();
  assert.deepEqual(await run.result(), [1, 2, 3]);
});

each("a step that completes at once needs nothing else [121]", async (world) => {
  const job = service("job", { handlers: { run: (ctx) => ctx.run("quick", () => 42) } });
  const app = await world.open([job]);
  assert.equal(await app.call(job).run(), 42);
});

each("110 steps at once complete, each exactly once [198]", async (world) => {
  const runs = new Map<number, number>();
  const job = workflow("job", {
    run: (ctx) =>
      ctx.all(
        Array.from({ length: 110 }, (_, index) =>
          ctx.run(`step ${index}`, () => {
            runs.set(index, (runs.get(index) ?? 0) + 1);
            return index;
          }),
        ),
      ),
  });
  const app = await world.open([job]);
  const results = await app.call(job, "j").run();
  assert.deepEqual(
    results,
    Array.from({ length: 110 }, (_, index) => index),
  );
  assert.ok([...runs.values()].every((count) => count === 1));
});

eachStore(
  "a step that was running when the process stopped is repeated; those that had ended are not [118, 123]",
  async (world) => {
    const started: string[] = [];
    const gate = makeGate();
    let blocked = true;
    const job = workflow("job", {
      async run(ctx) {
        await ctx.run("before", () => void started.push("before"));
        await ctx.run("during", async () => {
          started.push("during");
          if (blocked) await gate.opened;
        });
      },
    });
    let app = await world.open([job]);
    await app.send(job, "j").run();
    await until(() => started.includes("during"));
    blocked = false;
    app = await world.restart();
    await app.get(job, "j").result();
    assert.deepEqual(started, ["before", "during", "during"]);
    gate.open();
  },
);

each("closing aborts the signals of running steps [131]", async (world) => {
  let running = false;
  let reason: unknown;
  const job = workflow("job", {
    run: (ctx) =>
      ctx.run("long", ({ signal }) => {
        running = true;
        return new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
            resolve();
          });
        });
      }),
  });
  const app = await world.open([job]);
  await app.send(job, "j").run();
  await until(() => running);
  await world.close();
  assert.ok(reason instanceof CancelledError);
});

each(
  "a step that times out is aborted, tried again, and its late result is dropped [96, 181]",
  async (world) => {
    const zombie = makeGate();
    const seen: string[] = [];
    const job = workflow("job", {
      run: (ctx) =>
        ctx.run(
          "slow once",
          async ({ signal, attempt }) => {
            if (attempt === 1) {
              await zombie.opened;
              seen.push(`aborted: ${signal.aborted}`);
              return "zombie";
            }
            return `attempt ${attempt}`;
          },
          { timeout: "10 seconds", retry: { attempts: 3 } },
        ),
    });
    const app = await world.open([job]);
    const run = await app.send(job, "j").run();
    await world.pass("9 seconds");
    await assert.rejects(run.result({ timeout: 0 }), coded("invocation-not-ended"));
    await world.pass("5 seconds");
    assert.equal(await run.result(), "attempt 2");
    zombie.open();
    await world.rest();
    assert.deepEqual(seen, ["aborted: true"]);
    assert.equal(await run.result(), "attempt 2");
  },
);

each("a step whose every attempt times out ends as timed out [181]", async (world) => {
  const never = makeGate();
  const job = workflow("job", {
    run: (ctx) =>
      ctx.run("slow", () => never.opened, { timeout: "1 second", retry: { attempts: 2 } }),
  });
  const app = await world.open([job]);
  const result = later(app.call(job, "j").run());
  await world.pass("1 minute");
  await assert.rejects(
    result,
    (error: Error) => coded("step-exhausted")(error) && /1s/.test(error.message),
  );
});

each(
  "every attempt of a step has the same idempotency key, and every step its own [112]",
  async (world) => {
    const keys: string[] = [];
    const job = workflow("job", {
      async run(ctx) {
        for (const name of ["a", "b"]) {
          await ctx.run(
            name,
            ({ attempt, idempotencyKey }) => {
              keys.push(idempotencyKey);
              if (attempt < 3) throw new Error("again");
            },
            { retry: { attempts: 3, initial: 1 } },
          );
        }
      },
    });
    const app = await world.open([job]);
    const result = app.call(job, "j").run();
    await world.pass("1 second");
    await result;
    assert.equal(keys.length, 6);
    assert.equal(new Set(keys.slice(0, 3)).size, 1);
    assert.equal(new Set(keys).size, 2);
  },
);

each(
  "of two steps together, what one brought stays when the other fails for good [130]",
  async (world) => {
    let good = 0;
    const job = workflow("job", {
      async run(ctx) {
        const ends = await ctx.allSettled([
          ctx.run("good", () => ++good),
          ctx.run("bad", () => {
            throw new TerminalError("bad");
          }),
        ]);
        await ctx.sleep("1 hour");
        return ends.map((end) => end.status);
      },
    });
    let app = await world.open([job]);
    await app.send(job, "j").run();
    await world.rest();
    app = await world.crash();
    await world.pass("1 hour");
    assert.deepEqual(await app.get(job, "j").result(), ["fulfilled", "rejected"]);
    assert.equal(good, 1);
  },
);

each("user code that catches never sees a failure that did not happen [174]", async (world) => {
  const phantoms: unknown[] = [];
  const job = workflow("job", {
    async run(ctx) {
      for (let index = 0; index < 5; index++) {
        try {
          await ctx.run(`step ${index}`, () => index);
          await ctx.sleep("1 minute");
        } catch (error) {
          phantoms.push(error);
        }
      }
    },
  });
  let app = await world.open([job]);
  await app.send(job, "j").run();
  for (let crashes = 0; crashes < 8; crashes++) {
    app = await world.crash();
    await world.pass("50 seconds");
  }
  await app.get(job, "j").result();
  assert.deepEqual(phantoms, []);
});

each("an invocation is never suspended while it waits for a step of its own [B]", async (world) => {
  const gate = makeGate();
  let running = false;
  const job = workflow("job", {
    async run(ctx) {
      const sleep = ctx.sleep("1 minute").then(() => "slept");
      const step = ctx.run("own", async () => {
        running = true;
        await gate.opened;
        return "stepped";
      });
      return [await sleep, await step];
    },
  });
  const app = await world.open([job]);
  const run = await app.send(job, "j").run();
  await until(() => running);
  await world.pass("1 day");
  assert.equal((await run.describe()).status, "running");
  gate.open();
  assert.deepEqual(await run.result(), ["slept", "stepped"]);
});

each("the context cannot be used inside a step [110]", async (world) => {
  const job = workflow("job", {
    state: { count: 0 },
    async run(ctx) {
      await ctx.run("misuse", () => {
        ctx.set("count", 1);
      });
    },
  });
  const app = await world.open([job]);
  await assert.rejects(app.call(job, "j").run(), coded("context-misused"));
  assert.deepEqual(await app.state(job, "j"), { count: 0 });
});

each("what one invocation keeps to itself no other sees [110]", async (world) => {
  const job = workflow("job", {
    state: { mine: "" },
    async run(ctx) {
      ctx.set("mine", ctx.key);
      await ctx.sleep("1 minute");
      return [ctx.get("mine"), ctx.key];
    },
  });
  const app = await world.open([job]);
  const keys = ["a", "b", "c"];
  const runs = await Promise.all(keys.map((key) => app.send(job, key).run()));
  await world.pass("1 minute");
  const results = await Promise.all(runs.map((run) => run.result()));
  assert.deepEqual(
    results,
    keys.map((key) => [key, key]),
  );
});

each(
  "with pipelined durability steps run ahead, and their results are kept all the same",
  async (world) => {
    const ran: string[] = [];
    const job = workflow("job", {
      async run(ctx) {
        for (const name of ["a", "b", "c"]) await ctx.run(name, () => void ran.push(name));
        await ctx.sleep("1 hour");
        return ran.length;
      },
      durability: "pipelined",
    });
    let app = await world.open([job]);
    await app.send(job, "j").run();
    await world.rest();
    app = await world.crash();
    await world.pass("1 hour");
    assert.equal(await app.get(job, "j").result(), 3);
  },
);
