import type { Host } from "../host/host.ts";
import type { AuthzChange, AuthzOutcome, TenantDescription } from "../model/authz.ts";
import { fail } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import { assert } from "../std/assert.ts";
import type { RelationReads, RelationWrites, TenantRow } from "../store/relations.ts";
import { History } from "./history.ts";
import { Loader } from "./loader.ts";
import { Tenant } from "./tenant.ts";
import { View } from "./view.ts";
import { Window } from "./window.ts";
import { commitOf, type PlanOptions, planChange } from "./write/apply.ts";
import { GraphGround } from "./write/ground.ts";
import { Preparation } from "./write/preparation.ts";
import { applySchema } from "./write/schema.ts";
import { Zookies } from "./zookie.ts";

export interface AuthzOptions {
  readonly host: Host;
  readonly limits: Limits;
  readonly store: RelationReads;
  readonly settings: AuthzSettings;
}

/** How much memory authorization may take. All of it is per tenant. */
export interface AuthzSettings {
  /** Relationships (old versions included) up to which the whole graph is in memory. */
  readonly residentMax: number;
  /** Relationships that are kept in memory of a graph that is not. */
  readonly windowMax: number;
  /** Bytes for cached answers; 0: none. */
  readonly cacheBytes: number;
  /** Pairs of groups that are kept flattened; 0: none. */
  readonly indexPairs: number;
}

export const defaultAuthzSettings: AuthzSettings = {
  residentMax: 30_000_000,
  windowMax: 2_000_000,
  cacheBytes: 67_108_864,
  indexPairs: 10_000_000,
};

/** Graphs up to this size are loaded before anything is answered: it takes less than a second. */
const loadedFirstMax = 100_000;

/** Rows, and versions in memory, that one trim takes away: a few milliseconds. */
const trimmedAtOnce = 2_000;

/** What authenticates the zookies of a tenant. No document of others can have a blank name. */
const keyDocument = " zookie-key";

/** What a batch of the loop changed, until it is durable. */
interface Flying {
  readonly batch: number;
  readonly tenant: Tenant;
  readonly revision: number;
}

/** When and where a change is applied. */
export interface Stamp {
  readonly now: number;
  readonly batch: number;
  /** What is to be written goes here. */
  readonly writes: RelationWrites;
}

/**
 * All tenants of a store in memory, and the only way in which they change: the loop of the engine
 * hands over one change after the other, writes what it comes to in the batch of whatever caused it,
 * and says when that is durable. Questions are answered beside it, at what is durable.
 */
export class Authz {
  readonly host: Host;
  readonly limits: Limits;
  readonly store: RelationReads;
  readonly settings: AuthzSettings;
  readonly history: History;
  readonly #tenants = new Map<string, Tenant>();
  readonly #byNumber = new Map<number, Tenant>();
  readonly #prepared = new WeakMap<AuthzChange, Preparation>();
  readonly #loader: Loader;
  #flying: Flying[] = [];
  #nextNumber = 1;

  constructor(options: AuthzOptions) {
    this.host = options.host;
    this.limits = options.limits;
    this.store = options.store;
    this.settings = options.settings;
    const { host, limits, store } = options;
    this.history = new History({ host, limits, store, tenants: this.tenants });
    this.#loader = new Loader(options.store, options.host);
  }

  /** Reads what the store has. Large graphs go on being loaded while questions are answered. */
  async open(): Promise<void> {
    const deleted = await this.store.loadDeletedTenants();
    this.#nextNumber = Math.max(0, ...deleted) + 1;
    for (const row of await this.store.loadTenants()) await this.#openTenant(row);
  }

  async #openTenant(row: TenantRow): Promise<void> {
    this.#nextNumber = Math.max(this.#nextNumber, row.number + 1);
    const versions = await this.store.countTuples(row.number);
    const isResident = versions <= this.settings.residentMax;
    const loadsFirst = isResident && versions <= loadedFirstMax;
    const key = await this.store.loadDocument(row.number, keyDocument);
    assert(key !== null, "every tenant has a key");
    const tenant = this.#admit(row, key);
    if (!loadsFirst) tenant.view = this.makeWindow(tenant);
    for (const schema of await this.store.loadSchemas(row.number)) tenant.addSchema(schema, null);
    if (loadsFirst) await this.#loader.fill(tenant, tenant.view);
    else if (isResident) this.#loader.start(tenant, this.makeView());
  }

  #admit(row: TenantRow, key: string): Tenant {
    const zookies = new Zookies(Buffer.from(key, "base64"));
    const tenant = new Tenant(row, { limits: this.limits, zookies, view: this.makeView() });
    this.#tenants.set(row.id, tenant);
    this.#byNumber.set(row.number, tenant);
    return tenant;
  }

  makeView(): View {
    const { cacheBytes, indexPairs } = this.settings;
    return new View({ limits: this.limits, cacheBytes, indexPairs });
  }

  makeWindow(tenant: Tenant): View {
    return new View({
      limits: this.limits,
      cacheBytes: 0,
      indexPairs: 0,
      residency: (graph) => new Window({ graph, tenant, store: this.store }),
    });
  }

  /** Stops what goes on in the background. */
  close(): void {
    this.#loader.close();
    this.history.close();
  }

  /** Resolves when every graph that can be in memory is. */
  loaded(): Promise<void> {
    return this.#loader.idle();
  }

  tenant(id: string): Tenant {
    const tenant = this.#tenants.get(id);
    if (tenant === undefined) throw fail("unknown-tenant", { tenant: id });
    return tenant;
  }

  /** All there are now, whenever it is iterated. */
  readonly tenants: Iterable<Tenant> = {
    [Symbol.iterator]: () => this.#tenants.values(),
  };

  describe({ id, name, createdAt, updatedAt }: Tenant): TenantDescription {
    return { id, name, createdAt, updatedAt };
  }

  // The loop's side.

  /** Loads what applying will look at; nothing where the graph is in memory. */
  prepare(change: AuthzChange): void | Promise<void> {
    const tenant = this.#tenants.get(change.tenant);
    if (tenant === undefined || tenant.view.residency === null) return;
    const preparation = new Preparation(tenant, this.store);
    this.#prepared.set(change, preparation);
    return preparation.load(change);
  }

  /** Changes memory and says what to write; or throws, and nothing has changed. */
  apply(change: AuthzChange, stamp: Stamp): AuthzOutcome {
    switch (change.kind) {
      case "tenant-create":
        return this.#createTenant(change, stamp);
      case "tenant-delete":
        return this.#deleteTenant(change, stamp);
      case "trim":
        return this.#trim(change, stamp);
      default:
        return this.#applyTo(this.tenant(change.tenant), change, stamp);
    }
  }

  #applyTo(
    tenant: Tenant,
    change: Exclude<AuthzChange, { readonly kind: "tenant-create" | "tenant-delete" | "trim" }>,
    stamp: Stamp,
  ): AuthzOutcome {
    const revision = tenant.applied + 1;
    // Clocks go back; the log does not.
    const now = Math.max(stamp.now, tenant.latestAt);
    const prepared = this.#prepared.get(change);
    this.#prepared.delete(change);
    const ground = prepared?.ground() ?? new GraphGround(tenant.view.graph);
    const options: PlanOptions = { tenant, ground, revision, now };
    switch (change.kind) {
      case "document": {
        const { name, text } = change;
        stamp.writes.putDocuments.push({ tenant: tenant.number, name, text });
        return { revision: tenant.applied, zookie: tenant.zookies.make(tenant.applied) };
      }
      case "schema": {
        const outcome = applySchema(change, { ...options, writes: stamp.writes });
        if (outcome.revision === revision) this.#advance(tenant, { revision, now, stamp });
        return outcome;
      }
      case "write":
      case "delete":
      case "delete-object":
      case "expire": {
        const planned = planChange(change, options);
        const { deleted, complete } = planned;
        const counts = {
          ...(deleted === undefined ? {} : { deleted }),
          ...(complete === undefined ? {} : { complete }),
        };
        if (planned.inserts.length + planned.deletes.length === 0) {
          return {
            revision: tenant.applied,
            zookie: tenant.zookies.make(tenant.applied),
            ...counts,
          };
        }
        const commit = commitOf(planned, options);
        stamp.writes.relations.push(commit);
        for (const key of commit.deletes) tenant.view.endRow(key, revision);
        for (const row of commit.inserts) tenant.view.add(row);
        tenant.recent.push(commit);
        tenant.counters.writes += commit.inserts.length + commit.deletes.length;
        this.#loader.applied(tenant, commit);
        this.#advance(tenant, { revision, now, stamp });
        return { revision, zookie: tenant.zookies.make(revision), ...counts };
      }
    }
  }

  #advance(
    tenant: Tenant,
    { revision, now, stamp }: { revision: number; now: number; stamp: Stamp },
  ): void {
    tenant.applied = revision;
    tenant.latestAt = now;
    this.#flying.push({ batch: stamp.batch, tenant, revision });
  }

  #createTenant(
    { tenant: id, name, key }: Extract<AuthzChange, { readonly kind: "tenant-create" }>,
    { now, writes }: Stamp,
  ): AuthzOutcome {
    if (this.#tenants.has(id)) throw fail("tenant-exists", { tenant: id });
    const max = this.limits.authzTenants;
    if (this.#tenants.size >= max) {
      throw fail("limit-exceeded", { limit: "authzTenants", max, what: "the store" });
    }
    const row: TenantRow = {
      number: this.#nextNumber++,
      id,
      name,
      revision: 0,
      trimmed: 0,
      schema: null,
      createdAt: now,
      updatedAt: now,
    };
    writes.putTenants.push(row);
    writes.putDocuments.push({ tenant: row.number, name: keyDocument, text: key });
    const tenant = this.#admit(row, key);
    return { revision: 0, zookie: tenant.zookies.make(0) };
  }

  #deleteTenant(
    { tenant: id }: Extract<AuthzChange, { readonly kind: "tenant-delete" }>,
    { writes }: Stamp,
  ): AuthzOutcome {
    const tenant = this.tenant(id);
    writes.deleteTenants.push(tenant.number);
    this.#tenants.delete(id);
    this.#byNumber.delete(tenant.number);
    this.#loader.forget(tenant);
    this.history.forget(tenant);
    return { revision: tenant.applied, zookie: tenant.zookies.make(tenant.applied) };
  }

  #trim(
    { number, upTo }: Extract<AuthzChange, { readonly kind: "trim" }>,
    { writes }: Stamp,
  ): AuthzOutcome {
    writes.trimRelations.push({ tenant: number, upTo, limit: trimmedAtOnce });
    const tenant = this.#byNumber.get(number);
    if (tenant === undefined) return { revision: 0, zookie: "" };
    tenant.oldest = Math.max(tenant.oldest, upTo);
    tenant.view.trim(upTo, trimmedAtOnce);
    return { revision: tenant.applied, zookie: "" };
  }

  /** Everything up to this batch is durable. */
  durable(batch: number): void {
    let done = 0;
    for (const { batch: of, tenant, revision } of this.#flying) {
      if (of > batch) break;
      tenant.becameDurable(revision);
      this.history.becameDurable(tenant);
      done++;
    }
    if (done === 0) return;
    this.#flying = this.#flying.slice(done);
    this.#shrink();
  }

  /** A window that has grown too large is left for an empty one, while nothing is under way. */
  #shrink(): void {
    if (this.#flying.length > 0) return;
    for (const tenant of this.#tenants.values()) {
      const { residency, graph } = tenant.view;
      if (residency === null || graph.versions <= this.settings.windowMax) continue;
      tenant.view = this.makeWindow(tenant);
    }
  }

  /**
   * What was applied and is not durable may not have been written. It is taken back, and what the
   * store has is read again from its log.
   */
  async reset(): Promise<void> {
    this.#flying = [];
    const rows = await this.store.loadTenants();
    const known = new Set(rows.map(({ number }) => number));
    for (const tenant of this.#tenants.values()) {
      if (known.has(tenant.number)) continue;
      this.#tenants.delete(tenant.id);
      this.#byNumber.delete(tenant.number);
    }
    for (const row of rows) {
      const tenant = this.#byNumber.get(row.number);
      if (tenant === undefined) await this.#openTenant(row);
      else await this.#catchUp(tenant, row);
    }
  }

  async #catchUp(tenant: Tenant, row: TenantRow): Promise<void> {
    tenant.view.rollBack(tenant.durable);
    tenant.recent = [];
    tenant.applied = tenant.durable;
    tenant.currentSchema = row.schema;
    for (const schema of tenant.schemaRows) {
      if (schema.revision > tenant.durable) tenant.removeSchema(schema.id);
    }
    const had = new Set(tenant.schemaRows.map(({ id }) => id));
    for (const schema of await this.store.loadSchemas(row.number)) {
      if (!had.has(schema.id)) tenant.addSchema(schema, null);
    }
    if (row.revision === tenant.durable) return;
    assert(row.revision > tenant.durable, "what was durable is in the store");
    // It was written although it failed. What it did is read like a change of somebody else.
    this.#loader.forget(tenant);
    tenant.view = this.makeWindow(tenant);
    tenant.applied = row.revision;
    tenant.becameDurable(row.revision);
    this.history.becameDurable(tenant);
    const versions = await this.store.countTuples(tenant.number);
    if (versions > this.settings.residentMax) return;
    const view = this.makeView();
    if (versions > loadedFirstMax) this.#loader.start(tenant, view);
    else {
      await this.#loader.fill(tenant, view);
      tenant.view = view;
    }
  }
}
