// `npm test`: the static checks, then every test file.
// `npm test -- src/engine`: only the test files whose path contains one of the words given, and no
// static checks. Arguments that begin with a dash go to `node --test`.
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { staticChecks } from "./check.ts";

const root: string = path.resolve(import.meta.dirname, "..");
const folders = ["src", "tools", "test", "examples", "bench"];

/** Code that was compiled before: hundreds of processes load the same, and each would compile it. */
const compiled: string = path.join(root, "node_modules", ".cache", "compiled");

const filters: string[] = process.argv.slice(2).filter((arg) => !arg.startsWith("-"));
const flags: string[] = process.argv.slice(2).filter((arg) => arg.startsWith("-"));

process.exitCode = await main();

async function main(): Promise<number> {
  const files = testFiles();
  if (files.length === 0) {
    console.log(
      `No test file has ${filters.map((filter) => `"${filter}"`).join(" or ")} in its path.`,
    );
    return 1;
  }
  if (filters.length === 0 && !(await staticChecks())) {
    console.log(
      "The static checks failed; no test was run. Some are mended by: npm run check -- --fix",
    );
    return 1;
  }
  console.log(`${files.length} test files\n`);
  return await runTests(files);
}

function testFiles(): string[] {
  const all = globSync(
    folders.map((folder) => `${folder}/**/*.test.ts`),
    { cwd: root, exclude: (entry) => path.basename(entry) === "node_modules" },
  ).map((file) => file.replaceAll(path.sep, "/"));
  const wanted = filters.map((filter) =>
    path.relative(root, path.resolve(root, filter)).replaceAll(path.sep, "/"),
  );
  return all
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .sort();
}

function runTests(files: readonly string[]): Promise<number> {
  const concurrency = Math.max(2, os.availableParallelism());
  const child = spawn(
    process.execPath,
    [
      "--conditions=holdfast-source",
      "--test",
      `--test-concurrency=${concurrency}`,
      "--test-reporter=spec",
      ...flags,
      ...files,
    ],
    { cwd: root, stdio: "inherit", env: { NODE_COMPILE_CACHE: compiled, ...process.env } },
  );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // A terminal sends ^C to the whole group: the child has had it already.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}
