import { assert } from "../../std/assert.ts";
import type { TupleChunk, TupleExtra } from "../relations.ts";
import type { Names } from "./names.ts";
import type { Cell, Row } from "./rows.ts";
import { compareKeys } from "./tuple-filter.ts";
import { formatCursor, keyLength } from "./tuple-rows.ts";

/** Rows of a chunk, or of what waits: in order of their keys. */
interface Merge {
  /** Numbers of rows of the chunk, and rows that wait. */
  readonly rows: readonly (number | Row)[];
  /** Whether all of both were taken. */
  readonly whole: boolean;
}

/**
 * A chunk with rows that wait for their place and lie in its stretch of keys, those that it has left
 * out; with as many rows as the limit allows, and the cursor of the last.
 */
export function mergeRows(
  chunk: TupleChunk,
  waiting: readonly Row[],
  { names, limit }: { readonly names: Names; readonly limit: number },
): TupleChunk {
  const codes = chunk.names.map((name) => {
    const code = names.find(name);
    assert(code !== undefined, "what the file has is known here");
    return code;
  });
  const keyAt = (at: number): Row => keyOf(chunk, codes, at);
  const { rows, whole } = merge(chunk.count, waiting.toSorted(compareKeys), { keyAt, limit });
  const last = rows.at(-1);
  const isLast = chunk.next === null && whole;
  const key = typeof last === "number" ? keyAt(last) : last;
  const next = isLast || key === undefined ? null : formatCursor(key);
  return { ...columns(chunk, rows, names), next };
}

function merge(
  count: number,
  waiting: readonly Row[],
  { keyAt, limit }: { keyAt(at: number): Row; readonly limit: number },
): Merge {
  const rows: (number | Row)[] = [];
  let at = 0;
  let other = 0;
  while (rows.length < limit && (at < count || other < waiting.length)) {
    const row = waiting[other];
    const order = row === undefined ? -1 : at === count ? 1 : compareKeys(keyAt(at), row);
    // One that is in both is told as the chunk has it: it may have ended there.
    if (order >= 0) other++;
    if (order <= 0) rows.push(at++);
    else if (row !== undefined) rows.push(row);
  }
  return { rows, whole: at === count && other === waiting.length };
}

function keyOf(chunk: TupleChunk, codes: readonly number[], at: number): Cell[] {
  const code = (column: Uint32Array): Cell => codes[column[at] ?? 0] ?? null;
  const subject = [code(chunk.subjectTypes), chunk.subjectIds[at] ?? null];
  return [
    code(chunk.resourceTypes),
    chunk.resourceIds[at] ?? null,
    code(chunk.relations),
    ...subject,
    code(chunk.subjectRelations),
    chunk.created[at] ?? null,
  ];
}

function columns(
  chunk: TupleChunk,
  rows: readonly (number | Row)[],
  names: Names,
): Omit<TupleChunk, "next"> {
  const texts = [...chunk.names];
  const codes = new Map(texts.map((name, code) => [name, code]));
  const code = (cell: Cell | undefined): number => {
    const name = names.text(cell as number); // STRICT
    const known = codes.get(name);
    if (known !== undefined) return known;
    codes.set(name, texts.length);
    return texts.push(name) - 1;
  };
  const coded = (column: Uint32Array, cell: number): Uint32Array =>
    Uint32Array.from(rows, (row) =>
      typeof row === "number" ? (column[row] ?? 0) : code(row[cell]),
    );
  const ids = (column: readonly string[], cell: number): string[] =>
    rows.map((row) => (typeof row === "number" ? (column[row] ?? "") : String(row[cell])));
  const numbers = (column: Float64Array, cell: number): Float64Array =>
    Float64Array.from(rows, (row) =>
      typeof row === "number" ? (column[row] ?? 0) : Number(row[cell] ?? 0),
    );
  return {
    count: rows.length,
    resourceTypes: coded(chunk.resourceTypes, 0),
    resourceIds: ids(chunk.resourceIds, 1),
    relations: coded(chunk.relations, 2),
    subjectTypes: coded(chunk.subjectTypes, 3),
    subjectIds: ids(chunk.subjectIds, 4),
    subjectRelations: coded(chunk.subjectRelations, 5),
    created: numbers(chunk.created, 6),
    deleted: numbers(chunk.deleted, 10),
    extras: extras(chunk, rows, names),
    names: texts,
  };
}

function extras(chunk: TupleChunk, rows: readonly (number | Row)[], names: Names): TupleExtra[] {
  const known = new Map(chunk.extras.map((extra) => [extra.row, extra]));
  return rows.flatMap((row, at) => {
    if (typeof row === "number") {
      const extra = known.get(row);
      return extra === undefined ? [] : [{ ...extra, row: at }];
    }
    const [caveat, context, expiresAt] = row.slice(keyLength);
    if (caveat === 0 && context === null && expiresAt === null) return [];
    return [
      {
        row: at,
        caveat: names.text(caveat as number), // STRICT, as the others
        context: context as string | null,
        expiresAt: expiresAt as number | null,
      },
    ];
  });
}
