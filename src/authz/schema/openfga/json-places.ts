import type { Position } from "../schema.ts";

/** More than the paths of any model that people write come to, in characters. */
const mostPaths = 8_000_000;

interface Container {
  readonly path: string;
  readonly isList: boolean;
  index: number;
  /** Of the field that is read. */
  name: { readonly key: string; readonly at: Position } | null;
}

/**
 * Where in a JSON text, which must be valid, everything stands, by its path:
 * `type_definitions[0].relations.viewer`. What has parts of its own stands where its name does.
 */
export function jsonPlaces(text: string): ReadonlyMap<string, Position> {
  const places = new Map<string, Position>();
  const within: Container[] = [];
  let size = 0;
  let line = 1;
  let lineStart = 0;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    const outer = within.at(-1);
    const isText = token.startsWith('"');
    const at = { line, column: index - lineStart + (isText ? 2 : 1) };
    if (token === "\n") {
      line++;
      lineStart = index + 1;
    } else if (token === "}" || token === "]") within.pop();
    else if (token === ",") {
      if (outer !== undefined) Object.assign(outer, { index: outer.index + 1, name: null });
    } else if (isText && outer?.isList === false && outer.name === null) {
      outer.name = { key: JSON.parse(token) as string, at };
    } else {
      const path = pathIn(outer);
      const opens = token === "{" || token === "[";
      size += path.length;
      if (size <= mostPaths) places.set(path, (opens ? outer?.name?.at : undefined) ?? at);
      if (opens) within.push({ path, isList: token === "[", index: 0, name: null });
    }
  }
  return places;
}

const tokens = /\n|"(?:[^"\\]|\\.)*"|[{}[\],]|[^\s{}[\],:"]+/g;

function pathIn(outer: Container | undefined): string {
  if (outer === undefined) return "";
  if (outer.isList) return `${outer.path}[${outer.index}]`;
  const key = outer.name?.key ?? "";
  return outer.path === "" ? key : `${outer.path}.${key}`;
}

/** Where the text stops being JSON, as far as the engine says it. */
export function placeOfError(text: string, error: unknown): Position {
  const [, offset] = /at position (\d+)/.exec(String(error)) ?? [];
  const isCutOff = String(error).includes("Unexpected end");
  const before = text.slice(0, isCutOff ? text.length : Number(offset ?? 0)).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
