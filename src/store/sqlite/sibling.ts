/** A module beside the asking one, from source (`.ts`) as from the build (`.js`). */
export function siblingUrl(from: string, name: string): URL {
  return new URL(`./${name}${from.endsWith(".ts") ? ".ts" : ".js"}`, from);
}
