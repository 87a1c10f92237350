import assert from "node:assert/strict";
import { actor, service, TerminalError, workflow } from "holdfast";
import { coded, each, eachStore, kinds } from "./harness.ts";

each("the journal of what has ended is exactly what it did [66]", async (world) => {
  const napper = workflow("napper", {
    async run(ctx, input: string) {
      await ctx.sleep("1 minute");
      return input.toUpperCase();
    },
  });
  const app = await world.open([napper]);
  const run = await app.send(napper, "n").run("in");
  await world.pass("1 minute");
  assert.equal(await run.result(), "IN");
  assert.deepEqual(await kinds(run), ["sleep", "done"]);
  const { input, output, status, entries } = await run.describe();
  assert.deepEqual([input, output, status, entries], ["in", "IN", "succeeded", 2]);
});

eachStore(
  "after its retention an invocation is gone with all that belonged to it, and its key is free [66, 160]",
  async (world) => {
    const short = workflow("short", {
      async run(ctx) {
        await ctx.run("step", () => 1);
        const value = await ctx.promise<string>("p");
        await ctx.signal("s");
        return value;
      },
      retention: "1 hour",
    });
    let app = await world.open([short]);
    const run = await app.send(short, "s", { idempotencyKey: "k" }).run();
    await run.resolve("p", "done");
    await run.signal("s");
    await run.result();
    await world.pass("50 minutes");
    app = await world.crash();
    assert.equal(await app.get(run.id).result(), "done");
    await world.pass("15 minutes");
    await assert.rejects(app.get(run.id).result(), coded("unknown-invocation"));
    await assert.rejects(app.get(short, "s").result(), coded("unknown-invocation"));
    await assert.rejects(app.resolve(`prm_${run.id.slice(4)}.p`), coded("unknown-promise"));
    const again = await app.send(short, "s").run();
    assert.notEqual(again.id, run.id);
  },
);

eachStore(
  "after work of every kind and its retention, the store holds what it held before [F]",
  async (world) => {
    const sink = service("sink", { handlers: { take: () => {} }, retention: "1 hour" });
    const scratch = actor("scratch", {
      state: { value: 0 },
      handlers: {
        use(ctx) {
          ctx.set("value", 1);
          ctx.clear();
        },
      },
      retention: "1 hour",
    });
    const job = workflow("job", {
      async run(ctx, fails: boolean) {
        await ctx.run("step", () => "x".repeat(1_000));
        ctx.send(sink, { delay: "1 minute" }).take();
        await ctx.call(scratch, ctx.key).use();
        await ctx.race([ctx.promise("p"), ctx.sleep("1 minute")]);
        if (fails) throw new TerminalError("fails");
      },
      retention: "1 hour",
    });
    const app = await world.open([sink, scratch, job]);
    for (let round = 0; round < 3; round++) {
      const keys = Array.from({ length: 10 }, (_, index) => `${round}-${index}`);
      await Promise.all(
        keys.map((key, index) => app.send(job, key, { idempotencyKey: key }).run(index % 2 === 0)),
      );
      await world.pass("5 minutes");
    }
    await world.pass("30 hours");
    for (const view of ["invocations", "journal", "state", "timers", "promises"]) {
      const { rows } = await app.query<{ n: number }>(`SELECT count(*) AS n FROM ${view}`);
      assert.deepEqual([view, rows[0]?.n], [view, 0]);
    }
    // The last message of each pair of partitions stays, as the mark from which they go on counting.
    const { partitions } = app.store.info;
    const { rows } = await app.query<{ n: number }>("SELECT count(*) AS n FROM messages");
    assert.ok((rows[0]?.n ?? 0) <= partitions * partitions);
    const expiry = await app.store.scanExpiredIdempotency(Number.MAX_SAFE_INTEGER, 10);
    assert.deepEqual(expiry, []);
  },
);

each(
  "what failed, was cancelled or killed is kept as long as what succeeded [66]",
  async (world) => {
    const job = workflow("job", {
      async run(ctx, how: string) {
        if (how === "fail") throw new TerminalError("no");
        await ctx.promise("never");
      },
      retention: "1 hour",
    });
    const app = await world.open([job]);
    const failed = await app.send(job, "f").run("fail");
    const cancelled = await app.send(job, "c").run("");
    const killed = await app.send(job, "k").run("");
    await world.rest();
    await cancelled.cancel();
    await killed.kill();
    await world.pass("50 minutes");
    const codes = ["terminal", "cancelled", "killed"];
    for (const [index, run] of [failed, cancelled, killed].entries()) {
      await assert.rejects(run.result(), coded(codes[index] ?? ""));
    }
    await world.pass("20 minutes");
    for (const run of [failed, cancelled, killed]) {
      await assert.rejects(run.result(), coded("unknown-invocation"));
    }
  },
);

each("a journal of 45,000 entries is recovered and goes on [K]", async (world) => {
  const long = actor("long", {
    state: { n: 0 },
    handlers: {
      async fill(ctx) {
        for (let block = 0; block < 5; block++) {
          for (let entry = 0; entry < 9_000; entry++) ctx.set("n", block * 9_000 + entry);
          await ctx.run(`block ${block}`, () => block);
        }
        const value = await ctx.promise<string>("go");
        return [ctx.get("n"), value] as const;
      },
    },
  });
  let app = await world.open([long]);
  const { id } = await app.send(long, "l").fill();
  await world.rest();
  app = await world.crash();
  await app.get(id).resolve("go", "went");
  assert.deepEqual(await app.get(id).result(), [44_999, "went"]);
});
