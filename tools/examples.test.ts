// Documentation that runs: what is shown type-checks, loads, prints what it says, and can be typed.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { Command } from "commander";
import { service as makeService, open } from "holdfast";
import { leavesOf } from "../src/cli/command.ts";
import { commandTable } from "../src/cli/command-table.ts";
import {
  type Block,
  blocksOf,
  isModule,
  isProgram,
  nameOf,
  printsOf,
  readBlocks,
} from "./examples.ts";

const root = path.resolve(import.meta.dirname, "..");
const all = readBlocks(root);
const programs = all.filter(({ language }) => language === "ts");
const firstApp = "docs/guide/first-app.md";

// Inside the repository, so that "holdfast" means this one; git ignores it.
mkdirSync(path.join(root, ".node"), { recursive: true });
const folder = mkdtempSync(path.join(root, ".node", "docs-"));
before(writeAll);
after(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(block: Block): string {
  return path.join(folder, block.file.replaceAll(/[/.]/g, "_"), nameOf(block));
}

function writeAll(): void {
  for (const block of programs) {
    mkdirSync(path.dirname(fileOf(block)), { recursive: true });
    writeFileSync(fileOf(block), `${block.text}\nexport {};\n`);
  }
  const compilerOptions = { rootDir: "../..", isolatedDeclarations: false };
  const config = { extends: "../../tsconfig.json", compilerOptions, include: ["**/*.ts"] };
  writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config));
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const child = spawn(command, args, { cwd: folder, ...options, timeout: 60_000 });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

function runNode(args: readonly string[], cwd: string): Promise<Ended> {
  const env = { ...process.env, HOLDFAST_LOG: "warn" };
  return run(process.execPath, ["--conditions=holdfast-source", ...args], { cwd, env });
}

test("there are programs on the pages and in the comments", () => {
  const files = new Set(programs.map(({ file }) => file));
  for (const file of ["README.md", firstApp, "src/sdk/definition.ts", "src/server/open.ts"]) {
    assert.ok(files.has(file), `${file} shows no program`);
  }
});

test("all of them type-check", async () => {
  const tsc = createRequire(import.meta.url).resolve("typescript/package.json");
  const bin = path.join(path.dirname(tsc), "bin/tsc");
  const { code, output } = await run(process.execPath, [bin, "-p", folder, "--pretty", "false"]);
  assert.equal(code, 0, output);
});

for (const block of programs.filter(isProgram)) {
  test(`${block.file}:${block.line} runs, and prints what it says`, async () => {
    const file = fileOf(block);
    const { code, output } = await runNode([file], mkdtempSync(path.join(folder, "run-")));
    assert.equal(code, 0, output);
    const expected = printsOf(block);
    if (expected.length > 0) assert.equal(output.trimEnd(), expected.join("\n"));
  });
}

test("those that only define can be loaded", async () => {
  const files = programs.filter(isModule).map(fileOf);
  const imports = files.map((file) => `await import(${JSON.stringify(file)});`).join("\n");
  const main = path.join(folder, "load.ts");
  writeFileSync(main, `${imports}\nexport {};\n`);
  const { code, output } = await runNode([main], folder);
  assert.equal(code, 0, output);
});

for (const { page, tried } of [
  { page: firstApp, tried: /^(curl|npx holdfast) / },
  { page: "docs/guide/authorization.md", tried: /^curl / },
]) {
  test(`the commands of ${page} do what it says`, async () => {
    const blocks = all.filter(({ file }) => file === page);
    const app = all.find((block) => block.file === firstApp && nameOf(block) === "app.ts");
    assert.ok(app !== undefined);
    const { server, url } = await startServer(fileOf(app));
    try {
      for (const [i, block] of blocks.entries()) {
        if (block.language !== "sh") continue;
        const answer = blocks[i + 1];
        for (const line of linesOf(block, tried)) await tryLine(line, url, answer);
      }
    } finally {
      server.kill("SIGKILL");
    }
  });
}

test("the commands of the wallet's README do what it says", async () => {
  const wallet = path.join(root, "examples/wallet");
  const page = blocksOf("README.md", readFileSync(path.join(wallet, "README.md"), "utf8"));
  const calls = page.filter(({ text }) => text.includes("curl "));
  const { server, url } = await startServer(path.join(wallet, "app.ts"));
  try {
    const script = calls.map(({ text }) => text).join("\n");
    const typed = script.replace("http://127.0.0.1:7400", url).replaceAll(/^curl /gm, "curl -sS ");
    const { code, output } = await run("sh", ["-ec", typed]);
    assert.equal(code, 0, output);
    const codes = [...output.matchAll(/"code":"([\w-]+)"/g)].map(([, found]) => found);
    assert.deepEqual(codes, ["permission-denied", "handler-failed", "insufficient-funds"], output);
    assert.match(output, /\{"amount":1250,"currency":"EUR"\}/);
  } finally {
    server.kill("SIGKILL");
  }
});

/** Lines that can be tried; those that set up or start what runs here already are left out. */
function linesOf({ text }: Block, tried: RegExp): readonly string[] {
  const lines = text.replaceAll("\\\n", " ").split("\n");
  return lines.filter((line) => tried.test(line) && !/ (dev|init) /.test(line));
}

async function tryLine(line: string, url: string, answer: Block | undefined): Promise<void> {
  const holdfast = `"${process.execPath}" --conditions=holdfast-source "${root}/src/cli/main.ts"`;
  const command = line
    .replaceAll("http://127.0.0.1:7400", url)
    .replace(/^curl /, "curl -sS --fail-with-body ")
    .replace(/^npx holdfast/, holdfast);
  const { code, output } = await run("sh", ["-c", command], {
    env: { ...process.env, HOLDFAST_URL: url },
  });
  assert.equal(code, 0, `${line}\n${output}`);
  if (answer?.language === "text") assert.equal(blur(output), blur(answer.text), line);
}

/** Ids and times are others each time. */
function blur(text: string): string {
  return text
    .replace(/inv_\w+/g, "inv_…")
    .replace(/\d+(\.\d+)? ?(ms|s)\b/g, "…")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, "…")
    .replace(/"zookie":"[^"]*"/g, '"zookie":"…"')
    .replace(/[─ ]+/g, " ")
    .trim();
}

async function startServer(app: string): Promise<{ server: ChildProcess; url: string }> {
  const main = path.join(root, "src/cli/main.ts");
  const args = ["--conditions=holdfast-source", main, "serve", app, "--port", "0"];
  const cwd = mkdtempSync(path.join(folder, "server-"));
  const server = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const seen: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [server.stdout, server.stderr]) {
      createInterface(stream).on("line", (line) => {
        seen.push(line);
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
        if (found !== null) resolve(found[0]);
      });
    }
    server.once("exit", () => reject(new Error(`the server ended:\n${seen.join("\n")}`)));
  });
  return { server, url };
}

test("every query is accepted", async () => {
  const service = makeService("nothing", { handlers: { do: () => 1 } });
  const app = await open({ services: [service], store: ":memory:" });
  for (const { file, line, language, text } of all) {
    if (language !== "sql") continue;
    await assert.doesNotReject(app.query(text), `${file}:${line}`);
  }
  await app.close();
});

test("every command line has a command and options that exist", async () => {
  const lines = all
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.split("\n"));
  for (const line of lines) {
    const [, rest] = /^npx holdfast (.*)$/.exec(line) ?? [];
    if (rest === undefined || rest.startsWith("help")) continue;
    const row = leavesOf(commandTable).find(({ path: words }) =>
      `${rest} `.startsWith(`${words} `),
    );
    assert.ok(row !== undefined, line);
    const command = new Command(row.path);
    (await row.load()).define(command, commandTable);
    const known = command.options.map(({ long }) => long);
    for (const [option] of rest.matchAll(/--[a-z-]+/g)) assert.ok(known.includes(option), line);
  }
});

test("blocks are found in Markdown, with their language and line", () => {
  const found = blocksOf("a.md", "# A\n\n```ts\none\n```\n\n```sh\ntwo\n```\n");
  assert.deepEqual(found, [
    { file: "a.md", line: 3, language: "ts", text: "one\n" },
    { file: "a.md", line: 7, language: "sh", text: "two\n" },
  ]);
});
