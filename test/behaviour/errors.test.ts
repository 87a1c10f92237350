import assert from "node:assert/strict";
import { HoldfastError, service, TerminalError, TimeoutError, workflow } from "holdfast";
import { coded, each, eachStore } from "./harness.ts";

/** Everything about an error that code can look at. */
function portrait(error: unknown): string {
  assert(error instanceof Error);
  const own = error as Error & { code?: string; details?: unknown };
  const cause = own.cause === undefined ? null : portrait(own.cause);
  const { name, message, code, details, stack } = own;
  const kinds = [TerminalError, TimeoutError, HoldfastError, Error].map(
    (kind) => error instanceof kind,
  );
  return JSON.stringify({ name, message, code, details, stack, cause, kinds });
}

class OwnError extends Error {
  override readonly name = "OwnError";
}

eachStore(
  "errors of steps, calls, promises and timeouts are the same in the first run and in every replay, to the stack [C]",
  async (world) => {
    const seen: string[] = [];
    const child = service("child", {
      handlers: {
        fail() {
          throw new TerminalError("child", {
            code: "c",
            details: { deep: [1] },
            cause: new OwnError("why"),
          });
        },
      },
    });
    const job = workflow("job", {
      async run(ctx) {
        const errors: string[] = [];
        const note = (error: unknown): void => void errors.push(portrait(error));
        await ctx
          .run("terminal", () => {
            throw new TerminalError("step", {
              code: "s",
              details: { n: 1 },
              cause: new OwnError("why"),
            });
          })
          .catch(note);
        await ctx
          .run(
            "exhausted",
            () => {
              throw new OwnError("down");
            },
            { retry: { attempts: 1 } },
          )
          .catch(note);
        await ctx
          .run(
            "not an error",
            () => {
              throw "text"; // what people throw
            },
            { retry: { attempts: 1 } },
          )
          .catch(note);
        await ctx.run("function", () => () => 1).catch(note);
        await ctx.call(child).fail().catch(note);
        await ctx.promise("p").catch(note);
        await ctx.promise("q").orTimeout("1 minute").catch(note);
        try {
          await ctx.attach(`${ctx.id.slice(0, 8)}zzz`);
        } catch (error) {
          errors.push(coded("unknown-invocation")(error) ? "unknown" : "");
        }
        await ctx.sleep("1 hour");
        seen.push(errors.join("\n"));
        await ctx.sleep("1 hour");
        return errors.length;
      },
    });
    let app = await world.open([child, job]);
    const { id } = await app.send(job, "j").run();
    await app.get(id).reject("p", "rejected");
    await world.pass("70 minutes");
    app = await world.crash();
    await world.pass("1 hour");
    assert.equal(await app.get(id).result(), 8);
    assert.ok(seen.length >= 2, "it was replayed");
    assert.equal(new Set(seen).size, 1);
  },
);

each("whatever is thrown, harm is done to its invocation alone [196]", async (world) => {
  const thrown: unknown[] = ["text", 7, null, undefined, { an: "object" }, Symbol("s"), () => 1];
  const wild = service("wild", {
    handlers: {
      throwing(_, index: number) {
        throw thrown[index];
      },
      hostile() {
        throw Object.defineProperty(new Error("x"), "message", {
          get() {
            throw new Error("even its message throws");
          },
        });
      },
      calm: () => "calm",
    },
    retry: { attempts: 1 },
  });
  const app = await world.open([wild]);
  const runs = await Promise.all(thrown.map((_, index) => app.send(wild).throwing(index)));
  runs.push(await app.send(wild).hostile());
  await world.rest();
  for (const run of runs) assert.equal((await run.describe()).status, "paused");
  assert.equal(await app.call(wild).calm(), "calm");
});

each(
  "what cannot be written as JSON ends its invocation with a clear error, and nothing else [161]",
  async (world) => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    const values: Record<string, () => unknown> = {
      bigint: () => 1n,
      circle: () => circle,
      function: () => () => 1,
      symbol: () => Symbol("s"),
      throwing: () => ({
        toJSON() {
          throw new Error("no");
        },
      }),
    };
    const strange = service("strange", {
      handlers: {
        result: (_, which: string) => values[which]?.(),
        step: (ctx, which: string) => ctx.run("step", () => values[which]?.()),
        calm: () => "calm",
      },
    });
    const app = await world.open([strange]);
    for (const which of Object.keys(values)) {
      await assert.rejects(app.call(strange).result(which), coded("not-serialisable"));
      await assert.rejects(app.call(strange).step(which), coded("not-serialisable"));
    }
    assert.equal(await app.call(strange).calm(), "calm");
  },
);

eachStore(
  "JSON, nothing and errors are stored as they read, for SQL and for later versions [161, 188]",
  async (world) => {
    const echo = workflow("echo", {
      async run(ctx, input: unknown) {
        if (input === "fail") throw new TerminalError("failed", { code: "own" });
        return ctx.run("same", () => input);
      },
    });
    const app = await world.open([echo]);
    await app.call(echo, "json").run({ list: [1, "ü", null], deep: { a: true } });
    await app.call(echo, "empty").run(undefined);
    await app
      .call(echo, "error")
      .run("fail")
      .catch(() => {});
    const { rows } = await app.query(
      "SELECT key, input, output, error_code FROM invocations ORDER BY key",
    );
    assert.deepEqual(rows, [
      { key: "empty", input: null, output: null, error_code: null },
      { key: "error", input: '"fail"', output: null, error_code: "own" },
      {
        key: "json",
        input: '{"list":[1,"ü",null],"deep":{"a":true}}',
        output: '{"list":[1,"ü",null],"deep":{"a":true}}',
        error_code: null,
      },
    ]);
  },
);

each(
  "a handler that never ends, or goes on after its end, harms only itself [196]",
  async (world) => {
    const late: unknown[] = [];
    const odd = service("odd", {
      handlers: {
        never: (ctx) => ctx.run("never", () => new Promise(() => {})),
        async after(ctx) {
          const tick = Promise.withResolvers<void>();
          setImmediate(() => tick.resolve());
          void tick.promise.then(() => {
            try {
              void ctx.run("late", () => late.push("ran"));
            } catch (error) {
              late.push(error);
            }
          });
          return "ended";
        },
        calm: () => "calm",
      },
    });
    const app = await world.open([odd]);
    const never = await app.send(odd).never();
    const after = await app.send(odd).after();
    assert.equal(await after.result(), "ended");
    while (late.length === 0) await world.rest();
    assert.equal(late.length, 1);
    coded("context-misused")(late[0]);
    assert.deepEqual(await after.journal(), []);
    assert.equal(await app.call(odd).calm(), "calm");
    assert.equal((await never.describe()).endedAt, null);
  },
);
