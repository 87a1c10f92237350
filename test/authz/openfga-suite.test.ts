/** OpenFGA's store tests, with tuples stored and with tuples that come with the question. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { Prng } from "../../src/std/prng.ts";
import { suiteFolder } from "../suites.ts";
import { type Ground, onGround } from "./ground.ts";
import { modes } from "./grounds.ts";
import {
  canBeContextual,
  type Passing,
  readOpenfgaTests,
  runOpenfgaTest,
} from "./openfga-suite.ts";
import { openOracle } from "./oracle-port.ts";
import { SuiteReport } from "./suite-report.ts";

const folder = suiteFolder("openfga");
const skip = folder === undefined && "the suites are not beside this checkout";
const seed = Number(process.env["HOLDFAST_SEED"] ?? Date.now() % 1_000_000);

/**
 * Where the question is another one than OpenFGA's, so that the answer is more than its error. Only
 * here, in the process: the HTTP interface of OpenFGA answers like it, and has no differences.
 */
const exceptions: ReadonlyMap<string, string> = new Map([
  [
    "relation_through_ttu_with_condition",
    "OpenFGA's ListUsers fails on any condition on its way that lacks context; a lookup tells who " +
      "has the right all the same, since a check of each of them says yes",
  ],
]);
const oracleExceptions: ReadonlyMap<string, string> = new Map([
  ...exceptions,
  ["resolution_too_complex_throws_error", "the oracle does not count levels"],
]);

const engines = modes.map((mode) => ({ ...mode, exceptions }));

for (const mode of [
  { name: "the oracle", open: openOracle, exceptions: oracleExceptions },
  ...engines,
]) {
  for (const passing of ["stored", "contextual"] satisfies Passing[]) {
    test(`the tests of OpenFGA with ${passing} tuples, on ${mode.name}`, { skip }, async (t) => {
      assert(folder !== undefined);
      t.diagnostic(`seed ${seed}`);
      const report = new SuiteReport();
      await onGround<Ground, void>(mode.open, async (ground) => {
        for (const file of ["consolidated_1_1_tests.yaml", "abac_tests.yaml"]) {
          for (const one of readOpenfgaTests(path.join(folder, file))) {
            if (passing === "contextual" && !canBeContextual(one)) continue;
            report.count("tests");
            const random = new Prng(seed);
            const own = mode.exceptions.has(one.name) ? new SuiteReport() : report;
            await runOpenfgaTest(one, { ground, report: own, random, passing });
            if (own !== report) report.except(own);
          }
        }
      });
      t.diagnostic(report.summary);
      for (const line of report.disagreements) t.diagnostic(line);
      assert.deepEqual(report.disagreements, []);
    });
  }
}
