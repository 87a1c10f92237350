import assert from "node:assert/strict";
import { actor, TerminalError, workflow } from "holdfast";
import { each, eachStore, until } from "./harness.ts";

each(
  "whichever commit is the last before the power fails, the work ends as if nothing had happened [190, 196]",
  async (world) => {
    const make = () => {
      const effects: string[] = [];
      const account = actor("account", {
        state: { balance: 100 },
        handlers: { add: (ctx, amount: number) => ctx.set("balance", ctx.get("balance") + amount) },
      });
      const transfer = workflow("transfer", {
        async run(ctx, amount: number) {
          await ctx.call(account, "from").add(-amount);
          await ctx.run("note", () => effects.push(`moved ${amount}`));
          ctx.send(account, "to").add(amount);
          await ctx.sleep("1 minute");
          return ctx.uuid();
        },
      });
      return { account, transfer, effects };
    };
    for (let last = 1; last <= 14; last++) {
      const { account, transfer, effects } = make();
      const services = [account, transfer];
      let commits = 0;
      let dark = false;
      world.memory = {
        sync: () => {
          if (++commits > last) dark = true;
          return dark ? new Promise(() => {}) : Promise.resolve();
        },
      };
      const key = `t${last}`;
      let app = await world.open(services);
      commits = 0;
      app
        .send(transfer, key, { idempotencyKey: key })
        .run(1)
        .catch(() => {});
      for (let turns = 0; turns < 40; turns++)
        await new Promise((resolve) => setImmediate(resolve));
      world.fail();
      world.memory = {};
      app = await world.open(services);
      const run = await app.send(transfer, key, { idempotencyKey: key }).run(1);
      await world.pass("2 minutes");
      await run.result();
      assert.ok(
        effects.length === 1 || effects.length === 2,
        "a step runs once, or again if its result was lost",
      );
      assert.deepEqual(await app.state(account, "from"), { balance: 100 - last });
      assert.deepEqual(await app.state(account, "to"), { balance: 100 + last });
      await world.close();
    }
  },
);

eachStore(
  "two recoveries of one invocation never run its body twice at once, and repeat nothing [174, 176]",
  async (world) => {
    let running = 0;
    let most = 0;
    let steps = 0;
    const child = workflow("child", {
      async run(ctx) {
        await ctx.run("child step", () => ++steps);
        return ctx.promise<string>("p");
      },
    });
    const job = workflow("job", {
      async run(ctx) {
        await ctx.run("step", () => ++steps);
        most = Math.max(most, ++running);
        const result = await ctx.call(child, "c").run();
        running--;
        return result;
      },
    });
    let app = await world.open([job, child]);
    await app.send(job, "j").run();
    await world.rest();
    assert.equal(steps, 2);
    for (let recoveries = 0; recoveries < 3; recoveries++) {
      running = 0;
      app = await world.crash();
      await world.rest();
    }
    await app.get(child, "c").resolve("p", "done");
    assert.equal(await app.get(job, "j").result(), "done");
    assert.equal(steps, 2);
    assert.equal(most, 1);
  },
);

eachStore(
  "what ended before the crash stays as it ended, success, failure, cancellation or kill [175, 183]",
  async (world) => {
    const job = workflow("job", {
      async run(ctx, how: string) {
        if (how === "fail") throw new TerminalError("failed");
        if (how === "wait") await ctx.promise("never");
        return how;
      },
    });
    let app = await world.open([job]);
    const runs = {
      succeeded: await app.send(job, "a").run("fine"),
      failed: await app.send(job, "b").run("fail"),
      cancelled: await app.send(job, "c").run("wait"),
      killed: await app.send(job, "d").run("wait"),
    };
    await world.rest();
    await runs.cancelled.cancel();
    await runs.killed.kill();
    await world.rest();
    app = await world.crash();
    for (const [status, { id }] of Object.entries(runs)) {
      await until(async () => (await app.get(id).describe()).status === status);
    }
    const { invocations } = await app.list({ service: "job" });
    assert.equal(invocations.length, 4);
  },
);

eachStore("invocations are found by status, service, key and page [195]", async (world) => {
  const job = workflow("job", {
    async run(ctx, waits: boolean) {
      if (waits) await ctx.promise("p");
    },
  });
  const app = await world.open([job]);
  for (let index = 0; index < 7; index++) await app.send(job, `k${index}`).run(index < 2);
  await world.rest();
  const done = await app.list({ service: "job", status: "succeeded", limit: 3 });
  assert.equal(done.invocations.length, 3);
  assert(done.next !== null);
  const more = await app.list({ service: "job", status: "succeeded", limit: 3, after: done.next });
  assert.equal(more.invocations.length, 2);
  assert.equal(more.next, null);
  assert.deepEqual(
    (await app.list({ key: "k0" })).invocations.map((each) => each.key),
    ["k0"],
  );
  const waiting = await app.query<{ waiting_for: string }>(
    "SELECT waiting_for FROM invocations WHERE ended_at IS NULL",
  );
  assert.deepEqual(
    waiting.rows.map((row) => row.waiting_for),
    ["promise p", "promise p"],
  );
});
