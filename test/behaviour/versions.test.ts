import assert from "node:assert/strict";
import { actor, service, workflow } from "holdfast";
import { coded, each, eachStore } from "./harness.ts";

function makeJob(version: string) {
  return workflow("job", {
    async run(ctx) {
      const before = await ctx.run("before", () => version);
      const middle = await ctx.promise<string>("lock");
      return [before, middle, await ctx.run("after", () => version)];
    },
  });
}

eachStore("new invocations start on the new version [71, 158]", async (world) => {
  await world.open([makeJob("v1")], { version: "v1" });
  const app = await world.restart([makeJob("v2")], { version: "v2" });
  const run = await app.send(makeJob("v2"), "new").run();
  await run.resolve("lock", "unlocked");
  assert.deepEqual(await run.result(), ["v2", "unlocked", "v2"]);
  assert.equal((await run.describe()).deployment, "v2");
});

eachStore(
  "what is under way finishes on the version that started it, when that runs alongside [72, 158]",
  async (world) => {
    await world.open([makeJob("v1")], { version: "v1" });
    await world.app.send(makeJob("v1"), "old").run();
    await world.rest();
    const alongside = [{ services: [makeJob("v1")], version: "v1" }];
    const app = await world.restart([makeJob("v2")], { version: "v2", alongside });
    await app.get(makeJob("v2"), "old").resolve("lock", "unlocked");
    assert.deepEqual(await app.get(makeJob("v2"), "old").result(), ["v1", "unlocked", "v1"]);
  },
);

eachStore(
  "an invocation whose version is gone waits, visible, and goes on when it is back [159]",
  async (world) => {
    await world.open([makeJob("v1")], { version: "v1" });
    const { id } = await world.app.send(makeJob("v1"), "old").run();
    await world.rest();
    let app = await world.restart([makeJob("v2")], { version: "v2" });
    await app.get(id).resolve("lock", "unlocked");
    await world.pass("1 day");
    const stranded = await app.get(id).describe();
    assert.equal(stranded.endedAt, null);
    assert.match(JSON.stringify(stranded.failure), /deployment-gone/);
    const alongside = [{ services: [makeJob("v1")], version: "v1" }];
    app = await world.restart([makeJob("v2")], { version: "v2", alongside });
    assert.deepEqual(await app.get(id).result(), ["v1", "unlocked", "v1"]);
  },
);

eachStore(
  "paused on a broken version, an invocation is resumed on the current one [68]",
  async (world) => {
    const make = (works: boolean) =>
      service("job", {
        handlers: {
          async work(ctx, input: string) {
            const kept = await ctx.run("kept", () => (works ? "new" : "old"));
            if (!works) throw new Error("this version is broken");
            return [input, kept];
          },
        },
        retry: { attempts: 2, initial: 1 },
      });
    await world.open([make(false)], { version: "broken" });
    const { id } = await world.app.send(make(false)).work("input");
    await world.pass("1 minute");
    const app = await world.restart([make(true)], { version: "mended" });
    assert.equal((await app.get(id).describe()).status, "paused");
    await app.get(id).resume({ deployment: "current" });
    assert.deepEqual(await app.get(id).result(), ["input", "old"]);
    assert.equal((await app.get(id).describe()).deployment, "mended");
  },
);

each(
  "without a version given, the definitions are the version: any change makes another [159]",
  async (world) => {
    const make = (text: string) =>
      text === "a"
        ? service("s", { handlers: { a: () => "a" } })
        : service("s", { handlers: { a: () => "b" } });
    const first = (await world.open([make("a")])).deployment;
    const same = (await world.restart([make("a")])).deployment;
    const other = (await world.restart([make("b")])).deployment;
    assert.equal(same, first);
    assert.notEqual(other, first);
  },
);

eachStore(
  "a promise, a step that is retried, a call and a message begun by one build are finished by the next, and by the one before [87, 88]",
  async (world) => {
    let works = false;
    const sent: string[] = [];
    const helper = workflow("helper", { run: (ctx) => ctx.promise<string>("answer") });
    const box = actor("box", { handlers: { put: (_, what: string) => void sent.push(what) } });
    // Two builds of one version: the same commands, written differently.
    const buildA = workflow("job", {
      async run(ctx) {
        const promise = ctx.promise<string>("awakeable");
        ctx.send(box, "b", { delay: "1 hour" }).put("sent");
        const call = ctx.call(helper, "h").run();
        const step = await ctx.run("retried", () => {
          if (!works) throw new Error("not yet");
          return "stepped";
        });
        return [step, await promise, await call];
      },
      retry: { initial: "30 minutes", max: "30 minutes" },
    });
    const buildB = workflow("job", {
      run: async (ctx) => {
        ctx.send(box, "b", { delay: "1 hour" }).put("sent");
        const called = ctx.call(helper, "h").run();
        const results: string[] = [
          await ctx.run("retried", () => {
            if (!works) throw new Error("not yet");
            return "stepped";
          }),
        ];
        results.push(await ctx.promise<string>("awakeable"));
        results.push(await called);
        return results;
      },
      retry: { initial: "30 minutes", max: "30 minutes" },
    });
    const version = "one";
    for (const [before, after] of [
      [buildA, buildB],
      [buildB, buildA],
    ] as const) {
      works = false;
      sent.length = 0;
      let app = await world.open([before, helper, box], { version });
      const { id } = await app.send(before, "j").run();
      const { id: child } = await untilChild(app);
      app = await world.crash([after, helper, box], { version });
      works = true;
      await world.pass("2 hours");
      await app.get(id).resolve("awakeable", "resolved");
      await app.get(child).resolve("answer", "called");
      assert.deepEqual(await app.get(id).result(), ["stepped", "resolved", "called"]);
      assert.deepEqual(sent, ["sent"]);
      await app.get(id).purge();
      await app.get(child).purge();
      await world.close();
    }

    async function untilChild(app: typeof world.app): Promise<{ id: string }> {
      await world.rest();
      const { invocations } = await app.list({ service: "helper" });
      const child = invocations[0];
      assert(child !== undefined, "the helper was called");
      return child;
    }
  },
);

eachStore(
  "a patch is false for what had passed it and true for what comes after, first step or last [187]",
  async (world) => {
    const before = workflow("job", {
      async run(ctx) {
        await ctx.run("one", () => 1);
        await ctx.sleep("1 hour");
        return "old";
      },
    });
    const after = workflow("job", {
      async run(ctx) {
        const first = ctx.patched("first");
        if (first) await ctx.run("zero", () => 0);
        await ctx.run("one", () => 1);
        await ctx.sleep("1 hour");
        const last = ctx.patched("last");
        if (last) await ctx.run("two", () => 2);
        return [first, last, ctx.patched("first"), ctx.patched("last")];
      },
    });
    const version = "one";
    await world.open([before], { version });
    await world.app.send(before, "old").run();
    await world.rest();
    let app = await world.crash([after], { version });
    await app.send(after, "new").run();
    await world.pass("30 minutes");
    app = await world.crash();
    await world.pass("1 hour");
    assert.deepEqual(await app.get(after, "old").result(), [false, true, false, true]);
    assert.deepEqual(await app.get(after, "new").result(), [true, true, true, true]);
  },
);

eachStore(
  "a patch that has been retired may be asked for no more, when nothing old is left [187]",
  async (world) => {
    const patched = workflow("job", {
      async run(ctx) {
        if (ctx.patched("p")) await ctx.run("new", () => 1);
        await ctx.promise("go");
      },
    });
    const retired = workflow("job", {
      async run(ctx) {
        await ctx.run("new", () => 1);
        return ctx.promise<string>("go");
      },
    });
    const version = "one";
    await world.open([patched], { version });
    await world.app.send(patched, "old").run();
    await world.rest();
    const app = await world.crash([retired], { version });
    await app.get(retired, "old").resolve("go", "went");
    await world.rest();
    // The mark is a command like any other: dropping the question too early is found out.
    await assert.rejects(
      app.get(retired, "old").result({ timeout: 0 }),
      coded("invocation-not-ended"),
    );
    assert.match(JSON.stringify((await app.get(retired, "old").describe()).failure), /patch/);
  },
);

eachStore(
  "state and queues outlive versions: an actor's next invocation runs on the new one [71]",
  async (world) => {
    const make = (version: string) =>
      actor("counter", {
        state: { count: 0 },
        handlers: { add: (ctx) => [ctx.set("count", ctx.get("count") + 1), version] as const },
      });
    const one = make("v1");
    let app = await world.open([one], { version: "v1" });
    assert.deepEqual(await app.call(one, "a").add(), [1, "v1"]);
    const later = await app.send(one, "a", { delay: "1 hour" }).add();
    const two = make("v2");
    app = await world.restart([two], { version: "v2" });
    assert.deepEqual(await app.call(two, "a").add(), [2, "v2"]);
    await world.pass("1 hour");
    assert.deepEqual(await app.get(later.id).result(), [3, "v2"]);
  },
);
