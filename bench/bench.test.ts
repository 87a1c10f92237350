import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { cases } from "./cases.ts";
import { expectEqual, WrongResult } from "./harness.ts";
import { runCase } from "./processes.ts";

describe("bench", { concurrency: 2 }, () => {
  for (const name of Object.keys(cases)) {
    it(`${name} runs, and what it did is right`, async () => {
      const outcome = await runCase(name, "tiny");
      assert.ok(outcome !== undefined, "its words are on stderr");
      assert.match(outcome.check, /\d/);
      assert.ok(outcome.figures.length > 0);
      for (const figure of outcome.figures) {
        assert.ok(figure.case.startsWith(name), figure.case);
        assert.ok(Number.isFinite(figure.ours), JSON.stringify(figure));
      }
    });
  }

  it("a wrong result ends a case with status 1", () => {
    assert.throws(() => expectEqual("a sum", 44, 45), WrongResult);
  });

  it("an unknown case or argument is refused with status 2 and the usage", () => {
    for (const args of [["engine", "--case", "nope"], ["motor"], ["engine", "--loud"]]) {
      const argv = ["--conditions=holdfast-source", join(import.meta.dirname, "main.ts"), ...args];
      const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
      assert.deepEqual({ status, stdout }, { status: 2, stdout: "" });
      assert.match(stderr, /usage: npm run bench/);
    }
  });
});
