import assert from "node:assert/strict";
import { test } from "node:test";
import type { JournalEntryDescription } from "../model/port.ts";
import { makeBar, makeTimeline } from "./timeline.ts";

function entry(
  index: number,
  kind: string,
  rest: Partial<JournalEntryDescription> = {},
): JournalEntryDescription {
  return { index, kind, command: index, name: "", value: null, failed: false, at: index, ...rest };
}

test("a step spans from what was written before it to its end", () => {
  const [, step] = makeTimeline(
    [entry(0, "set", { name: "a", at: 10 }), entry(1, "run", { name: "b", at: 30, value: 7 })],
    5,
  );
  assert.deepEqual([step?.kind, step?.from, step?.to, step?.detail], ["step", 10, 30, "7"]);
});

test("what waits is matched with its answer, and is open without", () => {
  const items = makeTimeline(
    [
      entry(0, "sleep", { at: 10, value: 5010 }),
      entry(1, "call", { at: 10, name: "a/b", value: { number: 42 } }),
      entry(2, "done", { command: 1, at: 20, failed: true, value: { message: "no" } }),
    ],
    0,
  );
  assert.deepEqual(
    items.map(({ kind, name, to, failed, detail, child }) => [
      kind,
      name,
      to,
      failed,
      detail,
      child,
    ]),
    [
      ["sleep", "5s", null, false, "", null],
      ["call", "a/b", 20, true, "no", 42],
    ],
  );
});

test("signals answer the waits for them in order, also those that came before", () => {
  const items = makeTimeline(
    [
      entry(0, "signal", { name: "go", at: 1, value: 1, command: -1 }),
      entry(1, "await-signal", { name: "go", at: 5 }),
      entry(2, "await-signal", { name: "go", at: 6 }),
      entry(3, "signal", { name: "go", at: 9, value: 2, command: -1 }),
    ],
    0,
  ).filter(({ kind }) => kind === "await signal");
  assert.deepEqual(
    items.map(({ from, to, detail }) => [from, to, detail]),
    [
      [5, 5, "1"],
      [6, 9, "2"],
    ],
  );
});

test("bars are drawn to an eighth of a column, and never beyond their room", () => {
  assert.equal(makeBar(0, 1, 4), "████");
  assert.equal(makeBar(0.5, 1, 4), "  ██");
  assert.equal(makeBar(0, 0.375, 4), "█▌");
  assert.equal(makeBar(1, 1, 4), "   ▏");
  assert.equal(makeBar(0, 0, 4), "▏");
});
