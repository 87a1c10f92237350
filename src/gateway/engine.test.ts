import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { problem } from "../../test/gateway/stage.ts";
import { TerminalError } from "../model/codec.ts";
import { handler, service, workflow } from "../sdk/definition.ts";
import { type Server, serve } from "../server/serve.ts";

/** The gateway in front of the real engine: what the scripted port cannot tell. */

const greeter = service("greeter", {
  handlers: {
    hello: handler(
      { input: z.object({ name: z.string() }) },
      async (_ctx, { name }) => `Hi ${name}`,
    ),
    nothing: async () => {},
    refuse: async () => {
      throw new TerminalError("No", { code: "nope", details: { why: 1 }, status: 409 });
    },
    secret: handler({ private: true }, async () => 1),
  },
});

const approval = workflow("approval", {
  run: async (ctx) => ctx.promise<string>("decision"),
});

let server: Server;

before(async () => {
  const services = [greeter, approval];
  server = await serve({ services, store: ":memory:", port: 0, log: () => {} });
});

after(() => server.close());

function ask(path: string, body?: unknown, more: RequestInit = {}): Promise<Response> {
  const headers = { "content-type": "application/json", ...more.headers };
  const init = { method: "POST", body: body === undefined ? null : JSON.stringify(body) };
  return fetch(`${server.url}${path}`, { ...init, ...more, headers });
}

async function codeOf(response: Promise<Response>): Promise<unknown> {
  return (await problem(await response))["code"];
}

test("calls, failures and refusals", async () => {
  const called = await ask("/call/greeter/hello", { name: "Ada" });
  assert.equal(await called.text(), '"Hi Ada"');
  assert.match(called.headers.get("holdfast-invocation-id") ?? "", /^inv_/);
  assert.equal((await ask("/call/greeter/nothing")).status, 204);
  const refused = await ask("/call/greeter/refuse");
  assert.equal(refused.status, 409);
  const failed = await problem(refused);
  assert.equal(failed["code"], "handler-failed");
  assert.partialDeepStrictEqual(failed["error"], {
    message: "No",
    code: "nope",
    details: { why: 1 },
  });
  assert.equal(await codeOf(ask("/call/greeter/hello", { name: 1 })), "invalid-input");
  assert.equal(await codeOf(ask("/call/greeter/hello")), "invalid-input");
  assert.equal(await codeOf(ask("/call/greeter/absent")), "unknown-handler");
  assert.equal(await codeOf(ask("/call/absent/hello")), "unknown-service");
  assert.equal(await codeOf(ask("/call/greeter/secret")), "private-handler");
  assert.equal(await codeOf(ask("/call/greeter/key/hello", { name: "x" })), "invalid-argument");
  assert.equal(await codeOf(ask("/call/approval/run")), "invalid-id");
});

test("the same idempotency key gives the same invocation", async () => {
  const more = { headers: { "idempotency-key": "k-1" } };
  const first = await (await ask("/send/greeter/hello", { name: "Ada" }, more)).json();
  const second = await (await ask("/send/greeter/hello", { name: "Ada" }, more)).json();
  assert.deepEqual(second, { ...(first as object), status: "previously-accepted" });
  const other = ask("/send/greeter/hello", { name: "Bob" }, more);
  assert.equal(await codeOf(other), "idempotency-conflict");
});

test("a workflow is found by its key, waited for, and settled once", async () => {
  const path = "/workflows/approval/order%2F1";
  assert.equal((await ask("/send/approval/order%2F1/run")).status, 202);
  assert.equal(await codeOf(ask("/send/approval/order%2F1/run")), "already-started");
  assert.equal((await ask(`${path}/result?wait=1ms`, undefined, { method: "GET" })).status, 202);
  const result = ask(`${path}/result?wait=30s`, undefined, { method: "GET" });
  assert.equal((await ask(`${path}/promises/decision/resolve`, "yes")).status, 204);
  assert.equal(await (await result).text(), '"yes"');
  assert.equal(await codeOf(ask(`${path}/promises/decision/resolve`, "no")), "already-settled");
  assert.equal(await codeOf(ask(`${path}/signals/late`, 1)), "invocation-ended");
  const journal = await (await ask(`${path}/journal`, undefined, { method: "GET" })).json();
  assert.ok(Array.isArray(journal) && journal.length > 0);
  assert.equal((await ask(path, undefined, { method: "DELETE" })).status, 204);
  assert.equal(await codeOf(ask(path, undefined, { method: "GET" })), "unknown-invocation");
});

test("what is not there is said to be not there", async () => {
  const get = { method: "GET" };
  for (const path of ["", "/result", "/journal"]) {
    const code = await codeOf(ask(`/invocations/inv_zzz${path}`, undefined, get));
    assert.equal(code, "unknown-invocation");
  }
  for (const verb of ["cancel", "kill", "pause", "resume", "restart", "signals/x"]) {
    const code = await codeOf(ask(`/invocations/inv_zzz/${verb}`));
    assert.equal(code, "unknown-invocation", verb);
  }
  assert.equal(await codeOf(ask("/promises/prm_zzz.x/resolve")), "unknown-promise");
  assert.equal(await codeOf(ask("/schedules/absent/trigger")), "unknown-schedule");
  assert.equal(
    await codeOf(ask("/state/absent/k", { x: 1 }, { method: "PATCH" })),
    "unknown-service",
  );
});

test("SQL reads, and cannot write", async () => {
  const answer = await ask("/query", { sql: "select 1 as one where 'a' = ?", parameters: ["a"] });
  assert.deepEqual(await answer.json(), { columns: ["one"], rows: [[1]], truncated: false });
  for (const sql of ["delete from invocations", "drop table invocation", "pragma x", "selec", ""]) {
    assert.equal(await codeOf(ask("/query", { sql })), "invalid-query", sql);
  }
});
