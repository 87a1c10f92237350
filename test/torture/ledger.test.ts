import assert from "node:assert/strict";
import { test } from "node:test";
import { account, count, type Found, Ledger } from "./ledger.ts";

function ledgerOf(acknowledged: readonly string[], unknown: readonly string[] = []): Ledger {
  const ledger = new Ledger();
  for (const what of [...acknowledged, ...unknown]) ledger.begin(what);
  for (const what of acknowledged) ledger.acknowledge(what);
  return ledger;
}

function foundOf(...list: readonly string[]): Map<string, Found> {
  const found = new Map<string, Found>();
  for (const what of list) count(found, what);
  return found;
}

test("everything acknowledged is there once: no findings", () => {
  assert.deepEqual(account(ledgerOf(["a", "b"]), foundOf("b", "a")), []);
});

test("what was acknowledged and is not there is missing", () => {
  assert.deepEqual(account(ledgerOf(["a", "b"]), foundOf("a")), [
    { kind: "missing", what: "b", detail: "acknowledged, and not there" },
  ]);
});

test("what is there twice is double, acknowledged or not", () => {
  const findings = account(ledgerOf(["a"], ["b"]), foundOf("a", "a", "b", "b", "b"));
  assert.deepEqual(findings, [
    { kind: "double", what: "a", detail: "there 2 times" },
    { kind: "double", what: "b", detail: "there 3 times" },
  ]);
});

test("what was not acknowledged may be there or not", () => {
  assert.deepEqual(account(ledgerOf([], ["a", "b"]), foundOf("a")), []);
});

test("what nobody asked for is unasked", () => {
  assert.deepEqual(account(ledgerOf([]), foundOf("ghost")), [
    { kind: "unasked", what: "ghost", detail: "never asked for" },
  ]);
});

test("an answer that differs from what is there is wrong", () => {
  const ledger = new Ledger();
  ledger.begin("a");
  ledger.acknowledge("a", 3);
  const found = new Map<string, Found>();
  count(found, "a", 4);
  assert.deepEqual(account(ledger, found), [
    { kind: "wrong", what: "a", detail: "answered 3, and there is 4" },
  ]);
});

test("the ledger refuses to lose count of itself", () => {
  const ledger = ledgerOf(["a"], ["b"]);
  assert.equal(ledger.acknowledged, 1);
  assert.equal(ledger.unknown, 1);
  assert.throws(() => ledger.begin("a"), /begun before/);
  assert.throws(() => ledger.acknowledge("c"), /never begun/);
});
