import assert from "node:assert/strict";
import { test } from "node:test";
import { makeStage, problem, RawClient } from "../../test/gateway/stage.ts";
import type { TextOutcome } from "../model/port.ts";

const call = "POST /call/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n7";

test("without tokens it listens on loopback only", async () => {
  for (const hostname of ["0.0.0.0", "::", "192.0.2.1"]) {
    const refused = makeStage({ address: { hostname, port: 0 } });
    await assert.rejects(refused, { code: "address-refused" }, hostname);
  }
});

test("with tokens it listens where it is told", async () => {
  await using stage = await makeStage({
    gateway: { tokens: [{ name: "a", token: "b" }] },
    address: { hostname: "0.0.0.0", port: 0 },
  });
  const response = await fetch(`http://127.0.0.1:${stage.port}/health`);
  assert.equal(response.status, 200);
});

test("an address that is taken, or is none, is refused", async () => {
  await using stage = await makeStage();
  for (const address of [
    { hostname: "127.0.0.1", port: stage.port },
    { hostname: "not a name", port: 0 },
    { hostname: "127.0.0.1", port: 65_536 },
  ]) {
    await assert.rejects(makeStage({ address }), { code: "invalid-configuration" });
  }
});

test("names are resolved, and shown in the URL", async () => {
  await using stage = await makeStage({ address: { hostname: "localhost", port: 0 } });
  assert.match(stage.url, /^http:\/\/localhost:\d+$/);
});

test("closing waits for what is in flight, and refuses what is new", async () => {
  const outcome = Promise.withResolvers<TextOutcome>();
  const begun = Promise.withResolvers<void>();
  const stage = await makeStage({
    port: {
      callText: () => {
        begun.resolve();
        return outcome.promise;
      },
    },
  });
  using client = new RawClient(stage.port);
  client.send(call);
  await begun.promise;
  let closed = false;
  const closing = stage.gateway.close().then(() => {
    closed = true;
  });
  // On the same connection: sent ahead, so it is answered after the first.
  client.send(call + call);
  await assert.rejects(stage.fetch("/health"), "no new connections");
  assert.equal(closed, false);
  outcome.resolve({ id: "inv_1", output: "1", error: null });
  const answer = await client.response();
  assert.equal(answer?.status, 200);
  assert.match(answer?.head ?? "", /^connection: close$/im);
  await closing;
});

test("while draining, a kept connection is told so", async () => {
  const outcome = Promise.withResolvers<TextOutcome>();
  const begun = Promise.withResolvers<void>();
  const stage = await makeStage({
    port: {
      callText: () => {
        begun.resolve();
        return outcome.promise;
      },
    },
  });
  using busy = new RawClient(stage.port);
  busy.send(call);
  await begun.promise;
  // Its request has begun to arrive, so it is not idle when the server stops: what was sent before
  // another request is read before that one is answered.
  using late = new RawClient(stage.port);
  late.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await late.response();
  late.send(call.slice(0, 20));
  await stage.fetch("/health");
  const closing = stage.gateway.close();
  late.send(call.slice(20));
  const answer = await late.response();
  assert.equal(answer?.status, 503);
  assert.match(answer?.head ?? "", /^connection: close$/im);
  assert.match(answer?.body ?? "", /"code":"shutting-down"/);
  outcome.resolve({ id: "inv_1", output: "1", error: null });
  assert.equal((await busy.response())?.status, 200);
  await closing;
});

test("when the drain time is over, those that still wait are told", async () => {
  const begun = Promise.withResolvers<void>();
  const stage = await makeStage({
    port: {
      callText: ({ signal }) =>
        new Promise((_, reject) => {
          begun.resolve();
          signal?.addEventListener("abort", () => reject(new Error("aborted")));
        }),
    },
  });
  const waiting = stage.post("/call/a/b");
  await begun.promise;
  await stage.gateway.close({ drainMs: 5 });
  const response = await waiting;
  assert.equal(response.status, 503);
  assert.equal((await problem(response))["code"], "shutting-down");
});

test("a port that never answers does not keep the server from closing", async () => {
  const begun = Promise.withResolvers<void>();
  const stage = await makeStage({
    port: {
      callText: () => {
        begun.resolve();
        return new Promise(() => {});
      },
    },
  });
  const waiting = stage.post("/call/a/b");
  const cut = assert.rejects(waiting);
  await begun.promise;
  await stage.gateway.close({ drainMs: 5 });
  await cut;
});

test("closing ends long polls at once", async () => {
  const begun = Promise.withResolvers<void>();
  const stage = await makeStage({
    port: {
      resultText: (_, options) =>
        new Promise((_resolve, reject) => {
          begun.resolve();
          options?.signal?.addEventListener("abort", () => reject(options.signal?.reason));
        }),
    },
  });
  const waiting = stage.fetch("/invocations/inv_1/result?wait=60s");
  await begun.promise;
  await stage.gateway.close({ drainMs: 60_000 });
  const response = await waiting;
  assert.equal(response.status, 202);
  assert.deepEqual(await response.json(), { id: "inv_1", status: "running" });
});

test("idle connections do not delay the closing", async () => {
  const stage = await makeStage();
  using used = new RawClient(stage.port);
  used.send(call);
  await used.response();
  using fresh = new RawClient(stage.port);
  await stage.gateway.close({ drainMs: 60_000 });
  await used.until(() => false);
  await fresh.until(() => false);
  assert.ok(used.closed && fresh.closed);
});
