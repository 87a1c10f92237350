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
  });
  assert.deepEqual(config, {
    tokens: [
      { name: "ops", token: "a:b" },
      { name: "ci", token: "c" },
    ],
    store: "data.db",
    hostname: "::1",
    port: 0,
    log: "warn",
    logFormat: "json",
  });
});

const refused: readonly (readonly [name: string, value: string])[] = [
  ["HOLDFAST_PORT", "65536"],
  ["HOLDFAST_PORT", "-1"],
  ["HOLDFAST_PORT", "7400.5"],
  ["HOLDFAST_TOKENS", "secret"],
  ["HOLDFAST_TOKENS", ":secret"],
  ["HOLDFAST_TOKENS", "ops:secret,"],
  ["HOLDFAST_TOKENS", "ops:"],
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
