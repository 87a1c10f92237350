/** SpiceDB's cases with the six agreements. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { suiteFolder } from "../suites.ts";
import { type Ground, onGround } from "./ground.ts";
import { modes } from "./grounds.ts";
import { openOracle } from "./oracle-port.ts";
import { runSpicedbFile } from "./spicedb-suite.ts";
import { SuiteReport } from "./suite-report.ts";

const folder = suiteFolder("spicedb/testconfigs");
const skip = folder === undefined && "the suites are not beside this checkout";

for (const mode of [{ name: "the oracle", open: openOracle }, ...modes]) {
  test(`the cases of SpiceDB, on ${mode.name}`, { skip }, async (t) => {
    assert(folder !== undefined);
    const report = new SuiteReport();
    await onGround<Ground, void>(mode.open, async (ground) => {
      for (const file of readdirSync(folder)) {
        const before = report.disagreements.length;
        await runSpicedbFile(path.join(folder, file), { ground, report });
        for (const line of report.disagreements.slice(before)) t.diagnostic(`${file}: ${line}`);
      }
    });
    t.diagnostic(report.summary);
    assert.deepEqual(report.disagreements, []);
  });
}
