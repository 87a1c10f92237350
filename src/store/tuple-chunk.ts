import type { TupleChunk, TupleExtra, TupleRow } from "./relations.ts";

/** Rows as the columns of a chunk. */
export function makeChunk(rows: readonly TupleRow[], next: string | null): TupleChunk {
  const count = rows.length;
  const names = new Map<string, number>();
  const code = (name: string): number => {
    const known = names.get(name) ?? names.size;
    names.set(name, known);
    return known;
  };
  const codes = (pick: (row: TupleRow) => string): Uint32Array =>
    Uint32Array.from(rows, (row) => code(pick(row)));
  const extras: TupleExtra[] = [];
  for (const [row, { caveat, context, expiresAt }] of rows.entries()) {
    if (caveat === "" && context === null && expiresAt === null) continue;
    extras.push({ row, caveat, context, expiresAt });
  }
  return {
    count,
    resourceTypes: codes((row) => row.resourceType),
    resourceIds: rows.map((row) => row.resourceId),
    relations: codes((row) => row.relation),
    subjectTypes: codes((row) => row.subjectType),
    subjectIds: rows.map((row) => row.subjectId),
    subjectRelations: codes((row) => row.subjectRelation),
    created: Float64Array.from(rows, (row) => row.created),
    deleted: Float64Array.from(rows, (row) => row.deleted ?? 0),
    extras,
    names: [...names.keys()],
    next,
  };
}

/** The rows of a chunk: convenient, where speed does not matter. */
export function chunkRows(chunk: TupleChunk): TupleRow[] {
  const extras = new Map(chunk.extras.map((extra) => [extra.row, extra]));
  const name = (codes: Uint32Array, row: number): string => chunk.names[codes[row] ?? -1] ?? "";
  return chunk.resourceIds.map((resourceId, row) => ({
    resourceType: name(chunk.resourceTypes, row),
    resourceId,
    relation: name(chunk.relations, row),
    subjectType: name(chunk.subjectTypes, row),
    subjectId: chunk.subjectIds[row] ?? "",
    subjectRelation: name(chunk.subjectRelations, row),
    caveat: extras.get(row)?.caveat ?? "",
    context: extras.get(row)?.context ?? null,
    expiresAt: extras.get(row)?.expiresAt ?? null,
    created: chunk.created[row] ?? 0,
    deleted: chunk.deleted[row] || null,
  }));
}
