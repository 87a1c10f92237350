import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldfastError } from "../model/errors.ts";
import { Budget } from "./budget.ts";

/** A budget of 100 a second, and its clock. */
function makeBudget() {
  const clock = { ms: 5_000 };
  const budget = new Budget({ tenant: "acme", perSecond: 100, monotonic: () => clock.ms });
  return { clock, budget };
}

function refusal(budget: Budget): HoldfastError | null {
  try {
    budget.admit();
    return null;
  } catch (error) {
    assert.ok(error instanceof HoldfastError);
    return error;
  }
}

test("a question is let in while anything is left, whatever it takes then", () => {
  const { budget } = makeBudget();
  budget.charge(98);
  assert.equal(refusal(budget), null, "one is left");
  budget.charge(0);
  assert.equal(refusal(budget)?.code, "rate-exceeded");
});

test("what was taken too much is made up for before the next is let in", () => {
  const { budget, clock } = makeBudget();
  budget.charge(399);
  const error = refusal(budget);
  assert.equal(error?.details["seconds"], 3);
  assert.equal(error?.details["tenant"], "acme");
  clock.ms += 2_990;
  assert.equal(refusal(budget)?.details["seconds"], 1);
  clock.ms += 10;
  assert.equal(refusal(budget)?.code, "rate-exceeded", "just made up for: nothing is left");
  clock.ms += 10;
  assert.equal(refusal(budget), null);
});

test("rest is worth one second and no more", () => {
  const { budget, clock } = makeBudget();
  clock.ms += 3_600_000;
  budget.admit();
  budget.charge(99);
  assert.equal(refusal(budget)?.code, "rate-exceeded");
});

test("asking again and again while it is refused neither costs nor gives anything", () => {
  const { budget, clock } = makeBudget();
  budget.charge(199);
  for (let at = 0; at < 1_000; at++) {
    assert.equal(refusal(budget)?.code, "rate-exceeded");
    clock.ms += 1;
  }
  clock.ms += 1;
  assert.equal(refusal(budget), null);
});

test("questions of one tenant leave the budget of another alone", () => {
  const [busy, calm] = [makeBudget().budget, makeBudget().budget];
  busy.charge(1_000_000);
  assert.equal(refusal(busy)?.code, "rate-exceeded");
  assert.equal(refusal(calm), null);
});
