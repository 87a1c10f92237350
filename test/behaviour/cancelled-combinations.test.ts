import assert from "node:assert/strict";
import { CancelledError, type Context, type DurableFuture, workflow } from "holdfast";
import { each, eachStore, makeGate, until } from "./harness.ts";

/* What is combined and not awaited itself is told of a cancellation too, where it can be: steps. */

/** Ends when it is told to stop, and fails then. */
function obey(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

type Members = readonly DurableFuture<string>[];

const ways: Readonly<Record<string, (ctx: Context, members: Members) => PromiseLike<unknown>>> = {
  all: (ctx, members) => ctx.all(members),
  race: (ctx, members) => ctx.race(members),
  any: (ctx, members) => ctx.any(members),
  allSettled: (ctx, members) => ctx.allSettled(members),
  select: (ctx, members) =>
    ctx.select({ a: members[0] as Members[0], b: members[1] as Members[0] }),
  "orTimeout of all": (ctx, members) => ctx.all(members).orTimeout("1 day"),
  "orTimeout of a member": (_, members) => (members[0] as Members[0]).orTimeout("1 day"),
  "a race within all": (ctx, members) => ctx.all([ctx.race(members), ctx.promise("never")]),
  "native race": (_, members) => Promise.race(members),
  "something else": (ctx) => ctx.promise("never"),
};

/** How a member ends, in words. */
async function endOf(member: PromiseLike<unknown>): Promise<string> {
  try {
    return String(await member);
  } catch (error) {
    return error instanceof CancelledError ? "cancelled" : String(error);
  }
}

for (const [way, combine] of Object.entries(ways)) {
  for (const durability of ["step", "pipelined"] as const) {
    each(`after a cancelled ${way} its steps have ended (${durability})`, async (world) => {
      let running = 0;
      const seen = new Set<string>();
      const gather = workflow("gather", {
        durability,
        async run(ctx) {
          const members = ["a", "b", "c"].map((name) =>
            ctx.run(name, async ({ signal }): Promise<string> => {
              running++;
              return await obey(signal);
            }),
          );
          const ends = [await endOf(combine(ctx, members))];
          for (const member of members) ends.push(await endOf(member));
          ends.push(await ctx.run("after", () => "after"));
          await ctx.sleep("1 hour");
          seen.add(ends.join());
          await ctx.sleep("1 hour");
          return ends;
        },
      });
      let app = await world.open([gather]);
      await app.send(gather, "g").run();
      await until(() => running === 3);
      await app.get(gather, "g").cancel();
      await world.pass("90 minutes");
      app = await world.crash();
      await world.pass("1 hour");
      const ends = ["cancelled", "cancelled", "cancelled", "cancelled", "after"];
      assert.deepEqual(await app.get(gather, "g").result({ timeout: 0 }), ends);
      assert.deepEqual([...seen], [ends.join()]);
      assert.equal(running, 3);
    });
  }
}

eachStore("members of every kind end, whatever they were doing", async (world) => {
  const never = makeGate();
  const undone: string[] = [];
  let running = 0;
  const gather = workflow("gather", {
    async run(ctx) {
      const members = {
        ended: ctx.run("ended", () => "ended"),
        good: ctx.run(
          "good",
          async ({ signal }) => {
            running++;
            await obey(signal).catch(() => undefined);
            return "good";
          },
          { undo: (result) => void undone.push(result) },
        ),
        deaf: ctx.run("deaf", () => {
          running++;
          return never.opened.then(() => "deaf");
        }),
        pausing: ctx.run(
          "pausing",
          (): string => {
            running++;
            throw new Error("not yet");
          },
          { retry: { attempts: 9, initial: "1 hour", max: "1 hour" } },
        ),
      };
      const ends = [await endOf(ctx.all(Object.values(members)))];
      const late = ctx.run("late", () => "late");
      for (const member of Object.values(members)) ends.push(await endOf(member));
      ends.push(await late);
      await ctx.sleep("1 hour");
      return ends;
    },
  });
  let app = await world.open([gather]);
  await app.send(gather, "g").run();
  await until(() => running === 3);
  await world.rest();
  await app.get(gather, "g").cancel();
  await world.pass("1 minute");
  app = await world.crash();
  await world.pass("2 hours");
  assert.deepEqual(await app.get(gather, "g").result({ timeout: 0 }), [
    ...["cancelled", "ended", "good", "cancelled", "cancelled", "late"],
  ]);
  assert.equal(running, 3);
  assert.deepEqual(undone, []);
});

eachStore("so they have when the process fails between the request and its turn", async (world) => {
  let running = 0;
  const gather = workflow("gather", {
    async run(ctx) {
      const member = ctx.run("member", () => {
        running++;
        return new Promise<string>(() => undefined);
      });
      const ends = [await endOf(ctx.race([member, ctx.promise("never")])), await endOf(member)];
      await ctx.sleep("1 hour");
      return ends;
    },
  });
  let app = await world.open([gather]);
  await app.send(gather, "g").run();
  await until(() => running === 1);
  await app.get(gather, "g").cancel();
  app = await world.crash();
  await world.pass("30 minutes");
  app = await world.crash();
  await world.pass("1 hour");
  assert.deepEqual(await app.get(gather, "g").result({ timeout: 0 }), ["cancelled", "cancelled"]);
  assert.equal(running, 1);
});

each("members that are no steps stay what they were, and can be awaited again", async (world) => {
  const child = workflow("child", { run: (ctx) => ctx.promise("never") });
  const gather = workflow("gather", {
    async run(ctx) {
      const promise = ctx.promise<string>("p");
      const signal = ctx.signal<string>("s");
      const sleep = ctx.sleep("1 hour").then(() => "slept");
      const call = ctx.call(child, "c").run();
      const ends = [await endOf(ctx.all([promise, signal, call]))];
      ends.push(await endOf(promise), await endOf(signal), await endOf(call), await endOf(sleep));
      return ends;
    },
  });
  const app = await world.open([child, gather]);
  const run = await app.send(gather, "g").run();
  await world.rest();
  await run.cancel();
  await world.rest();
  await run.resolve("p", "kept");
  await run.signal("s", "heard");
  await world.pass("2 hours");
  // The sleep was awaited, by its `then`.
  const ends = ["cancelled", "kept", "heard", "cancelled", "cancelled"];
  assert.deepEqual(await run.result({ timeout: 0 }), ends);
});

each("a second cancellation finds the steps of the clean-up, and no others", async (world) => {
  let running = 0;
  const gather = workflow("gather", {
    async run(ctx) {
      const start = (name: string): DurableFuture<string> =>
        ctx.run(name, ({ signal }): Promise<string> => {
          running++;
          return obey(signal);
        });
      const first = start("first");
      const ends = [await endOf(ctx.race([first, ctx.sleep("1 day")]))];
      const second = start("second");
      ends.push(await endOf(ctx.race([second, ctx.sleep("1 day")])));
      for (const member of [first, second]) ends.push(await endOf(member));
      ends.push(await ctx.run("third", () => "third"));
      return ends;
    },
  });
  const app = await world.open([gather]);
  const run = await app.send(gather, "g").run();
  await until(() => running === 1);
  await run.cancel();
  await until(() => running === 2);
  await run.cancel();
  await world.rest();
  const ends = ["cancelled", "cancelled", "cancelled", "cancelled", "third"];
  assert.deepEqual(await run.result({ timeout: 0 }), ends);
});
