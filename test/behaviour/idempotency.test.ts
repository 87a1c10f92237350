import assert from "node:assert/strict";
import { actor, service, workflow } from "holdfast";
import { coded, each, eachStore, makeGate, until } from "./harness.ts";

const counter = actor("counter", {
  state: { count: 0 },
  handlers: { add: (ctx, by: number) => ctx.set("count", ctx.get("count") + by) },
});

eachStore(
  "a repeated call of an actor gets the recorded result until its key is forgotten [59]",
  async (world) => {
    let app = await world.open([counter]);
    const add = () => app.call(counter, "a", { idempotencyKey: "once" }).add(5);
    assert.equal(await add(), 5);
    assert.equal(await add(), 5);
    app = await world.crash();
    await world.pass("23 hours");
    assert.equal(await add(), 5);
    await world.pass("2 hours");
    assert.equal(await add(), 10);
  },
);

each("a repeated call of a service runs its handler once [60]", async (world) => {
  let runs = 0;
  const mail = service("mail", { handlers: { send: () => ++runs } });
  const app = await world.open([mail]);
  assert.equal(await app.call(mail, { idempotencyKey: "k" }).send(), 1);
  assert.equal(await app.call(mail, { idempotencyKey: "k" }).send(), 1);
  assert.equal(await app.call(mail, { idempotencyKey: "other" }).send(), 2);
  assert.equal(await app.call(mail).send(), 3);
});

each("a repeated message is known, and has the id of the first [61]", async (world) => {
  const app = await world.open([counter]);
  const first = await app.send(counter, "a", { idempotencyKey: "k" }).add(1);
  const second = await app.send(counter, "a", { idempotencyKey: "k" }).add(1);
  assert.equal(first.wasKnown, false);
  assert.equal(second.wasKnown, true);
  assert.equal(second.id, first.id);
  assert.equal(await first.result(), 1);
});

each(
  "a repeated call during the first run waits for its result, and the result can be asked for without waiting [62]",
  async (world) => {
    const gate = makeGate();
    const slow = service("slow", {
      handlers: { work: (ctx) => ctx.run("work", () => gate.opened.then(() => "done")) },
    });
    const app = await world.open([slow]);
    const sent = await app.send(slow, { idempotencyKey: "k" }).work();
    const attached = app.call(slow, { idempotencyKey: "k" }).work();
    await assert.rejects(sent.result({ timeout: 0 }), coded("invocation-not-ended"));
    gate.open();
    assert.equal(await attached, "done");
    assert.equal(await sent.result({ timeout: 0 }), "done");
  },
);

each(
  "the same idempotency key for two actors, or two handlers, means two invocations [74]",
  async (world) => {
    const other = service("other", { handlers: { a: () => "a", b: () => "b" } });
    const app = await world.open([counter, other]);
    const idempotencyKey = "same";
    assert.equal(await app.call(counter, "x", { idempotencyKey }).add(1), 1);
    assert.equal(await app.call(counter, "y", { idempotencyKey }).add(2), 2);
    assert.equal(await app.call(other, { idempotencyKey }).a(), "a");
    assert.equal(await app.call(other, { idempotencyKey }).b(), "b");
  },
);

each(
  "an idempotency key used again with another input is refused, and nothing changes [152]",
  async (world) => {
    const app = await world.open([counter]);
    await app.call(counter, "a", { idempotencyKey: "k" }).add(1);
    await assert.rejects(
      app.call(counter, "a", { idempotencyKey: "k" }).add(2),
      coded("idempotency-conflict"),
    );
    assert.deepEqual(await app.state(counter, "a"), { count: 1 });
  },
);

eachStore(
  "a second start of a workflow's key finds the first, also after its end [178]",
  async (world) => {
    let runs = 0;
    const once = workflow("once", { run: (ctx) => ctx.run("effect", () => ++runs) });
    let app = await world.open([once]);
    const first = await app.send(once, "w", { idempotencyKey: "k" }).run();
    assert.equal(await first.result(), 1);
    app = await world.crash();
    const second = await app.send(once, "w", { idempotencyKey: "k" }).run();
    assert.deepEqual([second.id, second.wasKnown], [first.id, true]);
    assert.equal(await second.result(), 1);
    await assert.rejects(app.call(once, "w").run(), coded("already-started"));
    assert.equal(runs, 1);
  },
);

each("two starts at once with one key run the body once [174]", async (world) => {
  let running = 0;
  let most = 0;
  const gate = makeGate();
  const once = workflow("once", {
    run: (ctx) =>
      ctx.run("effect", async () => {
        most = Math.max(most, ++running);
        await gate.opened;
        running--;
        return "done";
      }),
  });
  const app = await world.open([once]);
  const calls = [1, 2, 3].map(() => app.call(once, "w", { idempotencyKey: "k" }).run());
  await until(() => running > 0);
  await world.rest();
  gate.open();
  assert.deepEqual(await Promise.all(calls), ["done", "done", "done"]);
  assert.equal(most, 1);
});
