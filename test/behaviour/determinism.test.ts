import assert from "node:assert/strict";
import { type Context, workflow } from "holdfast";
import { coded, each, eachStore, makeGate } from "./harness.ts";

/** One workflow with the body given, always of the same version: code that changed under its journal. */
function make(body: (ctx: Context) => Promise<unknown>) {
  return workflow("job", { run: (ctx) => body(ctx) });
}

const version = "the same";

interface Change {
  readonly what: string;
  readonly before: (ctx: Context) => Promise<unknown>;
  readonly after: (ctx: Context) => Promise<unknown>;
  /** Both sides, as the failure names them. */
  readonly names: readonly [RegExp, RegExp];
}

const changes: readonly Change[] = [
  {
    what: "another step",
    before: async (ctx) => [await ctx.run("charge", () => 1), await ctx.promise("p")],
    after: async (ctx) => [await ctx.run("refund", () => 1), await ctx.promise("p")],
    names: [/charge/, /refund/],
  },
  {
    what: "another kind",
    before: async (ctx) => [await ctx.run("charge", () => 1), await ctx.promise("p")],
    after: async (ctx) => [await ctx.sleep("1 second"), await ctx.promise("p")],
    names: [/charge/, /timer/],
  },
  {
    what: "another order",
    before: async (ctx) => [
      await ctx.run("a", () => 1),
      await ctx.run("b", () => 1),
      await ctx.promise("p"),
    ],
    after: async (ctx) => [
      await ctx.run("b", () => 1),
      await ctx.run("a", () => 1),
      await ctx.promise("p"),
    ],
    names: [/a/, /b/],
  },
  {
    what: "less than before",
    before: async (ctx) => [
      await ctx.run("a", () => 1),
      await ctx.run("b", () => 1),
      await ctx.promise("p"),
    ],
    after: async (ctx) => [await ctx.run("a", () => 1)],
    names: [/b/, /end of the handler/],
  },
  {
    what: "something new in between",
    before: async (ctx) => [await ctx.run("a", () => 1), await ctx.promise("p")],
    after: async (ctx) => [
      await ctx.run("a", () => 1),
      await ctx.run("new", () => 1),
      await ctx.promise("p"),
    ],
    names: [/promise/, /new/],
  },
  {
    what: "another promise",
    before: async (ctx) => [await ctx.promise("yes")],
    after: async (ctx) => [await ctx.promise("no")],
    names: [/yes/, /no/],
  },
];

for (const { what, before, after, names } of changes) {
  each(
    `code that does ${what} pauses, says where and how they differ, and appends nothing [E]`,
    async (world) => {
      await world.open([make(before)], { version });
      const { id } = await world.app.send(make(before), "j").run();
      await world.rest();
      const recorded = JSON.stringify(await world.app.get(id).journal());
      const app = await world.crash([make(after)], { version });
      await app.get(id).signal("wake");
      await world.rest();
      const { status, failure } = await app.get(id).describe();
      assert.equal(status, "paused");
      const text = JSON.stringify(failure);
      assert.match(text, /code-diverged/);
      for (const name of names) assert.match(text, name);
      const journal = (await app.get(id).journal()).filter((entry) => entry.kind !== "signal");
      assert.equal(JSON.stringify(journal), recorded);
    },
  );
}

eachStore("brought back, the old code goes on where it was [E]", async (world) => {
  let effects = 0;
  const before = make(async (ctx) => [await ctx.run("a", () => ++effects), await ctx.promise("p")]);
  const after = make(async (ctx) => [await ctx.promise("p"), await ctx.run("a", () => ++effects)]);
  let app = await world.open([before], { version });
  const { id } = await app.send(before, "j").run();
  await world.rest();
  app = await world.crash([after], { version });
  await app.get(id).resolve("p", "settled");
  await world.rest();
  assert.equal((await app.get(id).describe()).status, "paused");
  app = await world.crash([before], { version });
  await app.get(id).resume();
  assert.deepEqual(await app.get(id).result(), [1, "settled"]);
  assert.equal(effects, 1);
});

each("the place in the code is named [E]", async (world) => {
  const before = make(async (ctx) => [await ctx.run("a", () => 1), await ctx.promise("p")]);
  const after = make(async (ctx) => [await ctx.run("b", () => 1), await ctx.promise("p")]);
  await world.open([before], { version });
  const { id } = await world.app.send(before, "j").run();
  await world.rest();
  const app = await world.crash([after], { version });
  await app.get(id).signal("wake");
  await world.rest();
  assert.match(JSON.stringify((await app.get(id).describe()).failure), /determinism\.test\.ts:\d+/);
});

each(
  "a completion that the code cannot have waited for yet is reported, not delivered [199]",
  async (world) => {
    const before = make(async (ctx) =>
      ctx.race([ctx.sleep("1 hour"), ctx.signal("hook")]).then(() => ctx.promise("p")),
    );
    const after = make(async (ctx) =>
      ctx
        .signal("hook")
        .then(() => ctx.sleep("1 hour"))
        .then(() => ctx.promise("p")),
    );
    await world.open([before], { version });
    const { id } = await world.app.send(before, "j").run();
    await world.pass("2 hours");
    const app = await world.crash([after], { version });
    await app.get(id).signal("hook");
    await world.rest();
    assert.match(JSON.stringify((await app.get(id).describe()).failure), /code-diverged/);
  },
);

each("between a timer and a signal, the journal decides for good [199]", async (world) => {
  const job = make(async (ctx) => {
    const first = await ctx.select({ slept: ctx.sleep("1 hour"), hooked: ctx.signal("hook") });
    const branch = await ctx.run(`after ${first.name}`, () => first.name);
    await ctx.sleep("1 hour");
    return branch;
  });
  let app = await world.open([job]);
  const timer = await app.send(job, "t").run();
  await world.pass("61 minutes");
  await timer.signal("hook");
  const signal = await app.send(job, "s").run();
  await signal.signal("hook");
  await world.pass("30 minutes");
  app = await world.crash();
  await world.pass("3 hours");
  assert.equal(await app.get(timer.id).result(), "slept");
  assert.equal(await app.get(signal.id).result(), "hooked");
});

each(
  "a handler that goes on after awaiting something the journal does not know is stopped, and told so",
  async (world) => {
    const gate = makeGate();
    const job = make(async (ctx) => {
      await gate.opened;
      await ctx.run("after", () => 1);
    });
    const app = await world.open([job]);
    const run = await app.send(job, "j").run();
    await world.rest();
    gate.open();
    await world.rest();
    const { status, failure } = await run.describe();
    assert.equal(status, "paused");
    assert.match(JSON.stringify(failure), /foreign-await/);
    assert.deepEqual(await run.journal(), []);
  },
);

each(
  "randomness and uuids are the same in every replay, and differ between invocations [197]",
  async (world) => {
    const seen = new Map<string, Set<string>>();
    const job = make(async (ctx) => {
      const values = [ctx.random(), ctx.uuid(), ctx.uuid()];
      await ctx.sleep("1 hour");
      values.push(ctx.random());
      seen.set(ctx.key, (seen.get(ctx.key) ?? new Set()).add(values.join()));
      await ctx.sleep("1 hour");
      return values.join();
    });
    let app = await world.open([job]);
    await app.send(job, "a").run();
    await app.send(job, "b").run();
    await world.pass("90 minutes");
    app = await world.crash();
    await world.pass("1 hour");
    assert.equal(seen.get("a")?.size, 1);
    assert.equal(seen.get("b")?.size, 1);
    const [a, b] = [await app.get(job, "a").result(), await app.get(job, "b").result()];
    assert.notEqual(a, b);
    assert.match(String(a), /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/);
  },
);

each("suspension cannot be caught by user code [198]", async (world) => {
  let caught = 0;
  const job = make(async (ctx) => {
    try {
      await ctx.sleep("1 hour");
      return await ctx.promise("p");
    } catch {
      caught++;
      return "caught";
    } finally {
      caught += 100;
    }
  });
  let app = await world.open([job]);
  await app.send(job, "j").run();
  await world.pass("2 hours");
  app = await world.crash();
  await app.get(job, "j").resolve("p", "value");
  assert.equal(await app.get(job, "j").result(), "value");
  assert.equal(caught, 100);
});

each("a mismatch does not harm others of the same service", async (world) => {
  const before = make(async (ctx) => [await ctx.run("a", () => 1), await ctx.promise("p")]);
  const after = make(async (ctx) => [await ctx.run("b", () => 1), await ctx.promise("p")]);
  await world.open([before], { version });
  await world.app.send(before, "old").run();
  await world.rest();
  const app = await world.crash([after], { version });
  const fresh = await app.send(after, "new").run();
  await fresh.resolve("p", 2);
  assert.deepEqual(await fresh.result(), [1, 2]);
  await app.get(after, "old").resolve("p", 2);
  await world.rest();
  await assert.rejects(app.get(after, "old").result({ timeout: 0 }), coded("invocation-not-ended"));
});
