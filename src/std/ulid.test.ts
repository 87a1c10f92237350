import assert from "node:assert/strict";
import { test } from "node:test";
import { isUlid, makeUlid } from "./ulid.ts";

test("time comes first, so that later ULIDs sort later", () => {
  const random = (): number => 0xffff_ffff;
  // The example of the specification: 1469918176385 is 01ARYZ6S41.
  assert.equal(
    makeUlid(1_469_918_176_385, () => 0),
    "01ARYZ6S410000000000000000",
  );
  assert.ok(makeUlid(1_000, random) < makeUlid(1_001, () => 0));
});

test("each of the sixteen random characters depends on chance", () => {
  let calls = 0;
  const bits = [0x0443_2110, 0x0443_2110, 0x0443_2110];
  const ulid = makeUlid(0, () => bits[calls++] ?? 0);
  assert.equal(ulid.length, 26);
  assert.equal(calls, 3);
  assert.equal(
    makeUlid(0, () => 0xffff_ffff),
    `0000000000${"Z".repeat(16)}`,
  );
});

test("what is no ULID is told", () => {
  assert.ok(isUlid("01ARYZ6S41TSV4RRFFQ69G5FAV"));
  for (const text of [
    "",
    "01ARYZ6S41TSV4RRFFQ69G5FA",
    "01aryz6s41tsv4rrffq69g5fav",
    "81ARYZ6S41TSV4RRFFQ69G5FAV",
    "01ARYZ6S41TSV4RRFFQ69G5FAI",
  ]) {
    assert.ok(!isUlid(text), text);
  }
});
