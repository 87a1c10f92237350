import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makeStage, problem } from "../../test/gateway/stage.ts";
import { encodeError, TerminalError } from "../model/codec.ts";
import { fail } from "../model/errors.ts";

describe("call", () => {
  test("passes the input on, and the result as it is", async () => {
    const output = '{"a": 1.0,  "b":"\\u0041"}';
    await using stage = await makeStage({
      port: { callText: async () => ({ id: "inv_9", output, error: null }) },
    });
    const response = await stage.post("/call/greeter/hello", ' {"name": "Ada"} ');
    assert.equal(response.status, 200);
    assert.equal(await response.text(), output);
    assert.equal(response.headers.get("content-type"), "application/json");
    assert.equal(response.headers.get("holdfast-invocation-id"), "inv_9");
    assert.deepEqual(stage.asked, [
      [
        "callText",
        {
          service: "greeter",
          handler: "hello",
          inputText: ' {"name": "Ada"} ',
          input: { name: "Ada" },
        },
      ],
    ]);
  });

  test("answers 204 when there is no result", async () => {
    await using stage = await makeStage({
      port: { callText: async () => ({ id: "inv_9", output: null, error: null }) },
    });
    const response = await stage.post("/call/greeter/hello");
    assert.equal(response.status, 204);
    assert.equal(await response.text(), "");
    assert.deepEqual(stage.asked, [
      ["callText", { service: "greeter", handler: "hello", inputText: null }],
    ]);
  });

  test("takes keys, percent-encoded", async () => {
    await using stage = await makeStage();
    await stage.post("/call/acco%C3%BCnts/a%2Fb/deposit", "5");
    assert.deepEqual(stage.asked, [
      [
        "callText",
        { service: "accoünts", key: "a/b", handler: "deposit", inputText: "5", input: 5 },
      ],
    ]);
  });

  test("passes on idempotency key and trace context", async () => {
    await using stage = await makeStage();
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const headers = { "idempotency-key": '"k-1"', traceparent };
    const response = await stage.post("/call/greeter/hello", undefined, headers);
    assert.equal(response.headers.get("traceparent"), traceparent);
    assert.deepEqual(stage.asked[0]?.[1], {
      service: "greeter",
      handler: "hello",
      inputText: null,
      idempotencyKey: "k-1",
      traceparent,
    });
  });

  test("ignores a malformed trace context", async () => {
    await using stage = await makeStage();
    const response = await stage.post("/call/a/b", undefined, { traceparent: "00-nonsense" });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("traceparent"), null);
  });

  test("tells how the invocation failed", async () => {
    const error = new TerminalError("No money", {
      code: "insufficient-funds",
      details: { missing: 3 },
    });
    const encoded = encodeError(error, 1000);
    await using stage = await makeStage({
      port: { callText: async () => ({ id: "inv_9", output: null, error: encoded }) },
    });
    const response = await stage.post("/call/accounts/a/withdraw", "5");
    assert.equal(response.status, 500);
    assert.equal(response.headers.get("holdfast-invocation-id"), "inv_9");
    const said = await problem(response);
    assert.equal(said["code"], "handler-failed");
    assert.equal(said["detail"], "accounts/a/withdraw failed: No money");
    assert.equal(said["instance"], "/invocations/inv_9");
    assert.deepEqual(said["error"], JSON.parse(encoded));
  });

  test("failures that Holdfast caused have their own code and status", async () => {
    const encoded = encodeError(fail("timed-out", { what: "greeter/hello", timeout: "1s" }), 1000);
    await using stage = await makeStage({
      port: { callText: async () => ({ id: "inv_9", output: null, error: encoded }) },
    });
    const said = await problem(await stage.post("/call/greeter/hello"));
    assert.equal(said["code"], "timed-out");
    assert.equal(said["status"], 504);
    assert.deepEqual(said["details"], { what: "greeter/hello", timeout: "1s" });
    assert.equal((said["error"] as { code: string }).code, "timed-out");
  });

  test("a port may also reject with the error of the handler", async () => {
    await using stage = await makeStage({
      port: { callText: () => Promise.reject(new TerminalError("No", { code: "nope" })) },
    });
    const said = await problem(await stage.post("/call/greeter/hello"));
    assert.equal(said["code"], "handler-failed");
    assert.deepEqual(said["error"], {
      name: "TerminalError",
      message: "No",
      code: "nope",
      terminal: true,
    });
  });

  test("passes refusals on", async () => {
    await using stage = await makeStage({
      port: { callText: () => Promise.reject(fail("unknown-service", { service: "x" })) },
    });
    const response = await stage.post("/call/x/y");
    assert.equal(response.status, 404);
    const said = await problem(response);
    assert.equal(said["detail"], "There is no service x");
    assert.equal(said["error"], undefined);
  });

  test("keeps unexpected errors for the log", async () => {
    await using stage = await makeStage({
      port: { callText: () => Promise.reject(new Error("password=hunter2")) },
    });
    const response = await stage.post("/call/x/y");
    assert.equal(response.status, 500);
    const text = await response.text();
    assert.doesNotMatch(text, /hunter2|gateway|\.ts/);
    assert.match(JSON.stringify(stage.logged), /hunter2/);
  });

  test("when the client goes, the wait is aborted", async () => {
    const aborted = Promise.withResolvers<unknown>();
    const begun = Promise.withResolvers<void>();
    await using stage = await makeStage({
      port: {
        callText: ({ signal }) =>
          new Promise((_, reject) => {
            begun.resolve();
            signal?.addEventListener("abort", () => {
              aborted.resolve(signal.reason);
              reject(signal.reason);
            });
          }),
      },
    });
    const client = new AbortController();
    const gone = stage.fetch("/call/a/b", { method: "POST", signal: client.signal });
    await begun.promise;
    client.abort();
    await assert.rejects(gone);
    await aborted.promise;
    assert.equal((await stage.post("/send/a/b")).status, 202);
  });
});

describe("send", () => {
  test("answers with the id once it is durable", async () => {
    await using stage = await makeStage();
    const response = await stage.post("/send/greeter/hello", '"Ada"');
    assert.equal(response.status, 202);
    assert.equal(response.headers.get("holdfast-invocation-id"), "inv_1");
    assert.equal(response.headers.get("location"), "/invocations/inv_1");
    assert.deepEqual(await response.json(), { id: "inv_1", status: "accepted" });
  });

  test("takes a delay", async () => {
    await using stage = await makeStage();
    await stage.post("/send/reminders/k/ring?delay=1h+30m");
    assert.deepEqual(stage.asked, [
      [
        "sendText",
        { service: "reminders", key: "k", handler: "ring", inputText: null, delayMs: 5_400_000 },
      ],
    ]);
  });

  test("refuses a delay that is none, or too long, and any for a call", async () => {
    await using stage = await makeStage();
    for (const path of [
      "/send/a/b?delay=soon",
      "/send/a/b?delay=-1s",
      "/send/a/b?delay=",
      "/send/a/b?delay=9999w",
      "/call/a/b?delay=1s",
    ]) {
      const response = await stage.post(path);
      assert.equal(response.status, 400, path);
      assert.equal((await problem(response))["code"], "invalid-argument", path);
    }
    assert.deepEqual(stage.asked, []);
  });
});
