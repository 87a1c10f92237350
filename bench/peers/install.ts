// The peers weigh 300 MB, so they are no part of the normal install: they come when first used.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

interface Manifest {
  readonly version?: string;
  readonly dependencies?: { readonly [name: string]: string };
  readonly packages?: { readonly [path: string]: { readonly version?: string } };
}

function read(...path: readonly string[]): Manifest | undefined {
  const file = join(import.meta.dirname, ...path);
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, "utf8")) as Manifest;
}

export function versionOf(name: string): string {
  return read("node_modules", name, "package.json")?.version ?? "unknown";
}

function isInstalled(): boolean {
  // npm writes this file last, so an install that was cut short lacks it.
  const there = read("node_modules", ".package-lock.json")?.packages ?? {};
  const wanted = Object.entries(read("package.json")?.dependencies ?? {});
  return wanted.every(([name, version]) => there[`node_modules/${name}`]?.version === version);
}

export function install(): void {
  if (isInstalled()) return;
  console.error("Installing Restate and DBOS for the comparison (300 MB, once) ...");
  const begun = performance.now();
  // npm names itself to the scripts it runs; under another Node than its own it must be told.
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith("js") ? [process.execPath, [npm]] : ["npm", []];
  const path = [dirname(process.execPath), process.env.PATH ?? ""].join(delimiter);
  const done = spawnSync(command, [...first, "ci", "--no-audit", "--no-fund"], {
    cwd: import.meta.dirname,
    env: { ...process.env, PATH: path, SCARF_ANALYTICS: "false" },
    // Results alone go to stdout.
    stdio: ["ignore", 2, 2],
  });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) throw new Error(`npm ci ended with status ${done.status}`);
  console.error(`Installed in ${((performance.now() - begun) / 1_000).toFixed(1)} s.`);
}
