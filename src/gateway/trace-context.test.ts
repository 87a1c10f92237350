import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTraceparent } from "./trace-context.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";

test("a traceparent of version 00 is passed on as it is", () => {
  assert.equal(parseTraceparent(`00-${trace}-${parent}-01`), `00-${trace}-${parent}-01`);
});

test("a later version is read like 00", () => {
  assert.equal(parseTraceparent(`cc-${trace}-${parent}-09-more`), `00-${trace}-${parent}-01`);
  assert.equal(parseTraceparent(`01-${trace}-${parent}-00`), `00-${trace}-${parent}-00`);
});

test("what is malformed is ignored", () => {
  for (const header of [
    "",
    "00",
    `ff-${trace}-${parent}-01`,
    `00-${trace.toUpperCase()}-${parent}-01`,
    `00-${"0".repeat(32)}-${parent}-01`,
    `00-${trace}-${"0".repeat(16)}-01`,
    `00-${trace}-${parent}-1`,
    `00-${trace}-${parent}-01-more`,
    `00-${trace}-${parent}-01.more`,
    `01-${trace}-${parent}-01more`,
    `00-${trace}-${parent}-01, 00-${trace}-${parent}-01`,
    `00-${trace.slice(1)}-${parent}-01`,
    ` 00-${trace}-${parent}-01`,
  ]) {
    assert.equal(parseTraceparent(header), undefined, header);
  }
});
