import assert from "node:assert/strict";
import { actor, message, type ScheduleSpec, schedule, service, workflow } from "holdfast";
import { coded, each, eachStore, later, makeGate } from "./harness.ts";

interface Ran {
  readonly at: number;
  readonly input: unknown;
}

function makeReport(ran: Ran[]) {
  return service("report", {
    handlers: { generate: (ctx, input?: string) => void ran.push({ at: ctx.now(), input }) },
  });
}

const hour = 3_600_000;

each("a schedule runs at the times of its cron expression, with its input [157]", async (world) => {
  const ran: Ran[] = [];
  const report = makeReport(ran);
  const nightly = schedule("nightly", {
    cron: "0 3 * * *",
    target: message(report).generate("all"),
  });
  await world.open([report], { schedules: [nightly] });
  const start = world.clock.now;
  await world.pass("3 days");
  const expected = [0, 1, 2].map((day) => ({ at: start + (day * 24 + 3) * hour, input: "all" }));
  assert.deepEqual(ran, expected);
});

each(
  "changed in the application, a schedule changes its times and input, and keeps its history [157]",
  async (world) => {
    const ran: Ran[] = [];
    const report = makeReport(ran);
    const make = (cron: string, input: string) =>
      schedule("changing", { cron, target: message(report).generate(input) });
    await world.open([report], { schedules: [make("0 * * * *", "hourly")] });
    await world.pass("2 hours 30 minutes");
    const app = await world.restart([report], { schedules: [make("*/30 * * * *", "half")] });
    await world.pass("1 hour");
    assert.deepEqual(
      ran.map(({ input }) => input),
      ["hourly", "hourly", "half", "half"],
    );
    const described = (await app.schedules.list())[0];
    assert.equal(described?.cron, "*/30 * * * *");
    assert.equal(described?.lastAt, world.clock.now);
    await world.restart([report], { schedules: [] });
    await world.pass("1 day");
    assert.equal(ran.length, 4);
    assert.deepEqual(await world.app.schedules.list(), []);
  },
);

each(
  "a paused schedule does not run, pausing twice is pausing once, and it is triggered all the same [157]",
  async (world) => {
    const ran: Ran[] = [];
    const report = makeReport(ran);
    const hourly = schedule("hourly", { cron: "0 * * * *", target: message(report).generate() });
    const app = await world.open([report], { schedules: [hourly] });
    await app.schedules.pause(hourly);
    await app.schedules.pause("hourly");
    await world.pass("5 hours");
    assert.equal(ran.length, 0);
    const run = await app.schedules.trigger(hourly);
    await run.result();
    assert.equal(ran.length, 1);
    assert.equal((await app.schedules.list())[0]?.paused, true);
    await app.schedules.resume(hourly);
    await world.pass("2 hours");
    assert.equal(ran.length, 3);
  },
);

each(
  "of runs missed while nothing was up, none, the last or all are made up for [157, 185]",
  async (world) => {
    const ran = { none: [] as Ran[], last: [] as Ran[], all: [] as Ran[] };
    const services = Object.entries(ran).map(([name, list]) => ({
      name,
      of: service(name, {
        handlers: { run: (ctx, input?: string) => void list.push({ at: ctx.now(), input }) },
      }),
    }));
    const schedules = services.map(({ name, of }) =>
      schedule(name, {
        cron: "0 * * * *",
        target: message(of).run(),
        backfill: name as NonNullable<ScheduleSpec["backfill"]>,
      }),
    );
    const definitions = services.map(({ of }) => of);
    await world.open(definitions, { schedules });
    await world.pass("30 minutes");
    world.fail();
    await world.clock.pass(6 * hour, async () => {});
    await world.open(definitions, { schedules });
    await world.pass("10 minutes");
    assert.deepEqual([ran.none.length, ran.last.length, ran.all.length], [0, 1, 6]);
  },
);

each(
  "a schedule keeps the hour of its time zone through changes of the clocks [185]",
  async (world) => {
    const ran: Ran[] = [];
    const report = makeReport(ran);
    const daily = schedule("daily", {
      cron: "30 2 * * *",
      timeZone: "Europe/Berlin",
      target: message(report).generate(),
    });
    world.clock.set(Date.UTC(2026, 2, 27));
    await world.open([report], { schedules: [daily] });
    await world.pass("4 days");
    const times = ran.map(({ at }) => new Date(at).toISOString().slice(5, 16));
    // On the 29th the clocks go from 2:00 to 3:00, so 2:30 is left out and the run comes at 3:00.
    assert.deepEqual(times, ["03-27T01:30", "03-28T01:30", "03-29T01:00", "03-30T00:30"]);
  },
);

each("while a run goes on, the next is allowed, skipped or queued [157]", async (world) => {
  const started = { allow: 0, skip: 0, queue: 0 };
  const gates = { allow: makeGate(), skip: makeGate(), queue: makeGate() };
  const names = ["allow", "skip", "queue"] as const;
  const definitions = names.map((name) =>
    service(name, {
      handlers: {
        run: (ctx) =>
          ctx.run("slow", () => {
            started[name]++;
            return gates[name].opened;
          }),
      },
    }),
  );
  const schedules = names.map((name, index) => {
    const of = definitions[index];
    assert(of !== undefined);
    return schedule(name, { cron: "0 * * * *", target: message(of).run(), overlap: name });
  });
  await world.open(definitions, { schedules });
  await world.pass("3 hours");
  assert.deepEqual(started, { allow: 3, skip: 1, queue: 1 });
  for (const name of names) gates[name].open();
  await world.rest();
  assert.deepEqual(started, { allow: 3, skip: 1, queue: 3 });
});

eachStore(
  "a schedule runs once for each of its times, however often the process restarts [185]",
  async (world) => {
    const ran: Ran[] = [];
    const report = makeReport(ran);
    const hourly = schedule("hourly", { cron: "0 * * * *", target: message(report).generate() });
    await world.open([report], { schedules: [hourly] });
    const start = world.clock.now;
    for (let restarts = 0; restarts < 6; restarts++) {
      await world.pass("40 minutes");
      await (restarts % 2 === 0 ? world.crash() : world.restart());
    }
    await world.pass(1);
    const expected = [1, 2, 3, 4].map((hours) => start + hours * hour);
    assert.deepEqual(
      ran.map(({ at }) => at),
      expected,
    );
  },
);

each("a schedule may start a workflow at a key, or an actor [157]", async (world) => {
  const job = workflow("job", { run: (ctx) => ctx.run("x", () => ctx.key) });
  const tally = actor("tally", {
    state: { count: 0 },
    handlers: { tick: (ctx) => ctx.set("count", ctx.get("count") + 1) },
  });
  const schedules = [
    schedule("ticks", { cron: "0 * * * *", target: message(tally, "t").tick() }),
    schedule("once", { cron: "0 * * * *", target: message(job, "only").run() }),
  ];
  const app = await world.open([job, tally], { schedules });
  await world.pass("3 hours");
  assert.deepEqual(await app.state(tally, "t"), { count: 3 });
  assert.equal(await app.get(job, "only").result(), "only");
});

each(
  "an unknown schedule is no schedule; a second one of the same name is refused [157]",
  async (world) => {
    const report = makeReport([]);
    const spec = { cron: "0 * * * *", target: message(report).generate() };
    const app = await world.open([report], { schedules: [schedule("one", spec)] });
    for (const action of ["pause", "resume", "trigger"] as const) {
      await assert.rejects(app.schedules[action]("none"), coded("unknown-schedule"));
    }
    await world.close();
    const twice = world.open([report], {
      schedules: [schedule("one", spec), schedule("one", spec)],
    });
    await assert.rejects(later(twice), coded("duplicate-definition"));
  },
);
