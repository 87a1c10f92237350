import assert from "node:assert/strict";
import { type Context, workflow } from "holdfast";
import { eachStore } from "./harness.ts";

/* What a limit refused once, it refuses in every replay. */

const cases: Readonly<
  Record<string, { readonly limit: string; readonly issue: (ctx: Context, at: number) => unknown }>
> = {
  "commands of a turn": {
    limit: "turnCommands",
    issue: (ctx, at) => ctx.sendSignal(ctx.id, "s", at),
  },
  "open timers": { limit: "openCommands", issue: (ctx) => ctx.sleep("1 week") },
  "open promises": { limit: "openCommands", issue: (ctx, at) => ctx.promise(`p${at}`).then() },
  "open steps": { limit: "openCommands", issue: (ctx, at) => ctx.run(`s${at}`, () => at) },
  "running steps": { limit: "stepsRunning", issue: (ctx, at) => ctx.run(`s${at}`, () => at) },
};

for (const [what, { limit, issue }] of Object.entries(cases)) {
  eachStore(`too many ${what}`, async (world) => {
    const job = workflow("job", {
      async run(ctx) {
        const codes: unknown[] = [];
        const go = ctx.signal("go");
        for (let at = 0; at < 5; at++) {
          try {
            issue(ctx, at);
            codes.push("ok");
          } catch (error) {
            codes.push((error as { code?: string }).code);
          }
        }
        await go;
        await ctx.signal("end");
        return codes;
      },
    });
    let app = await world.open([job], { limits: { [limit]: limit === "turnCommands" ? 4 : 3 } });
    await app.send(job, "j").run();
    await world.rest();
    await app.get(job, "j").signal("go");
    await world.rest();
    app = await world.crash();
    await app.get(job, "j").signal("end");
    await world.rest();
    const refused = ["limit-exceeded", "limit-exceeded"];
    assert.deepEqual((await app.get(job, "j").describe()).failure ?? null, null);
    const result = await app.get(job, "j").result({ timeout: 0 });
    assert.deepEqual(result, ["ok", "ok", "ok", ...refused]);
  });
}
