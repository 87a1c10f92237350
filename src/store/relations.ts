import type { RelationshipFilter } from "../model/relationship.ts";
import type { Awaitable } from "./awaitable.ts";

/*
 * What a store keeps for authorization. A tenant is known by a small number here; every transaction
 * of it has a revision (1, 2, 3 …), given by the caller, who is the tenant's only writer. Tuples have
 * versions: one holds from `created` up to, and not including, `deleted`. Texts are compared byte
 * for byte.
 */

export interface TenantRow {
  /** From 1 on. One that was used must not be given out again while anything is left of it. */
  readonly number: number;
  /** No two tenants have the same, but for deleted ones. */
  readonly id: string;
  readonly name: string;
  /** Of its latest transaction. 0: there was none. */
  readonly revision: number;
  /**
   * The oldest revision that is still whole, and after which the log is complete: as far as the
   * history was trimmed.
   */
  readonly trimmed: number;
  /** Id of the current schema. */
  readonly schema: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface SchemaRow {
  readonly tenant: number;
  readonly id: string;
  /** At which it was written. */
  readonly revision: number;
  readonly dialect: string;
  readonly text: string;
  readonly createdAt: number;
}

export interface DocumentRow {
  readonly tenant: number;
  readonly name: string;
  /** Null deletes it. */
  readonly text: string | null;
}

/** Where one version of a tuple lies. */
export interface TupleKey {
  readonly resourceType: string;
  readonly resourceId: string;
  readonly relation: string;
  readonly subjectType: string;
  readonly subjectId: string;
  /** `""` for none. */
  readonly subjectRelation: string;
  /** The revision from which on it holds. */
  readonly created: number;
}

/** One version of a tuple. */
export interface TupleRow extends TupleKey {
  /** `""` for none. */
  readonly caveat: string;
  /** JSON. */
  readonly context: string | null;
  readonly expiresAt: number | null;
  /** The revision from which on it does not hold any more. */
  readonly deleted: number | null;
}

/** A version with the time of the transaction that made it, in milliseconds since 1970. */
export interface WrittenTuple extends TupleRow {
  /** 0: it was not kept. */
  readonly writtenAt: number;
}

/** One transaction of a tenant. */
export interface RelationCommit {
  readonly tenant: number;
  /** One more than that of the transaction before, also within a batch: asserted. */
  readonly revision: number;
  /** Never less than that of the transaction before. */
  readonly at: number;
  /** `created` is the revision, `deleted` is null. No version of the same tuple may hold then. */
  readonly inserts: readonly TupleRow[];
  /**
   * Versions that hold before this revision, and not from it on: asserted. With an insert of the
   * same tuple, the touch of something that is there.
   */
  readonly deletes: readonly TupleKey[];
  /** JSON; what there is to tell to those who watch. */
  readonly log: string;
}

export interface RelationTrim {
  readonly tenant: number;
  /**
   * Versions with `deleted` and log rows with `revision` up to this one go, and it becomes the
   * `trimmed` of the tenant at once. Of a deleted tenant everything goes, whatever is given here.
   */
  readonly upTo: number;
  /** How many rows at most; what is left is for other batches. */
  readonly limit: number;
}

/**
 * What a batch writes for authorization, applied in this order, and after everything else of the
 * batch: tenants put, schemas and documents put, relations (in each the deletes first), trims, and
 * at last tenants deleted.
 */
export interface RelationWrites {
  /** Inserted, or replaced but for `revision` and `trimmed`, which count only for a new one. */
  readonly putTenants: TenantRow[];
  /** Inserted, or replaced. */
  readonly putSchemas: SchemaRow[];
  readonly putDocuments: DocumentRow[];
  /** In order of revision where they are of the same tenant. */
  readonly relations: RelationCommit[];
  readonly trimRelations: RelationTrim[];
  /**
   * From then on there is no such tenant, and none of its rows is read any more; `trimRelations`
   * takes them away in portions, and with the last of them the number is free.
   */
  readonly deleteTenants: number[];
}

/**
 * What can be read of it. As everywhere, a read sees all batches for which `commit` was called
 * before it. Of a tenant that is not there everything is empty.
 */
export interface RelationReads {
  /** By number, without those deleted. */
  loadTenants(): Awaitable<TenantRow[]>;
  /** Numbers of deleted tenants of which something is left for `trimRelations`. */
  loadDeletedTenants(): Awaitable<number[]>;
  /** In order of revision. */
  loadSchemas(tenant: number): Awaitable<SchemaRow[]>;
  loadDocument(tenant: number, name: string): Awaitable<string | null>;

  /**
   * Everything that is kept of a tenant, one chunk after the other: for filling a memory. May be
   * done in another thread. A scan sees at least what was committed before its first call; of what
   * is committed while it goes on it may see a part (never a version twice), so whoever scans
   * applies those commits again, to the keys that they name.
   */
  scanTuples(request: TupleScan): Awaitable<TupleChunk>;
  /** All versions of some resources, or of some subjects; each once, in no particular order. */
  loadTuples(request: TupleRequest): Awaitable<TupleRow[]>;
  /**
   * What held at a revision and matches, a page at a time, in order of resource, relation and
   * subject: ids by their bytes, types and relations in an order that is the store's own.
   */
  readTuples(request: TupleRead): Awaitable<TuplePage>;
  /** Versions that hold and whose expiry is not after a time, those that expire first, first. */
  readExpired(request: ExpiredRead): Awaitable<TupleRow[]>;
  /** How many hold at the latest revision. */
  countTuples(tenant: number): Awaitable<number>;

  /** Transactions after a revision, by revision. */
  scanLog(request: LogScan): Awaitable<LogRow[]>;
  /** The highest revision in the log that was written at or before a time; 0 if there is none. */
  findRevision(tenant: number, at: number): Awaitable<number>;
  /** Whether `trimRelations` with this `upTo` would find any row. */
  hasTrimmable(tenant: number, upTo: number): Awaitable<boolean>;
}

export interface TupleScan {
  readonly tenant: number;
  /** `next` of the chunk before; null for the first. */
  readonly after: string | null;
  /** Rows at most. 2,000 take a few milliseconds of the caller's thread. */
  readonly limit: number;
}

/**
 * Versions, those of one resource mostly together, by columns, which is the quickest to make, to hand over between
 * threads, and to take in. Row `i` is what lies at `i` in each column.
 */
export interface TupleChunk {
  readonly count: number;
  /** Types and relations, to which the columns of codes point. Codes are those of this chunk alone. */
  readonly names: readonly string[];
  readonly resourceTypes: Uint32Array;
  readonly resourceIds: readonly string[];
  readonly relations: Uint32Array;
  readonly subjectTypes: Uint32Array;
  readonly subjectIds: readonly string[];
  /** The name `""` for none. */
  readonly subjectRelations: Uint32Array;
  readonly created: Float64Array;
  /** 0 for none. */
  readonly deleted: Float64Array;
  /** By row, of those rows alone that have any of it. */
  readonly extras: readonly TupleExtra[];
  /** Where the next chunk begins; null when this is the last. */
  readonly next: string | null;
}

export interface TupleExtra {
  readonly row: number;
  readonly caveat: string;
  readonly context: string | null;
  readonly expiresAt: number | null;
}

/** An object, or one relation of it; of a subject, `""` is the object itself. */
export interface TupleEnd {
  readonly type: string;
  readonly id: string;
  /** Default: all of them. */
  readonly relation?: string;
}

export interface TupleRequest {
  readonly tenant: number;
  readonly resources?: readonly TupleEnd[];
  readonly subjects?: readonly TupleEnd[];
}

export interface TupleRead {
  readonly tenant: number;
  /** Here none of the fields is needed. */
  readonly filter: RelationshipFilter;
  readonly revision: number;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
  readonly limit: number;
  /** Looks at so many at most for one page, if it can, and counts them. Default: the store decides. */
  readonly look?: number;
}

export interface ExpiredRead {
  readonly tenant: number;
  /** Milliseconds since 1970. */
  readonly upTo: number;
  readonly limit: number;
}

export interface TuplePage {
  /** May be fewer than the limit, or none, when the store has looked at many that do not match. */
  readonly rows: readonly WrittenTuple[];
  /** Where the next page begins; null when this is the last. */
  readonly next: string | null;
  /** Where it was asked for, with `look`. */
  readonly tally?: Tally;
}

/** How much was looked at for a page. */
export interface Tally {
  /** Versions. */
  readonly looked: number;
  /** Of these, those that have ended. */
  readonly ended: number;
}

export interface LogScan {
  readonly tenant: number;
  /** A revision. */
  readonly after: number;
  readonly limit: number;
}

export interface LogRow {
  readonly revision: number;
  readonly at: number;
  readonly log: string;
}
