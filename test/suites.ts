import { existsSync } from "node:fs";
import path from "node:path";

/**
 * The absolute path of a folder of conformance suites of other engines, kept beside the checkout;
 * undefined when it is not there, and then tests skip and say so.
 */
export function suiteFolder(name: string): string | undefined {
  const folder = path.resolve(import.meta.dirname, "../../shared/suites", name);
  return existsSync(folder) ? folder : undefined;
}
