import assert from "node:assert/strict";
import { test } from "node:test";
import { actor } from "../sdk/definition.ts";
import { rest, Stage } from "./stage.ts";

/* A batch becomes durable while the next pass waits for the store: what that pass found stays. */

const counter = actor("counter", {
  state: { value: 0 },
  handlers: { add: (ctx, by: number) => ctx.set("value", ctx.get("value") + by) },
});

test("a call that is made again with its idempotency key counts once", async (t) => {
  const stage = new Stage();
  const app = await stage.open(t, counter);
  const again = { idempotencyKey: "once" };
  const commit = stage.hold("commit");
  const first = app.call(counter, "c", again).add(1);
  await commit.arrived;
  const load = stage.hold("load");
  const second = app.call(counter, "c", again).add(1);
  const other = app.call(counter, "not in memory").add(1);
  await load.arrived;
  commit.goOn();
  await rest();
  load.goOn();
  assert.deepEqual(await Promise.all([first, second, other]), [1, 1, 1]);
  assert.deepEqual(await app.state(counter, "c"), { value: 1 });
});
