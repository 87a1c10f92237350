import assert from "node:assert/strict";
import { test } from "node:test";
import { service, workflow } from "../sdk/definition.ts";
import { message, schedule } from "../sdk/schedule.ts";
import { openTest } from "./open-test.ts";

const reminder = workflow("reminder", {
  async run(ctx, days: number) {
    const seen: number[] = [ctx.now()];
    for (let day = 0; day < days; day++) {
      await ctx.sleep("1 day");
      seen.push(ctx.now());
    }
    return seen;
  },
});

test("the clock is put forward through chained sleeps, each at its time", async () => {
  await using app = await openTest({ services: [reminder] });
  const sent = await app.send(reminder, "r").run(7);
  await app.advance("6 days 23 hours");
  assert.equal((await sent.describe()).status, "suspended");
  await app.advance("1 hour");
  const seen = await sent.result();
  const day = 86_400_000;
  for (const [index, at] of seen.entries()) {
    const late = at - (seen[0] ?? 0) - index * day;
    assert.ok(late >= 0 && late < 5000, `day ${index} came ${late} ms late`);
  }
});

test("schedules fall due, as often as they should", async () => {
  let runs = 0;
  const ticker = service("ticker", { handlers: { tick: async () => void runs++ } });
  const hourly = schedule("hourly", { cron: "0 * * * *", target: message(ticker).tick() });
  await using app = await openTest({ services: [ticker], schedules: [hourly] });
  await app.advance("5 hours");
  assert.equal(runs, 5);
});

test("a delayed message comes when it is due, and not before", async () => {
  let runs = 0;
  const ticker = service("ticker", { handlers: { tick: async () => void runs++ } });
  await using app = await openTest({ services: [ticker] });
  await app.send(ticker, { delay: "10 minutes" }).tick();
  await app.advance("9 minutes");
  assert.equal(runs, 0);
  await app.advance("1 minute");
  assert.equal(runs, 1);
});

test("a duration that is none is refused", async () => {
  await using app = await openTest({ services: [reminder] });
  await assert.rejects(app.advance("soon"), { code: "invalid-argument" });
});
