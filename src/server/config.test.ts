import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "./config.ts";

test("nothing set means nothing chosen", () => {
  assert.deepEqual(readConfig({}), { log: "info" });
  assert.deepEqual(readConfig({ HOLDFAST_PORT: " ", HOLDFAST_TOKENS: "" }), { log: "info" });
});

test("all settings are read, with space around them taken off", () => {
  const config = readConfig({
    HOLDFAST_TOKENS: "ops:a:b, ci : c",
    HOLDFAST_STORE: " data.db ",
    HOLDFAST_HOST: "::1",
    HOLDFAST_PORT: "0",
    HOLDFAST_LOG: "warn,json",
    HOLDFAST_LIMITS: "authzBudget=5, payload = 7",
  });
  assert.deepEqual(config, {
    tokens: [
      { name: "ops", token: "a:b" },
      { name: "ci", token: "c" },
    ],
    store: "data.db",
    hostname: "::1",
    port: 0,
    limits: { authzBudget: 5, payload: 7 },
    log: "warn",
    logFormat: "json",
  });
});

test("a token may be confined to operations of tenants", () => {
  const { tokens } = readConfig({
    HOLDFAST_TOKENS: "app[acme=check+read; *=check]:s1, ops [ *=admin ] :s:2,all:s3",
  });
  assert.deepEqual(tokens, [
    {
      name: "app",
      token: "s1",
      rights: [
        { tenant: "acme", operations: ["check", "read"] },
        { tenant: "*", operations: ["check"] },
      ],
    },
    { name: "ops", token: "s:2", rights: [{ tenant: "*", operations: ["admin"] }] },
    { name: "all", token: "s3" },
  ]);
});

test("a token may be for calling alone, for itself or on behalf of others", () => {
  const { tokens } = readConfig({
    HOLDFAST_TOKENS: "bob[calls]:s1, web[ on-behalf ; acme=read ]:s2",
  });
  assert.deepEqual(tokens, [
    { name: "bob", token: "s1", rights: [], calls: true },
    {
      name: "web",
      token: "s2",
      rights: [{ tenant: "acme", operations: ["read"] }],
      onBehalf: true,
    },
  ]);
});

test("the public URL has no slash at its end", () => {
  const { publicUrl } = readConfig({ HOLDFAST_PUBLIC_URL: "https://pdp.example.com/authz/" });
  assert.equal(publicUrl, "https://pdp.example.com/authz");
});

const refused: readonly (readonly [name: string, value: string])[] = [
  ["HOLDFAST_PORT", "65536"],
  ["HOLDFAST_PORT", "-1"],
  ["HOLDFAST_PORT", "7400.5"],
  ["HOLDFAST_TOKENS", "secret"],
  ["HOLDFAST_TOKENS", ":secret"],
  ["HOLDFAST_TOKENS", "ops:secret,"],
  ["HOLDFAST_TOKENS", "ops:"],
  ["HOLDFAST_TOKENS", "ops[]:secret"],
  ["HOLDFAST_TOKENS", "ops[acme]:secret"],
  ["HOLDFAST_TOKENS", "ops[call]:secret"],
  ["HOLDFAST_TOKENS", "ops[calls;]:secret"],
  ["HOLDFAST_TOKENS", "ops[acme=]:secret"],
  ["HOLDFAST_TOKENS", "ops[acme=fly]:secret"],
  ["HOLDFAST_TOKENS", "ops[a b=check]:secret"],
  ["HOLDFAST_TOKENS", "ops[acme=check:secret"],
  ["HOLDFAST_LIMITS", "authzBudgett=5"],
  ["HOLDFAST_LIMITS", "authzBudget=5,payload"],
  ["HOLDFAST_LIMITS", "authzBudget=-5"],
  ["HOLDFAST_PUBLIC_URL", "pdp.example.com"],
  ["HOLDFAST_PUBLIC_URL", "ftp://pdp.example.com"],
  ["HOLDFAST_PUBLIC_URL", "https://pdp.example.com/?x=1"],
  ["HOLDFAST_LOG", "verbose"],
];

for (const [name, value] of refused) {
  test(`${name}=${value} is refused by name, and no secret is shown`, () => {
    assert.throws(
      () => readConfig({ [name]: value }),
      (error: Error & { code?: string }) =>
        error.code === "invalid-configuration" &&
        error.message.includes(name) &&
        !error.message.includes("secret"),
    );
  });
}
