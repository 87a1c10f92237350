import assert from "node:assert/strict";
import { test } from "node:test";
import { makeStage, RawClient, type Stage } from "../../test/gateway/stage.ts";

const call = "POST /call/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n7";
const host = "Host: localhost\r\n";

/** Sends bytes on a fresh connection; the answer, and whether the server closed after it. */
async function exchange(
  stage: Stage,
  bytes: string,
): Promise<{ status: number | undefined; code: unknown; closed: boolean; head: string }> {
  using client = new RawClient(stage.port);
  client.send(bytes);
  const answer = await client.response();
  const closes = /^connection: close$/im.test(answer?.head ?? "");
  if (closes) await client.until(() => false);
  const body = answer?.body ? (JSON.parse(answer.body) as { code?: unknown }) : {}; // an object
  return {
    status: answer?.status,
    code: body.code,
    closed: client.closed,
    head: answer?.head ?? "",
  };
}

test("what is not HTTP is answered with 400, and closed", async () => {
  await using stage = await makeStage();
  for (const bytes of [
    "nonsense\r\n\r\n",
    "GET /health\r\n\r\n",
    "GET /health HTTP/9.9\r\n\r\n",
    `GET /health HTTP/1.1\r\n${host}Bad Header: x\r\n\r\n`,
    `GET /he\x00alth HTTP/1.1\r\n${host}\r\n`,
    `POST /call/a/b HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n7`,
    `POST /call/a/b HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
    `POST /call/a/b HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n7\r\n0\r\n\r\n`,
    `POST /call/a/b HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  ]) {
    const answer = await exchange(stage, bytes);
    assert.deepEqual([answer.status, answer.code], [400, "malformed-request"], bytes);
    assert.ok(answer.closed, bytes);
  }
  assert.deepEqual(stage.asked, []);
  assert.equal((await stage.post("/call/a/b", "1")).status, 200);
});

test("a request without Host, or with two, is refused", async () => {
  await using stage = await makeStage();
  const without = await exchange(stage, "GET /health HTTP/1.1\r\n\r\n");
  assert.deepEqual([without.status, without.code], [400, "malformed-request"]);
  const two = await exchange(stage, `GET /health HTTP/1.1\r\n${host}${host}\r\n`);
  assert.deepEqual([two.status, two.code], [400, "malformed-request"]);
  assert.equal((await exchange(stage, "GET /health HTTP/1.0\r\n\r\n")).status, 200);
});

test("foreign hosts and pages are refused", async () => {
  await using stage = await makeStage();
  const foreign = await exchange(stage, "GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  assert.deepEqual([foreign.status, foreign.code], [421, "host-refused"]);
  const page = `POST /call/a/b HTTP/1.1\r\n${host}Origin: http://evil.example\r\nContent-Length: 0\r\n\r\n`;
  const refused = await exchange(stage, page);
  assert.deepEqual([refused.status, refused.code], [403, "cross-site"]);
  assert.deepEqual(stage.asked, []);
});

test("headers beyond the limit are refused", async () => {
  await using stage = await makeStage({ limits: { requestHeaders: 1024 } });
  const answer = await exchange(
    stage,
    `GET /health HTTP/1.1\r\n${host}X: ${"x".repeat(2000)}\r\n\r\n`,
  );
  assert.deepEqual([answer.status, answer.code], [431, "headers-too-large"]);
  assert.ok(answer.closed);
});

test("a request that does not arrive in time is refused", async () => {
  await using stage = await makeStage({ limits: { requestTime: 60 } });
  for (const bytes of [
    "GET /hea",
    `POST /call/a/b HTTP/1.1\r\n${host}Content-Length: 9\r\n\r\n1`,
  ]) {
    const answer = await exchange(stage, bytes);
    assert.deepEqual([answer.status, answer.code], [408, "request-too-slow"], bytes);
    assert.ok(answer.closed);
  }
  assert.deepEqual(stage.asked, []);
});

test("a body beyond the limit is refused while it comes, and the connection goes on", async () => {
  await using stage = await makeStage({ limits: { requestBody: 10 } });
  using client = new RawClient(stage.port);
  client.send(`POST /call/a/b HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`);
  client.send(`20\r\n${"x".repeat(32)}\r\n`);
  assert.equal((await client.response())?.status, 413);
  client.send(`0\r\n\r\n${call}`);
  assert.equal((await client.response())?.status, 200);
});

test("a client that asks before it sends is told to go on, or not to", async () => {
  await using stage = await makeStage({ limits: { requestBody: 10 } });
  using client = new RawClient(stage.port);
  const head = `POST /call/a/b HTTP/1.1\r\n${host}Expect: 100-continue\r\n`;
  client.send(`${head}Content-Length: 1\r\n\r\n`);
  assert.equal((await client.response())?.status, 100);
  client.send("7");
  assert.equal((await client.response())?.status, 200);
  client.send(`${head}Content-Length: 11\r\n\r\n`);
  assert.equal((await client.response())?.status, 413);
});

test("requests sent ahead are answered in order", async () => {
  const first = Promise.withResolvers<void>();
  await using stage = await makeStage({
    port: {
      callText: async ({ inputText }) => {
        if (inputText === "1") await first.promise;
        else first.resolve();
        return { id: `inv_${inputText}`, output: inputText, error: null };
      },
    },
  });
  using client = new RawClient(stage.port);
  client.send(call.replace(/7$/, "1") + call.replace(/7$/, "2"));
  assert.equal((await client.response())?.body, "1");
  assert.equal((await client.response())?.body, "2");
});

test("what is malformed after a good request does not harm its answer", async () => {
  const release = Promise.withResolvers<void>();
  await using stage = await makeStage({
    port: {
      callText: async () => {
        await release.promise;
        return { id: "inv_1", output: "1", error: null };
      },
    },
  });
  using client = new RawClient(stage.port);
  client.send(`${call}nonsense\r\n\r\n`);
  setImmediate(release.resolve);
  const answer = await client.response();
  assert.equal(answer?.status, 200);
  assert.equal(answer?.body, "1");
});

test("CONNECT and upgrades lead nowhere", async () => {
  await using stage = await makeStage();
  const connect = await exchange(stage, `CONNECT example.org:443 HTTP/1.1\r\n${host}\r\n`);
  assert.deepEqual([connect.status, connect.code], [405, "method-not-allowed"]);
  const upgrade = `GET /health HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  assert.equal((await exchange(stage, upgrade)).status, 200);
  const star = await exchange(stage, `OPTIONS * HTTP/1.1\r\n${host}\r\n`);
  assert.deepEqual([star.status, star.code], [404, "not-found"]);
  const absolute = `GET http://localhost/health HTTP/1.1\r\n${host}\r\n`;
  assert.equal((await exchange(stage, absolute)).status, 200);
});

test("beyond the limit of waiting requests more are refused", async () => {
  const release = Promise.withResolvers<void>();
  await using stage = await makeStage({
    limits: { requestsWaiting: 1 },
    port: {
      callText: async () => {
        await release.promise;
        return { id: "inv_1", output: "1", error: null };
      },
    },
  });
  const waiting = stage.post("/call/a/b");
  while (stage.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const refused = await stage.post("/call/a/b");
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.equal(((await refused.json()) as { code: string }).code, "overloaded");
  release.resolve();
  assert.equal((await waiting).status, 200);
});

test("beyond the limit of connections more are closed", async () => {
  await using stage = await makeStage({ limits: { connections: 1 } });
  using first = new RawClient(stage.port);
  first.send(call);
  assert.equal((await first.response())?.status, 200);
  using second = new RawClient(stage.port);
  await second.until(() => false);
  assert.ok(second.closed);
});
