import { readFileSync } from "node:fs";

/** The version of this package. */
export function readVersion(): string {
  // src/ and dist/ lie at the same depth, so this is the package's own manifest in both.
  const manifest: unknown = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return String((manifest as { readonly version: unknown }).version); // our own file
}
