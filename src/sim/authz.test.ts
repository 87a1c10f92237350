import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { simulate } from "./simulation.ts";
import { type AuthzSabotage, authzSabotages } from "./swarm.ts";

/*
 * The new enemy, vulnerable control first (as SpiceDB tests it): each safeguard is taken away, and the
 * anomaly must be found within so many seeds; with all of them a hundred times as many must find none.
 * Here run fewer: `npm run sim -- --workload new-enemy --seeds 6000` runs all of them.
 *
 * The cases: caches (keeps-cached-answers, caches-without-revision), tokens from elsewhere
 * (takes-foreign-zookies), beyond history and from the future (answers-beyond-history,
 * answers-the-future), schemas that change (asks-the-latest-schema), what is listed and then fetched,
 * and the token of a content change (answers-at-an-old-revision, forgets-the-zookie, answers-the-head),
 * the flattened index (indexes-beyond-its-watermark), expiry (caches-beyond-expiry), and that every
 * answer has its place in one order of writes (all of them).
 */

interface Found {
  readonly workload: "new-enemy" | "relationships" | "vaults";
  /** Some of these seeds find it, whatever the seeds are: with a probability of 99 % at least. */
  readonly within: number;
}

const found: Record<AuthzSabotage, Found> = {
  "answers-at-an-old-revision": { workload: "new-enemy", within: 5 },
  "forgets-the-zookie": { workload: "new-enemy", within: 5 },
  "answers-the-head": { workload: "new-enemy", within: 5 },
  "confirms-nothing": { workload: "new-enemy", within: 60 },
  "answers-the-future": { workload: "new-enemy", within: 60 },
  "answers-beyond-history": { workload: "new-enemy", within: 60 },
  "takes-foreign-zookies": { workload: "new-enemy", within: 10 },
  "asks-the-latest-schema": { workload: "new-enemy", within: 10 },
  "keeps-cached-answers": { workload: "new-enemy", within: 20 },
  "caches-without-revision": { workload: "new-enemy", within: 30 },
  "caches-beyond-expiry": { workload: "new-enemy", within: 60 },
  "indexes-beyond-its-watermark": { workload: "new-enemy", within: 20 },
  "acknowledges-what-is-applied": { workload: "new-enemy", within: 10 },
  "shows-what-is-not-durable": { workload: "new-enemy", within: 20 },
  "keeps-what-was-lost": { workload: "new-enemy", within: 60 },
  "forgets-writes-while-loading": { workload: "vaults", within: 40 },
  "watches-from-now": { workload: "relationships", within: 10 },
  "relates-apart": { workload: "vaults", within: 10 },
};

describe("with every safeguard", () => {
  const seeds = { "new-enemy": 20, relationships: 20, vaults: 20 };
  for (const [workload, count] of Object.entries(seeds)) {
    test(`${workload}: ${count} seeds hold`, async () => {
      for (let seed = 1; seed <= count; seed++) {
        const { violation, trace } = await simulate(seed, null, workload);
        const again = `npm run sim -- --seed ${seed} --workload ${workload}`;
        assert.equal(violation, null, [violation, ...trace.slice(-25), again].join("\n"));
      }
    });
  }
});

describe("without a safeguard", () => {
  for (const sabotage of authzSabotages) {
    const { workload, within } = found[sabotage];
    test(`${sabotage}: found within ${within} seeds`, async () => {
      for (let seed = 1; seed <= within; seed++) {
        const { violation } = await simulate(seed, sabotage, workload);
        if (violation !== null) return;
      }
      assert.fail("nothing was found");
    });
  }
});
