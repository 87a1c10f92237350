import assert from "node:assert/strict";
import { test } from "node:test";
import { behaviours, readMap } from "./behaviours.ts";
import { elsewhere } from "./behaviours-elsewhere.ts";

test("every behaviour from 59 to 200 and from A to K has a test, or a reason why not", () => {
  const shown = new Set(readMap().map((one) => one.behaviour));
  const missing = behaviours.filter((name) => !shown.has(name) && elsewhere[name] === undefined);
  assert.deepEqual(missing, []);
});

test("no behaviour is both shown and excused, and none is shown that does not exist", () => {
  const shown = new Set(readMap().map((one) => one.behaviour));
  assert.deepEqual(
    Object.keys(elsewhere).filter((name) => shown.has(name) || !behaviours.includes(name)),
    [],
  );
  assert.deepEqual(
    [...shown].filter((name) => !behaviours.includes(name)),
    [],
  );
});
