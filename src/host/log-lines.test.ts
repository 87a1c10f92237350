import assert from "node:assert/strict";
import { test } from "node:test";
import { type LineLogOptions, makeLineLog } from "./log-lines.ts";

function logged(
  options: Partial<LineLogOptions>,
  ...calls: readonly Parameters<ReturnType<typeof makeLineLog>>[]
): string[] {
  const lines: string[] = [];
  const log = makeLineLog({
    write: (line) => lines.push(line),
    threshold: "info",
    format: "json",
    colour: false,
    now: () => 0,
    ...options,
  });
  for (const call of calls) log(...call);
  return lines;
}

test("JSON lines carry the fields, which replace nothing", () => {
  const [line] = logged({}, [
    "warn",
    "full",
    { level: "x", free: 1n, error: new Error("no room") },
  ]);
  const { error, ...rest } = JSON.parse(line ?? "") as Record<string, unknown>;
  assert.match(String(error), /^Error: no room\n {4}at /);
  const at = "1970-01-01T00:00:00.000Z";
  assert.deepEqual(rest, { at, level: "warn", message: "full", free: "1" });
});

test("fields that cannot be written cost nothing but themselves", () => {
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const [line] = logged({}, ["info", "round", { circle }]);
  assert.equal((JSON.parse(line ?? "") as { message: string }).message, "round");
});

test("text is one line for people, and cannot forge another or move the cursor", () => {
  const [line] = logged({ format: "text" }, [
    "info",
    "ready\u001b[2J\n10:00 info forged",
    { url: "http://127.0.0.1:7400", odd: "a b" },
  ]);
  assert.equal(
    line,
    "00:00:00.000 info  ready\\x1B[2J\n  10:00 info forged url=http://127.0.0.1:7400 odd='a b'\n",
  );
});

test("what is below the threshold is not written", () => {
  assert.equal(logged({ threshold: "warn" }, ["info", "a"], ["error", "b"]).length, 1);
  assert.equal(logged({ threshold: "silent" }, ["error", "b"]).length, 0);
});
