import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { actor, message, schedule, service, TerminalError, workflow } from "holdfast";
import { limitTable } from "../../src/model/limits.ts";
import { coded, each, later, makeGate, refused, until } from "./harness.ts";

const echo = service("echo", { handlers: { say: (_, input: unknown) => input } });

const box = actor("box", {
  state: { a: "", b: "", c: "" },
  handlers: {
    put(ctx, values: Record<string, string>) {
      for (const [name, value] of Object.entries(values)) ctx.set(name as "a", value);
    },
  },
});

function limited(limit: string) {
  return (error: Error): boolean => {
    coded("limit-exceeded")(error);
    assert.match(error.message, new RegExp(`\\b${limit}\\b`));
    return true;
  };
}

each(
  "limit idLength: a key of so many characters is accepted, one more is refused [A]",
  async (world) => {
    const app = await world.open([box], { limits: { idLength: 10 } });
    await app.call(box, "x".repeat(10)).put({});
    await assert.rejects(app.call(box, "x".repeat(11)).put({}), refused("invalid-id"));
  },
);

each(
  "limit payload: of inputs, results, step results, state, signals and promises",
  async (world) => {
    const limits = { payload: 100 };
    const big = "x".repeat(100);
    const job = workflow("job", {
      state: { value: "" },
      async run(ctx, what: string) {
        if (what === "step") return (await ctx.run("big", () => big)).length;
        if (what === "state") ctx.set("value", big);
        if (what === "call") await ctx.call(echo).say(big);
        if (what === "wait") await ctx.promise("p");
        return big;
      },
    });
    const app = await world.open([echo, job], { limits });
    assert.equal(await app.call(echo).say("x".repeat(98)), "x".repeat(98));
    await assert.rejects(app.call(echo).say(big), refused("too-large"));
    for (const what of ["step", "state", "call", "result"]) {
      await assert.rejects(app.call(job, what).run(what), coded("too-large"));
    }
    const run = await app.send(job, "w").run("wait");
    await assert.rejects(run.signal("s", big), refused("too-large"));
    await assert.rejects(run.resolve("p", big), refused("too-large"));
    await assert.rejects(app.patchState(job, "w", { value: big }), refused("too-large"));
    assert.deepEqual(
      (await run.journal()).filter((entry) => entry.kind === "signal"),
      [],
    );
  },
);

each(
  "a step whose result is over the limit fails for good, and its handler may go on [78]",
  async (world) => {
    let runs = 0;
    const job = workflow("job", {
      run: (ctx) =>
        ctx
          .run("big", () => {
            runs++;
            return "x".repeat(1_000);
          })
          .catch((error: unknown) => coded("too-large")(error)),
    });
    const app = await world.open([job], { limits: { payload: 100 } });
    assert.equal(await app.call(job, "j").run(), true);
    assert.equal(runs, 1);
  },
);

each(
  "limit requestsWaiting: with so many requests waiting, one more is refused, and those are served",
  async (world) => {
    const app = await world.open([echo], { limits: { requestsWaiting: 5 } });
    const calls = Array.from({ length: 8 }, (_, index) => app.call(echo).say(index));
    const ends = await Promise.allSettled(calls);
    const served = ends.filter((end) => end.status === "fulfilled").length;
    assert.equal(served, 5);
    for (const end of ends) if (end.status === "rejected") coded("overloaded")(end.reason);
  },
);

each(
  "limit journalEntries: a journal that would grow beyond it ends its invocation",
  async (world) => {
    const job = workflow("job", {
      async run(ctx) {
        for (let step = 0; step < 100; step++) await ctx.run(`step ${step}`, () => step);
      },
    });
    const app = await world.open([job], { limits: { journalEntries: 20 } });
    const run = await app.send(job, "j").run();
    await assert.rejects(run.result(), limited("journalEntries"));
    assert.ok((await run.journal()).length <= 20);
  },
);

each("limit turnCommands: of what one turn may ask for", async (world) => {
  const job = workflow("job", {
    state: { n: 0 },
    async run(ctx, count: number) {
      for (let n = 0; n < count; n++) ctx.set("n", n);
    },
  });
  const app = await world.open([job], { limits: { turnCommands: 10 } });
  await app.call(job, "ten").run(10);
  await assert.rejects(app.call(job, "eleven").run(11), limited("turnCommands"));
});

each("limit openCommands: of waits that are open at once", async (world) => {
  const job = workflow("job", {
    run: (ctx, count: number) =>
      ctx.all(Array.from({ length: count }, () => ctx.sleep("1 second"))).then((all) => all.length),
  });
  const app = await world.open([job], { limits: { openCommands: 5 } });
  const five = app.call(job, "five").run(5);
  await assert.rejects(app.call(job, "six").run(6), limited("openCommands"));
  await world.pass("1 second");
  assert.equal(await five, 5);
});

each("limit callDepth: a loop of calls ends", async (world) => {
  interface Nested {
    readonly deeper: (ctx: never, level: number) => Promise<number>;
  }
  const self = { kind: "service", name: "nest", handlers: {}, state: {} };
  const nest = service("nest", {
    handlers: {
      async deeper(ctx, level: number): Promise<number> {
        const again = Object.assign(self, { handlers: nest.handlers }) as unknown as typeof nest &
          Nested;
        return ctx.call(again).deeper(level + 1);
      },
    },
  });
  const app = await world.open([nest], { limits: { callDepth: 5 } });
  await assert.rejects(app.call(nest).deeper(0), limited("callDepth"));
});

each("limit keyQueue: of invocations that wait for one key", async (world) => {
  const gate = makeGate();
  const desk = actor("desk", { handlers: { serve: (ctx) => ctx.run("serve", () => gate.opened) } });
  const app = await world.open([desk], { limits: { keyQueue: 3 } });
  const accepted = await Promise.all([1, 2, 3, 4].map(() => app.send(desk, "d").serve()));
  await assert.rejects(app.send(desk, "d").serve(), limited("keyQueue"));
  await app.send(desk, "other").serve();
  gate.open();
  await Promise.all(accepted.map((sent) => sent.result()));
});

each("limit stateKeys: of entries of one actor [79]", async (world) => {
  const app = await world.open([box], { limits: { stateKeys: 2 } });
  await app.call(box, "x").put({ a: "1", b: "2" });
  await assert.rejects(app.call(box, "x").put({ c: "3" }), limited("stateKeys"));
  await assert.rejects(app.call(box, "y").put({ a: "1", b: "2", c: "3" }), limited("stateKeys"));
  await app.call(box, "x").put({ a: "again" });
  assert.deepEqual(await app.state(box, "x"), { a: "again", b: "2", c: "" });
});

each(
  "limit signalsBuffered: of signals that nobody has taken; taken ones make room",
  async (world) => {
    const taker = workflow("taker", {
      async run(ctx) {
        await ctx.promise("begin");
        let taken = 0;
        for await (const value of ctx.signals("s")) {
          taken++;
          if (value === "end") return taken;
        }
        return taken;
      },
    });
    const app = await world.open([taker], { limits: { signalsBuffered: 3 } });
    const run = await app.send(taker, "t").run();
    for (let sent = 0; sent < 3; sent++) await run.signal("s");
    await assert.rejects(run.signal("s"), limited("signalsBuffered"));
    await run.resolve("begin");
    await world.rest();
    for (let sent = 0; sent < 5; sent++) {
      await run.signal("s");
      await world.rest();
    }
    await run.signal("s", "end");
    assert.equal(await run.result(), 9);
  },
);

each(
  "limits promiseWaiters and attached: of those who wait for one promise, and for one result",
  async (world) => {
    const waiter = workflow("waiter", {
      run: (ctx) => ctx.promise<string>("p"),
      handlers: { also: (ctx) => ctx.promise<string>("p") },
    });
    const watcher = workflow("watcher", { run: (ctx) => ctx.attach(waiter, "w") });
    const app = await world.open([waiter, watcher], { limits: { promiseWaiters: 3, attached: 2 } });
    const run = await app.send(waiter, "w").run();
    await world.rest();
    const waiting = [1, 2].map(() => app.call(waiter, "w").also());
    await world.rest();
    await assert.rejects(app.call(waiter, "w").also(), limited("promiseWaiters"));
    const watching = [1, 2].map((key) => app.call(watcher, `${key}`).run());
    await world.rest();
    await assert.rejects(app.call(watcher, "3").run(), limited("attached"));
    await run.resolve("p", "all");
    assert.deepEqual(await Promise.all([...waiting, ...watching]), ["all", "all", "all", "all"]);
  },
);

each("limits handlers, services and schedules: of one application", async (world) => {
  const two = service("two", { handlers: { a: () => 1, b: () => 2 } });
  const at = (name: string) => schedule(name, { cron: "@daily", target: message(echo).say("x") });
  await assert.rejects(world.open([two], { limits: { handlers: 1 } }), limited("handlers"));
  await assert.rejects(world.open([two, echo], { limits: { services: 1 } }), limited("services"));
  const schedules = [at("a"), at("b")];
  await assert.rejects(
    world.open([echo], { schedules, limits: { schedules: 1 } }),
    limited("schedules"),
  );
  const app = await world.open([two, echo], {
    schedules,
    limits: { handlers: 2, services: 2, schedules: 2 },
  });
  assert.equal((await app.schedules.list()).length, 2);
});

each("limit backfill: of missed runs that are made up for, the latest", async (world) => {
  const ran: number[] = [];
  const work = service("work", { handlers: { run: () => void ran.push(1) } });
  const hourly = schedule("hourly", {
    cron: "0 * * * *",
    target: message(work).run(),
    backfill: "all",
  });
  const settings = { schedules: [hourly], limits: { backfill: 4 } };
  await world.open([work], settings);
  await world.rest();
  world.fail();
  await world.clock.pass(10 * 3_600_000, async () => {});
  await world.open([work], settings);
  await world.pass("1 minute");
  assert.equal(ran.length, 4);
});

each("limit delay: of how far ahead anything may lie", async (world) => {
  const sleeper = workflow("sleeper", { run: (ctx, ms: number) => ctx.sleep(ms) });
  const later = workflow("later", {
    run: (ctx, ms: number) => void ctx.send(echo, { delay: ms }).say("x"),
  });
  const app = await world.open([echo, sleeper, later], { limits: { delay: 1_000 } });
  await assert.rejects(app.call(sleeper, "s").run(1_001), coded("invalid-argument"));
  await assert.rejects(app.call(later, "l").run(1_001), coded("invalid-argument"));
  await assert.rejects(app.send(echo, { delay: 1_001 }).say("x"), refused("invalid-argument"));
  await app.send(echo, { delay: 1_000 }).say("x");
});

each(
  "limit running: what waits leaves memory for what comes, so that memory does not grow [76]",
  async (world) => {
    const waiter = workflow("waiter", { run: (ctx) => ctx.promise<string>("p") });
    const app = await world.open([waiter], { limits: { running: 10 } });
    for (let round = 0; round < 12; round++) {
      const keys = Array.from({ length: 100 }, (_, index) => `${round}-${index}`);
      await Promise.all(keys.map((key) => app.send(waiter, key).run()));
      await world.rest();
    }
    // Room is made in steps of some hundreds.
    assert.ok(app.engine.core.live.size <= 600, `${app.engine.core.live.size} are in memory`);
    await app.get(waiter, "0-0").resolve("p", "x");
    assert.equal(await app.get(waiter, "0-0").result(), "x");
  },
);

each("limit stateBytes: of all state of one actor [79]", async (world) => {
  const app = await world.open([box], { limits: { stateBytes: 100 } });
  await app.call(box, "x").put({ a: "x".repeat(40), b: "x".repeat(40) });
  await assert.rejects(app.call(box, "x").put({ c: "x".repeat(40) }), limited("stateBytes"));
  await app.call(box, "x").put({ a: "", c: "x".repeat(30) });
  assert.equal((await app.state(box, "x")).c.length, 30);
});

each("limit cleanupTime: of the clean-up of what ran out of time", async (world) => {
  const job = workflow("job", {
    async run(ctx) {
      try {
        await ctx.sleep("1 day");
      } finally {
        await ctx.sleep("1 day");
      }
    },
    timeout: "1 hour",
  });
  const app = await world.open([job], { limits: { cleanupTime: 5_000 } });
  const run = await app.send(job, "j").run();
  await world.pass("1 hour 4 seconds");
  await assert.rejects(run.result({ timeout: 0 }), coded("invocation-not-ended"));
  await world.pass("2 seconds");
  await assert.rejects(run.result({ timeout: 0 }), coded("timed-out"));
});

each(
  "limit outboxMessages: with so many messages on their way, new work is refused",
  async (world) => {
    const app = await world.open([echo], { limits: { outboxMessages: 0 } });
    await assert.rejects(app.call(echo).say(1), refused("overloaded"));
  },
);

each("limit stepsRunning: of steps of one invocation at once [75]", async (world) => {
  const job = workflow("job", {
    run: (ctx, count: number) =>
      ctx.all(Array.from({ length: count }, (_, index) => ctx.run(`${index}`, () => index))),
  });
  const app = await world.open([job], { limits: { stepsRunning: 3 } });
  assert.deepEqual(await app.call(job, "three").run(3), [0, 1, 2]);
  await assert.rejects(app.call(job, "four").run(4), limited("stepsRunning"));
});

each("limit stepAbortGrace: of how long a cancelled step may go on", async (world) => {
  let running = false;
  const never = new Promise<void>(() => {});
  const job = workflow("job", {
    run: (ctx) =>
      ctx.run("deaf", () => {
        running = true;
        return never;
      }),
  });
  const app = await world.open([job], { limits: { stepAbortGrace: 500 } });
  const run = await app.send(job, "j").run();
  await until(() => running);
  await run.cancel();
  await world.pass(499);
  await assert.rejects(run.result({ timeout: 0 }), coded("invocation-not-ended"));
  await world.pass(1);
  await assert.rejects(run.result(), coded("cancelled"));
});

each("limits queryRows and queryLength: of the answer and the text of a query", async (world) => {
  const app = await world.open([echo], { limits: { queryRows: 3, queryLength: 100 } });
  for (let calls = 0; calls < 5; calls++) await app.call(echo).say(calls);
  const { rows, truncated } = await app.query("SELECT id FROM invocations");
  assert.deepEqual([rows.length, truncated], [3, true]);
  await assert.rejects(app.query(`SELECT 1 -- ${"x".repeat(100)}`), refused("too-large"));
});

each(
  "limits batchCommands and batchBytes: of one commit; more goes into the next",
  async (world) => {
    let commands = 0;
    let most = 0;
    world.memory = {
      fault(batch) {
        commands = batch.insertInvocations.length;
        most = Math.max(most, commands);
        return null;
      },
    };
    const app = await world.open([echo], { limits: { batchCommands: 5 } });
    const calls = Array.from({ length: 40 }, (_, index) => app.call(echo).say(index));
    assert.equal((await Promise.all(calls)).length, 40);
    assert.ok(most <= 10, `${most} in one commit`);
    const bytes = await world.restart([echo], { limits: { batchBytes: 2_000 } });
    most = 0;
    const large = Array.from({ length: 20 }, () => bytes.call(echo).say("x".repeat(1_000)));
    await Promise.all(large);
    assert.ok(most <= 4, `${most} large ones in one commit`);
  },
);

each("limit errorText: of what is kept of an error message", async (world) => {
  const failing = service("failing", {
    handlers: {
      work() {
        throw new TerminalError("x".repeat(1_000));
      },
    },
  });
  const app = await world.open([failing], { limits: { errorText: 50 } });
  await assert.rejects(app.call(failing).work(), (error: Error) => error.message.length <= 51);
});

each("limit drainTime: of waiting for what runs when it is closed", async (world) => {
  let stuck = false;
  world.memory = { sync: () => (stuck ? new Promise(() => {}) : Promise.resolve()) };
  const app = await world.open([echo], { limits: { drainTime: 1_000 } });
  stuck = true;
  const call = later(app.call(echo).say(1));
  const before = world.clock.monotonic;
  await world.close();
  assert.ok(world.clock.monotonic - before >= 1_000);
  await assert.rejects(call, refused("shutting-down"));
});

const ofTheGateway = [
  "requestBody",
  "bodyDepth",
  "requestHeaders",
  "requestTime",
  "longPoll",
  "connections",
];
/** Each with the test that reaches it where it lives. */
const elsewhere: Readonly<Record<string, string>> = {
  queryTime: "the query tests of the SQLite store: only there a query can be stopped",
};

test("every limit of the table has a test that names it, or belongs to the gateway", () => {
  const folder = import.meta.dirname;
  const text = readdirSync(folder)
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => readFileSync(path.join(folder, file), "utf8"))
    .join("\n");
  const titles = [...text.matchAll(/each\(\s*"limits? ([^:"]+):/g)].flatMap((found) =>
    (found[1] ?? "").split(/, | and /),
  );
  const named = new Set([...titles, ...ofTheGateway, ...Object.keys(elsewhere)]);
  assert.deepEqual(
    // Those of authorization have theirs in test/authz/limits.test.ts.
    Object.keys(limitTable).filter((name) => !named.has(name) && !name.startsWith("authz")),
    [],
  );
});
