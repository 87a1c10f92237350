// The programs that are measured; the first three do the same work as those in bench/peers.
import { type Actor, actor, type Service, service, type Workflow, workflow } from "holdfast";

/** A handler as its callers see it. */
type Handler<T> = (ctx: never) => T;

export const stepsPerWorkflow = 10;
/** What `wf10` returns: the sum of its steps, so that a lost or doubled one shows. */
export const wf10Result: number = (stepsPerWorkflow * (stepsPerWorkflow - 1)) / 2;

export const wf10: Workflow<{ run: Handler<Promise<number>> }, object> = workflow("wf10", {
  async run(ctx) {
    let sum = 0;
    for (let i = 0; i < stepsPerWorkflow; i++) sum += await ctx.run(`step${i}`, () => i);
    return sum;
  },
});

export const noop: Service<{ call: Handler<number> }> = service("noop", {
  handlers: { call: () => 0 },
});

export const counter: Actor<{ add: Handler<number> }, { count: number }> = actor("counter", {
  state: { count: 0 },
  handlers: { add: (ctx) => ctx.set("count", ctx.get("count") + 1) },
});

/** Sleeps until its input, in milliseconds since 1970; results in how early it woke, which is never. */
export const sleeper: Workflow<{ run: (ctx: never, until: number) => Promise<number> }, object> =
  workflow("sleeper", {
    async run(ctx, until: number) {
      await ctx.sleepUntil(until);
      return Math.max(0, until - Date.now());
    },
  });

export interface Observer {
  /** Called by each step that is not in the journal yet. */
  onStep: () => void;
}

/** As many steps as its input says; the steps tell the observer that they run. */
export function makeSteps(observer: Observer): Workflow<{ run: StepsRun }, object> {
  return workflow("steps", {
    async run(ctx, count: number) {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        sum += await ctx.run("step", () => {
          observer.onStep();
          return 1;
        });
      }
      return sum;
    },
  });
}

type StepsRun = (ctx: never, count: number) => Promise<number>;
