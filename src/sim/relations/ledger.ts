import { Lineage } from "../../authz/lineage.ts";
import { Zookies } from "../../authz/zookie.ts";
import { tupleId } from "../../store/memory/relation-tables.ts";
import type { Tables } from "../../store/memory/tables.ts";
import type { RelationCommit, RelationWrites, SchemaRow, TupleRow } from "../../store/relations.ts";
import { Snapshot } from "./naive.ts";

export interface LedgerHost {
  /** History that was trimmed is not there to be compared with. */
  readonly swarm: { readonly trimMs: number };
  violate(what: string): void;
}

/** One life of a tenant, as the store has been told. */
export interface LedgerTenant {
  readonly number: number;
  readonly id: string;
  zookies: Zookies | null;
  /** By revision, from 1 on. */
  readonly commits: RelationCommit[];
  schemas: SchemaRow[];
  deleted: boolean;
  /** What the store has said to be durable: its creation, up to which revision, and its deletion. */
  readonly acknowledged: { created: boolean; revision: number; deleted: boolean };
  /** The highest revision that anybody outside was told of. */
  told: number;
  readonly snapshots: Map<number, Snapshot>;
}

const keyDocument = " zookie-key";

/**
 * What was written about relationships, in its order: which revisions there are, and what each of them
 * says. Nothing may be told that is not here, or that a crash takes away.
 */
export class Ledger {
  readonly #host: LedgerHost;
  /** By number: one that is free again is given out again. */
  readonly #tenants = new Map<number, LedgerTenant>();
  readonly #all: LedgerTenant[] = [];
  /** Called when a batch has been written. */
  readonly watchers: Set<() => void> = new Set();

  constructor(host: LedgerHost) {
    this.#host = host;
  }

  /** All lives of a tenant, the latest last. */
  lives(id: string): LedgerTenant[] {
    return this.#all.filter((tenant) => tenant.id === id);
  }

  // What the store is given.

  written(writes: RelationWrites): void {
    for (const { number, id } of writes.putTenants) {
      const known = this.#tenants.get(number);
      if (known !== undefined && !known.deleted) {
        if (known.id === id) continue;
        this.#host.violate(`tenants ${known.id} and ${id} have both the number ${number}`);
      }
      const tenant = newTenant(number, id);
      this.#tenants.set(number, tenant);
      this.#all.push(tenant);
    }
    for (const { tenant: number, name, text } of writes.putDocuments) {
      const tenant = this.#tenants.get(number);
      if (name !== keyDocument || text === null || tenant === undefined) continue;
      tenant.zookies = new Zookies(Buffer.from(text, "base64"), new Lineage(0));
    }
    for (const row of writes.putSchemas) this.#tenants.get(row.tenant)?.schemas.push(row);
    for (const commit of writes.relations) this.#commit(commit);
    for (const number of writes.deleteTenants) {
      const tenant = this.#tenants.get(number);
      if (tenant !== undefined) tenant.deleted = true;
    }
    for (const watcher of this.watchers) watcher();
  }

  #commit(commit: RelationCommit): void {
    const tenant = this.#tenants.get(commit.tenant);
    const latest = tenant?.commits.length;
    if (tenant === undefined || latest !== commit.revision - 1) {
      this.#host.violate(
        `tenant ${commit.tenant} is at revision ${latest}, and ${commit.revision} was written`,
      );
      return;
    }
    const before = tenant.commits.at(-1);
    if (this.#host.swarm.trimMs === 0 && before !== undefined && before.at > commit.at) {
      this.#host.violate(
        `revision ${commit.revision} of ${tenant.id} was at ${commit.at}, and the one before ` +
          `it at ${before.at}`,
      );
    }
    tenant.commits.push(commit);
  }

  acknowledged(writes: RelationWrites): void {
    for (const { number } of writes.putTenants) this.#acknowledge(number, { created: true });
    for (const { tenant, revision } of writes.relations) this.#acknowledge(tenant, { revision });
    for (const number of writes.deleteTenants) this.#acknowledge(number, { deleted: true });
  }

  #acknowledge(number: number, what: Partial<LedgerTenant["acknowledged"]>): void {
    const tenant = this.#tenants.get(number);
    if (tenant !== undefined) Object.assign(tenant.acknowledged, what);
  }

  /** The power has failed: what the store has now is all there is. */
  crashed({ relations }: Tables): void {
    for (const tenant of [...this.#tenants.values()]) {
      const { number, id, acknowledged } = tenant;
      const found = relations.tenants.get(number);
      const isThere = found !== undefined && found.row.id === id;
      if (!isThere) {
        if (acknowledged.created && !tenant.deleted) {
          this.#host.violate(`tenant ${id} was acknowledged, and is lost`);
        }
        if (!acknowledged.created) this.#forget(tenant);
        continue;
      }
      if (acknowledged.deleted && !found.deleted) {
        this.#host.violate(`tenant ${id} was deleted, and is there again`);
      }
      tenant.deleted = found.deleted;
      this.#cut(tenant, found.row.revision);
    }
  }

  #forget(tenant: LedgerTenant): void {
    if (tenant.told > 0) this.#host.violate(`tenant ${tenant.id} was told of, and is lost`);
    this.#tenants.delete(tenant.number);
    this.#all.splice(this.#all.indexOf(tenant), 1);
  }

  #cut(tenant: LedgerTenant, revision: number): void {
    const { id, acknowledged, told, commits } = tenant;
    if (revision >= commits.length) return;
    if (acknowledged.revision > revision) {
      this.#host.violate(
        `revision ${acknowledged.revision} of ${id} was acknowledged, and all after ${revision} is lost`,
      );
    }
    if (told > revision) {
      this.#host.violate(`revision ${told} of ${id} was told, and all after ${revision} is lost`);
    }
    commits.length = revision;
    tenant.schemas = tenant.schemas.filter((row) => row.revision <= revision);
    for (const at of tenant.snapshots.keys()) if (at > revision) tenant.snapshots.delete(at);
  }

  // What others were told.

  /** Where a zookie points to; null, and a violation, if there is no such place. */
  place(id: string, zookie: string): Place | null {
    const place = this.find(id, zookie);
    if (place === null) {
      this.#host.violate(`a zookie of ${id} is of no tenant of that name`);
      return null;
    }
    const { tenant, revision } = place;
    if (revision > tenant.commits.length) {
      this.#host.violate(
        `revision ${revision} of ${id} was told, and the last written is ${tenant.commits.length}`,
      );
      return null;
    }
    tenant.told = Math.max(tenant.told, revision);
    return place;
  }

  find(id: string, zookie: string): Place | null {
    for (const tenant of this.lives(id)) {
      const revision = read(tenant.zookies, zookie);
      if (revision !== null) return { tenant, revision };
    }
    return null;
  }
}

export interface Place {
  readonly tenant: LedgerTenant;
  readonly revision: number;
}

function newTenant(number: number, id: string): LedgerTenant {
  return {
    number,
    id,
    zookies: null,
    commits: [],
    schemas: [],
    deleted: false,
    acknowledged: { created: false, revision: 0, deleted: false },
    told: 0,
    snapshots: new Map(),
  };
}

function read(zookies: Zookies | null, zookie: string): number | null {
  try {
    return zookies?.parse(zookie).revision ?? null;
  } catch {
    return null; // of another life
  }
}

/** The relationships of a tenant at a revision. */
export function snapshotAt({ tenant, revision }: Place): Snapshot {
  const known = tenant.snapshots.get(revision);
  if (known !== undefined) return known;
  const rows = new Map<string, TupleRow>();
  for (const { inserts, deletes } of tenant.commits.slice(0, revision)) {
    for (const key of deletes) rows.delete(tupleId(key));
    for (const row of inserts) rows.set(tupleId(row), row);
  }
  const schema = tenant.schemas.findLast((row) => row.revision <= revision);
  const snapshot = new Snapshot([...rows.values()], schema?.text ?? null);
  tenant.snapshots.set(revision, snapshot);
  return snapshot;
}
