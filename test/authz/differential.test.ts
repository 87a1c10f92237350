/**
 * Everything that is asked must be answered as the oracle answers it: random schemas, data, contexts
 * and times. `HOLDFAST_SEED` runs another seed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SchemaDialect } from "../../src/model/authz.ts";
import { Prng } from "../../src/std/prng.ts";
import { runCase } from "./differential.ts";
import { randomCase } from "./fuzz-case.ts";
import { onGround } from "./ground.ts";
import { modes } from "./grounds.ts";
import { showCase, shrink } from "./shrink.ts";
import { Tally } from "./suite-report.ts";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 792_224_083);
/** Of each language; most where it costs least. */
const checksOf = (mode: string) => (mode === "memory" ? 42_000 : 4_000);

for (const [number, mode] of modes.entries()) {
  for (const dialect of ["native", "openfga"] satisfies SchemaDialect[]) {
    test(`random ${dialect} cases are answered as the oracle answers them, on ${mode.name}`, async (t) => {
      t.diagnostic(`seed ${seed}`);
      const tally = new Tally();
      await onGround(mode.open, async (ground) => {
        // Each mode has its own cases.
        const random = new Prng(seed + number);
        for (let made = 1; tally.of("checks") < checksOf(mode.name); made++) {
          const failing = randomCase(random, dialect);
          const found = await runCase(failing, { ground, tally });
          if (found === null) continue;
          const run = (candidate: typeof failing) =>
            runCase(candidate, { ground, tally: new Tally() });
          const least = await shrink({ failing, with: found }, run);
          assert.fail(`case ${made} of seed ${seed}\n${showCase(least.failing, least.with)}`);
        }
      });
      t.diagnostic(tally.summary);
    });
  }
}
