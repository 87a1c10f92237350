import assert from "node:assert/strict";
import { test } from "node:test";
import type { Port } from "../model/port.ts";
import { makeClient } from "./client.ts";
import { actor, service, workflow } from "./definition.ts";
import { message, schedule } from "./schedule.ts";

const counter = actor("counter", {
  state: { count: 0, owner: undefined as string | undefined },
  handlers: { add: (ctx, by: number) => ctx.set("count", by) },
});
const mail = service("mail", { handlers: { ping: async () => {} } });
const checkout = workflow("checkout", { run: async (_ctx, n: number) => n });

/** A port that answers every method with `answer`, and remembers what it was asked. */
function recordingPort(answer: unknown = undefined): { port: Port; asked: unknown[][] } {
  const asked: unknown[][] = [];
  const port = new Proxy({} as Port, {
    get:
      (_, method) =>
      async (...args: unknown[]) => {
        while (args.length > 0 && args.at(-1) === undefined) args.pop();
        asked.push([method, ...args]);
        return answer;
      },
  });
  return { port, asked };
}

test("calls name the service, the handler, and key and options where there are any", async () => {
  const { port, asked } = recordingPort(7);
  const client = makeClient(port);
  const { signal } = new AbortController();
  assert.equal(await client.call(counter, "k", { idempotencyKey: "i", signal }).add(3), 7);
  await client.call(mail).ping();
  await client.call(mail, { idempotencyKey: "i" }).ping();
  assert.deepEqual(asked, [
    [
      "call",
      { service: "counter", key: "k", handler: "add", input: 3, idempotencyKey: "i", signal },
    ],
    ["call", { service: "mail", handler: "ping", input: undefined }],
    ["call", { service: "mail", handler: "ping", input: undefined, idempotencyKey: "i" }],
  ]);
});

test("sends give a handle, and durations become milliseconds", async () => {
  const { port, asked } = recordingPort({ id: "inv_1", status: "previously-accepted" });
  const client = makeClient(port);
  const sent = await client.send(counter, "k", { delay: "1 week" }).add(3);
  assert.equal(sent.id, "inv_1");
  assert.equal(sent.wasKnown, true);
  await sent.result({ timeout: "2s" });
  assert.deepEqual(asked, [
    ["send", { service: "counter", key: "k", handler: "add", input: 3, delayMs: 604_800_000 }],
    ["result", { id: "inv_1" }, { timeoutMs: 2000 }],
  ]);
});

test("what is wrong with a call is refused before it goes out", () => {
  const { port, asked } = recordingPort();
  const client = makeClient(port);
  const code = "invalid-argument";
  assert.throws(() => client.send(counter, "k", { delay: "soon" }), { code, message: /"soon"/ });
  // @ts-expect-error: no key
  assert.throws(() => client.call(counter), { code, message: /needs a key/ });
  // @ts-expect-error: a key
  assert.throws(() => client.call(mail, "k"), { code, message: /takes no key/ });
  assert.deepEqual(asked, []);
});

test("a handle reaches everything of one invocation, by id or by workflow key", async () => {
  const { port, asked } = recordingPort({ id: "inv_2", status: "accepted" });
  const handle = makeClient(port).get(checkout, "o/1");
  await handle.result();
  await handle.describe();
  await handle.journal();
  await handle.cancel();
  await handle.kill();
  await handle.pause();
  await handle.resume({ deployment: "current" });
  assert.equal((await handle.restart({ from: 3 })).id, "inv_2");
  await handle.purge();
  await handle.signal("s", 1);
  await handle.resolve("p", { a: 1 });
  await handle.reject("p", "no");
  const at = { service: "checkout", key: "o/1" };
  assert.deepEqual(asked, [
    ["result", at, {}],
    ["describe", at],
    ["journal", at],
    ["cancel", at],
    ["kill", at],
    ["pause", at],
    ["resume", at, { deployment: "current" }],
    ["restart", at, { from: 3 }],
    ["purge", at],
    ["signal", at, "s", 1],
    ["resolve", { of: at, name: "p" }, { a: 1 }],
    ["reject", { of: at, name: "p" }, "no"],
  ]);
  assert.equal(makeClient(port).get("inv_9").id, "inv_9");
});

test("state shows the initial value of what was never set", async () => {
  const client = makeClient(recordingPort({}).port);
  assert.deepEqual(await client.state(counter, "k"), { count: 0, owner: undefined });
  const later = makeClient(recordingPort({ count: 3, owner: "o" }).port);
  assert.deepEqual(await later.state(counter, "k"), { count: 3, owner: "o" });
});

test("the rows of a query are objects", async () => {
  const answer = { columns: ["status", "n"], rows: [["running", 2]], truncated: false };
  const { port, asked } = recordingPort(answer);
  const result = await makeClient(port).query<{ status: string; n: number }>("select ?", ["x"]);
  assert.deepEqual(result.rows, [{ status: "running", n: 2 }]);
  assert.deepEqual(asked, [["query", "select ?", ["x"]]]);
});

test("schedules by name or by definition, promises by id, state by key", async () => {
  const { port, asked } = recordingPort({ id: "inv_3", status: "accepted" });
  const client = makeClient(port);
  const nightly = schedule("nightly", { cron: "@daily", target: message(mail).ping() });
  await client.schedules.pause(nightly);
  await client.schedules.resume("nightly");
  assert.equal((await client.schedules.trigger(nightly)).id, "inv_3");
  await client.resolve("prm_1.x", 1);
  await client.reject("prm_1.x", "no");
  await client.patchState(counter, "k", { owner: null });
  assert.deepEqual(asked, [
    ["pauseSchedule", "nightly"],
    ["resumeSchedule", "nightly"],
    ["triggerSchedule", "nightly"],
    ["resolve", { promise: "prm_1.x" }, 1],
    ["reject", { promise: "prm_1.x" }, "no"],
    ["patchState", "counter", "k", { owner: null }],
  ]);
});
