import assert from "node:assert/strict";
import { service, TerminalError, workflow } from "holdfast";
import { coded, each, eachStore } from "./harness.ts";

each("two races with a common entrant are both won by it [97]", async (world) => {
  const racer = workflow("racer", {
    async run(ctx) {
      const p1 = ctx.promise<string>("p1");
      const ends = await ctx.allSettled([
        ctx.race([p1, ctx.promise<string>("p2")]),
        ctx.race([p1, ctx.promise<string>("p3")]),
      ]);
      return ends.map((end) => (end.status === "fulfilled" ? end.value : "rejected"));
    },
  });
  const app = await world.open([racer]);
  const run = await app.send(racer, "r").run();
  await run.resolve("p1", "first");
  assert.deepEqual(await run.result(), ["first", "first"]);
});

each("a race of nobody ends by its timeout [98]", async (world) => {
  const racer = workflow("racer", { run: (ctx) => ctx.race([]).orTimeout("1 hour", "nobody") });
  const app = await world.open([racer]);
  const run = await app.send(racer, "r").run();
  await world.pass("2 hours");
  assert.equal(await run.result(), "nobody");
});

each(
  "all and allSettled of nothing give nothing, and what is done with a result is done once [99]",
  async (world) => {
    const empty = workflow("empty", {
      async run(ctx) {
        let mapped = 0;
        const value = ctx
          .run("step", () => 20)
          .then((result) => {
            mapped++;
            return result + 1;
          });
        return [await ctx.all([]), await ctx.allSettled([]), await value, await value, mapped];
      },
    });
    const app = await world.open([empty]);
    assert.deepEqual(await app.call(empty, "e").run(), [[], [], 21, 21, 1]);
  },
);

each("what nobody waits for does not hold up the end [102]", async (world) => {
  const child = workflow("child", { run: (ctx) => ctx.promise("never") });
  const careless = workflow("careless", {
    async run(ctx) {
      ctx.signal("never").then(() => assert.fail("never"));
      ctx.sleep("1 week").then(() => assert.fail("never"));
      void ctx.call(child, "c").run();
      return "done";
    },
  });
  const app = await world.open([child, careless]);
  assert.equal(await app.call(careless, "c").run(), "done");
});

each(
  "the losers of a race are abandoned, and what they bring later disturbs nobody [103]",
  async (world) => {
    const racer = workflow("racer", {
      async run(ctx) {
        const slow = ctx.promise<string>("slow");
        const winner = await ctx.race([slow, ctx.promise<string>("fast")]);
        await ctx.sleep("1 hour");
        return [winner, await ctx.signal<string>("more")];
      },
    });
    const app = await world.open([racer]);
    const run = await app.send(racer, "r").run();
    await run.resolve("fast", "fast");
    await world.rest();
    await run.resolve("slow", "slow");
    await run.signal("more", "more");
    await world.pass("1 hour");
    assert.deepEqual(await run.result(), ["fast", "more"]);
  },
);

each(
  "any takes the first success, and tells all errors when there is none; all takes the first error [197]",
  async (world) => {
    const combos = workflow("combos", {
      async run(ctx) {
        const bad = (name: string) =>
          ctx.run(name, (): string => {
            throw new TerminalError(name);
          });
        const first = await ctx.any([bad("a"), ctx.run("good", () => "good"), bad("b")]);
        const none = await ctx
          .any([bad("c"), bad("d")])
          .catch((error: AggregateError) => error.errors.length);
        const all = await ctx
          .all([ctx.promise("never"), bad("e")])
          .catch((error: Error) => error.message);
        return [first, none, all];
      },
    });
    const app = await world.open([combos]);
    assert.deepEqual(await app.call(combos, "c").run(), ["good", 2, "e"]);
  },
);

each("select names its winner [197]", async (world) => {
  const order = workflow("order", {
    async run(ctx) {
      const first = await ctx.select({
        paid: ctx.promise<number>("paid"),
        expired: ctx.sleep("1 hour"),
      });
      return first.name === "paid" ? `paid ${first.value}` : first.name;
    },
  });
  const app = await world.open([order]);
  const paid = await app.send(order, "a").run();
  const expired = await app.send(order, "b").run();
  await paid.resolve("paid", 5);
  await world.pass("2 hours");
  assert.deepEqual([await paid.result(), await expired.result()], ["paid 5", "expired"]);
});

eachStore(
  "the winner of a race stays the winner in every replay, in whatever order they were started [198]",
  async (world) => {
    const seen = new Map<string, Set<string>>();
    const names = ["a", "b", "c"];
    const racer = workflow("racer", {
      async run(ctx, order: string[]) {
        const winner = await ctx.race(order.map((name) => ctx.promise<string>(name)));
        await ctx.sleep("1 hour");
        const winners = seen.get(ctx.key) ?? new Set();
        seen.set(ctx.key, winners.add(winner));
        await ctx.sleep("1 hour");
        return winner;
      },
    });
    let app = await world.open([racer]);
    const cases = [
      ["a", "b", "c"],
      ["c", "b", "a"],
      ["b", "c", "a"],
    ].flatMap((order) =>
      names.map((first) => ({ key: `${order.join("")}-${first}`, order, first })),
    );
    for (const { key, order, first } of cases) {
      const run = await app.send(racer, key).run(order);
      await run.resolve(first, first);
      for (const name of names) if (name !== first) await run.resolve(name, name);
    }
    await world.pass("90 minutes");
    app = await world.crash();
    await world.pass("1 hour");
    for (const { key, first } of cases) {
      assert.equal(await app.get(racer, key).result(), first);
      assert.deepEqual([...(seen.get(key) ?? [])], [first]);
    }
  },
);

each("five races over one stream of signals drain in the order of arrival [198]", async (world) => {
  const stress = workflow("stress", {
    async run(ctx) {
      const order: string[] = [];
      const races = [0, 1, 2, 3, 4].map((index) =>
        ctx
          .race([ctx.signal<string>("s"), ctx.promise<string>(`never ${index}`)])
          .then((value) => order.push(`${index}:${value}`)),
      );
      await ctx.all(races);
      return order;
    },
  });
  const app = await world.open([stress]);
  const run = await app.send(stress, "s").run();
  for (const value of ["a", "b", "c", "d", "e"]) await run.signal("s", value);
  assert.deepEqual(await run.result(), ["0:a", "1:b", "2:c", "3:d", "4:e"]);
});

each(
  "signals, promises, steps and timers that come together are taken one at a time, in the order of the journal [166]",
  async (world) => {
    const seen = new Set<string>();
    const mixed = workflow("mixed", {
      async run(ctx) {
        const order: string[] = [];
        const note = (name: string) => () => order.push(name);
        await ctx.all([
          ctx.sleep("1 minute").then(note("timer")),
          ctx.signal("s").then(note("signal")),
          ctx.promise("p").then(note("promise")),
          ctx.run("step", () => 1).then(note("step")),
        ]);
        await ctx.sleep("1 hour");
        seen.add(order.join());
        return order;
      },
    });
    let app = await world.open([mixed]);
    const run = await app.send(mixed, "m").run();
    await world.rest();
    await run.signal("s");
    await run.resolve("p");
    await world.pass("2 minutes");
    app = await world.crash();
    await world.pass("2 hours");
    assert.deepEqual(await app.get(mixed, "m").result(), ["step", "signal", "promise", "timer"]);
    assert.equal(seen.size, 1);
  },
);

each("a future that fails while nobody awaits it harms nobody [169]", async (world) => {
  const careless = service("careless", {
    handlers: {
      async work(ctx) {
        ctx.run("fails", () => {
          throw new TerminalError("unheard");
        });
        await ctx.run("later", () => 1);
        return "done";
      },
    },
  });
  const app = await world.open([careless]);
  assert.equal(await app.call(careless).work(), "done");
});

each("awaited twice, a future is scheduled once [197]", async (world) => {
  let runs = 0;
  const twice = workflow("twice", {
    async run(ctx) {
      const step = ctx.run("once", () => ++runs);
      const promise = ctx.promise<number>("p");
      return [await step, await step, await promise, await promise];
    },
  });
  const app = await world.open([twice]);
  const run = await app.send(twice, "t").run();
  await run.resolve("p", 9);
  assert.deepEqual(await run.result(), [1, 1, 9, 9]);
  const waits = (await run.journal()).filter((entry) => entry.kind === "promise");
  assert.equal(waits.length, 1);
});

each(
  "what is refused while it is checked leaves nothing behind, and nothing is cancelled for it [171]",
  async (world) => {
    const clumsy = workflow("clumsy", {
      async run(ctx) {
        const codes: string[] = [];
        const attempt = (action: () => unknown): void => {
          try {
            action();
            codes.push("accepted");
          } catch (error) {
            codes.push(error instanceof Error && "code" in error ? String(error.code) : "?");
          }
        };
        attempt(() => ctx.sleep("soon"));
        attempt(() => ctx.sleep(-1));
        attempt(() => ctx.sleepUntil(Number.NaN));
        attempt(() => ctx.run("", () => 1));
        attempt(() => ctx.run("x", undefined as unknown as () => number));
        attempt(() => ctx.run("x", () => 1, { timeout: "never" }));
        attempt(() => ctx.signal(" "));
        attempt(() => ctx.promise(""));
        attempt(() => ctx.attach("inv_nonsense"));
        attempt(() => ctx.cancel("nonsense"));
        await ctx.sleep("1 minute");
        return codes;
      },
    });
    const app = await world.open([clumsy]);
    const run = await app.send(clumsy, "c").run();
    await world.pass("1 minute");
    const argument = "invalid-argument";
    assert.deepEqual(await run.result(), [
      ...[argument, argument, argument, "invalid-id", argument, argument],
      ...["invalid-id", "invalid-id", "unknown-invocation", "unknown-invocation"],
    ]);
    assert.deepEqual(
      (await run.journal()).map((entry) => entry.kind),
      ["sleep", "done"],
    );
  },
);

each(
  "orTimeout of a race that is won in time gives its winner, and the error of what failed in time [96]",
  async (world) => {
    const patient = workflow("patient", {
      async run(ctx) {
        const won = await ctx
          .race([ctx.promise<string>("p"), ctx.sleep("1 week")])
          .orTimeout("1 day");
        const failed = await ctx
          .run("fails", () => {
            throw new TerminalError("x", { code: "own" });
          })
          .orTimeout("1 day")
          .catch((error: unknown) => coded("own")(error));
        return [won, failed];
      },
    });
    const app = await world.open([patient]);
    const run = await app.send(patient, "p").run();
    await run.resolve("p", "won");
    assert.deepEqual(await run.result(), ["won", true]);
  },
);
