import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { simulate, type Verdict } from "./simulation.ts";
import { type EngineSabotage, sabotages } from "./swarm.ts";

function explain(verdict: Verdict): string {
  const { seed, violation, swarm, workloads, trace } = verdict;
  return [
    `seed ${seed}: ${violation}`,
    `with ${workloads.join(", ")}; in ${swarm}`,
    ...trace.slice(-25),
    `again: npm run sim -- --seed ${seed}`,
  ].join("\n");
}

describe("simulation", () => {
  const seeds = 500;
  const chunk = 50;
  for (let from = 1; from <= seeds; from += chunk) {
    test(`seeds ${from} to ${from + chunk - 1} hold`, async () => {
      for (let seed = from; seed < from + chunk; seed++) {
        const verdict = await simulate(seed);
        assert.equal(verdict.violation, null, explain(verdict));
      }
    });
  }

  test("a seed runs in exactly the same way again", async () => {
    for (const seed of [3, 17, 42]) {
      const first = await simulate(seed);
      const again = await simulate(seed);
      assert.deepEqual(again, first);
    }
  });
});

/** Within how many seeds each planted fault is found; several times as many as it took at first. */
const found: Record<EngineSabotage, number> = {
  "acknowledges-before-durable": 50,
  "forwards-twice": 80,
  "reorders-completions": 50,
  "stale-owner-commits": 100,
  "forgets-received": 50,
  "steps-before-durable": 500,
  "forgets-idempotency": 100,
  "keeps-after-retention": 50,
  "cancels-twice": 80,
  "loses-cancellations": 80,
  "forgets-steps": 80,
  "timers-early": 50,
  "loses-steps": 50,
  "reads-stale-state": 80,
};

describe("what is planted is found", () => {
  for (const sabotage of sabotages) {
    test(`${sabotage}, within ${found[sabotage]} seeds`, async () => {
      for (let seed = 1; seed <= found[sabotage]; seed++) {
        const { violation } = await simulate(seed, sabotage);
        if (violation !== null) return;
      }
      assert.fail("nothing was found");
    });
  }
});
