import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { CancelledError, encodeError, TerminalError } from "../model/codec.ts";
import { fail } from "../model/errors.ts";
import type { Port } from "../model/port.ts";
import { connect } from "./http-client.ts";
import type { ConnectOptions } from "./http-link.ts";

interface Seen {
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What the server says to one request: status, JSON text, or something of its own. */
type Reply =
  | readonly [status: number, body?: unknown]
  | ((request: IncomingMessage, response: ServerResponse) => void);

const servers: Server[] = [];
after(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});

/** A server that gives the scripted replies in turn, the last one for ever. */
async function scripted(...replies: Reply[]): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
    const reply = (replies.length > 1 ? replies.shift() : replies[0]) as Reply;
    if (typeof reply === "function") return reply(request, response);
    const [status, value] = reply;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(value === undefined ? undefined : JSON.stringify(value));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const transports: readonly [name: string, options: Partial<ConnectOptions>][] = [
  ["node", {}],
  ["fetch", { fetch: globalThis.fetch }],
];

for (const [name, options] of transports) {
  const open = (url: string): Port => connect({ url, ...options });

  test(`${name}: a call sends its input as JSON and gives the result`, async () => {
    const { url, seen } = await scripted([200, { ok: true }]);
    const request = { service: "mail", handler: "send", input: { to: "ü" } };
    assert.deepEqual(await open(url).call(request), { ok: true });
    assert.equal(seen[0]?.line, "POST /call/mail/send");
    assert.equal(seen[0]?.headers["content-type"], "application/json");
    assert.equal(seen[0]?.body, '{"to":"ü"}');
  });

  test(`${name}: no input is an empty body, and 204 is no result`, async () => {
    const { url, seen } = await scripted([204]);
    assert.equal(await open(url).call({ service: "a", key: "k", handler: "h" }), undefined);
    assert.equal(seen[0]?.body, "");
    assert.equal(seen[0]?.headers["content-type"], undefined);
  });

  test(`${name}: keys and names are percent-encoded`, async () => {
    const { url, seen } = await scripted([200, 1]);
    await open(url).call({ service: "a", key: "x/y ?#%ü", handler: "h" });
    assert.equal(seen[0]?.line, "POST /call/a/x%2Fy%20%3F%23%25%C3%BC/h");
  });

  test(`${name}: an aborted signal ends the wait with its reason`, async () => {
    const { url } = await scripted(() => {});
    const controller = new AbortController();
    const call = open(url).call({ service: "a", handler: "h", signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 20);
    await assert.rejects(call, { message: "enough" });
    const late = open(url).call({ service: "a", handler: "h", signal: controller.signal });
    await assert.rejects(late, { message: "enough" });
  });

  test(`${name}: unreachable when nobody answers, with address and reason`, async () => {
    const port = open("http://127.0.0.1:1");
    await assert.rejects(port.schedules(), {
      code: "unreachable",
      message: /^No Holdfast server answers at http:\/\/127\.0\.0\.1:1: .+/,
    });
  });

  test(`${name}: an idempotency key arrives as it was, whatever it is made of`, async () => {
    const { url, seen } = await scripted([202, { id: "inv_1", status: "accepted" }]);
    const port = open(url);
    for (const idempotencyKey of ["plain-1", " spaces ", '"quoted"', "ünï \\ 漢"]) {
      await port.send({ service: "a", handler: "h", idempotencyKey });
    }
    const received = seen.map(({ headers }) =>
      Buffer.from(String(headers["idempotency-key"]), "latin1").toString("utf8"),
    );
    assert.deepEqual(received, ["plain-1", '" spaces "', '"\\"quoted\\""', '"ünï \\\\ 漢"']);
  });
}

test("each method has its path", async () => {
  const { url, seen } = await scripted([200, {}]);
  const port = connect({ url, token: "t" });
  const id = { id: "inv_1" };
  const key = { service: "w", key: "k 1" };
  await port.send({ service: "a", handler: "h", delayMs: 1500, input: 1 });
  await port.send({ service: "a", key: "k", handler: "h" });
  await port.describe(id);
  await port.describe(key);
  await port.list({ service: "a", status: "paused", limit: 5 });
  await port.list();
  await port.journal(key);
  await port.cancel(id);
  await port.kill(id);
  await port.pause(id);
  await port.resume(id, { deployment: "current" });
  await port.restart(key, { from: 2 });
  await port.purge(id);
  await port.signal(id, "go/on", { a: 1 });
  await port.resolve({ promise: "prm_1.p" }, 5);
  await port.resolve({ of: key, name: "p" });
  await port.reject({ of: id, name: "p" }, "no");
  await port.readState("a", "k");
  await port.patchState("a", "k", { n: null });
  await port.schedules();
  await port.pauseSchedule("s 1");
  await port.resumeSchedule("s");
  await port.triggerSchedule("s");
  await port.query("select 1");
  assert.deepEqual(
    seen.map(({ line, body }) => `${line} ${body}`.trim()),
    [
      "POST /send/a/h?delay=1500ms 1",
      "POST /send/a/k/h",
      "GET /invocations/inv_1",
      "GET /workflows/w/k%201",
      "GET /invocations?service=a&status=paused&limit=5",
      "GET /invocations",
      "GET /workflows/w/k%201/journal",
      "POST /invocations/inv_1/cancel",
      "POST /invocations/inv_1/kill",
      "POST /invocations/inv_1/pause",
      'POST /invocations/inv_1/resume {"deployment":"current"}',
      'POST /workflows/w/k%201/restart {"from":2}',
      "DELETE /invocations/inv_1",
      'POST /invocations/inv_1/signals/go%2Fon {"a":1}',
      "POST /promises/prm_1.p/resolve 5",
      "POST /workflows/w/k%201/promises/p/resolve",
      'POST /invocations/inv_1/promises/p/reject {"reason":"no"}',
      "GET /state/a/k",
      'PATCH /state/a/k {"n":null}',
      "GET /schedules",
      "POST /schedules/s%201/pause",
      "POST /schedules/s/resume",
      "POST /schedules/s/trigger",
      'POST /query {"sql":"select 1","parameters":[]}',
    ],
  );
  assert.ok(seen.every(({ headers }) => headers.authorization === "Bearer t"));
});

test("a path in the address is kept", async () => {
  const { url, seen } = await scripted([200, []]);
  await connect({ url: `${url}/holdfast/` }).schedules();
  assert.equal(seen[0]?.line, "GET /holdfast/schedules");
});

test("a result is polled for until it is there", async () => {
  const pending = [202, { status: "running" }] as const;
  const { url, seen } = await scripted(pending, pending, [200, 42]);
  assert.equal(await connect({ url }).result({ id: "inv_1" }), 42);
  assert.deepEqual(
    seen.map(({ line }) => line),
    new Array(3).fill("GET /invocations/inv_1/result?wait=30000ms"),
  );
});

test("a wait for a result ends with its time", async () => {
  const { url, seen } = await scripted([202, { id: "inv_1", status: "suspended" }]);
  const port = connect({ url });
  await assert.rejects(port.result({ id: "inv_1" }, { timeoutMs: 60 }), {
    code: "timed-out",
    message: "Invocation inv_1 did not end within 60ms",
  });
  assert.equal(seen[0]?.line, "GET /invocations/inv_1/result?wait=60ms");
  await assert.rejects(port.result({ service: "w", key: "k" }, { timeoutMs: 0 }), {
    code: "invocation-not-ended",
    message: "Invocation inv_1 has not ended (suspended)",
  });
});

test("a call that takes longer than a request goes on as a wait for its result", async () => {
  const { url, seen } = await scripted([202, { id: "inv_7", status: "accepted" }], [200, "done"]);
  assert.equal(await connect({ url }).call({ service: "a", handler: "h" }), "done");
  assert.equal(seen[1]?.line, "GET /invocations/inv_7/result?wait=30000ms");
});

function problem(code: string, members: object): unknown {
  return { type: `urn:holdfast:error:${code}`, title: code, code, ...members };
}

test("a refusal is rebuilt with code, message and details", async () => {
  const details = { service: "fax" };
  const detail = fail("unknown-service", details).message;
  const { url } = await scripted([404, problem("unknown-service", { detail, details })]);
  await assert.rejects(connect({ url }).call({ service: "fax", handler: "h" }), {
    name: "HoldfastError",
    code: "unknown-service",
    message: "There is no service fax",
    details,
    status: 404,
  });
});

test("the error of a failed invocation is rebuilt as it was thrown", async () => {
  const thrown = new TerminalError("No funds", { code: "no-funds", details: { missing: 5 } });
  const failure = (error: unknown): Reply => [
    500,
    problem("handler-failed", { error: JSON.parse(encodeError(error, 1000)) }),
  ];
  const { url } = await scripted(failure(thrown), failure(new CancelledError()));
  const port = connect({ url });
  await assert.rejects(port.result({ id: "inv_1" }), (error) => {
    assert.ok(error instanceof TerminalError);
    assert.equal(error.message, "No funds");
    assert.equal(error.code, "no-funds");
    assert.deepEqual(error.details, { missing: 5 });
    return true;
  });
  await assert.rejects(port.result({ id: "inv_1" }), CancelledError);
});

test("foreign answers are told apart", async () => {
  const html: Reply = (_, response) => response.writeHead(502).end("<h1>Bad\nGateway</h1>");
  const { url } = await scripted(
    html,
    [418, problem("teapot", { detail: "short and stout" })],
    (_, response) => response.writeHead(200).end("not json"),
  );
  const port = connect({ url });
  await assert.rejects(port.schedules(), {
    code: "unreachable",
    message: /HTTP 502 "<h1>Bad Gateway<\/h1>"/,
  });
  await assert.rejects(port.schedules(), { code: "internal", message: /teapot: short and stout/ });
  await assert.rejects(port.schedules(), { code: "internal", message: /not JSON/ });
});

test("a connection that the server closed as idle is replaced where that is safe", async () => {
  const cut: Reply = (request) => request.socket.destroy();
  const { url, seen } = await scripted([200, []], cut, [200, []], cut, [200, 1], cut, [200, 1]);
  const port = connect({ url });
  await port.schedules();
  await port.schedules();
  assert.equal(seen.length, 3);
  await port.call({ service: "a", handler: "h", idempotencyKey: "i" });
  assert.equal(seen.length, 5);
  await assert.rejects(port.call({ service: "a", handler: "h" }), { code: "unreachable" });
  assert.equal(seen.length, 6);
});

test("what cannot be sent is refused before it is", async () => {
  const { url, seen } = await scripted([200, 1]);
  const port = connect({ url });
  const loop: unknown[] = [];
  loop.push(loop);
  const at = { service: "a", handler: "h" };
  await assert.rejects(port.call({ ...at, input: loop }), { code: "not-serialisable" });
  await assert.rejects(port.call({ ...at, input: () => 1 }), { code: "not-serialisable" });
  await assert.rejects(port.call({ ...at, key: "" }), { code: "invalid-id" });
  await assert.rejects(port.call({ ...at, key: "\ud800" }), { code: "invalid-id" });
  await assert.rejects(port.call({ ...at, idempotencyKey: "a\nb" }), { code: "invalid-id" });
  await assert.rejects(port.cancel({ id: " " }), { code: "invalid-id" });
  const viaFetch = connect({ url, fetch: globalThis.fetch });
  await assert.rejects(viaFetch.call({ ...at, key: ".." }), { code: "invalid-id" });
  assert.equal(seen.length, 0);
  await port.call({ ...at, key: "..", traceparent: "not\none" });
  assert.equal(seen[0]?.line, "POST /call/a/../h");
});

test("an address or token that cannot be one is refused at once", () => {
  for (const url of ["", "holdfast", "ftp://127.0.0.1", "http://"]) {
    assert.throws(() => connect({ url }), { code: "invalid-configuration", message: /url/ });
  }
  const url = "http://127.0.0.1:1";
  assert.throws(() => connect({ url, token: "a b" }), {
    code: "invalid-configuration",
    message: /token/,
  });
});
