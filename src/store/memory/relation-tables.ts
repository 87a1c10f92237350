import { assert } from "../../std/assert.ts";
import type {
  LogRow,
  RelationCommit,
  RelationTrim,
  RelationWrites,
  SchemaRow,
  TenantRow,
  TupleKey,
  WrittenTuple,
} from "../relations.ts";

/** Everything of one tenant. Rows are replaced, never changed. */
export interface TenantTables {
  row: TenantRow;
  deleted: boolean;
  readonly schemas: Map<string, SchemaRow>;
  readonly documents: Map<string, string>;
  readonly versions: Map<string, WrittenTuple>;
  /** The key of the version that holds, by tuple. */
  readonly alive: Map<string, string>;
  readonly log: LogRow[];
}

/** What is kept for authorization, as plain maps. */
export class RelationTables {
  readonly tenants: Map<number, TenantTables> = new Map();

  /** In the order that the contract states. */
  apply(writes: RelationWrites): void {
    for (const row of writes.putTenants) this.#putTenant(row);
    for (const row of writes.putSchemas) this.#expect(row.tenant).schemas.set(row.id, row);
    for (const { tenant, name, text } of writes.putDocuments) {
      const { documents } = this.#expect(tenant);
      if (text === null) documents.delete(name);
      else documents.set(name, text);
    }
    for (const commit of writes.relations) this.#commit(commit);
    for (const trim of writes.trimRelations) this.#trim(trim);
    for (const number of writes.deleteTenants) this.#expect(number).deleted = true;
  }

  /** A tenant that was not deleted. */
  living(number: number): TenantTables | undefined {
    const tenant = this.tenants.get(number);
    return tenant?.deleted === false ? tenant : undefined;
  }

  copy(): RelationTables {
    const tables = new RelationTables();
    for (const [number, tenant] of this.tenants) {
      tables.tenants.set(number, {
        ...tenant,
        schemas: new Map(tenant.schemas),
        documents: new Map(tenant.documents),
        versions: new Map(tenant.versions),
        alive: new Map(tenant.alive),
        log: [...tenant.log],
      });
    }
    return tables;
  }

  #expect(number: number): TenantTables {
    const tenant = this.living(number);
    assert(tenant !== undefined, `no tenant ${number}`);
    return tenant;
  }

  #putTenant(row: TenantRow): void {
    const tenant = this.tenants.get(row.number);
    if (tenant !== undefined) {
      const { revision, trimmed } = tenant.row;
      tenant.row = { ...row, revision, trimmed };
      return;
    }
    this.tenants.set(row.number, {
      row: { ...row },
      deleted: false,
      schemas: new Map(),
      documents: new Map(),
      versions: new Map(),
      alive: new Map(),
      log: [],
    });
  }

  #commit({ tenant: number, revision, at, inserts, deletes, log }: RelationCommit): void {
    const tenant = this.#expect(number);
    for (const key of deletes) {
      const row = tenant.versions.get(versionId(key));
      assert(row !== undefined, "the check has seen it");
      tenant.versions.set(versionId(key), { ...row, deleted: revision });
      tenant.alive.delete(tupleId(key));
    }
    for (const row of inserts) {
      tenant.versions.set(versionId(row), { ...row, writtenAt: at });
      tenant.alive.set(tupleId(row), versionId(row));
    }
    tenant.log.push({ revision, at, log });
    tenant.row = { ...tenant.row, revision };
  }

  #trim({ tenant: number, upTo, limit }: RelationTrim): void {
    const tenant = this.tenants.get(number);
    if (tenant === undefined) return;
    if (tenant.deleted) {
      this.#sweep(tenant, limit);
      return;
    }
    let left = limit;
    for (const [id, { deleted }] of tenant.versions) {
      if (left === 0) break;
      if (deleted === null || deleted > upTo) continue;
      tenant.versions.delete(id);
      left--;
    }
    const rows = tenant.log.findIndex(({ revision }) => revision > upTo);
    tenant.log.splice(0, Math.min(left, rows < 0 ? tenant.log.length : rows));
    tenant.row = { ...tenant.row, trimmed: Math.max(tenant.row.trimmed, upTo) };
  }

  /** The tenant itself goes with the portion that leaves nothing. */
  #sweep(tenant: TenantTables, limit: number): void {
    let left = limit;
    for (const rows of [tenant.versions, tenant.schemas, tenant.documents]) {
      for (const id of rows.keys()) {
        if (left === 0) return;
        rows.delete(id);
        left--;
      }
    }
    left -= tenant.log.splice(0, left).length;
    if (left > 0) this.tenants.delete(tenant.row.number);
  }
}

/** One version of a tuple. */
export function versionId(key: TupleKey): string {
  return `${key.created} ${tupleId(key)}`;
}

export function tupleId(key: Omit<TupleKey, "created">): string {
  return JSON.stringify([
    key.resourceType,
    key.resourceId,
    key.relation,
    key.subjectType,
    key.subjectId,
    key.subjectRelation,
  ]);
}
