import assert from "node:assert/strict";
import { test } from "node:test";
import { Door, isLoopback } from "./door.ts";
import { readHeaders } from "./headers.ts";

const guarded = new Door(
  [
    { name: "ops", token: "secret-1" },
    { name: "ci", token: "secret-2" },
  ],
  256,
);
const open = new Door([], 256);

function headers(...raw: string[]): ReturnType<typeof readHeaders> {
  return readHeaders(raw);
}

test("a token says who calls", () => {
  assert.equal(guarded.admit(headers("Authorization", "Bearer secret-1")).caller, "ops");
  assert.equal(guarded.admit(headers("Authorization", "bearer  secret-2 ")).caller, "ci");
});

test("without a known token nobody comes in", () => {
  for (const value of [
    "",
    "Bearer",
    "Bearer ",
    "Bearer x",
    "Basic secret-1",
    "secret-1",
    "Bearer secret-1 secret-2",
  ]) {
    assert.throws(() => guarded.admit(headers("Authorization", value)), { code: "unauthorized" });
  }
  assert.throws(() => guarded.admit(headers()), { code: "unauthorized" });
});

test("with tokens any host and origin may ask", () => {
  const given = [
    "Authorization",
    "Bearer secret-1",
    "Host",
    "a.example",
    "Origin",
    "http://b.example",
  ];
  assert.equal(guarded.admit(headers(...given)).caller, "ops");
});

test("without tokens only loopback hosts are served", () => {
  for (const host of [
    "localhost",
    "localhost:7400",
    "127.0.0.1:1",
    "127.8.9.1",
    "[::1]:7400",
    "LocalHost",
  ]) {
    assert.equal(open.admit(headers("Host", host)).caller, undefined, host);
  }
  for (const host of [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example:7400",
    "0.0.0.0",
    "",
    "[::2]",
    "localhost:x",
    "a@localhost",
  ]) {
    assert.throws(() => open.admit(headers("Host", host)), { code: "host-refused" }, host);
  }
});

test("without tokens pages of other sites are refused", () => {
  const host = ["Host", "localhost:7400"];
  open.admit(headers(...host, "Origin", "http://localhost:7400", "Sec-Fetch-Site", "same-origin"));
  open.admit(headers(...host, "Sec-Fetch-Site", "none"));
  for (const more of [
    ["Origin", "http://evil.example"],
    ["Origin", "null"],
    ["Origin", "http://localhost:3000"],
    ["Origin", "https://localhost:7400"],
    ["Sec-Fetch-Site", "cross-site"],
    ["Sec-Fetch-Site", "same-site"],
  ]) {
    assert.throws(() => open.admit(headers(...host, ...more)), { code: "cross-site" }, more.join());
  }
});

test("tokens that cannot be used are refused when the server starts", () => {
  for (const tokens of [
    [{ name: "a", token: "" }],
    [{ name: "a", token: "two words" }],
    [
      { name: "a", token: "x" },
      { name: "a", token: "y" },
    ],
  ]) {
    assert.throws(() => new Door(tokens, 256), { code: "invalid-configuration" });
  }
  assert.throws(() => new Door([{ name: " ", token: "x" }], 256), { code: "invalid-id" });
});

test("loopback addresses are told from others", () => {
  for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
    assert.ok(isLoopback(address), address);
  }
  for (const address of ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "localhost", ""]) {
    assert.ok(!isLoopback(address), address);
  }
});
