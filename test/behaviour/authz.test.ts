import assert from "node:assert/strict";
import {
  actor,
  authorization,
  type Holdfast,
  handler,
  PermissionDenied,
  type Relate,
  service,
  shared,
  TerminalError,
  workflow,
} from "holdfast";
import { coded, each, eachStore, kinds, makeGate, tick, until } from "./harness.ts";

const schema = `
  definition user {}
  definition group { relation member: user }
  definition document {
    relation owner: user
    relation reader: user | user:* | group#member
    permission edit = owner
    permission view = reader + edit
  }`;

const access = authorization({ schema });
const settings = { authorization: access };

const doc = (id: string) => ({ type: "document", id });
const user = (id: string) => ({ type: "user", id });
const reads = (id: string, who: string) => ({
  resource: doc(id),
  relation: "reader",
  subject: user(who),
});
const owns = (id: string, who: string) => ({ ...reads(id, who), relation: "owner" });

/** As everybody outside sees it. */
async function isSeen(app: Holdfast, id: string, who: string): Promise<boolean> {
  const tenant = app.authz.tenant("default");
  const question = { resource: doc(id), permission: "view", subject: user(who) };
  return (await tenant.check(question)).verdict === "yes";
}

each("a check after the handler's own write sees it, awaited or not", async (world) => {
  const job = workflow("job", {
    async run(ctx, awaits: boolean) {
      const view = () => ctx.check("view", doc(ctx.key), { subject: user("ann") });
      const before = await view();
      const related = ctx.relate({ create: [reads(ctx.key, "ann")] });
      if (awaits) await related;
      const after = await view();
      const gone = ctx.relate({ delete: [reads(ctx.key, "ann")] });
      if (awaits) await gone;
      return [before, after, await view()];
    },
  });
  const app = await world.open([job], settings);
  assert.deepEqual(await app.call(job, "awaited").run(true), [false, true, false]);
  assert.deepEqual(await app.call(job, "running").run(false), [false, true, false]);
});

eachStore("a replay decides the same, whatever the relationships are by then", async (world) => {
  const job = workflow("job", {
    async run(ctx) {
      const mayRead = await ctx.check("view", doc("d"), { subject: user("ann") });
      const decision = await ctx.decide("view", doc("d"), { subject: user("bob") });
      await ctx.promise("go");
      return {
        mayRead,
        decision,
        now: await ctx.check("view", doc("d"), { subject: user("ann") }),
      };
    },
  });
  let app = await world.open([job], settings);
  const tenant = () => app.authz.tenant("default");
  await tenant().write({ updates: [{ operation: "touch", relationship: reads("d", "ann") }] });
  const run = await app.send(job, "j").run();
  await world.rest();
  await tenant().write({
    updates: [
      { operation: "delete", relationship: reads("d", "ann") },
      { operation: "touch", relationship: reads("d", "bob") },
    ],
  });
  app = await world.crash();
  const handle = app.get<{ mayRead: boolean; decision: { verdict: string; zookie: string } }>(
    run.id,
  );
  await app.get(run.id).resolve("go");
  const { decision, ...rest } = await handle.result();
  assert.deepEqual(rest, { mayRead: true, now: false });
  assert.equal(decision.verdict, "no");
  const journal = await handle.journal();
  assert.deepEqual(
    journal.filter(({ kind }) => kind === "check").map(({ name }) => name),
    [
      "default document:d#view@user:ann",
      "default document:d#view@user:bob",
      "default document:d#view@user:ann",
    ],
  );
  const [first] = journal;
  assert.ok(typeof first?.value === "object" && first.value !== null && "zookie" in first.value);
});

each(
  "state and relationships are one commit: whatever the last one is, both or neither",
  async (world) => {
    const page = actor("page", {
      state: { owner: "" },
      handlers: {
        async open(ctx, owner: string) {
          ctx.set("owner", owner);
          await ctx.relate({ touch: [owns(ctx.key, owner)] });
        },
      },
    });
    // Through the outbox they are two: the second follows by itself.
    if (world.mode.outboxAlways) return;
    const seen = new Set<boolean>();
    for (let last = 0; last <= 4; last++) {
      let commits = Number.NEGATIVE_INFINITY;
      world.memory = {
        sync: () => (++commits > last ? new Promise(() => {}) : Promise.resolve()),
      };
      let app = await world.open([page], settings);
      await world.rest();
      commits = 0;
      const keys = Array.from({ length: 4 }, (_, i) => `${last}-${i}`);
      for (const key of keys) {
        app
          .call(page, key)
          .open("ann")
          .catch(() => {});
        for (let turns = 0; turns < 3; turns++) await tick();
      }
      world.fail();
      world.memory = {};
      app = await world.open([page], settings);
      const states = await Promise.all(keys.map((key) => app.state(page, key)));
      await world.rest();
      for (const [i, key] of keys.entries()) {
        const isOwned = states[i]?.owner === "ann";
        seen.add(isOwned);
        assert.equal(await isSeen(app, key, "ann"), isOwned, `${key} is one and not the other`);
      }
      await world.close();
    }
    assert.equal(seen.size, 2, "some were written, and some were lost");
  },
);

eachStore("what was related is written exactly once, whichever way it goes", async (world) => {
  const page = actor("page", {
    state: { count: 0 },
    handlers: {
      async grow(ctx, who: string) {
        ctx.set("count", ctx.get("count") + 1);
        await ctx.relate({ create: [reads(ctx.key, who)] });
        return ctx.get("count");
      },
    },
  });
  let app = await world.open([page], settings);
  const asked = [0, 1, 2, 3].map((i) =>
    app.send(page, `p${i}`, { idempotencyKey: `k${i}` }).grow("ann"),
  );
  await Promise.all(asked);
  app = await world.crash();
  for (const i of [0, 1, 2, 3]) {
    const again = await app.send(page, `p${i}`, { idempotencyKey: `k${i}` }).grow("ann");
    assert.equal(await again.result(), 1);
    assert.ok(await isSeen(app, `p${i}`, "ann"));
  }
  const { items } = await app.authz.tenant("default").changes();
  assert.equal(items.filter(({ updates }) => updates.length > 0).length, 4);
});

const refusals: readonly [Relate, string][] = [
  [{ create: [reads("there", "ann")] }, "relationship-exists"],
  [{ touch: [{ ...reads("d", "x"), subject: doc("e") }] }, "subject-not-allowed"],
  [{ touch: [{ ...reads("d", "x"), relation: "writer" }] }, "unknown-relation"],
  [{ touch: [{ ...reads("d", "x"), relation: "view" }] }, "relation-not-writable"],
  [{ touch: [reads("d", "x"), reads("d", "x")] }, "duplicate-update"],
  [{ touch: [reads("d", "x")], tenant: "elsewhere" }, "unknown-tenant"],
  [{}, "invalid-argument"],
  [{ touch: [null as never] }, "invalid-argument"],
  [{ touch: [{ ...reads("d", "x"), subject: { type: "user" } as never }] }, "invalid-argument"],
  [
    {
      touch: [reads("d", "x")],
      preconditions: [{ must: "match", filter: { resourceType: "document", resourceId: "none" } }],
    },
    "precondition-failed",
  ],
];

each(
  "what cannot be related is refused for good, in a replay too, and nothing is written",
  async (world) => {
    const job = workflow("job", {
      async run(ctx) {
        await ctx.relate({ touch: [reads("there", "ann")] });
        const codes: string[] = [];
        for (const [change] of refusals) {
          try {
            await ctx.relate(change);
          } catch (error) {
            codes.push(error instanceof Error && "code" in error ? String(error.code) : "none");
          }
        }
        await ctx.promise("go");
        return codes;
      },
      handlers: {},
    });
    const strict = workflow("strict", {
      run: (ctx) => ctx.relate({ create: [reads("there", "ann")] }),
    });
    let app = await world.open([job, strict], settings);
    const run = await app.send(job, "j").run();
    await world.rest();
    app = await world.crash();
    await app.get(run.id).resolve("go");
    assert.deepEqual(
      await app.get(run.id).result(),
      refusals.map(([, code]) => code),
    );
    await assert.rejects(app.call(strict, "s").run(), coded("relationship-exists"));
    assert.equal((await app.get(strict, "s").describe()).status, "failed");
    assert.equal(await isSeen(app, "d", "x"), false);
  },
);

each("each check sees at least what the ones before it saw", async (world) => {
  const job = workflow("job", {
    async run(ctx) {
      const zookies: string[] = [];
      for (let i = 0; i < 4; i++) {
        const ask = { subject: user(`u${i}`) };
        zookies.push((await ctx.decide("view", doc("d"), ask)).zookie);
        zookies.push((await ctx.relate({ touch: [reads("d", `u${i}`)] })).zookie);
        zookies.push((await ctx.decide("view", doc("d"), ask)).zookie);
        await ctx.sleep(10);
      }
      return zookies;
    },
  });
  const app = await world.open([job], settings);
  const run = await app.send(job, "j").run();
  await world.pass("1 s");
  const { zookies } = app.relations.tenant("default");
  const revisions = (await run.result()).map((zookie) => zookies.read(zookie));
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(revisions).size, 5);
});

each("services and shared handlers can ask, and pass on who called", async (world) => {
  const page = actor("page", {
    state: { text: "secret" },
    handlers: {
      read: shared(async (ctx) => {
        await ctx.require("view", doc(ctx.key));
        return ctx.get("text");
      }),
    },
  });
  const desk = service("desk", {
    handlers: {
      async read(ctx, id: string) {
        const may = await ctx.check("view", doc(id));
        return [may, ctx.caller, await ctx.call(page, id).read()];
      },
    },
  });
  const app = await world.open([page, desk], settings);
  await app.authz
    .tenant("default")
    .write({ updates: [{ operation: "touch", relationship: reads("p", "ann") }] });
  assert.deepEqual(await app.as("ann").call(desk).read("p"), [true, "ann", "secret"]);
  await assert.rejects(app.as("bob").call(desk).read("p"), coded("permission-denied"));
  await assert.rejects(app.call(desk).read("p"), coded("caller-missing"));
  assert.equal(await app.as("ann").call(page, "p").read(), "secret");
});

each("a question that means nothing is refused for good", async (world) => {
  const job = service("job", {
    handlers: {
      ask: (ctx, [permission, type]: [string, string]) =>
        ctx.check(permission, { type, id: "d" }, { subject: user("ann") }),
      lost: (ctx) => ctx.check("view", doc("d"), { subject: user("ann"), tenant: "none" }),
      wrong: (ctx) => ctx.check("view", { type: "document" } as never, { subject: user("ann") }),
    },
  });
  const app = await world.open([job], settings);
  const ask = app.call(job);
  await assert.rejects(ask.ask(["sing", "document"]), coded("unknown-relation"));
  await assert.rejects(ask.ask(["view", "opera"]), coded("unknown-type"));
  await assert.rejects(ask.lost(), coded("unknown-tenant"));
  await assert.rejects(ask.wrong(), coded("invalid-argument"));
});

each("code that asks or relates something else than its journal pauses", async (world) => {
  const variants = [
    ["check", "edit", "d"],
    ["check", "view", "e"],
    ["relate", "view", "d"],
  ] as const;
  const make = (does: string, permission: string, id: string) =>
    workflow("job", {
      async run(ctx) {
        if (does === "check") await ctx.check(permission, doc(id), { subject: user("ann") });
        else await ctx.relate({ touch: [reads(id, "ann")] });
        await ctx.promise("go");
      },
    });
  let app = await world.open([make("check", "view", "d")], { ...settings, version: "1" });
  const runs: string[] = [];
  for (const [i, [does, permission, id]] of variants.entries()) {
    if (i > 0) app = await world.restart([make("check", "view", "d")]);
    const { id: run } = await app.send(make("check", "view", "d"), `j${i}`).run();
    runs.push(run);
    await world.rest();
    app = await world.restart([make(does, permission, id)]);
    await app
      .get(run)
      .resolve("go")
      .catch(() => {});
    await until(async () => (await app.get(run).describe()).status === "paused");
    const { failure } = await app.get(run).describe();
    assert.match(JSON.stringify(failure), /code-diverged.*document:d#view@user:ann/);
    await app.get(run).kill();
  }
});

each(
  "a handler that asks for a permission runs for those who have it, and nothing starts for others",
  async (world) => {
    const page = actor("page", {
      state: { text: "" },
      handlers: {
        write: handler(
          { permission: { name: "edit", resource: (key) => doc(key) } },
          (ctx, text: string) => ctx.set("text", text),
        ),
        read: shared({ permission: { name: "view", resource: (key) => doc(key) } }, (ctx) =>
          ctx.get("text"),
        ),
      },
    });
    const document = actor("document", {
      permission: "view",
      handlers: { title: (ctx) => ctx.key },
    });
    const job = workflow("job", {
      permission: {
        name: "edit",
        resource: (_, { id }: { id: string }) => doc(id),
      },
      run: (ctx, { id }: { id: string }) => `${ctx.caller} on ${id}`,
    });
    const desk = service("desk", {
      handlers: {
        stamp: handler(
          { permission: { name: "edit", resource: (_, id: string) => doc(id) } },
          (_, id: string) => `stamped ${id}`,
        ),
      },
    });
    const services = [page, document, job, desk];
    const app = await world.open(services, settings);
    const [ann, bob] = [app.as("ann"), app.as("bob")];
    await app.authz.tenant("default").write({
      updates: [
        { operation: "touch", relationship: owns("p", "ann") },
        { operation: "touch", relationship: reads("p", "bob") },
      ],
    });
    assert.equal(await ann.call(page, "p").write("hello"), "hello");
    assert.equal(await bob.call(page, "p").read(), "hello");
    assert.equal(await bob.call(document, "p").title(), "p");
    assert.equal(await ann.call(job, "j1").run({ id: "p" }), "ann on p");
    assert.equal(await ann.call(desk).stamp("p"), "stamped p");
    const before = await app.list();
    for (const refused of [
      bob.call(page, "p").write("mine"),
      bob.send(page, "p", { delay: "1 day" }).write("mine"),
      app.as("eve").call(page, "p").read(),
      app.as("eve").call(document, "p").title(),
      bob.call(job, "j2").run({ id: "p" }),
      bob.call(desk).stamp("p"),
    ]) {
      await assert.rejects(refused, (error) => {
        assert.ok(error instanceof PermissionDenied);
        assert.equal(error.status, 403);
        assert.equal(error.explanation?.verdict, "no");
        return true;
      });
    }
    await assert.rejects(app.call(page, "p").read(), coded("caller-missing"));
    await assert.rejects(ann.call(job, "j3").run(null as never), coded("invalid-input"));
    await assert.rejects(ann.call(job, "j3").run({} as never), coded("invalid-input"));
    assert.deepEqual(await app.list(), before);
  },
);

each("calls and messages of handlers are asked as whoever began it all", async (world) => {
  const page = actor("page", {
    state: { text: "" },
    permission: { name: "edit", resource: (key) => doc(key) },
    handlers: { write: (ctx, text: string) => ctx.set("text", text) },
  });
  const job = workflow("job", {
    async run(ctx, how: "call" | "send" | "share") {
      if (how === "send") {
        ctx.send(page, "p").write("sent");
        return "sent";
      }
      if (how === "share") ctx.relate({ touch: [owns("p", ctx.caller ?? "")] });
      return ctx.call(page, "p").write(`${how} by ${ctx.caller}`);
    },
  });
  const app = await world.open([page, job], settings);
  const [ann, bob] = [app.as("ann"), app.as("bob")];
  await assert.rejects(ann.call(job, "a").run("call"), coded("permission-denied"));
  await ann.call(job, "b").run("send");
  await world.rest();
  await assert.rejects(app.call(job, "c").run("call"), coded("caller-missing"));
  const related = await app.authz.tenant("default").write({
    updates: [{ operation: "touch", relationship: owns("p", "ann") }],
  });
  assert.ok(related.zookie);
  assert.deepEqual(await app.state(page, "p"), { text: "" });
  assert.equal(await ann.call(job, "d").run("call"), "call by ann");
  await assert.rejects(bob.call(job, "e").run("call"), coded("permission-denied"));
  // On one node, what was related first is seen first.
  if (!world.mode.outboxAlways) {
    assert.equal(await bob.call(job, "f").run("share"), "share by bob");
  }
});

each("whoever the application says a caller is, is asked", async (world) => {
  const robots = authorization({
    schema,
    subject: (caller) =>
      caller === undefined ? user("robot") : caller === "ghost" ? undefined : user(`u-${caller}`),
  });
  const document = actor("document", { permission: "view", handlers: { title: (ctx) => ctx.key } });
  const app = await world.open([document], { authorization: robots });
  await app.authz.tenant("default").write({
    updates: [
      { operation: "touch", relationship: reads("p", "robot") },
      { operation: "touch", relationship: reads("p", "u-ann") },
    ],
  });
  assert.equal(await app.call(document, "p").title(), "p");
  assert.equal(await app.as("ann").call(document, "p").title(), "p");
  await assert.rejects(app.as("bob").call(document, "p").title(), coded("permission-denied"));
  await assert.rejects(app.as("ghost").call(document, "p").title(), coded("caller-missing"));
});

each("without a schema there is nobody to ask, and nothing is let in", async (world) => {
  const document = actor("document", { permission: "view", handlers: { title: (ctx) => ctx.key } });
  const opener = actor("opener", {
    handlers: {
      async open(ctx) {
        const [resource, subject] = [
          { type: "document", id: ctx.key },
          { type: "user", id: "ann" },
        ];
        await ctx.relate({ touch: [{ resource, relation: "viewer", subject }] });
      },
    },
  });
  const app = await world.open([document, opener]);
  const view = () => app.as("ann").call(document, "p").title();
  const open = () => app.as("ann").call(opener, "p").open();
  for (const call of [view, open]) await assert.rejects(call(), coded("unknown-tenant"));
  await app.authz.createTenant({ id: "default" });
  for (const call of [view, open]) await assert.rejects(call(), coded("schema-missing"));
  // The same when it was there, and is no more.
  await app.authz.deleteTenant("default");
  for (const call of [view, open]) await assert.rejects(call(), coded("unknown-tenant"));
});

each("a permission is asked as of all that was acknowledged", async (world) => {
  const document = actor("document", { permission: "view", handlers: { title: (ctx) => ctx.key } });
  const app = await world.open([document], settings);
  const tenant = app.authz.tenant("default");
  for (let i = 0; i < 20; i++) {
    await tenant.write({ updates: [{ operation: "touch", relationship: reads("p", "ann") }] });
    assert.equal(await app.as("ann").call(document, "p").title(), "p");
    await tenant.write({ updates: [{ operation: "delete", relationship: reads("p", "ann") }] });
    await assert.rejects(app.as("ann").call(document, "p").title(), coded("permission-denied"));
  }
});

each("a cancellation interrupts a write and a question like any wait", async (world) => {
  const gate = makeGate();
  const job = workflow("job", {
    async run(ctx) {
      await ctx.run("wait", () => gate.opened);
      try {
        await ctx.promise("never");
      } catch {
        await ctx.relate({ touch: [reads("d", "ann")] });
        return ctx.check("view", doc("d"), { subject: user("ann") });
      }
      return "not cancelled";
    },
  });
  const app = await world.open([job], settings);
  const run = await app.send(job, "j").run();
  gate.open();
  await world.rest();
  await run.cancel();
  assert.equal(await run.result(), true);
  const found = await kinds(run);
  assert.ok(found.includes("relate") && found.includes("check"), found.join());
});

each("a handler that fails keeps what it related, and undoes nothing by itself", async (world) => {
  const job = workflow("job", {
    async run(ctx) {
      await ctx.relate({ touch: [reads("d", "ann")] });
      throw new TerminalError("no more");
    },
  });
  const app = await world.open([job], settings);
  await assert.rejects(app.call(job, "j").run(), coded("terminal"));
  assert.ok(await isSeen(app, "d", "ann"));
});

each("what is not in memory is loaded first, for handlers as at the door", async (world) => {
  const document = actor("document", {
    permission: "view",
    handlers: {
      async grow(ctx, who: string) {
        const before = await ctx.check("view", doc(ctx.key), { subject: user(who) });
        ctx.relate({ touch: [reads(ctx.key, who)] });
        const after = await ctx.check("view", doc(ctx.key), { subject: user(who) });
        return [before, after];
      },
    },
  });
  const desk = service("desk", {
    handlers: { grow: (ctx, who: string) => ctx.call(document, "d").grow(who) },
  });
  let app = await world.open([document, desk], settings);
  await app.authz.tenant("default").write({
    updates: [
      { operation: "touch", relationship: reads("d", "ann") },
      { operation: "touch", relationship: owns("d", "bob") },
    ],
  });
  app = await world.restart([document, desk], { ...settings, authz: { residentMax: 0 } });
  assert.notEqual(app.relations.tenant("default").view.residency, null);
  assert.deepEqual(await app.as("ann").call(document, "d").grow("cat"), [false, true]);
  assert.deepEqual(await app.as("bob").call(desk).grow("dan"), [false, true]);
  await assert.rejects(app.as("eve").call(document, "d").grow("eve"), coded("permission-denied"));
  await assert.rejects(app.as("eve").call(desk).grow("eve"), coded("permission-denied"));
  assert.deepEqual(await app.as("dan").call(document, "d").grow("ann"), [true, true]);
});

each(
  "an invocation that is restarted keeps its decisions, and asks again what comes after",
  async (world) => {
    const gate = { fails: true };
    const job = workflow("job", {
      async run(ctx) {
        const first = await ctx.check("view", doc("d"), { subject: user("ann") });
        await ctx.run("step", () => 1);
        if (gate.fails) throw new TerminalError("not yet");
        return [first, await ctx.check("view", doc("d"), { subject: user("ann") })];
      },
    });
    const app = await world.open([job], settings);
    const run = await app.send(job, "j").run();
    await assert.rejects(run.result(), coded("terminal"));
    const tenant = app.authz.tenant("default");
    await tenant.write({ updates: [{ operation: "touch", relationship: reads("d", "ann") }] });
    gate.fails = false;
    assert.deepEqual(await (await run.restart({ from: 2 })).result(), [false, true]);
  },
);
