// The handlers, as a Restate service endpoint of its own, which is how Restate runs them.
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import * as restate from "@restatedev/restate-sdk";

const STEPS = 10;

const wf10 = restate.workflow({
  name: "wf10",
  handlers: {
    run: async (ctx: restate.WorkflowContext): Promise<number> => {
      for (let i = 0; i < STEPS; i += 1) await ctx.run(`step${i}`, () => i);
      return STEPS;
    },
  },
});

const noop = restate.service({
  name: "noop",
  handlers: { call: async (_ctx: restate.Context): Promise<number> => 0 },
});

const counter = restate.object({
  name: "counter",
  handlers: {
    add: async (ctx: restate.ObjectContext): Promise<number> => {
      const next = ((await ctx.get<number>("count")) ?? 0) + 1;
      ctx.set("count", next);
      return next;
    },
  },
});

export type Noop = typeof noop;
export type Counter = typeof counter;

process.once("disconnect", () => process.exit(1));
const endpoint = restate.endpoint().bind(wf10).bind(noop).bind(counter);
const server = createServer(endpoint.http2Handler());
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
