import { assert } from "../../std/assert.ts";
import type { RelationCommit, RelationWrites, TenantRow } from "../relations.ts";
import { type RelationTables, tupleId, versionId } from "./relation-tables.ts";

/**
 * Refuses, before anything is written, what SQLite would refuse in the middle. A batch is followed
 * without changing the tables, since its later parts build on the earlier ones.
 */
export function checkRelations(tables: RelationTables, writes: RelationWrites): void {
  new Checker(tables).check(writes);
}

class Checker {
  readonly #tables: RelationTables;
  /** What the batch makes of tenants: the revision; null for none. */
  readonly #revisions = new Map<number, number | null>();
  /** Of the tuples that it names, the version that holds; null for none. */
  readonly #alive = new Map<string, string | null>();

  constructor(tables: RelationTables) {
    this.#tables = tables;
  }

  check(writes: RelationWrites): void {
    this.#checkTenants(writes.putTenants);
    for (const { tenant } of writes.putSchemas) this.#expect(tenant);
    for (const { tenant } of writes.putDocuments) this.#expect(tenant);
    for (const commit of writes.relations) this.#checkCommit(commit);
    for (const number of writes.deleteTenants) {
      this.#expect(number);
      this.#revisions.set(number, null);
    }
  }

  #checkTenants(rows: readonly TenantRow[]): void {
    const ids = new Map<string, number>();
    for (const { row, deleted } of this.#tables.tenants.values()) {
      if (!deleted) ids.set(row.id, row.number);
    }
    for (const { number, id, revision } of rows) {
      assert((ids.get(id) ?? number) === number, `tenant ${id} is there already`);
      ids.set(id, number);
      const known = this.#tables.tenants.get(number);
      assert(known?.deleted !== true, `tenant ${number} was deleted`);
      if (known === undefined && !this.#revisions.has(number)) {
        this.#revisions.set(number, revision);
      }
    }
  }

  #expect(number: number): number {
    const known = this.#revisions.get(number) ?? this.#tables.living(number)?.row.revision;
    assert(known !== undefined && this.#revisions.get(number) !== null, `no tenant ${number}`);
    return known;
  }

  #checkCommit({ tenant, revision, inserts, deletes }: RelationCommit): void {
    const before = this.#expect(tenant);
    assert(revision === before + 1, `revision ${revision} of tenant ${tenant} after ${before}`);
    this.#revisions.set(tenant, revision);
    for (const key of deletes) {
      const alive = this.#aliveOf(tenant, tupleId(key));
      assert(alive === versionId(key) && key.created < revision, "delete of what does not hold");
      this.#alive.set(`${tenant} ${tupleId(key)}`, null);
    }
    for (const row of inserts) {
      assert(row.created === revision && row.deleted === null, "insert of another revision");
      assert(this.#aliveOf(tenant, tupleId(row)) === null, "insert of what holds already");
      this.#alive.set(`${tenant} ${tupleId(row)}`, versionId(row));
    }
  }

  #aliveOf(tenant: number, id: string): string | null {
    const made = this.#alive.get(`${tenant} ${id}`);
    return made === undefined ? (this.#tables.living(tenant)?.alive.get(id) ?? null) : made;
  }
}
