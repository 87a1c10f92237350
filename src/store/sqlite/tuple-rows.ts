import type { TupleRow, WrittenTuple } from "../relations.ts";
import type { Names } from "./names.ts";
import { keyColumns } from "./relation-format.ts";
import type { Cell, Row } from "./rows.ts";

/** The key, in order, and then the rest. */
export const versionColumns: string = `${keyColumns.join(", ")},
  caveat, context, expires_at, deleted`;

/** And then when it was written. */
export const writtenColumns: string = `${versionColumns}, written_at`;

export const keyLength: number = keyColumns.length;

/** The casts say what the STRICT table promises. */
export function decodeVersion(row: Row, names: Names): TupleRow {
  return {
    resourceType: names.text(row[0] as number),
    resourceId: row[1] as string,
    relation: names.text(row[2] as number),
    subjectType: names.text(row[3] as number),
    subjectId: row[4] as string,
    subjectRelation: names.text(row[5] as number),
    created: row[6] as number,
    caveat: names.text(row[7] as number),
    context: row[8] as string | null,
    expiresAt: row[9] as number | null,
    deleted: row[10] as number | null,
  };
}

/** The same, of a row with when it was written. */
export function decodeWritten(row: Row, names: Names): WrittenTuple {
  return { ...decodeVersion(row, names), writtenAt: row[11] as number };
}

/** A key as a cursor, which is for the store alone. */
export function formatCursor(key: readonly Cell[]): string {
  return JSON.stringify(key.slice(0, keyLength));
}

export function parseCursor(text: string): Cell[] {
  return JSON.parse(text) as Cell[]; // made by formatCursor
}
