import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { fail, reasonOf } from "../../model/errors.ts";
import { readVersion } from "../../server/version.ts";
import { makeProject } from "../project-template.ts";
import { print, stdout } from "../terminal.ts";

interface InitOptions {
  readonly holdfast?: string;
  readonly json?: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["shop", "a project in the new folder shop"],
  ["shop --holdfast file:../holdfast-0.1.0.tgz", "with a Holdfast that is not in the registry"],
];

export function define(command: Command): void {
  command
    .argument("<folder>", "a folder that is empty or does not exist yet")
    .option("--holdfast <spec>", "where npm takes Holdfast from (default: this version)")
    .option("--json", "print JSON, for programs")
    .action(init);
}

function init(folder: string, options: InitOptions): void {
  const root = path.resolve(folder);
  const name = path
    .basename(root)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  const files = makeProject({
    name: name === "" ? "app" : name,
    holdfast: options.holdfast ?? whereHoldfastIs(root),
  });
  try {
    mkdirSync(root, { recursive: true });
    if (readdirSync(root).length > 0) throw fail("folder-not-empty", { path: folder });
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(root, file), text);
  } catch (error) {
    if (!(error instanceof Error) || !("syscall" in error)) throw error;
    throw fail(
      "invalid-argument",
      { what: `The folder ${folder}`, reason: reasonOf(error) },
      error,
    );
  }
  if (options.json === true) {
    print(JSON.stringify({ folder: root, files: Object.keys(files) }));
    return;
  }
  const { green, bold, dim, cyan } = stdout.style;
  print(`${green("✓")} ${bold(folder)} ${dim(Object.keys(files).join(", "))}`);
  print(`\nNext:\n  ${cyan(`cd ${folder} && npm install`)}\n  ${cyan("npm run dev")}`);
}

/** This version in the registry; from a checkout, the checkout. */
function whereHoldfastIs(root: string): string {
  const home = path.resolve(import.meta.dirname, "../../..");
  const isCheckout = existsSync(path.join(home, "tsconfig.build.json"));
  return isCheckout ? `file:${path.relative(root, home)}` : `^${readVersion()}`;
}
