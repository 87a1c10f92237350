import type { RelationshipFilter } from "../../model/relationship.ts";
import { compareText } from "../order.ts";
import type {
  ExpiredRead,
  LogRow,
  LogScan,
  RelationReads,
  SchemaRow,
  TenantRow,
  TupleChunk,
  TupleEnd,
  TupleKey,
  TuplePage,
  TupleRead,
  TupleRequest,
  TupleRow,
  TupleScan,
  WrittenTuple,
} from "../relations.ts";
import { makeChunk } from "../tuple-chunk.ts";
import { type RelationTables, type TenantTables, tupleId } from "./relation-tables.ts";

/** The questions of the contract, answered by looking at everything. */
export class MemoryRelations implements RelationReads {
  readonly #tables: () => RelationTables;

  constructor(tables: () => RelationTables) {
    this.#tables = tables;
  }

  loadTenants(): TenantRow[] {
    return [...this.#tables().tenants.values()]
      .filter(({ deleted }) => !deleted)
      .map(({ row }) => row)
      .sort((a, b) => a.number - b.number);
  }

  loadDeletedTenants(): number[] {
    return [...this.#tables().tenants.values()]
      .filter(({ deleted }) => deleted)
      .map(({ row }) => row.number)
      .sort((a, b) => a - b);
  }

  loadSchemas(tenant: number): SchemaRow[] {
    return [...(this.#living(tenant)?.schemas.values() ?? [])].sort(
      (a, b) => a.revision - b.revision || compareText(a.id, b.id),
    );
  }

  loadDocument(tenant: number, name: string): string | null {
    return this.#living(tenant)?.documents.get(name) ?? null;
  }

  scanTuples({ tenant, after, limit }: TupleScan): TupleChunk {
    const { rows, next } = page(this.#versions(tenant), after, limit);
    return makeChunk(rows, next);
  }

  loadTuples({ tenant, resources = [], subjects = [] }: TupleRequest): TupleRow[] {
    return this.#versions(tenant).filter(
      (row) =>
        resources.some((end) => isEnd(end, [row.resourceType, row.resourceId, row.relation])) ||
        subjects.some((end) => isEnd(end, [row.subjectType, row.subjectId, row.subjectRelation])),
    );
  }

  readTuples({ tenant, filter, revision, after, limit, look }: TupleRead): TuplePage {
    const holds = ({ created, deleted }: TupleRow): boolean =>
      created <= revision && (deleted === null || deleted > revision);
    const rows = this.#versions(tenant).filter((row) => holds(row) && matches(filter, row));
    const found = page(rows, after, limit);
    if (look === undefined) return found;
    // It looks at everything each time; what other stores look at is at least what they tell.
    return { ...found, tally: { looked: found.rows.length, ended: 0 } };
  }

  readExpired({ tenant, upTo, limit }: ExpiredRead): TupleRow[] {
    const expiry = ({ expiresAt }: TupleRow): number => expiresAt ?? Number.POSITIVE_INFINITY;
    return this.#versions(tenant)
      .filter((row) => row.deleted === null && expiry(row) <= upTo)
      .sort((a, b) => expiry(a) - expiry(b))
      .slice(0, limit);
  }

  countTuples(tenant: number): number {
    return this.#living(tenant)?.alive.size ?? 0;
  }

  scanLog({ tenant, after, limit }: LogScan): LogRow[] {
    const log = this.#living(tenant)?.log ?? [];
    return log.filter(({ revision }) => revision > after).slice(0, limit);
  }

  findRevision(tenant: number, at: number): number {
    const log = this.#living(tenant)?.log ?? [];
    return log.findLast((row) => row.at <= at)?.revision ?? 0;
  }

  hasTrimmable(tenant: number, upTo: number): boolean {
    const tables = this.#tables().tenants.get(tenant);
    if (tables === undefined) return false;
    if (tables.deleted) return true;
    const isOld = ({ deleted }: TupleRow): boolean => deleted !== null && deleted <= upTo;
    return (
      tables.log.some((row) => row.revision <= upTo) || [...tables.versions.values()].some(isOld)
    );
  }

  #living(tenant: number): TenantTables | undefined {
    return this.#tables().living(tenant);
  }

  /** In order of the key. */
  #versions(tenant: number): WrittenTuple[] {
    return [...(this.#living(tenant)?.versions.values() ?? [])].sort(byKey);
  }
}

function isEnd(
  { type, id, relation }: TupleEnd,
  [a, b, c]: readonly [string, string, string],
): boolean {
  return type === a && id === b && (relation ?? c) === c;
}

function matches(filter: RelationshipFilter, row: TupleRow): boolean {
  const { resourceIdPrefix = "", subjectRelation } = filter;
  return (
    (filter.resourceType ?? row.resourceType) === row.resourceType &&
    (filter.resourceId ?? row.resourceId) === row.resourceId &&
    row.resourceId.startsWith(resourceIdPrefix) &&
    (filter.relation ?? row.relation) === row.relation &&
    (filter.subjectType ?? row.subjectType) === row.subjectType &&
    (filter.subjectId ?? row.subjectId) === row.subjectId &&
    (subjectRelation === undefined || (subjectRelation ?? "") === row.subjectRelation) &&
    (filter.caveat ?? row.caveat) === row.caveat
  );
}

function page(
  rows: readonly WrittenTuple[],
  after: string | null,
  limit: number,
): { rows: WrittenTuple[]; next: string | null } {
  const found = rows.findIndex((row) => after === null || byKey(row, JSON.parse(after)) > 0);
  const from = found < 0 ? rows.length : found;
  const last = rows[from + limit - 1];
  const isLast = last === undefined || from + limit === rows.length;
  return { rows: rows.slice(from, from + limit), next: isLast ? null : JSON.stringify(last) };
}

function byKey(a: TupleKey, b: TupleKey): number {
  return (
    compareText(a.resourceType, b.resourceType) ||
    compareText(a.resourceId, b.resourceId) ||
    compareText(a.relation, b.relation) ||
    compareText(a.subjectType, b.subjectType) ||
    compareText(a.subjectId, b.subjectId) ||
    compareText(a.subjectRelation, b.subjectRelation) ||
    a.created - b.created ||
    compareText(tupleId(a), tupleId(b))
  );
}
