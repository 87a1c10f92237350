import assert from "node:assert/strict";
import { test } from "node:test";
import { make, typeOf } from "../../../test/authz/caveats.ts";
import { readValue } from "./context.ts";
import { parseIp } from "./ip.ts";
import { Duration, Failure, Timestamp, Uint, type Value } from "./value.ts";

const minute = 60_000_000_000n;

const right: readonly (readonly [string, unknown, Value])[] = [
  ["any", null, null],
  ["any", 1, 1],
  ["any", { a: [1, "x", true] }, new Map([["a", [1, "x", true]]])],
  ["bool", true, true],
  ["string", "", ""],
  ["int", 42, 42n],
  ["int", -42, -42n],
  ["int", 42.0, 42n],
  ["int", "42", 42n],
  ["int", "+42", 42n],
  ["int", "42.0", 42n],
  ["int", "4.2e1", 42n],
  ["int", "4200e-2", 42n],
  ["int", "9223372036854775807", 2n ** 63n - 1n],
  ["int", "-9223372036854775808", -(2n ** 63n)],
  ["int", -(2 ** 63), -(2n ** 63n)],
  ["int", 5n, 5n],
  ["uint", 42, new Uint(42n)],
  ["uint", "18446744073709551615", new Uint(2n ** 64n - 1n)],
  ["double", 1.5, 1.5],
  ["double", "1.5", 1.5],
  ["double", "1e3", 1000],
  ["double", 5, 5],
  ["bytes", "AQIDKg==", Uint8Array.from([1, 2, 3, 42])],
  ["bytes", "", new Uint8Array()],
  ["duration", "10h4m", new Duration(604n * minute)],
  ["duration", "-1.5m", new Duration((-3n * minute) / 2n)],
  ["duration", "0", new Duration(0n)],
  ["duration", "1h2m3s4ms5us6ns", new Duration(3_723_004_005_006n)],
  ["timestamp", "1970-01-01T00:01:00Z", new Timestamp(minute)],
  ["timestamp", "1970-01-01T01:01:00+01:00", new Timestamp(minute)],
  ["timestamp", "1969-12-31T23:59:59.999999999Z", new Timestamp(-1n)],
  ["ipaddress", "1.2.3.4", parseIp("1.2.3.4") as Value],
  ["list<uint>", ["42", 1], [new Uint(42n), new Uint(1n)]],
  ["map<list<int>>", { foo: ["1"] }, new Map([["foo", [1n]]])],
  ["map<any>", JSON.parse('{"__proto__": 1}'), new Map([["__proto__", 1]])],
];

const wrong: readonly (readonly [string, unknown, string])[] = [
  ["bool", "hiya", 'expected bool, found "hiya"'],
  ["bool", null, "expected bool, found null"],
  ["string", 42, "expected string, found number 42"],
  ["int", 42.1, "expected int, found number 42.1"],
  ["int", "42.1", 'expected int, found "42.1"'],
  ["int", "", 'expected int, found ""'],
  ["int", ".", 'expected int, found "."'],
  ["int", "0x10", 'expected int, found "0x10"'],
  ["int", "1e999999999", 'expected int, found "1e999999999"'],
  ["int", true, "expected int, found boolean true"],
  ["int", Number.NaN, "expected int, found number NaN"],
  ["int", 2 ** 63, "number 9223372036854776000 is beyond the range of int"],
  ["int", "9223372036854775808", '"9223372036854775808" is beyond the range of int'],
  ["uint", -42, "number -42 is beyond the range of uint"],
  ["uint", "18446744073709551616", '"18446744073709551616" is beyond the range of uint'],
  ["double", Number.POSITIVE_INFINITY, "the number cannot be represented as a double"],
  [
    "double",
    "1.79769313486231570814527423731704356798070e+309",
    "the number cannot be represented as a double",
  ],
  ["double", "-1.8e308", "the number cannot be represented as a double"],
  ["double", "inf", 'expected double, found "inf"'],
  ["any", Number.NaN, "the number cannot be represented as a double"],
  ["any", () => 1, "expected plain JSON, found function () => 1"],
  ["bytes", "testing123", 'expected bytes in base64, found "testing123"'],
  ["bytes", 42, "expected bytes in base64, found number 42"],
  ["duration", "10hm", 'expected duration, found "10hm"'],
  ["duration", "10", 'expected duration, found "10"'],
  ["duration", "300000000h", 'expected duration, found "300000000h"'],
  ["timestamp", "2023-0122", 'expected timestamp (RFC 3339), found "2023-0122"'],
  [
    "timestamp",
    "2023-02-29T00:00:00Z",
    'expected timestamp (RFC 3339), found "2023-02-29T00:00:00Z"',
  ],
  [
    "timestamp",
    "2023-01-01T24:00:00Z",
    'expected timestamp (RFC 3339), found "2023-01-01T24:00:00Z"',
  ],
  [
    "timestamp",
    "0000-01-01T00:00:00Z",
    'expected timestamp (RFC 3339), found "0000-01-01T00:00:00Z"',
  ],
  ["timestamp", 42, "expected timestamp (RFC 3339), found number 42"],
  ["ipaddress", "1...23.4", 'expected ipaddress, found "1...23.4"'],
  ["ipaddress", 42, "expected ipaddress, found number 42"],
  ["list<int>", {}, "expected list, found an object"],
  ["list<int>", [1, "x"], 'item 1: expected int, found "x"'],
  ["map<int>", [], "expected map, found a list"],
  ["map<list<uint>>", { foo: ["-1"] }, 'key "foo": item 0: "-1" is beyond the range of uint'],
];

for (const [type, json, value] of right) {
  test(`${type} takes ${describe(json)}`, () => {
    assert.deepEqual(readValue(json, typeOf(type)), value);
  });
}

for (const [type, json, reason] of wrong) {
  test(`${type} refuses ${describe(json)}`, () => {
    const read = readValue(json, typeOf(type));
    assert(read instanceof Failure);
    assert.equal(read.reason, reason);
  });
}

test("what is within too much else is refused", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 10_000; i++) deep = [deep];
  const caveat = make("a == 1", { a: "any" });
  assert.throws(() => caveat.readContext({ a: deep }, "asked"), /levels deep/);
});

test("long values are shortened in what is told", () => {
  const caveat = make("a == 1", { a: "int" });
  assert.throws(
    () => caveat.readContext({ a: "x".repeat(10_000) }, "asked"),
    (error: Error) => error.message.length < 200,
  );
});

function describe(json: unknown): string {
  return typeof json === "string"
    ? JSON.stringify(json)
    : typeof json === "bigint"
      ? `${json}n`
      : (JSON.stringify(json) ?? String(json));
}
