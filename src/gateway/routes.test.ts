import assert from "node:assert/strict";
import { test } from "node:test";
import { description, makeStage, problem } from "../../test/gateway/stage.ts";
import { CancelledError, encodeError } from "../model/codec.ts";
import { fail } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";

type Row = readonly [request: string, body: string | undefined, status: number, asked: unknown[]];

const id = { id: "inv_1" };
const flow = { service: "order", key: "a/1" };

/** Every operation on something that exists: what it asks of the port, and its status. */
const operations: readonly Row[] = [
  ["GET /invocations", undefined, 200, ["list", {}]],
  [
    "GET /invocations?service=s&handler=h&key=k&status=paused&limit=5&after=inv_9",
    undefined,
    200,
    ["list", { service: "s", handler: "h", key: "k", status: "paused", limit: 5, after: "inv_9" }],
  ],
  ["GET /schedules", undefined, 200, ["schedules"]],
  ["POST /schedules/nightly%20run/pause", undefined, 204, ["pauseSchedule", "nightly run"]],
  ["POST /schedules/nightly/resume", undefined, 204, ["resumeSchedule", "nightly"]],
  ["POST /schedules/nightly/trigger", undefined, 202, ["triggerSchedule", "nightly"]],
  ["GET /state/account/a%2F1", undefined, 200, ["readState", "account", "a/1"]],
  ["PATCH /state/account/a", '{"x":null}', 204, ["patchState", "account", "a", { x: null }]],
  ["POST /query", '{"sql":"select 1"}', 200, ["query", "select 1", []]],
  [
    "POST /query",
    '{"sql":"select ?","parameters":[1,"a",null]}',
    200,
    ["query", "select ?", [1, "a", null]],
  ],
  ["POST /promises/prm_1.ok/resolve", "[1]", 204, ["resolve", { promise: "prm_1.ok" }, [1]]],
  [
    "POST /promises/prm_1.ok/resolve",
    undefined,
    204,
    ["resolve", { promise: "prm_1.ok" }, undefined],
  ],
  [
    "POST /promises/prm_1.ok/reject",
    '{"reason":"no"}',
    204,
    ["reject", { promise: "prm_1.ok" }, "no"],
  ],
  ...addressed("/invocations/inv_1", id),
  ...addressed("/workflows/order/a%2F1", flow),
];

function addressed(path: string, address: object): Row[] {
  return [
    [`GET ${path}`, undefined, 200, ["describe", address]],
    [`DELETE ${path}`, undefined, 204, ["purge", address]],
    [`GET ${path}/journal`, undefined, 200, ["journal", address]],
    [`GET ${path}/result`, undefined, 200, ["resultText", address, { timeoutMs: 0 }]],
    [`GET ${path}/result?wait=30s`, undefined, 200, ["resultText", address, { timeoutMs: 30_000 }]],
    [`POST ${path}/cancel`, undefined, 204, ["cancel", address]],
    [`POST ${path}/kill`, "{}", 204, ["kill", address]],
    [`POST ${path}/pause`, undefined, 204, ["pause", address]],
    [`POST ${path}/resume`, undefined, 204, ["resume", address, {}]],
    [
      `POST ${path}/resume`,
      '{"deployment":"current"}',
      204,
      ["resume", address, { deployment: "current" }],
    ],
    [`POST ${path}/restart`, undefined, 202, ["restart", address, {}]],
    [`POST ${path}/restart`, '{"from":3}', 202, ["restart", address, { from: 3 }]],
    [`POST ${path}/signals/go`, "7", 204, ["signal", address, "go", 7]],
    [`POST ${path}/signals/go`, undefined, 204, ["signal", address, "go", undefined]],
    [
      `POST ${path}/promises/p%2Fq/resolve`,
      "null",
      204,
      ["resolve", { of: address, name: "p/q" }, null],
    ],
    [
      `POST ${path}/promises/ok/reject`,
      '{"reason":"no"}',
      204,
      ["reject", { of: address, name: "ok" }, "no"],
    ],
  ];
}

test("each operation asks the port what it says", async (t) => {
  await using stage = await makeStage();
  for (const [request, body, status, asked] of operations) {
    await t.test(`${request} ${body ?? ""}`, async () => {
      const [method = "", path = ""] = request.split(" ");
      const init =
        body === undefined ? {} : { body, headers: { "content-type": "application/json" } };
      const response = await stage.fetch(path, { method, ...init });
      assert.equal(response.status, status, await response.text());
      assert.deepEqual(stage.asked.at(-1), asked);
    });
  }
});

test("HEAD is GET without the body", async () => {
  await using stage = await makeStage();
  const response = await stage.fetch("/invocations/inv_1", { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "");
  assert.ok(Number(response.headers.get("content-length")) > 0);
});

test("a result that is not there yet is 202 with the status", async () => {
  await using stage = await makeStage({
    port: {
      resultText: () =>
        Promise.reject(fail("invocation-not-ended", { id: "inv_1", status: "running" })),
    },
  });
  const response = await stage.fetch("/invocations/inv_1/result");
  assert.equal(response.status, 202);
  assert.equal(response.headers.get("holdfast-invocation-id"), "inv_1");
  assert.deepEqual(await response.json(), { id: "inv_1", status: "running" });
});

test("a long poll that ends without a result is 202 too", async () => {
  await using stage = await makeStage({
    port: { resultText: () => Promise.reject(fail("timed-out", { what: "x", timeout: "1s" })) },
  });
  assert.equal((await stage.fetch("/workflows/order/1/result?wait=1s")).status, 202);
});

test("a result that comes between asking for it and for the status is given", async () => {
  let asked = 0;
  await using stage = await makeStage({
    port: {
      resultText: async () => {
        if (asked++ === 0) throw fail("invocation-not-ended", { id: "inv_1", status: "running" });
        return { id: "inv_1", output: "7", error: null };
      },
      describe: async () => ({ ...description, status: "succeeded" }),
    },
  });
  const response = await stage.fetch("/invocations/inv_1/result");
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "7");
});

test("the result of a failed invocation is its problem", async () => {
  const error = encodeError(new CancelledError(), 1000);
  await using stage = await makeStage({
    port: { resultText: async () => ({ id: "inv_1", output: null, error }) },
  });
  const response = await stage.fetch("/invocations/inv_1/result");
  assert.equal(response.status, 409);
  const said = await problem(response);
  assert.equal(said["code"], "cancelled");
  assert.equal(said["instance"], "/invocations/inv_1");
});

test("health and readiness", async () => {
  let ready = false;
  await using stage = await makeStage({ gateway: { ready: () => ready } });
  assert.deepEqual(await (await stage.fetch("/health")).json(), { status: "up", version: "1.2.3" });
  const refused = await stage.fetch("/ready");
  assert.equal(refused.status, 503);
  assert.equal((await problem(refused))["code"], "not-ready");
  ready = true;
  assert.equal((await stage.fetch("/ready")).status, 200);
});

test("metrics are those of the server and of the gateway", async () => {
  const sample = { name: "holdfast_up", help: "Up.", type: "gauge", value: 1 } as const;
  await using stage = await makeStage({ gateway: { metrics: () => [sample] } });
  await stage.fetch("/nowhere");
  const response = await stage.fetch("/metrics");
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  assert.match(text, /^holdfast_up 1$/m);
  assert.match(text, /^holdfast_http_responses_total\{status="404"\} 1$/m);
  assert.match(text, /^holdfast_http_requests_open 1$/m);
});

test("with tokens everything but health and readiness needs one", async () => {
  await using stage = await makeStage({ gateway: { tokens: [{ name: "ops", token: "t0ken" }] } });
  for (const path of ["/health", "/ready"]) {
    assert.equal((await stage.fetch(path)).status, 200);
  }
  for (const path of ["/metrics", "/openapi.json", "/invocations", "/nowhere", "/call/a/b"]) {
    const response = await stage.fetch(path);
    assert.equal(response.status, 401, path);
    assert.equal(response.headers.get("www-authenticate"), 'Bearer realm="holdfast"');
    assert.equal((await problem(response))["code"], "unauthorized");
  }
  await stage.post("/call/a/b", undefined, { authorization: "Bearer t0ken" });
  assert.deepEqual(stage.asked, [
    ["callText", { service: "a", handler: "b", inputText: null, caller: "ops" }],
  ]);
});

const refusals: readonly (readonly [
  what: string,
  path: string,
  body: string | undefined,
  code: string,
  limits?: Partial<Limits>,
])[] = [
  ["a field it does not know", "/query", '{"sql":"select 1","x":1}', "invalid-argument"],
  ["no body where one is needed", "/query", undefined, "invalid-argument"],
  ["a body that is no object", "/query", "[]", "invalid-argument"],
  ["SQL that is not text", "/query", '{"sql":1}', "invalid-argument"],
  ["parameters that are no list", "/query", '{"sql":"s","parameters":{}}', "invalid-argument"],
  ["parameters SQL does not have", "/query", '{"sql":"s","parameters":[true]}', "invalid-argument"],
  ["SQL that is too long", "/query", '{"sql":"select 1"}', "too-large", { queryLength: 5 }],
  ["no reason", "/promises/p/reject", "{}", "invalid-argument"],
  ["a body where there is none", "/invocations/i/cancel", "1", "invalid-argument"],
  ["an unknown deployment", "/invocations/i/resume", '{"deployment":"x"}', "invalid-argument"],
  ["a negative entry", "/invocations/i/restart", '{"from":-1}', "invalid-argument"],
  ["half an entry", "/workflows/a/b/restart", '{"from":0.5}', "invalid-argument"],
  [
    "an entry beyond the limit",
    "/invocations/i/restart",
    '{"from":11}',
    "invalid-argument",
    { journalEntries: 10 },
  ],
  ["an entry that is text", "/invocations/i/restart", '{"from":"1"}', "invalid-argument"],
  ["a body that is too large", "/call/a/b", '"12345678"', "too-large", { requestBody: 9 }],
  [
    "a body that is too deep",
    "/call/a/b",
    '[["[\\"[", {"a":[]}]]',
    "invalid-json",
    { bodyDepth: 3 },
  ],
  ["an id that is too long", "/call/abcdef/b", undefined, "invalid-id", { idLength: 5 }],
];

test("operations refuse what they cannot take", async (t) => {
  for (const [what, path, body, code, limits = {}] of refusals) {
    await t.test(what, async () => {
      await using stage = await makeStage({ limits });
      const response = await stage.post(path, body);
      assert.equal((await problem(response))["code"], code);
      assert.deepEqual(stage.asked, []);
    });
  }
});

test("lists, waits and states refuse what they cannot take", async () => {
  await using stage = await makeStage();
  for (const path of [
    "/invocations?status=odd",
    "/invocations?limit=0",
    "/invocations?limit=1001",
    "/invocations?limit=1e2",
    "/invocations?limit=",
    "/invocations/i/result?wait=61s",
    "/invocations/i/result?wait=x",
    "/invocations/i?wait=1s",
  ]) {
    assert.equal((await problem(await stage.fetch(path)))["code"], "invalid-argument", path);
  }
  const headers = { "content-type": "application/json" };
  const patch = { method: "PATCH", headers };
  const blank = await stage.fetch("/state/a/k", { ...patch, body: '{" ":1}' });
  assert.equal((await problem(blank))["code"], "invalid-id");
  const list = await stage.fetch("/state/a/k", { ...patch, body: "[1]" });
  assert.equal((await problem(list))["code"], "invalid-argument");
  assert.deepEqual(stage.asked, []);
});
