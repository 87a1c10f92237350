import type { DatabaseSync, StatementSync } from "node:sqlite";
import { assert } from "../../std/assert.ts";
import type {
  DocumentRow,
  LogRow,
  RelationCommit,
  RelationTrim,
  RelationWrites,
  SchemaRow,
  TenantRow,
  TupleKey,
  WrittenTuple,
} from "../relations.ts";
import type { FreshVersions } from "./fresh-versions.ts";
import type { Names } from "./names.ts";
import { keyColumns } from "./relation-format.ts";
import { type Cell, Question, type Row } from "./rows.ts";

const key = keyColumns.join(", ");
const atKey = `tenant = ? AND ${keyColumns.map((column) => `${column} = ?`).join(" AND ")}`;
const living = "number = ? AND deleted = 0";

const statementTexts = {
  putTenant: `INSERT INTO tenants VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, 0)
    ON CONFLICT (number) DO UPDATE SET id = excluded.id, name = excluded.name,
      schema = excluded.schema, created_at = excluded.created_at, updated_at = excluded.updated_at
      WHERE deleted = 0`,
  putSchema: "INSERT OR REPLACE INTO schemas VALUES (?, ?, ?, ?, ?, ?)",
  putDocument: "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)",
  deleteDocument: "DELETE FROM documents WHERE tenant = ? AND name = ?",
  insertTuple: "INSERT INTO tuples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  endTuple: `UPDATE tuples SET deleted = ? WHERE ${atKey} AND deleted IS NULL`,
  insertLog: "INSERT INTO relation_log VALUES (?, ?, ?, ?)",
  advance: `UPDATE tenants SET revision = ?, tuples = tuples + ? WHERE ${living} AND revision = ?`,
  deleteTenant: `UPDATE tenants SET deleted = 1 WHERE ${living}`,
  noteTrim: `UPDATE tenants SET trimmed = max(trimmed, ?) WHERE ${living}`,
  deleteTuple: `DELETE FROM tuples WHERE ${atKey}`,
  // Revisions follow each other without gaps, so a number of rows is a range of them.
  trimLog: `DELETE FROM relation_log WHERE tenant = ?1 AND revision <= min(?2,
    (SELECT min(revision) FROM relation_log WHERE tenant = ?1) + ?3 - 1)`,
  sweepSchemas: `DELETE FROM schemas WHERE tenant = ?1 AND id IN
    (SELECT id FROM schemas WHERE tenant = ?1 LIMIT ?2)`,
  sweepDocuments: `DELETE FROM documents WHERE tenant = ?1 AND name IN
    (SELECT name FROM documents WHERE tenant = ?1 LIMIT ?2)`,
  forgetTenant: "DELETE FROM tenants WHERE number = ?",
} as const;

type Statements = Readonly<Record<keyof typeof statementTexts, StatementSync>>;

/** Everything of a tenant. */
export interface TenantCopy {
  readonly row: TenantRow;
  readonly schemas: ReadonlyMap<string, SchemaRow>;
  readonly documents: ReadonlyMap<string, string>;
  readonly versions: ReadonlyMap<string, WrittenTuple>;
  readonly alive: ReadonlyMap<string, string>;
  readonly log: readonly LogRow[];
}

/** What a batch did to a tenant, told to its row once. */
interface Advance {
  readonly before: number;
  revision: number;
  tuples: number;
}

/** Writes what a batch has for authorization. The caller holds the transaction. */
export class RelationWriter {
  readonly #run: Statements;
  readonly #names: Names;
  readonly #fresh: FreshVersions;
  readonly #revision: Question;
  readonly #isDeleted: Question;
  readonly #ended: Question;
  readonly #any: Question;

  constructor(db: DatabaseSync, names: Names, fresh: FreshVersions) {
    // fromEntries forgets the key type
    this.#run = Object.fromEntries(
      Object.entries(statementTexts).map(([name, text]) => [name, db.prepare(text)]),
    ) as Statements;
    this.#names = names;
    this.#fresh = fresh;
    this.#revision = new Question(db, `SELECT revision FROM tenants WHERE ${living}`);
    this.#isDeleted = new Question(db, "SELECT deleted FROM tenants WHERE number = ?");
    this.#ended = new Question(
      db,
      `SELECT ${key} FROM tuples WHERE tenant = ? AND deleted <= ? LIMIT ?`,
    );
    this.#any = new Question(db, `SELECT ${key} FROM tuples WHERE tenant = ? LIMIT ?`);
  }

  /** In the order that the contract states. */
  write(writes: RelationWrites): void {
    for (const row of writes.putTenants) this.#putTenant(row);
    for (const row of writes.putSchemas) this.#putSchema(row);
    for (const row of writes.putDocuments) this.#putDocument(row);
    this.#writeCommits(writes.relations);
    let inserted = 0;
    for (const { inserts } of writes.relations) inserted += inserts.length;
    this.#fresh.step(inserted);
    for (const trim of writes.trimRelations) this.#trim(trim);
    for (const number of writes.deleteTenants) {
      assert(this.#run.deleteTenant.run(number).changes === 1, `no tenant ${number}`);
    }
  }

  #putTenant(row: TenantRow): void {
    const { changes } = this.#run.putTenant.run(
      row.number,
      row.id,
      row.name,
      row.revision,
      row.trimmed,
      row.schema,
      row.createdAt,
      row.updatedAt,
    );
    assert(changes === 1, `tenant ${row.number} was deleted`);
  }

  #putSchema(row: SchemaRow): void {
    this.#expect(row.tenant);
    this.#run.putSchema.run(row.tenant, row.id, row.revision, row.dialect, row.text, row.createdAt);
  }

  #putDocument({ tenant, name, text }: DocumentRow): void {
    this.#expect(tenant);
    if (text === null) this.#run.deleteDocument.run(tenant, name);
    else this.#run.putDocument.run(tenant, name, text);
  }

  #writeCommits(commits: readonly RelationCommit[]): void {
    const advances = new Map<number, Advance>();
    for (const commit of commits) {
      const { tenant, revision, inserts, deletes } = commit;
      const found = advances.get(tenant);
      const before = found === undefined ? this.#expect(tenant) : found.before;
      const advance = found ?? { before, revision: before, tuples: 0 };
      assert(
        revision === advance.revision + 1,
        `revision ${revision} of tenant ${tenant} after ${advance.revision}`,
      );
      this.#writeCommit(commit);
      advance.revision = revision;
      advance.tuples += inserts.length - deletes.length;
      advances.set(tenant, advance);
    }
    for (const [tenant, { before, revision, tuples }] of advances) {
      const { changes } = this.#run.advance.run(revision, tuples, tenant, before);
      assert(changes === 1, `tenant ${tenant} was at revision ${before}`);
    }
  }

  #writeCommit({ tenant, revision, at, inserts, deletes, log }: RelationCommit): void {
    const { endTuple, insertLog } = this.#run;
    const ending = deletes.map((it) => this.#keyOf(it));
    this.#fresh.promote(tenant, ending);
    for (const key of ending) {
      assert((key.at(-1) as number) < revision, "a version cannot end where it begins");
      const { changes } = endTuple.run(revision, tenant, ...key);
      assert(changes === 1, "delete of what does not hold");
    }
    const versions = inserts.map((it) => {
      assert(it.created === revision && it.deleted === null, "insert of another revision");
      return [...this.#keyOf(it), this.#names.put(it.caveat), it.context, it.expiresAt];
    });
    this.#fresh.add(tenant, { revision, at }, versions);
    insertLog.run(tenant, revision, at, log);
  }

  /** @returns its revision */
  #expect(tenant: number): number {
    const revision = this.#revision.first(tenant)?.[0];
    assert(typeof revision === "number", `no tenant ${tenant}`);
    return revision;
  }

  #keyOf(it: TupleKey): Exclude<Cell, null>[] {
    const names = this.#names;
    return [
      names.put(it.resourceType),
      it.resourceId,
      names.put(it.relation),
      names.put(it.subjectType),
      it.subjectId,
      names.put(it.subjectRelation),
      it.created,
    ];
  }

  #trim({ tenant, upTo, limit }: RelationTrim): void {
    const deleted = this.#isDeleted.first(tenant)?.[0];
    if (deleted === undefined) return;
    if (deleted === 1) {
      this.#sweep(tenant, limit);
      return;
    }
    const keys = this.#ended.all(tenant, upTo, limit);
    this.#deleteTuples(tenant, keys);
    this.#run.trimLog.run(tenant, upTo, limit - keys.length);
    this.#run.noteTrim.run(upTo, tenant);
  }

  #deleteTuples(tenant: number, keys: readonly Row[]): void {
    for (const key of keys) this.#run.deleteTuple.run(tenant, ...key);
    this.#fresh.remove(tenant, keys);
  }

  /** A portion of what a deleted tenant has left; with the last one its number is free. */
  #sweep(tenant: number, limit: number): void {
    const run = this.#run;
    let left = Math.max(0, limit - this.#fresh.sweep(tenant, limit));
    const keys = this.#any.all(tenant, left);
    this.#deleteTuples(tenant, keys);
    left -= keys.length;
    left -= Number(run.sweepSchemas.run(tenant, left).changes);
    left -= Number(run.sweepDocuments.run(tenant, left).changes);
    left -= Number(run.trimLog.run(tenant, Number.MAX_SAFE_INTEGER, left).changes);
    if (left === 0) return;
    run.forgetTenant.run(tenant);
    this.#fresh.forgetTenant(tenant);
  }

  /** A whole tenant as it lies elsewhere. */
  restore(tenant: TenantCopy): void {
    const run = this.#run;
    const { number } = tenant.row;
    this.#putTenant(tenant.row);
    for (const row of tenant.schemas.values()) this.#putSchema(row);
    for (const [name, text] of tenant.documents) run.putDocument.run(number, name, text);
    for (const it of tenant.versions.values()) {
      const caveat = this.#names.put(it.caveat);
      const rest = [caveat, it.context, it.expiresAt, it.deleted, it.writtenAt];
      run.insertTuple.run(number, ...this.#keyOf(it), ...rest);
    }
    for (const { revision, at, log } of tenant.log) run.insertLog.run(number, revision, at, log);
    const { revision } = tenant.row;
    run.advance.run(revision, tenant.alive.size, number, revision);
  }
}
