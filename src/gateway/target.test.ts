import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeId, parseQuery, parseTarget, printable } from "./target.ts";

test("a target is cut into path and query", () => {
  assert.deepEqual(parseTarget("/a/b?c=d?e"), { path: "/a/b", query: "c=d?e" });
  assert.deepEqual(parseTarget("/a"), { path: "/a", query: "" });
  assert.deepEqual(parseTarget("http://host:1/a?b"), { path: "/a", query: "b" });
  assert.deepEqual(parseTarget("http://host?b"), { path: "/", query: "b" });
  for (const target of ["*", "", "host:80", "a/b", "ftp://host/a"]) {
    assert.throws(() => parseTarget(target), { code: "not-found" }, target);
  }
});

test("ids are percent-encoded UTF-8", () => {
  assert.equal(decodeId("The key", "plain-1.2_3~", 256), "plain-1.2_3~");
  assert.equal(decodeId("The key", "a%2Fb%20%C3%BC%F0%9F%8C%8A", 256), "a/b ü🌊");
  assert.equal(decodeId("The key", "a+b", 256), "a+b");
  assert.equal(decodeId("The key", "__proto__", 256), "__proto__");
});

test("ids that cannot be used are refused", () => {
  const bad = {
    empty: "",
    blank: "%20%09",
    "cut off": "a%2",
    "not hexadecimal": "a%zz",
    "not UTF-8": "%ff",
    "an encoded surrogate": "%ED%A0%80",
    "a control": "a%00b",
    "a byte that is not escaped": "\xfc",
    "too long": "x".repeat(257),
    "too long, escaped": "%61".repeat(257),
  };
  for (const [why, text] of Object.entries(bad)) {
    assert.throws(() => decodeId("The key", text, 256), { code: "invalid-id" }, why);
  }
});

test("query parameters are decoded", () => {
  const query = parseQuery("a=1+2&b=%26%3D&&c", ["a", "b", "c"]);
  assert.deepEqual([...query], [["a", "1 2"], ["b", "&="], ["c", ""]]); // biome-ignore format: pairs
});

test("query parameters that are unknown, doubled or not decodable are refused", () => {
  for (const query of ["x=1", "a=1&a=1", "a=%", "a=%ff", "%61=1&a=2", "constructor=1", "=1"]) {
    assert.throws(() => parseQuery(query, ["a"]), { code: "invalid-argument" }, query);
  }
});

test("what is quoted in a message is short and shows no controls", () => {
  assert.equal(printable("a\u0000b\nc"), "a?b?c");
  assert.equal(printable("x".repeat(1000)).length, 101);
});
