// The handlers of restate-app.ts, served as `holdfast serve` does. Started with: <path of the store>
import { actor, serve, service, workflow } from "holdfast";

const STEPS = 10;

const wf10 = workflow("wf10", {
  async run(ctx) {
    for (let i = 0; i < STEPS; i += 1) await ctx.run(`step${i}`, () => i);
    return STEPS;
  },
});

const noop = service("noop", { handlers: { call: () => 0 } });

const counter = actor("counter", {
  state: { count: 0 },
  handlers: { add: (ctx) => ctx.set("count", ctx.get("count") + 1) },
});

export const definitions = { wf10, noop, counter };

if (import.meta.main) {
  const services = Object.values(definitions);
  const [store = ""] = process.argv.slice(2);
  const server = await serve({ services, store, hostname: "127.0.0.1", port: 0 });
  process.once("disconnect", () => process.exit(1));
  process.once("SIGTERM", () => void server.close().finally(() => process.exit(0)));
  process.send?.(server.url);
}
