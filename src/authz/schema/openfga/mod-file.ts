import type { Position, SchemaProblem } from "../schema.ts";
import { problem } from "./model.ts";

/** An `fga.mod`: which files make up a model. */
export interface ModFile {
  readonly schema: ModValue;
  readonly contents: readonly ModValue[];
}

export interface ModValue {
  readonly value: string;
  readonly at: Position;
  readonly end: Position;
}

export interface ParsedModFile {
  readonly mod: ModFile | null;
  readonly problems: readonly SchemaProblem[];
}

/**
 * Reads an `fga.mod`. It is YAML, of which this knows what such files have in them: `schema` with a
 * string, `contents` with a list of strings, one a line or in brackets, and comments.
 */
export function parseOpenfgaMod(text: string): ParsedModFile {
  const { fields, problems } = readFields(text);
  const schema = schemaOf(fields.get("schema"), problems);
  const contents = contentsOf(fields.get("contents"), problems);
  const valid = problems.length === 0 && schema !== undefined;
  return { mod: valid ? { schema, contents } : null, problems };
}

interface Scalar {
  readonly value: string;
  /** Not a number, true, false or null. */
  readonly isString: boolean;
  readonly line: number;
  readonly from: number;
  readonly to: number;
}

type Field = Scalar | { readonly items: readonly Scalar[] };

interface Fields {
  readonly fields: ReadonlyMap<string, Field>;
  readonly problems: SchemaProblem[];
}

function readFields(text: string): Fields {
  const fields = new Map<string, Field>();
  const problems: SchemaProblem[] = [];
  let items: Scalar[] | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#.*)?$|^---\s*$/.test(line)) continue;
    const item = /^\s*-\s+/.exec(line);
    const key = /^([A-Za-z_]\w*)\s*:(?:\s+|$)/.exec(line);
    if (item !== null && items !== undefined) {
      items.push(scalarAt(line, { index, from: item[0].length }));
    } else if (key?.[1] !== undefined) {
      const rest = line.slice(key[0].length);
      items = undefined;
      if (/^(?:#.*)?$/.test(rest)) {
        items = [];
        fields.set(key[1], { items });
      } else if (rest.startsWith("[")) {
        fields.set(key[1], { items: flowItems(line, { index, from: key[0].length + 1 }) });
      } else {
        fields.set(key[1], scalarAt(line, { index, from: key[0].length }));
      }
    } else {
      const at = { line: index + 1, column: 1 };
      problems.push(problem("invalid-mod-file", "the line is not understood", { at }));
    }
  }
  return { fields, problems };
}

function flowItems(
  line: string,
  { index, from }: { readonly index: number; readonly from: number },
): readonly Scalar[] {
  const items: Scalar[] = [];
  const item = /\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,\][{}"'\s][^,\][{}]*)\s*(?:,|\])/y;
  item.lastIndex = from;
  for (let match = item.exec(line); match?.[1] !== undefined; match = item.exec(line)) {
    const start = match.index + match[0].indexOf(match[1]);
    items.push(scalar(match[1].trimEnd(), { index, from: start }));
  }
  return items;
}

function scalarAt(line: string, place: { readonly index: number; readonly from: number }): Scalar {
  const rest = line.slice(place.from);
  const quoted = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')/.exec(rest);
  return scalar(quoted?.[0] ?? rest.replace(/(?:^|\s+)#.*$/, "").trimEnd(), place);
}

function scalar(
  raw: string,
  { index, from }: { readonly index: number; readonly from: number },
): Scalar {
  const place = { line: index + 1, from: from + 1, to: from + 1 + raw.length };
  if (raw.startsWith("'")) {
    return { ...place, value: raw.slice(1, -1).replaceAll("''", "'"), isString: true };
  }
  if (raw.startsWith('"')) {
    const value = raw.slice(1, -1).replace(/\\(["\\/])/g, "$1");
    return { ...place, value, isString: true };
  }
  const other = /^(?:true|false|null|~|[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)?$/i;
  return { ...place, value: raw, isString: !other.test(raw) };
}

function schemaOf(field: Field | undefined, problems: SchemaProblem[]): ModValue | undefined {
  if (field === undefined) return missing("schema", problems);
  if ("items" in field || !field.isString) {
    const value = "items" in field ? "a list" : field.value;
    const message = `unexpected schema type, expected string got value ${value}`;
    return refuse(message, field, problems);
  }
  if (field.value !== "1.2") {
    const message = "unsupported schema version, fga.mod only supported in version `1.2`";
    return refuse(message, field, problems);
  }
  return located(field);
}

function contentsOf(field: Field | undefined, problems: SchemaProblem[]): readonly ModValue[] {
  if (field === undefined) {
    missing("contents", problems);
    return [];
  }
  if (!("items" in field)) {
    const message = `unexpected contents type, expected list of strings got value ${field.value}`;
    refuse(message, field, problems);
    return [];
  }
  return field.items.flatMap((item) => fileOf(item, problems) ?? []);
}

/** A file below that of the `fga.mod`, however its path is written. */
function fileOf(item: Scalar, problems: SchemaProblem[]): ModValue | undefined {
  if (!item.isString) {
    const message = `unexpected contents item type, expected string got value ${item.value}`;
    return refuse(message, item, problems);
  }
  const path = item.value.replace(/%2e/gi, ".").replace(/%2f/gi, "/").replace(/%5c/gi, "\\");
  if (path.includes("../") || path.includes("..\\") || path.startsWith("/")) {
    return refuse(`invalid contents item ${item.value}`, item, problems);
  }
  if (!path.endsWith(".fga")) {
    const message = `contents items should use fga file extension, got ${item.value}`;
    return refuse(message, item, problems);
  }
  return { ...located(item), value: path };
}

function located({ value, line, from, to }: Scalar): ModValue {
  return { value, at: { line, column: from }, end: { line, column: to } };
}

function missing(field: string, problems: SchemaProblem[]): undefined {
  const at = { line: 1, column: 1 };
  problems.push(problem("invalid-mod-file", `missing ${field} field`, { at }));
}

function refuse(message: string, field: Field, problems: SchemaProblem[]): undefined {
  const place = "items" in field ? field.items[0] : field;
  const at = { line: place?.line ?? 1, column: place?.from ?? 1 };
  const length = place === undefined ? 0 : place.to - place.from;
  problems.push(problem("invalid-mod-file", message, { at, length }));
}
