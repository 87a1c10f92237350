/** Each planted fault must turn a test red; without any they are green. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { type Fault, notPlanted } from "./plant.ts";
import { plantedFaults } from "./planted-faults.ts";

const root = path.resolve(import.meta.dirname, "../..");

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs one file of this folder in a process of its own. */
function run(file: string, fault?: Fault): Promise<Ended> {
  const child = spawn(
    process.execPath,
    [
      "--conditions=holdfast-source",
      `--import=${path.join(import.meta.dirname, "plant.ts")}`,
      path.join(import.meta.dirname, file),
    ],
    {
      cwd: root,
      env: {
        ...process.env,
        NODE_TEST_CONTEXT: undefined,
        HOLDFAST_SEED: "1",
        // One is enough for faults that are above the store.
        HOLDFAST_GROUND: "memory",
        ...(fault === undefined ? {} : { HOLDFAST_FAULT: JSON.stringify(fault) }),
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

test("planted faults are found", {
  concurrency: Math.max(2, os.availableParallelism()),
}, async (t) => {
  const files = [...new Set(plantedFaults.map(({ by }) => by))];
  const controls = files.map((file) =>
    t.test(`${file} is green as things are`, async () => {
      const { code, output } = await run(file);
      assert.equal(code, 0, output);
    }),
  );
  const faults = plantedFaults.map(({ name, by, ...fault }) =>
    t.test(name, async () => {
      const { code, output } = await run(by, fault);
      assert.notEqual(code, notPlanted, output);
      assert.equal(code, 1, `${by} does not find it\n${output.slice(-2_000)}`);
    }),
  );
  await Promise.all([...controls, ...faults]);
});
