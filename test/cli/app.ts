// What the tests of the CLI run.
import { appendFileSync } from "node:fs";
import { actor, message, schedule, service, shared, TerminalError, workflow } from "holdfast";

const { EFFECTS = "/dev/null" } = process.env;

/** An effect on the outside world. */
const effect = (line: string): void => appendFileSync(EFFECTS, `${line}\n`);

export const greeter = service("greeter", {
  handlers: {
    hello: async (_, name: string) => `Hello ${name}`,
    refuse: async () => {
      throw new TerminalError("not today", { code: "no-way" });
    },
    slow: (ctx, ms: number) =>
      ctx.run("wait", async () => {
        effect("slow began");
        await new Promise((resolve) => setTimeout(resolve, ms));
        return "done";
      }),
    /** Code that forgets its promises, and throws where nobody can catch. */
    careless: async () => {
      void Promise.reject(new Error("nobody awaits this"));
      setTimeout(() => {
        throw new Error("nobody catches this");
      });
    },
  },
});

export const counter = actor("counter", {
  state: { count: 0 },
  handlers: {
    add: (ctx, by: number) => {
      ctx.set("count", ctx.get("count") + by);
      return ctx.get("count");
    },
    get: shared((ctx) => ctx.get("count")),
  },
});

export const trip = workflow("trip", {
  async run(ctx, city: string) {
    await ctx.run("flight", () => effect(`flight ${ctx.key}`), {
      undo: () => effect(`undo ${ctx.key}`),
    });
    const places = await ctx.call(counter, "trips").add(1);
    const guide = await ctx.signal<string>("guide");
    await ctx.run("hotel", () => effect(`hotel ${ctx.key}`));
    return `${city} with ${guide}, ${places > 0}`;
  },
});

export const approval = workflow("approval", { run: (ctx) => ctx.promise<string>("answer") });

/** Fails once, and then waits for people. */
export const flaky = workflow("flaky", {
  retry: { attempts: 1 },
  async run(ctx) {
    await ctx.run("bank", () => {
      throw new Error("the bank is closed");
    });
  },
});

export const nightly = schedule("nightly", {
  cron: "0 3 1 1 *",
  target: message(greeter).hello("night"),
});
