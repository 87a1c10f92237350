import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { makeStage, RawClient, type Stage } from "../../test/gateway/stage.ts";

/**
 * Whatever comes in: an answer, or the end of the connection; never a 5xx, since the port behind it
 * never fails; never silence; and the next client is served.
 */

const words = [
  "call", "send", "invocations", "workflows", "promises", "signals", "state", "schedules", "query",
  "result", "journal", "cancel", "kill", "pause", "resume", "restart", "resolve", "reject", "trigger",
  "health", "ready", "metrics", "openapi.json", "inv_1", "a", "", ".", "..", "%00", "%2F", "%ff",
  "__proto__", "constructor", "toString", "*", "**", ":id", "{id}",
]; // biome-ignore format: a list of words

const method = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom("GET", "POST", "PATCH", "DELETE", "HEAD", "PUT", "OPTIONS"),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
);
const segment = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...words) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 12 }).map(percentEncode) },
);
const query = fc.oneof(
  { weight: 4, arbitrary: fc.constant("") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "?wait=0s",
      "?wait=1ms",
      "?delay=1s",
      "?limit=5",
      "?",
      "?%",
      "?a=1&a=1",
      "?&&=",
      "?status=paused#x",
    ),
  },
  {
    weight: 1,
    arbitrary: fc.string({ maxLength: 20 }).map((text) => `?${text.replace(/\s/g, "+")}`),
  },
);
const header = fc.oneof(
  fc.constantFrom(
    "Content-Type: application/json", "Content-Type: text/html", "Content-Type:", "Host: evil",
    "Authorization: Bearer x", "Idempotency-Key: k", 'Idempotency-Key: "', "Idempotency-Key: \xff",
    "traceparent: 00-x", "Expect: 100-continue", "Expect: x", "Origin: null", "Connection: close",
    "Connection: Upgrade\r\nUpgrade: x", "Content-Encoding: gzip", "Transfer-Encoding: chunked",
    "Content-Length: 3", "Content-Length: 99999999999999", "Accept: text/html", "\x01: x",
  ),
  fc.tuple(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 })).map(([name, value]) => `${name}: ${value}`),
); // biome-ignore format: a list of headers
const body = fc.oneof(
  fc.constantFrom(
    "",
    "{}",
    "[]",
    "null",
    '{"reason":"x"}',
    '{"sql":"select 1"}',
    '{"from":1}',
    "{",
    '"\ud800"',
    "\xff",
    "3\r\n123\r\n0\r\n\r\n",
  ),
  fc.json({ maxDepth: 3 }),
  fc.string({ maxLength: 30 }),
);
const request = fc
  .record({
    method,
    segments: fc.array(segment, { minLength: 1, maxLength: 6 }),
    query,
    headers: fc.array(header, { maxLength: 3 }),
    body,
    fits: fc.boolean(),
  })
  .map((given) => {
    const length = given.fits ? [`Content-Length: ${Buffer.byteLength(given.body)}`] : [];
    const head = [
      `${given.method} /${given.segments.join("/")}${given.query} HTTP/1.1`,
      "Host: localhost",
      ...length,
      ...given.headers,
    ];
    return `${head.join("\r\n")}\r\n\r\n${given.body}`;
  });

function percentEncode(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}

/** Sends it, and waits until the server has answered or closed. */
async function check(stage: Stage, bytes: Uint8Array): Promise<void> {
  using client = new RawClient(stage.port);
  client.send(bytes);
  const isHead = Buffer.from(bytes.slice(0, 5)).toString() === "HEAD ";
  const answer = await client.response(isHead ? "HEAD" : "other");
  if (answer !== undefined) {
    assert.ok(answer.status >= 100 && answer.status < 500, answer.head);
    const isJson = /^content-type: application\/(?:problem\+)?json/im.test(answer.head);
    if (isJson && answer.body !== "") JSON.parse(answer.body);
  }
  assert.deepEqual(stage.logged, []);
}

test("requests of all shapes get an answer", async () => {
  await using stage = await makeStage({ limits: { requestTime: 40 } });
  await fc.assert(
    fc.asyncProperty(request, (bytes) => check(stage, Buffer.from(bytes, "utf8"))),
    { numRuns: 600 },
  );
  // On a machine that is busy elsewhere even a good request may take longer than this stage allows.
  const { status } = await stage.post("/call/a/b", "1");
  assert.ok(status === 200 || status === 408, `it still answers, and not with ${status}`);
});

test("bytes of all kinds get an answer", async () => {
  await using stage = await makeStage({ limits: { requestTime: 40 } });
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 });
  await fc.assert(
    fc.asyncProperty(bytes, (sent) => check(stage, sent)),
    { numRuns: 150 },
  );
  assert.equal((await stage.post("/call/a/b", "1")).status, 200);
});

test("a good request with one byte changed gets an answer", async () => {
  await using stage = await makeStage({ limits: { requestTime: 40 } });
  const good = Buffer.from(
    "POST /call/a/k/b?x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
      "Idempotency-Key: k\r\nContent-Length: 7\r\n\r\n[1,2,3]",
  );
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(change, ([place, byte]) => {
      const sent = Buffer.from(good);
      sent[place] = byte;
      return check(stage, sent);
    }),
    { numRuns: 300 },
  );
});
