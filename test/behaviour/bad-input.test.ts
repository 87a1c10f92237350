import assert from "node:assert/strict";
import { actor, handler, message, schedule, service, shared, workflow } from "holdfast";
import { each, refused } from "./harness.ts";

const badIds: readonly string[] = [
  "",
  " ",
  "\t\n",
  "x".repeat(257),
  "a\u0000b",
  "\ud800",
  "line\nbreak",
];

const box = actor("box", {
  state: { color: "none" },
  handlers: {
    paint: (ctx, color: string) => ctx.set("color", color),
    look: shared((ctx) => ctx.get("color")),
  },
});
const job = workflow("job", { run: (ctx) => ctx.promise<string>("p") });
const echo = service("echo", { handlers: { say: (_, input?: unknown) => input } });
const services = [box, job, echo];

/** What the store holds, to see that nothing changed. */
async function holdings(app: { query: (sql: string) => Promise<{ rows: readonly unknown[] }> }) {
  const views = ["invocations", "journal", "state", "timers", "promises", "schedules", "messages"];
  const rows = views.map(async (view) => (await app.query(`SELECT * FROM ${view}`)).rows);
  return JSON.stringify(await Promise.all(rows));
}

each(
  "empty, blank, over-long and malformed ids are refused at every entrance, and nothing changes [A]",
  async (world) => {
    const app = await world.open(services);
    const run = await app.send(job, "w").run();
    await world.rest();
    const before = await holdings(app);
    for (const id of badIds) {
      const entrances: Record<string, () => Promise<unknown>> = {
        call: () => app.call(box, id).look(),
        send: () => app.send(job, id).run(),
        "idempotency key": () => app.call(echo, { idempotencyKey: id }).say(),
        get: () => app.get(job, id).result(),
        signal: () => run.signal(id),
        resolve: () => run.resolve(id),
        reject: () => run.reject(id, "no"),
        state: () => app.state(box, id),
        "patch of a key": () => app.patchState(box, id, { color: "red" }),
        "patch of an entry": () => app.patchState(box, "b", { [id]: "red" } as { color: string }),
      };
      for (const [name, enter] of Object.entries(entrances)) {
        await assert.rejects(
          async () => enter(),
          refused("invalid-id"),
          `${name} of ${JSON.stringify(id)}`,
        );
      }
      for (const make of [
        () => service(id, { handlers: { a: () => 1 } }),
        () => service("s", { handlers: { [id]: () => 1 } }),
        () => schedule(id, { cron: "@daily", target: message(echo).say() }),
      ]) {
        assert.throws(make, refused("invalid-id"));
      }
    }
    assert.equal(await holdings(app), before);
  },
);

each("within handlers the same ids are refused, as errors to catch [A]", async (world) => {
  const probe = service("probe", {
    handlers: {
      async try(ctx, id: string) {
        const entrances: (() => unknown)[] = [
          () => ctx.call(box, id).look(),
          () => ctx.send(box, id).look(),
          () => ctx.send(echo, { idempotencyKey: id }).say(),
          () => ctx.run(id, () => 1),
          () => ctx.promise(id),
          () => ctx.signal(id),
          () => ctx.sendSignal(ctx.id, id),
          () => ctx.attach(job, id),
          () => ctx.patched(id),
        ];
        return entrances.map((enter) => {
          try {
            enter();
            return "accepted";
          } catch (error) {
            return error instanceof Error && "code" in error ? error.code : "?";
          }
        });
      },
    },
  });
  const app = await world.open([...services, probe]);
  for (const id of badIds) {
    const codes = await app.call(probe).try(id);
    assert.deepEqual([...new Set(codes)], ["invalid-id"], JSON.stringify(id));
  }
});

each("what is not there is said not to be there [150]", async (world) => {
  const app = await world.open(services);
  const nobody = `${(await app.send(job, "w").run()).id.slice(0, 8)}zzzz`;
  await world.rest();
  const before = await holdings(app);
  const { port } = app;
  const cases: readonly [string, () => Promise<unknown>][] = [
    ["unknown-service", () => port.call({ service: "none", handler: "x" })],
    ["unknown-service", () => port.readState("none", "k")],
    ["unknown-handler", () => port.call({ service: "echo", handler: "none" })],
    ["unknown-handler", () => port.call({ service: "echo", handler: "toString" })],
    ["invalid-argument", () => port.call({ service: "echo", handler: "say", key: "k" })],
    ["invalid-id", () => port.call({ service: "box", handler: "look" })],
    ["unknown-invocation", () => app.get(nobody).result()],
    ["unknown-invocation", () => app.get("nonsense").describe()],
    ["unknown-invocation", () => app.get(nobody).journal()],
    ["unknown-invocation", () => app.get(nobody).cancel()],
    ["unknown-invocation", () => app.get(nobody).kill()],
    ["unknown-invocation", () => app.get(nobody).pause()],
    ["unknown-invocation", () => app.get(nobody).resume()],
    ["unknown-invocation", () => app.get(nobody).restart()],
    ["unknown-invocation", () => app.get(nobody).purge()],
    ["unknown-invocation", () => app.get(nobody).signal("s")],
    ["unknown-invocation", () => app.get(job, "nobody").result()],
    ["unknown-promise", () => app.resolve("nonsense")],
    ["unknown-promise", () => app.reject(`prm_${nobody.slice(4)}.p`, "no")],
  ];
  for (const [code, action] of cases) {
    await assert.rejects(async () => action(), refused(code), `${code}: ${action.toString()}`);
  }
  assert.equal(await holdings(app), before);
});

each(
  "a second resolve, and whatever comes after the end, is refused, and nothing changes",
  async (world) => {
    const app = await world.open(services);
    const run = await app.send(job, "w").run();
    const other = await app.send(job, "v").run();
    await other.pause();
    await other.resolve("p", "first");
    await assert.rejects(other.resolve("p", "second"), refused("already-settled"));
    await assert.rejects(other.reject("p", "second"), refused("already-settled"));
    await other.resume();
    assert.equal(await other.result(), "first");
    await run.resolve("p", "done");
    await run.result();
    const before = await holdings(app);
    await assert.rejects(run.resolve("p", "again"), refused("already-settled"));
    await assert.rejects(run.resolve("other"), refused("invocation-ended"));
    await assert.rejects(run.signal("s"), refused("invocation-ended"));
    await assert.rejects(run.cancel(), refused("invocation-ended"));
    await assert.rejects(run.kill(), refused("invocation-ended"));
    await assert.rejects(run.pause(), refused("invocation-ended"));
    assert.equal(await holdings(app), before);
  },
);

each(
  "input of the wrong type is refused before anything is recorded, by schemas of any make [150, 151, 153]",
  async (world) => {
    const positive = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: (value: unknown) =>
          typeof value === "number" && value > 0
            ? { value }
            : { issues: [{ message: "not positive" }] },
      },
    };
    const checked = service("checked", {
      handlers: { square: handler({ input: positive }, (_, value: unknown) => Number(value) ** 2) },
    });
    const app = await world.open([checked]);
    const before = await holdings(app);
    for (const input of [-1, "2", null, undefined, {}, []]) {
      const request = { service: "checked", handler: "square", input };
      await assert.rejects(app.port.call(request), refused("invalid-input"));
      await assert.rejects(app.port.send(request), refused("invalid-input"));
    }
    assert.equal(await holdings(app), before);
    assert.equal(await app.port.call({ service: "checked", handler: "square", input: 3 }), 9);
  },
);

each(
  "a validator that refuses in a replay what it accepted at the door does not fail the invocation [154]",
  async (world) => {
    let strict = false;
    const moody = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: (value: unknown) =>
          strict ? { issues: [{ message: "not any more" }] } : { value },
      },
    };
    const checked = service("checked", {
      handlers: {
        wait: handler({ input: moody }, async (ctx, value: unknown) => {
          await ctx.run("step", () => 1);
          await ctx.sleep("1 hour");
          return value;
        }),
      },
    });
    let app = await world.open([checked]);
    const { id } = await app.port.send({ service: "checked", handler: "wait", input: "accepted" });
    await world.rest();
    strict = true;
    app = await world.crash();
    await world.pass("2 hours");
    assert.equal((await app.get(id).describe()).status, "paused");
    strict = false;
    await app.get(id).resume();
    assert.equal(await app.get(id).result(), "accepted");
  },
);

each("SQL that writes, is no SQL, or asks for what is not documented is refused", async (world) => {
  const app = await world.open(services);
  await app.call(box, "b").paint("red");
  const before = await holdings(app);
  for (const sql of [
    "DELETE FROM invocations",
    "UPDATE state SET value = '1'",
    "INSERT INTO state VALUES ('a', 'b', 'c', '1')",
    "DROP TABLE journal",
    "PRAGMA user_version = 9",
    "ATTACH DATABASE '/tmp/x.db' AS x",
    "CREATE TABLE x (a)",
    "SELECT * FROM main.invocations",
    "SELECT * FROM sqlite_master",
    "SELECT 1; SELECT 2",
    "SELECT nonsense FROM nowhere",
    "",
    "nonsense",
  ]) {
    await assert.rejects(app.query(sql), refused("invalid-query"), sql);
  }
  assert.equal(await holdings(app), before);
});

each(
  "a schedule that cannot exist is refused when it is made, or with its application [157]",
  async (world) => {
    const target = message(echo).say();
    for (const spec of [
      { cron: "nonsense", target },
      { cron: "0 0 31 2 *", target },
      { cron: "61 * * * *", target },
      { cron: "* * * *", target },
      { cron: "@daily", target, timeZone: "Atlantis/Capital" },
      { cron: "@daily", target: {} as typeof target },
      { cron: "@daily", target, overlap: "maybe" as "skip" },
    ]) {
      assert.throws(() => schedule("bad", spec), refused("invalid-schedule"));
    }
    const foreign = service("foreign", { handlers: { x: () => 1 } });
    const lost = schedule("lost", { cron: "@daily", target: message(foreign).x() });
    await assert.rejects(world.open(services, { schedules: [lost] }), refused("invalid-schedule"));
  },
);

each(
  "a definition registered twice is refused, and so are definitions that make no sense",
  async (world) => {
    await assert.rejects(world.open([echo, echo]), refused("duplicate-definition"));
    const twin = actor("echo", { handlers: { a: () => 1 } });
    await assert.rejects(world.open([echo, twin]), refused("duplicate-definition"));
    for (const make of [
      () => service("s", { handlers: {} }),
      () => service("s", { handlers: { a: 1 as unknown as () => number } }),
      () => service("s", { handlers: { a: () => 1 }, retry: { attempts: 0 } }),
      () => service("s", { handlers: { a: () => 1 }, timeout: "soon" }),
      () => service("s", { handlers: { a: () => 1 }, ...{ misspelt: true } }),
    ]) {
      assert.throws(make, refused("invalid-argument"));
    }
  },
);

each("delays and timeouts that are none are refused", async (world) => {
  const app = await world.open(services);
  const before = await holdings(app);
  for (const delay of [-1, Number.NaN, Number.POSITIVE_INFINITY, "soon", ""]) {
    await assert.rejects(async () => app.send(echo, { delay }).say(), refused("invalid-argument"));
    await assert.rejects(
      async () => app.get("inv_x").result({ timeout: delay }),
      refused("invalid-argument"),
    );
  }
  assert.equal(await holdings(app), before);
});
