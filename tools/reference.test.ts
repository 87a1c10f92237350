import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { makeReference } from "./reference.ts";

const root = path.resolve(import.meta.dirname, "..");

for (const [name, text] of await makeReference()) {
  test(`${name} is what the tables say`, () => {
    const written = readFileSync(path.join(root, name), "utf8");
    assert.ok(written === text, `${name} is stale; run: npm run docs`);
  });
}
