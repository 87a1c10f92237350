/** A short run of the differential fuzz, always the same: ends with 1 at the first disagreement. */
import { Prng } from "../../src/std/prng.ts";
import { runCase } from "./differential.ts";
import { randomCase } from "./fuzz-case.ts";
import { onGround } from "./ground.ts";
import { memoryMode } from "./grounds.ts";
import { Tally } from "./suite-report.ts";

const cases = Number(process.env["HOLDFAST_CASES"] ?? 60);

process.exitCode = await onGround(memoryMode.open, async (ground) => {
  const tally = new Tally();
  const random = new Prng(20_261_127);
  for (let number = 0; number < cases; number++) {
    const dialect = number % 2 === 0 ? "native" : "openfga";
    const found = await runCase(randomCase(random, dialect), { ground, tally });
    if (found === null) continue;
    process.stdout.write(`case ${number}: ${found.kind}: ${found.text}\n`);
    return 1;
  }
  process.stdout.write(`${tally.summary}\n`);
  return 0;
});
