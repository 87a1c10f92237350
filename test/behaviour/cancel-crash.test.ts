import assert from "node:assert/strict";
import { workflow } from "holdfast";
import { eachStore, tick, type World } from "./harness.ts";

/** Has a step that goes on for ever, so that a cancellation waits for it. */
const napper = workflow("napper", {
  run: (ctx) => {
    const work = ctx.run("work", () => new Promise<void>(() => undefined));
    return ctx.race([work, ctx.sleep("1 minute")]);
  },
});

const services = [napper];

/** Cancels many, and fails at once: the cancellations are acknowledged, and not in the journals. */
async function cancelThenFail(world: World): Promise<void> {
  const app = await world.open(services);
  const keys = Array.from({ length: 40 }, (_, i) => `n${i}`);
  await Promise.all(keys.map((key) => app.send(napper, key).run()));
  await world.rest();
  await Promise.all(keys.map((key) => app.get(napper, key).cancel()));
  world.fail();
}

async function statuses(world: World): Promise<unknown> {
  const app = await world.open(services);
  await world.rest();
  const { rows } = await app.query(
    "select status, count(*) as n from invocations where service = 'napper' group by status",
  );
  return rows;
}

eachStore("an acknowledged cancellation survives a crash right after it", async (world) => {
  await cancelThenFail(world);
  assert.deepEqual(await statuses(world), [{ status: "cancelled", n: 40 }]);
});

eachStore("a timer that fell due while nothing ran does not overtake it", async (world) => {
  await cancelThenFail(world);
  await world.pass("2 minutes");
  assert.deepEqual(await statuses(world), [{ status: "cancelled", n: 40 }]);
});

for (const ticks of [0, 2, 5]) {
  eachStore(`nor does one that falls due ${ticks} ticks into the recovery`, async (world) => {
    await cancelThenFail(world);
    await world.pass("59999 ms");
    const app = await world.open(services);
    for (let i = 0; i < ticks; i++) await tick();
    await world.clock.pass(1, () => Promise.resolve());
    await world.rest();
    const { rows } = await app.query("select distinct status from invocations");
    assert.deepEqual(rows, [{ status: "cancelled" }]);
  });
}
