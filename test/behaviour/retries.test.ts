import assert from "node:assert/strict";
import { type HoldfastError, service, TerminalError, workflow } from "holdfast";
import { coded, each, eachStore, later } from "./harness.ts";

each(
  "a step is tried as often as its policy says, and ends with its last error [112, 124]",
  async (world) => {
    let attempts = 0;
    const job = workflow("job", {
      async run(ctx) {
        await ctx.run(
          "failing",
          ({ attempt }) => {
            attempts++;
            throw new Error(`attempt ${attempt} failed`);
          },
          { retry: { attempts: 5, initial: "1 second" } },
        );
      },
    });
    const app = await world.open([job]);
    const result = later(app.call(job, "j").run());
    await world.pass("1 minute");
    await assert.rejects(result, (error: HoldfastError) => {
      assert.equal(error.code, "step-exhausted");
      assert.equal(error.details["attempts"], 5);
      return /attempt 5 failed/.test(error.message);
    });
    assert.equal(attempts, 5);
  },
);

each("an attempt after the third succeeds and is counted from one [198]", async (world) => {
  const seen: number[] = [];
  const job = workflow("job", {
    run: (ctx) =>
      ctx.run("flaky", ({ attempt }) => {
        seen.push(attempt);
        if (attempt < 3) throw new Error("again");
        return attempt;
      }),
  });
  const app = await world.open([job]);
  const result = app.call(job, "j").run();
  await world.pass("1 minute");
  assert.equal(await result, 3);
  assert.deepEqual(seen, [1, 2, 3]);
});

eachStore(
  "a long pause between attempts is a durable timer, and attempts go on being counted [125]",
  async (world) => {
    const seen: number[] = [];
    const job = workflow("job", {
      run: (ctx) =>
        ctx.run(
          "flaky",
          ({ attempt }) => {
            seen.push(attempt);
            if (attempt < 3) throw new Error("again");
            return "done";
          },
          { retry: { attempts: 5, initial: "1 day", factor: 1, max: "1 day" } },
        ),
    });
    let app = await world.open([job]);
    await app.send(job, "j").run();
    await world.rest();
    app = await world.crash();
    await world.pass("20 hours");
    assert.deepEqual(seen, [1]);
    app = await world.crash();
    await world.pass("4 hours");
    assert.deepEqual(seen, [1, 2]);
    app = await world.crash();
    await world.pass("1 day");
    assert.equal(await app.get(job, "j").result(), "done");
    assert.deepEqual(seen, [1, 2, 3]);
  },
);

each(
  "pauses grow by the factor up to the longest, and are shortened by a tenth at most [124]",
  async (world) => {
    const at: number[] = [];
    const job = workflow("job", {
      run: (ctx) =>
        ctx.run(
          "failing",
          () => {
            at.push(world.clock.now);
            throw new Error("again");
          },
          { retry: { attempts: 5, initial: 1_000, factor: 3, max: 5_000 } },
        ),
    });
    const app = await world.open([job]);
    later(app.call(job, "j").run());
    await world.pass("1 minute");
    const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    const expected = [1_000, 3_000, 5_000, 5_000];
    assert.equal(pauses.length, expected.length);
    for (const [index, pause] of pauses.entries()) {
      const full = expected[index] ?? 0;
      assert.ok(pause >= full * 0.9 - 1 && pause <= full + 1, `pause ${index} is ${pause}`);
    }
  },
);

each(
  "a terminal error ends a step and its invocation at the first attempt [129]",
  async (world) => {
    let attempts = 0;
    const job = workflow("job", {
      run: (ctx) =>
        ctx.run("bad", () => {
          attempts++;
          throw new TerminalError("cannot", { code: "no-funds", details: { missing: 5 } });
        }),
    });
    const app = await world.open([job]);
    await assert.rejects(app.call(job, "j").run(), (error: TerminalError) => {
      assert.deepEqual(
        [error.code, error.message, error.details],
        ["no-funds", "cannot", { missing: 5 }],
      );
      return true;
    });
    assert.equal(attempts, 1);
  },
);

each("with a single attempt nothing is tried again [129]", async (world) => {
  let attempts = 0;
  const job = workflow("job", {
    run: (ctx) =>
      ctx.run(
        "once",
        () => {
          attempts++;
          throw new Error("no");
        },
        { retry: { attempts: 1 } },
      ),
  });
  const app = await world.open([job]);
  await assert.rejects(app.call(job, "j").run(), coded("step-exhausted"));
  assert.equal(attempts, 1);
});

each(
  "a handler that fails is tried again from its journal, and goes on where it was [156]",
  async (world) => {
    let steps = 0;
    let fails = 1;
    const job = workflow("job", {
      async run(ctx) {
        await ctx.run("kept", () => ++steps);
        if (fails-- > 0) throw new Error("a bug, mended soon");
        return steps;
      },
    });
    const app = await world.open([job]);
    const result = app.call(job, "j").run();
    await world.pass("1 minute");
    assert.equal(await result, 1);
  },
);

each(
  "a step without a policy counts as an attempt of its handler: when they run out, it pauses [176]",
  async (world) => {
    let attempts = 0;
    const job = service("job", {
      handlers: {
        run: (ctx) =>
          ctx.run("failing", () => {
            attempts++;
            throw new Error("down");
          }),
      },
      retry: { attempts: 4, initial: 10 },
    });
    const app = await world.open([job]);
    const run = await app.send(job).run();
    await world.pass("1 minute");
    const { status, failure } = await run.describe();
    assert.equal(status, "paused");
    assert.match(JSON.stringify(failure), /down/);
    assert.equal(attempts, 4);
  },
);

each(
  "a child that fails once is tried again by itself; the caller sees only its success [135]",
  async (world) => {
    let attempts = 0;
    const child = service("child", {
      handlers: {
        work() {
          if (++attempts < 3) throw new Error("again");
          return attempts;
        },
      },
    });
    const parent = workflow("parent", { run: (ctx) => ctx.call(child).work() });
    const app = await world.open([child, parent]);
    const result = app.call(parent, "p").run();
    await world.pass("1 minute");
    assert.equal(await result, 3);
  },
);
