import assert from "node:assert/strict";
import { test } from "node:test";
import { sabotages } from "./sabotage.ts";
import { type TortureOptions, type TortureReport, torture } from "./torture.ts";

async function run(options: Omit<TortureOptions, "seed">): Promise<TortureReport> {
  return torture({ seed: 7, seconds: 12, ...options });
}

test("the server is killed five times under load: everything acknowledged is there once", async () => {
  const { kills, acknowledged, findings } = await run({ kills: 5 });
  assert.deepEqual(findings, []);
  assert.ok(kills > 0 && acknowledged > 100, `${kills} kills, ${acknowledged} acknowledged`);
});

for (const [damage, kind] of [
  ["lose", "missing"],
  ["double", "double"],
] as const) {
  test(`a store from which one effect is made to ${damage} is found out`, async () => {
    const tamper = sabotages[damage];
    const { findings, folder } = await run({ kills: 0, ...(tamper && { tamper }) });
    assert.ok(
      findings.some((finding) => finding.kind === kind),
      JSON.stringify(findings),
    );
    assert.ok(folder !== undefined, "the store is kept where there are findings");
    const { rm } = await import("node:fs/promises");
    await rm(folder, { recursive: true });
  });
}
