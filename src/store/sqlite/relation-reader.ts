import type { DatabaseSync } from "node:sqlite";
import type { Awaitable } from "../awaitable.ts";
import type {
  ExpiredRead,
  LogRow,
  LogScan,
  RelationReads,
  SchemaRow,
  TenantRow,
  TupleChunk,
  TuplePage,
  TupleRead,
  TupleRequest,
  TupleRow,
  TupleScan,
} from "../relations.ts";
import { decodeText, type FreshVersions, freshTexts, isUpTo } from "./fresh-versions.ts";
import type { Names } from "./names.ts";
import { Question, type Row } from "./rows.ts";
import { mergeRows } from "./scan-merge.ts";
import type { ScanRunner } from "./scan-runner.ts";
import { loaderTexts, TupleLoader } from "./tuple-loader.ts";
import { pagerTexts, TuplePager } from "./tuple-pager.ts";
import { decodeVersion, formatCursor, parseCursor, writtenColumns } from "./tuple-rows.ts";
import { scanText, TupleScanner } from "./tuple-scanner.ts";
import { formatResourceKey } from "./version-key.ts";

const isLiving = "EXISTS (SELECT 1 FROM tenants WHERE number = ?1 AND deleted = 0)";

const questionTexts = {
  tenants: `SELECT number, id, name, revision, trimmed, schema, created_at, updated_at FROM tenants
    WHERE deleted = 0 ORDER BY number`,
  deletedTenants: "SELECT number FROM tenants WHERE deleted = 1 ORDER BY number",
  schemas: `SELECT tenant, id, revision, dialect, text, created_at FROM schemas
    WHERE tenant = ?1 AND ${isLiving}`,
  document: `SELECT text FROM documents WHERE tenant = ?1 AND name = ?2 AND ${isLiving}`,
  expired: `SELECT ${writtenColumns} FROM tuples WHERE tenant = ?1 AND expires_at <= ?2
    AND deleted IS NULL AND ${isLiving} ORDER BY expires_at LIMIT ?3`,
  living: "SELECT 1 FROM tenants WHERE number = ?1 AND deleted = 0",
  countTuples: "SELECT tuples FROM tenants WHERE number = ?1 AND deleted = 0",
  log: `SELECT revision, at, log FROM relation_log WHERE tenant = ?1 AND revision > ?2 AND ${isLiving}
    ORDER BY revision LIMIT ?3`,
  logEnds: `SELECT (SELECT min(revision) FROM relation_log WHERE tenant = ?1),
    (SELECT max(revision) FROM relation_log WHERE tenant = ?1) WHERE ${isLiving}`,
  logTime: "SELECT at FROM relation_log WHERE tenant = ?1 AND revision = ?2",
  trimmable: `SELECT EXISTS (SELECT 1 FROM tuples WHERE tenant = ?1 AND deleted <= ?2)
    OR EXISTS (SELECT 1 FROM relation_log WHERE tenant = ?1 AND revision <= ?2)
    OR EXISTS (SELECT 1 FROM tenants WHERE number = ?1 AND deleted = 1)`,
} as const;

/** The texts, for the test that each is answered from an index. */
export const relationQuestions: Readonly<Record<string, string>> = {
  ...questionTexts,
  ...loaderTexts,
  ...pagerTexts,
  ...freshTexts,
  scan: scanText,
};

export interface RelationParts {
  readonly names: Names;
  readonly fresh: FreshVersions;
  readonly scans: ScanRunner;
  /** Puts what waits in its place, as far as the disk lets it. */
  place(): Promise<void>;
}

/** Among the columns of a version. */
const expiryColumn = 9;

interface ScanOn extends TupleScan {
  /** What waits counts as far as this revision. */
  readonly upTo: number;
}

/** Where a chunk ended. */
interface Cursor extends Pick<ScanOn, "upTo" | "after"> {
  /** Less than a chunk is left in the table. */
  readonly isShort: boolean;
}

/** With more of a tenant waiting than that, they are put in their places before they are read. */
const waitingMax = 2_000;

/** What is kept for authorization, read from the file. */
export class SqliteRelations implements RelationReads {
  readonly #ask: Readonly<Record<keyof typeof questionTexts, Question>>;
  readonly #scanner: TupleScanner;
  readonly #loader: TupleLoader;
  readonly #pager: TuplePager;
  readonly #parts: RelationParts;

  constructor(db: DatabaseSync, parts: RelationParts) {
    // fromEntries forgets the key type
    this.#ask = Object.fromEntries(
      Object.entries(questionTexts).map(([name, text]) => [name, new Question(db, text)]),
    ) as Record<keyof typeof questionTexts, Question>;
    this.#scanner = new TupleScanner(db, parts.names);
    this.#loader = new TupleLoader(db, parts);
    this.#pager = new TuplePager(db, parts);
    this.#parts = parts;
  }

  loadTenants(): TenantRow[] {
    return this.#ask.tenants.all().map(decodeTenant);
  }

  loadDeletedTenants(): number[] {
    return this.#ask.deletedTenants.all().map((row) => row[0] as number); // the key
  }

  loadSchemas(tenant: number): SchemaRow[] {
    return this.#ask.schemas
      .all(tenant)
      .map(decodeSchema)
      .sort((a, b) => a.revision - b.revision);
  }

  loadDocument(tenant: number, name: string): string | null {
    return (this.#ask.document.first(tenant, name)?.[0] ?? null) as string | null; // TEXT
  }

  /**
   * The first chunk, with which small tenants are done, on this thread; others in one of their own.
   * What waits for its place is told with the chunk in whose stretch it lies, as far as it was there
   * when the scan began: that revision stands in the cursor.
   */
  scanTuples({ tenant, after, limit }: TupleScan): Awaitable<TupleChunk> {
    const { fresh } = this.#parts;
    if (after === null) {
      return this.#placed(tenant, () => {
        const scan = { tenant, after, limit, upTo: fresh.latestOf(tenant) };
        return this.#merge(this.#scanner.chunk(scan), this.#textsFor(scan), scan);
      });
    }
    const { isShort, ...on } = JSON.parse(after) as Cursor; // made by #merge
    const scan = { tenant, limit, ...on };
    // A thread would be started for it again.
    if (isShort) return this.#merge(this.#scanner.chunk(scan), this.#textsFor(scan), scan);
    return this.#scanOn(scan);
  }

  async #scanOn(scan: ScanOn): Promise<TupleChunk> {
    // What leaves while the chunk is read was there when the scan began, and may be missing in it.
    const texts = this.#textsFor(scan);
    const { tenant, after, limit } = scan;
    return this.#merge(await this.#parts.scans.run({ tenant, after, limit }), texts, scan);
  }

  #textsFor({ tenant, after, upTo }: ScanOn): string[] {
    if (!this.#isLiving(tenant)) return [];
    const key = after === null ? null : parseCursor(after);
    return this.#parts.fresh.textsOf({ tenant, after: key, upTo });
  }

  #merge(chunk: TupleChunk, texts: readonly string[], scan: ScanOn): TupleChunk {
    const { tenant, limit, upTo } = scan;
    const to = chunk.next === null ? null : formatResourceKey(tenant, parseCursor(chunk.next));
    const within = texts.filter((text) => to === null || isUpTo(text, to));
    const { names } = this.#parts;
    const rows = within.map(decodeText);
    const merged = rows.length === 0 ? chunk : mergeRows(chunk, rows, { names, limit });
    const { next: after } = merged;
    if (after === null) return merged;
    const cursor: Cursor = { upTo, after, isShort: chunk.next === null };
    return { ...merged, next: JSON.stringify(cursor) };
  }

  loadTuples(request: TupleRequest): TupleRow[] {
    return this.#isLiving(request.tenant) ? this.#loader.load(request) : [];
  }

  readTuples(read: TupleRead): Awaitable<TuplePage> {
    if (!this.#isLiving(read.tenant)) return { rows: [], next: null };
    return this.#placed(read.tenant, () => this.#pager.page(read));
  }

  readExpired(read: ExpiredRead): Awaitable<TupleRow[]> {
    return this.#placed(read.tenant, () => this.#expired(read));
  }

  #expired({ tenant, upTo, limit }: ExpiredRead): TupleRow[] {
    if (!this.#isLiving(tenant)) return [];
    const { fresh, names } = this.#parts;
    const waiting = fresh.waitingOf(tenant).filter((row) => isExpired(row, upTo));
    const found = new Map<string, Row>();
    for (const row of [...this.#ask.expired.all(tenant, upTo, limit), ...waiting]) {
      found.set(formatCursor(row), row);
    }
    return [...found.values()]
      .sort((a, b) => expiryOf(a) - expiryOf(b))
      .slice(0, limit)
      .map((row) => decodeVersion(row, names));
  }

  /** Where very much waits, a look at all of it each time would take too long. */
  #placed<T>(tenant: number, look: () => T): Awaitable<T> {
    const { fresh, place } = this.#parts;
    return fresh.countOf(tenant) <= waitingMax ? look() : place().then(look);
  }

  #isLiving(tenant: number): boolean {
    return this.#ask.living.first(tenant) !== undefined;
  }

  countTuples(tenant: number): number {
    return (this.#ask.countTuples.first(tenant)?.[0] ?? 0) as number; // INTEGER
  }

  scanLog({ tenant, after, limit }: LogScan): LogRow[] {
    return this.#ask.log.all(tenant, after, limit).map((row) => ({
      revision: row[0] as number, // the columns are NOT NULL and STRICT
      at: row[1] as number,
      log: row[2] as string,
    }));
  }

  /** By halving: times never fall from one revision to the next, and there are no gaps. */
  findRevision(tenant: number, at: number): number {
    const [first, last] = this.#ask.logEnds.first(tenant) ?? [];
    if (typeof first !== "number" || typeof last !== "number") return 0;
    let low = first - 1; // written at or before, or nothing
    let high = last;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const time = this.#ask.logTime.first(tenant, middle)?.[0];
      if (typeof time === "number" && time <= at) low = middle;
      else high = middle - 1;
    }
    return low < first ? 0 : low;
  }

  hasTrimmable(tenant: number, upTo: number): boolean {
    return this.#ask.trimmable.first(tenant, upTo)?.[0] === 1;
  }
}

function isExpired(row: Row, upTo: number): boolean {
  return row[expiryColumn] !== null && expiryOf(row) <= upTo;
}

function expiryOf(row: Row): number {
  return row[expiryColumn] as number; // STRICT, and not null where this is asked
}

function decodeTenant(row: Row): TenantRow {
  return {
    number: row[0] as number, // the casts say what the STRICT tables promise
    id: row[1] as string,
    name: row[2] as string,
    revision: row[3] as number,
    trimmed: row[4] as number,
    schema: row[5] as string | null,
    createdAt: row[6] as number,
    updatedAt: row[7] as number,
  };
}

function decodeSchema(row: Row): SchemaRow {
  return {
    tenant: row[0] as number, // the same
    id: row[1] as string,
    revision: row[2] as number,
    dialect: row[3] as string,
    text: row[4] as string,
    createdAt: row[5] as number,
  };
}
