import assert from "node:assert/strict";
import { test } from "node:test";
import { readHeaders, readIdempotencyKey } from "./headers.ts";

test("headers are found whatever their case", () => {
  const headers = readHeaders(["HOST", "a", "content-Type", "b", "X-Other", "c", "Origin", "d"]);
  assert.equal(headers.host, "a");
  assert.equal(headers.contentType, "b");
  assert.equal(headers.origin, "d");
  assert.equal(headers.fetchSite, undefined);
});

test("a header that is given twice is refused, but not for a trace context", () => {
  for (const name of ["Host", "Authorization", "Content-Type", "Idempotency-Key", "Origin"]) {
    assert.throws(() => readHeaders([name, "a", name.toLowerCase(), "a"]), {
      code: "malformed-request",
    });
  }
  assert.equal(readHeaders(["traceparent", "a", "Traceparent", "b"]).traceparent, "");
  assert.equal(readHeaders(["Accept", "a", "Accept", "b"]).host, undefined);
});

test("an idempotency key may be quoted, as the draft wants it, or bare", () => {
  assert.equal(readIdempotencyKey("abc", 256), "abc");
  assert.equal(readIdempotencyKey('"abc"', 256), "abc");
  assert.equal(readIdempotencyKey('  "a \\"b\\" \\\\"  ', 256), 'a "b" \\');
  assert.equal(readIdempotencyKey(Buffer.from("schlüssel").toString("latin1"), 256), "schlüssel");
});

test("an idempotency key that cannot be one is refused", () => {
  const bad = ["", "  ", '""', '"a"b"', '"a\\"', '"a\\x"', "\xff", "x".repeat(257), "a\tb"];
  for (const header of bad) {
    assert.throws(() => readIdempotencyKey(header, 256), { code: "invalid-id" }, header);
  }
});
