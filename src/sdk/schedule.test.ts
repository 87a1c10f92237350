import assert from "node:assert/strict";
import { test } from "node:test";
import { actor, service } from "./definition.ts";
import { message, parseCron, type ScheduleSpec, schedule } from "./schedule.ts";

const report = service("report", { handlers: { generate: async (_ctx, day: string) => day } });
const room = actor("room", { handlers: { clean: async () => {} } });
const target = message(report).generate("monday");

test("a message is data: service, handler, and key and input if there are any", () => {
  assert.deepEqual(target, { service: "report", handler: "generate", input: "monday" });
  assert.deepEqual(message(room, "7").clean(), { service: "room", handler: "clean", key: "7" });
});

test("a schedule has defaults for what is left out", () => {
  assert.deepEqual(schedule("s", { cron: "@daily", target }), {
    kind: "schedule",
    name: "s",
    cron: "@daily",
    timeZone: "UTC",
    target,
    overlap: "allow",
    backfill: "last",
  });
});

test("times follow the clocks of the time zone", () => {
  const next = parseCron("s", "30 2 * * *", "Europe/Berlin");
  const after = (time: string): string => new Date(next(Date.parse(time)) ?? 0).toISOString();
  assert.equal(after("2026-01-10T00:00:00Z"), "2026-01-10T01:30:00.000Z");
  assert.equal(after("2026-07-10T00:00:00Z"), "2026-07-10T00:30:00.000Z");
  // 02:30 does not exist on that day; it runs at the first minute that does.
  assert.equal(after("2026-03-28T12:00:00Z"), "2026-03-29T01:00:00.000Z");
  // 02:30 comes twice on that day, and counts once.
  assert.equal(after("2026-10-24T12:00:00Z"), "2026-10-25T00:30:00.000Z");
  assert.equal(after("2026-10-25T00:30:00Z"), "2026-10-26T01:30:00.000Z");
});

test("the next time lies strictly after, to the millisecond", () => {
  const next = parseCron("s", "*/10 * * * * *", "UTC");
  assert.equal(next(0), 10_000);
  assert.equal(next(9_999), 10_000);
  assert.equal(next(10_000), 20_000);
  assert.equal(next(10_001), 20_000);
});

test("a schedule that cannot exist is refused", () => {
  const refusals: readonly [Partial<Record<keyof ScheduleSpec, unknown>>, RegExp][] = [
    [{ cron: "61 * * * *" }, /cannot exist: /],
    [{ cron: "0 0 31 2 *" }, /never comes/],
    [{ cron: "2026-01-01T00:00:00" }, /five or six fields/],
    [{ cron: "* * * * * * 2030" }, /five or six fields/],
    [{ cron: "" }, /five or six fields/],
    [{ cron: 5 }, /not text/],
    [{ cron: "@never" }, /cannot exist: /],
    [{ cron: "@reboot" }, /not supported/],
    [{ timeZone: "Europe/Atlantis" }, /no time zone "Europe\/Atlantis"/],
    [{ timeZone: "" }, /no time zone/],
    [{ target: undefined }, /message/],
    [{ overlap: "maybe" }, /overlap cannot be "maybe"/],
    [{ backfill: "some" }, /backfill cannot be "some"/],
  ];
  for (const [change, message] of refusals) {
    const spec = { cron: "@daily", target, ...change } as ScheduleSpec;
    assert.throws(() => schedule("s", spec), { code: "invalid-schedule", message });
  }
  assert.throws(() => schedule("a/b", { cron: "@daily", target }), { code: "invalid-id" });
  const misspelt = { cron: "@daily", target, timezone: "UTC" };
  assert.throws(() => schedule("s", misspelt), { code: "invalid-argument" });
});
