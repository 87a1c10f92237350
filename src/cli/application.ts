/** Loads a user's application from its file. */
import { existsSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fail, HoldfastError, reasonOf } from "../model/errors.ts";
import type { Application } from "../sdk/application.ts";

/** A file that the application is made of, as it was when it was loaded; 0 for one that is missing. */
export interface SourceFile {
  readonly file: string;
  readonly modifiedMs: number;
}

/**
 * Imports the file and collects what it exports; `invalid-application` when that cannot be done.
 *
 * @param onFile is told of each of the user's files before it is read, also of those that follow
 *   when the application imports more as it runs.
 */
export async function loadApplication(
  file: string,
  onFile?: (source: SourceFile) => void,
): Promise<Application> {
  const url = pathToFileURL(path.resolve(file)).href;
  hookImports(onFile);
  if (!existsSync(file)) {
    onFile?.({ file: path.resolve(file), modifiedMs: 0 });
    throw fail("invalid-application", { file, reason: "there is no such file" });
  }
  const [exports, { collectDefinitions }] = await Promise.all([
    importUserModule(url, file),
    import("../sdk/application.ts"),
  ]);
  const application = collectDefinitions(exports);
  if (application.definitions.length > 0) return application;
  const reason = "it exports no service, actor or workflow";
  throw fail("invalid-application", { file, reason });
}

async function importUserModule(url: string, file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>; // what a module namespace is
  } catch (error) {
    throw fail("invalid-application", { file, reason: describeError(error) }, error);
  }
}

/** What went wrong and where: the line of a syntax error, the first lines of a stack of the user's. */
function describeError(error: unknown): string {
  if (!(error instanceof Error) || error.stack === undefined) return reasonOf(error);
  if (error instanceof HoldfastError) return `${error.message} (${error.code})`;
  const isTheirs = (line: string): boolean =>
    !/^\s+at /.test(line) ||
    !(line.includes("node:") || line.includes(ownFolder) || /^\s+at async Promise/.test(line));
  const lines = error.stack.split("\n").filter(isTheirs);
  const text = lines
    .slice(0, 8)
    .join("\n")
    .replaceAll(/file:\/\/\S+?(?=:\d|\s|$)/g, toPath);
  return text.replaceAll(path.resolve() + path.sep, "");
}

function toPath(url: string): string {
  try {
    return path.relative("", fileURLToPath(url));
  } catch {
    return url;
  }
}

function hookImports(onFile: ((source: SourceFile) => void) | undefined): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      try {
        return nextResolve(specifier, context);
      } catch (error) {
        // An application beside which Holdfast is not installed gets the one that runs it.
        if (/^holdfast(\/|$)/.test(specifier)) {
          return nextResolve(specifier, { ...context, parentURL: import.meta.url });
        }
        const { parentURL } = context;
        if (specifier.startsWith(".") && parentURL !== undefined) {
          onFile?.({ file: fileURLToPath(new URL(specifier, parentURL)), modifiedMs: 0 });
        }
        throw error;
      }
    },
    ...(onFile === undefined
      ? {}
      : {
          load(url, context, nextLoad) {
            if (isUserFile(url)) onFile(describeFile(fileURLToPath(url)));
            return nextLoad(url, context);
          },
        }),
  });
}

const ownFolder: string = new URL("../", import.meta.url).href;

function isUserFile(url: string): boolean {
  return url.startsWith("file:") && !url.startsWith(ownFolder) && !url.includes("/node_modules/");
}

export function describeFile(file: string): SourceFile {
  return { file, modifiedMs: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
}
