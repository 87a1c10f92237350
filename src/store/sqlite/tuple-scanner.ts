import type { DatabaseSync } from "node:sqlite";
import type { TupleChunk, TupleExtra, TupleScan } from "../relations.ts";
import type { Names } from "./names.ts";
import { keyColumns } from "./relation-format.ts";
import { type Cell, Question, type Row } from "./rows.ts";
import { formatCursor, parseCursor, versionColumns } from "./tuple-rows.ts";

const key = keyColumns.join(", ");

export const scanText: string = `SELECT ${versionColumns} FROM tuples
  WHERE tenant = ?1 AND (${key}) > (?2, ?3, ?4, ?5, ?6, ?7, ?8)
    AND EXISTS (SELECT 1 FROM tenants WHERE number = ?1 AND deleted = 0)
  ORDER BY ${key} LIMIT ?9`;

/** Before every key. */
const start: readonly Cell[] = [-1, "", -1, -1, "", -1, -1];

/**
 * Makes the chunks of a scan, on whatever thread it lives. Rows as arrays are the quickest way out
 * of SQLite: measured at 1.3 million rows a second, where aggregates that give whole columns as JSON
 * or as joined text gave 0.3 to 1.6, the best of them only where no id may contain a separator.
 */
export class TupleScanner {
  readonly #names: Names;
  readonly #ask: Question;

  constructor(db: DatabaseSync, names: Names) {
    this.#names = names;
    this.#ask = new Question(db, scanText);
  }

  chunk({ tenant, after, limit }: TupleScan): TupleChunk {
    const from = after === null ? start : parseCursor(after);
    const rows = this.#ask.all(tenant, ...from, limit);
    const last = rows.length < limit ? undefined : rows.at(-1);
    return this.#columns(rows, last === undefined ? null : formatCursor(last));
  }

  #columns(rows: readonly Row[], next: string | null): TupleChunk {
    const count = rows.length;
    const resourceTypes = new Uint32Array(count);
    const resourceIds: string[] = [];
    const relations = new Uint32Array(count);
    const subjectTypes = new Uint32Array(count);
    const subjectIds: string[] = [];
    const subjectRelations = new Uint32Array(count);
    const created = new Float64Array(count);
    const deleted = new Float64Array(count);
    const extras: TupleExtra[] = [];
    const names = new ChunkNames(this.#names);
    for (const [i, row] of rows.entries()) {
      resourceTypes[i] = names.code(row[0]);
      resourceIds.push(row[1] as string); // STRICT, as the rest
      relations[i] = names.code(row[2]);
      subjectTypes[i] = names.code(row[3]);
      subjectIds.push(row[4] as string);
      subjectRelations[i] = names.code(row[5]);
      created[i] = row[6] as number;
      deleted[i] = (row[10] as number | null) ?? 0;
      if (row[7] !== 0 || row[8] !== null || row[9] !== null) extras.push(this.#extra(i, row));
    }
    return {
      count,
      names: names.texts,
      resourceTypes,
      resourceIds,
      relations,
      subjectTypes,
      subjectIds,
      subjectRelations,
      created,
      deleted,
      extras,
      next,
    };
  }

  #extra(index: number, row: Row): TupleExtra {
    return {
      row: index,
      caveat: this.#names.text(row[7] as number),
      context: row[8] as string | null,
      expiresAt: row[9] as number | null,
    };
  }
}

/** The names of one chunk: those of a tenant are few, those of a store with many may be many. */
class ChunkNames {
  readonly texts: string[] = [];
  readonly #names: Names;
  readonly #codes = new Map<Cell | undefined, number>();

  constructor(names: Names) {
    this.#names = names;
  }

  code(of: Cell | undefined): number {
    const known = this.#codes.get(of);
    if (known !== undefined) return known;
    const code = this.texts.length;
    this.texts.push(this.#names.text(of as number)); // STRICT
    this.#codes.set(of, code);
    return code;
  }
}
