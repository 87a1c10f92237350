// `npm run check`: everything that can be said about the code without running it.
// `npm run check -- --fix` lets Biome mend what it can first.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { readSources } from "./sources.ts";
import { describe, tidy } from "./tidy.ts";

const root: string = path.resolve(import.meta.dirname, "..");
const resolve = createRequire(import.meta.url).resolve;

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs tidy, tsc and Biome, prints the output of those that fail, and says whether all passed. */
export async function staticChecks(): Promise<boolean> {
  const checks = [
    timed("tidy", async () => checkTidy()),
    timed("tsc", () => runCompiler("tsconfig.json")),
    timed("tsc examples", () => runCompiler("examples/tsconfig.json")),
    timed("biome", () => runTool("@biomejs/biome/bin/biome", ["check", "--error-on-warnings"])),
  ];
  return (await Promise.all(checks)).every((ok) => ok);
}

async function timed(name: string, check: () => Promise<Outcome>): Promise<boolean> {
  const startedAt = performance.now();
  const { ok, output } = await check();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${ok ? "✔" : "✖"} ${name} (${seconds} s)`);
  if (!ok) console.log(`${output.trimEnd()}\n`);
  return ok;
}

function checkTidy(): Outcome {
  const violations = tidy(readSources(root));
  return { ok: violations.length === 0, output: violations.map(describe).join("\n") };
}

function runCompiler(project: string): Promise<Outcome> {
  return runTool("typescript/bin/tsc", ["-p", project, "--pretty", "false"]);
}

function runTool(file: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((done, fail) => {
    const packageName = file.split("/bin/")[0] ?? file;
    const bin = path.join(
      path.dirname(resolve(`${packageName}/package.json`)),
      file.slice(packageName.length),
    );
    const child = spawn(process.execPath, [bin, ...args], { cwd: root });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
      });
    }
    child.once("error", fail);
    child.once("close", (code) => done({ ok: code === 0, output }));
  });
}

if (import.meta.main) {
  if (process.argv.includes("--fix")) {
    await timed("biome --write", () => runTool("@biomejs/biome/bin/biome", ["check", "--write"]));
  }
  if (!(await staticChecks())) process.exitCode = 1;
}
