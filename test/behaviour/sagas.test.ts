import assert from "node:assert/strict";
import { TerminalError, workflow } from "holdfast";
import { coded, each, eachStore, later, makeGate, until } from "./harness.ts";

/** A trip that books what the test says, and fails at the end. */
function makeTrip(log: string[], end: string) {
  return workflow("trip", {
    async run(ctx) {
      for (const what of ["flight", "hotel", "car"]) {
        await ctx.run(`book ${what}`, () => `${what}-1`, {
          undo: (booked) => void log.push(`cancel ${booked}`),
        });
      }
      if (end === "wait") await ctx.sleep("1 week");
      if (end === "fail") throw new TerminalError("no money", { code: "no-money" });
      return "booked";
    },
  });
}

each(
  "what was done is undone in reverse when the handler fails, whose error is the one that surfaces [108]",
  async (world) => {
    const log: string[] = [];
    const trip = makeTrip(log, "fail");
    const app = await world.open([trip]);
    await assert.rejects(app.call(trip, "t").run(), coded("no-money"));
    assert.deepEqual(log, ["cancel car-1", "cancel hotel-1", "cancel flight-1"]);
  },
);

each("what was done is undone when the handler is cancelled [108]", async (world) => {
  const log: string[] = [];
  const trip = makeTrip(log, "wait");
  const app = await world.open([trip]);
  const run = await app.send(trip, "t").run();
  await world.rest();
  await run.cancel();
  await assert.rejects(run.result(), coded("cancelled"));
  assert.deepEqual(log, ["cancel car-1", "cancel hotel-1", "cancel flight-1"]);
});

each("nothing is undone when all went well [108]", async (world) => {
  const log: string[] = [];
  const trip = makeTrip(log, "succeed");
  const app = await world.open([trip]);
  assert.equal(await app.call(trip, "t").run(), "booked");
  assert.deepEqual(log, []);
});

eachStore(
  "undoing is durable: each undo counts once, through crashes and failures [108]",
  async (world) => {
    const done: string[] = [];
    let hotelFails = 2;
    const gate = makeGate();
    let atCar = false;
    let blocked = true;
    const trip = workflow("trip", {
      async run(ctx) {
        for (const what of ["flight", "hotel", "car"]) {
          await ctx.run(`book ${what}`, () => what, {
            async undo(booked) {
              if (booked === "hotel" && hotelFails-- > 0)
                throw new Error("the hotel does not answer");
              if (booked === "flight") {
                atCar = true;
                if (blocked) await gate.opened;
              }
              done.push(booked);
            },
          });
        }
        throw new TerminalError("no money", { code: "no-money" });
      },
    });
    let app = await world.open([trip]);
    await app.send(trip, "t").run();
    await world.pass("1 minute");
    await until(() => atCar);
    blocked = false;
    app = await world.crash();
    await world.pass("1 minute");
    await assert.rejects(app.get(trip, "t").result(), coded("no-money"));
    assert.deepEqual(done, ["car", "hotel", "flight"]);
  },
);

each(
  "an undo that says for good that it cannot does not keep the others from running [108]",
  async (world) => {
    const done: string[] = [];
    const trip = workflow("trip", {
      async run(ctx) {
        for (const what of ["flight", "hotel", "car"]) {
          await ctx.run(what, () => what, {
            undo(booked) {
              if (booked === "hotel") throw new TerminalError("not refundable");
              done.push(booked);
            },
          });
        }
        throw new TerminalError("no money", { code: "no-money" });
      },
    });
    const app = await world.open([trip]);
    await assert.rejects(app.call(trip, "t").run(), coded("no-money"));
    assert.deepEqual(done, ["car", "flight"]);
    assert.ok(world.log.some((line) => line.level === "error" && /undo/.test(line.message)));
  },
);

each("a cancellation while undoing does not stop it [108]", async (world) => {
  const done: string[] = [];
  const gate = makeGate();
  let undoing = false;
  const trip = workflow("trip", {
    async run(ctx) {
      for (const what of ["flight", "hotel"]) {
        await ctx.run(what, () => what, {
          async undo(booked) {
            undoing = true;
            await gate.opened;
            done.push(booked);
          },
        });
      }
      throw new TerminalError("no money", { code: "no-money" });
    },
  });
  const app = await world.open([trip]);
  const run = await app.send(trip, "t").run();
  await until(() => undoing);
  await run.cancel();
  gate.open();
  await world.pass("1 minute");
  await assert.rejects(run.result(), coded("no-money"));
  assert.deepEqual(done, ["hotel", "flight"]);
});

each("a step that failed has nothing to undo [108]", async (world) => {
  const done: string[] = [];
  const trip = workflow("trip", {
    async run(ctx) {
      await ctx.run("flight", () => "flight", { undo: (booked) => void done.push(booked) });
      await ctx.run(
        "hotel",
        (): string => {
          throw new TerminalError("full", { code: "full" });
        },
        { undo: (booked) => void done.push(booked) },
      );
    },
  });
  const app = await world.open([trip]);
  await assert.rejects(app.call(trip, "t").run(), coded("full"));
  assert.deepEqual(done, ["flight"]);
});

each("what was done is undone when the handler's time is over [108, 180]", async (world) => {
  const done: string[] = [];
  const trip = workflow("trip", {
    async run(ctx) {
      await ctx.run("flight", () => "flight", { undo: (booked) => void done.push(booked) });
      await ctx.sleep("1 week");
    },
    timeout: "1 hour",
  });
  const app = await world.open([trip]);
  const result = later(app.call(trip, "t").run());
  await world.pass("2 hours");
  await assert.rejects(result, coded("timed-out"));
  assert.deepEqual(done, ["flight"]);
});
