/**
 * Loaded before a test (`--import`): puts a fault into one source file as it is loaded, so that
 * production code needs no switches for it. `HOLDFAST_FAULT` says which, as JSON. A snippet that is
 * not there, or more than once, ends the process: then the fault must be planted anew.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

export interface Fault {
  /** Under src/. */
  readonly file: string;
  /** What is there, and what takes its place. */
  readonly changes: readonly (readonly [snippet: string, instead: string])[];
}

/** How the process ends when a fault cannot be planted. */
export const notPlanted = 42;

const text = process.env["HOLDFAST_FAULT"];
if (text !== undefined) plant(JSON.parse(text));

function plant({ file, changes }: Fault): void {
  const absolute = path.resolve(import.meta.dirname, "../../src", file);
  let source = readFileSync(absolute, "utf8");
  for (const [snippet, instead] of changes) {
    if (source.split(snippet).length !== 2) {
      process.stderr.write(`src/${file} has not just one ${JSON.stringify(snippet)}\n`);
      process.exit(notPlanted);
    }
    source = source.replace(snippet, () => instead);
  }
  const url = pathToFileURL(absolute).href;
  registerHooks({
    load(asked, context, next) {
      const loaded = next(asked, context);
      return asked === url ? { ...loaded, source } : loaded;
    },
  });
}
