import { existsSync } from "node:fs";
import path from "node:path";

const root: string = path.resolve(import.meta.dirname, "..", "..", "shared", "suites");

/**
 * The folder of a suite of another project (`openfga`, …), which lies beside this repository. Where
 * it does not, tests skip and say so, except on a build machine, which must have it.
 */
export function suiteFolder(name: string): string | undefined {
  const folder = path.join(root, name);
  if (existsSync(folder)) return folder;
  if (process.env["CI"] !== undefined) throw new Error(`the suite ${name} must lie in ${folder}`);
  return undefined;
}

/** Why tests of a suite are skipped; false when they are not. For `{ skip: … }`. */
export function whySkipped(folder: string | undefined): string | false {
  return folder === undefined ? "the suite does not lie beside this repository" : false;
}
