import type { Host } from "../host/host.ts";
import type { AuthzChange, AuthzOutcome, TenantDescription } from "../model/authz.ts";
import { fail } from "../model/errors.ts";
import type { Limits, TenantLimitName, TenantLimits } from "../model/limits.ts";
import { assert } from "../std/assert.ts";
import type { RelationReads, RelationWrites, TenantRow, TupleRow } from "../store/relations.ts";
import { Budget } from "./budget.ts";
import { Evaluator } from "./check/evaluator.ts";
import { namesOfSchema } from "./check/schema-names.ts";
import { namesMax, schemaNamesMax } from "./graph/objects.ts";
import { History } from "./history.ts";
import { Lineage } from "./lineage.ts";
import { Loader } from "./loader.ts";
import { hasRoomFor, namesOfRows, namesPerRow } from "./rows.ts";
import { Tenant } from "./tenant.ts";
import { everything, type Share, Tenants } from "./tenants.ts";
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
  /** Which tenants are this node's, where several nodes have one store. Default: all are. */
  readonly share?: Share;
}

/** How much memory authorization may take. All of it is per tenant. */
export interface AuthzSettings {
  /** Relationships (old versions included) up to which the whole graph is in memory. */
  readonly residentMax: number;
  /** Relationships up to which a graph is loaded before anything is answered: less than a second. */
  readonly loadedFirstMax: number;
  /** Relationships, objects and lists that are kept in memory of a graph that is not. */
  readonly windowMax: number;
  /** Bytes that cached answers may come to, from little on; 0: none. */
  readonly cacheBytes: number;
  /** Pairs of groups that are kept flattened; 0: none. */
  readonly indexPairs: number;
}

export const defaultAuthzSettings: AuthzSettings = {
  residentMax: 30_000_000,
  loadedFirstMax: 100_000,
  windowMax: 2_000_000,
  cacheBytes: 67_108_864,
  indexPairs: 10_000_000,
};

/** Rows, and versions in memory, that one trim takes away: a few milliseconds. */
const trimmedAtOnce = 2_000;

/** Changes that stand on relationships that are there. */
const standing: ReadonlySet<AuthzChange["kind"]> = new Set([
  "schema",
  "write",
  "delete",
  "delete-object",
  "expire",
]);

/** How often a change is prepared again that needs what others in its batch change. */
const roundsMax = 20;

/** What authenticates the zookies of a tenant. No name of others begins with white space. */
const keyDocument = " zookie-key";
/** Who wrote which of its revisions. */
const lineageDocument = " lineage";
/** Its own limits, if it has any. */
const limitsDocument = " limits";

/** What a batch of the loop changed, until it is durable. */
interface Flying {
  readonly batch: number;
  readonly tenant: Tenant;
  /** Null: it was created, or deleted. */
  readonly revision: number | null;
}

/** Without those that were taken back. */
export function definedOf(
  limits: Readonly<Partial<Record<TenantLimitName, number | null>>>,
): TenantLimits {
  return Object.fromEntries(
    Object.entries(limits).filter(([, value]) => typeof value === "number"),
  );
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
  readonly #tenants: Tenants;
  readonly #prepared = new Map<AuthzChange, Preparation>();
  /** How often changes were prepared again. */
  readonly #rounds = new WeakMap<AuthzChange, number>();
  readonly #loader: Loader;
  readonly #evaluation = new Evaluator();
  readonly #hashKey: number;
  #flying: Flying[] = [];

  constructor(options: AuthzOptions) {
    this.host = options.host;
    this.limits = options.limits;
    this.store = options.store;
    this.settings = options.settings;
    this.#hashKey = options.host.random();
    this.#tenants = new Tenants(options.share ?? everything);
    const { host, limits, store } = options;
    this.history = new History({ host, limits, store, tenants: this.#tenants });
    this.#loader = new Loader(options.store, options.host);
  }

  /**
   * Reads what the store has. Large graphs go on being loaded while questions are answered. Nobody
   * else may change these tenants any more.
   */
  async open(): Promise<void> {
    for (const number of await this.store.loadDeletedTenants()) this.#tenants.used(number);
    for (const row of await this.store.loadTenants()) await this.#openTenant(row);
  }

  async #openTenant(row: TenantRow): Promise<void> {
    this.#tenants.used(row.number);
    if (!this.#tenants.isHere(row.id)) return;
    const key = await this.store.loadDocument(row.number, keyDocument);
    assert(key !== null, "every tenant has a key");
    const lineage = await this.store.loadDocument(row.number, lineageDocument);
    const tenant = this.#makeTenant(row, { key, lineage });
    await this.#readLimits(tenant);
    for (const schema of await this.store.loadSchemas(row.number)) tenant.addSchema(schema, null);
    const [latest] = await this.store.scanLog({
      tenant: row.number,
      after: row.revision - 1,
      limit: 1,
    });
    tenant.latestAt = latest?.at ?? 0;
    await this.#fill(tenant);
    this.#tenants.created(tenant);
    this.#tenants.becameDurable(tenant);
  }

  async #readLimits(tenant: Tenant): Promise<void> {
    const text = await this.store.loadDocument(tenant.number, limitsDocument);
    tenant.setLimits(text === null ? {} : JSON.parse(text)); // written below
  }

  /** The graph from the store, now if it is small; meanwhile the tenant has a window. */
  async #fill(tenant: Tenant): Promise<void> {
    tenant.view = this.makeWindow(tenant);
    const versions = await this.store.countTuples(tenant.number);
    tenant.relationships = versions;
    const { residentMax, loadedFirstMax } = this.settings;
    if (versions > residentMax) return;
    if (versions > loadedFirstMax) {
      this.#loader.start(tenant, () => this.makeView());
      return;
    }
    await this.#loader.fill(tenant, this.makeView());
  }

  #makeTenant(row: TenantRow, kept: { key: string; lineage: string | null }): Tenant {
    const { limits, host } = this;
    const lineage = new Lineage(host.random());
    lineage.begin(kept.lineage, row.revision + 1);
    const zookies = new Zookies(Buffer.from(kept.key, "base64"), lineage);
    const confirm =
      this.#tenants.share === everything ? undefined : (of: Tenant) => this.#confirm(of);
    return new Tenant(row, {
      limits,
      lineage,
      zookies,
      budget: new Budget({
        tenant: row.id,
        perSecond: limits.authzBudget,
        monotonic: () => host.monotonic(),
      }),
      view: this.makeView(),
      evaluation: this.#evaluation,
      ...(confirm === undefined ? {} : { confirm }),
    });
  }

  /**
   * Where there are other nodes, one may have taken the tenant over while this one has not heard of
   * it. If it did anything since, the store says so; its log may not, being trimmed.
   * What was trimmed there is missing in what is read here.
   */
  async #confirm(tenant: Tenant): Promise<void> {
    const rows = await this.store.loadTenants();
    tenant.requireThere();
    const row = rows.find(({ number }) => number === tenant.number);
    const { applied, oldest } = tenant;
    if (row !== undefined && row.revision <= applied && row.trimmed <= oldest) return;
    throw fail("fenced-out", { partition: this.#tenants.share.partitionOf(tenant.id) });
  }

  makeView(): View {
    const { cacheBytes, indexPairs } = this.settings;
    return new View({ limits: this.limits, hashKey: this.#hashKey, cacheBytes, indexPairs });
  }

  makeWindow(tenant: Tenant): View {
    return new View({
      limits: this.limits,
      hashKey: this.#hashKey,
      cacheBytes: 0,
      indexPairs: 0,
      residency: (graph) => {
        const bound = (): void => this.#bound(tenant, window);
        const window = new Window({ graph, tenant, store: this.store, bound });
        return window;
      },
    });
  }

  /**
   * A window that has grown too large is left for an empty one. The questions that are in it go on
   * with it, and it goes with the last of them.
   */
  #bound(tenant: Tenant, window: Window): void {
    if (tenant.view.residency !== window) return;
    // There is always room for the names of one schema more.
    const isSmall = window.size <= this.settings.windowMax && window.names <= schemaNamesMax;
    if (!isSmall) tenant.view = this.makeWindow(tenant);
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

  /** As others may see it: `unknown-tenant`, and `fenced-out` where it is another node's. */
  tenant(id: string): Tenant {
    return this.#tenants.durable(id);
  }

  /** All there are now, whenever it is iterated. */
  get tenants(): Iterable<Tenant> {
    return this.#tenants;
  }

  /** What each of them is at this moment, for metrics. */
  *vitals(): Iterable<{
    readonly id: string;
    readonly relationships: number;
    readonly cacheHits: number;
    readonly cacheMisses: number;
  }> {
    for (const { id, relationships, view } of this.#tenants) {
      const { hits = 0, misses = 0 } = view.cache ?? {};
      yield { id, relationships, cacheHits: hits, cacheMisses: misses };
    }
  }

  describe({ id, name, ownLimits, createdAt, updatedAt }: Tenant): TenantDescription {
    return { id, name, limits: ownLimits, createdAt, updatedAt };
  }

  // The loop's side.

  /** Loads what applying will look at; nothing where the graph is in memory. */
  prepare(change: AuthzChange, at: number): void | Promise<void> {
    // Others look at no relationships.
    if (!standing.has(change.kind)) return;
    const tenant = this.#tenants.find(change.tenant);
    if (tenant === undefined || tenant.view.residency === null) return;
    const round = this.#rounds.get(change) ?? 0;
    const now = Math.max(at, tenant.latestAt);
    const preparation = new Preparation(tenant, { store: this.store, now, round });
    this.#prepared.set(change, preparation);
    return preparation.load(change);
  }

  /**
   * Changes memory and says what to write; or throws, and nothing has changed. Null: nothing has
   * either, and it is to be prepared and applied again, as what was read for it was changed before it.
   */
  apply(change: AuthzChange, stamp: Stamp): AuthzOutcome | null {
    switch (change.kind) {
      case "tenant-create":
        return this.#createTenant(change, stamp);
      case "tenant-update":
        return this.#updateTenant(change, stamp);
      case "tenant-delete":
        return this.#deleteTenant(change, stamp);
      case "trim":
        return this.#trim(change, stamp);
      default:
        return this.#applyTo(change, stamp);
    }
  }

  #applyTo(
    change: Exclude<AuthzChange, { readonly kind: `tenant-${string}` | "trim" }>,
    stamp: Stamp,
  ): AuthzOutcome | null {
    const prepared = this.#prepared.get(change);
    this.#prepared.delete(change);
    const prepares = prepared?.ground();
    const tenant = this.#tenants.applied(change.tenant);
    const revision = tenant.applied + 1;
    // Clocks go back; the log does not.
    const now = Math.max(stamp.now, tenant.latestAt);
    const ground = prepares ?? new GraphGround(tenant.view.graph);
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
        if (planned === null) return this.#again(change);
        const { written, deleted, complete } = planned;
        const counts = {
          ...(written === undefined ? {} : { written }),
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
        this.#makeRoom(tenant, commit.inserts);
        stamp.writes.relations.push(commit);
        for (const key of commit.deletes) tenant.view.endRow(key, revision);
        for (const row of commit.inserts) tenant.view.add(row);
        tenant.recent.push(commit);
        tenant.relationships += commit.inserts.length - commit.deletes.length;
        this.#loader.applied(tenant, commit);
        this.#advance(tenant, { revision, now, stamp });
        return { revision, zookie: tenant.zookies.make(revision), ...counts };
      }
    }
  }

  /** The first of those that are prepared together will be told; others may have to come once more. */
  #again(change: AuthzChange): null {
    const round = (this.#rounds.get(change) ?? 0) + 1;
    if (round > roundsMax) throw fail("overloaded", { what: "changes of the same relationships" });
    this.#rounds.set(change, round);
    return null;
  }

  /**
   * Makes sure that all names that are going to be written can be given numbers, and besides those of
   * the current schema: `limit-exceeded`, while nothing has changed yet.
   */
  #makeRoom(tenant: Tenant, rows: readonly TupleRow[]): void {
    const { view } = tenant;
    // Nearly always there is room, whatever the names are.
    const most = view.graph.names.size + rows.length * namesPerRow + schemaNamesMax;
    if (rows.length === 0 || most <= namesMax) return;
    if (view.residency !== null) {
      // In an empty one there is nothing yet that this concerns.
      if (!hasRoomFor(view.graph, rows)) tenant.view = this.makeWindow(tenant);
      return;
    }
    const current = namesOfSchema(tenant.schemaFor(undefined));
    view.makeRoom(new Set([...current, ...namesOfRows(rows)]));
  }

  #advance(
    tenant: Tenant,
    { revision, now, stamp }: { revision: number; now: number; stamp: Stamp },
  ): void {
    tenant.applied = revision;
    tenant.latestAt = now;
    const text = tenant.lineage.keep();
    if (text !== null) {
      stamp.writes.putDocuments.push({ tenant: tenant.number, name: lineageDocument, text });
    }
    this.#flying.push({ batch: stamp.batch, tenant, revision });
  }

  #createTenant(
    { tenant: id, name, key, limits }: Extract<AuthzChange, { readonly kind: "tenant-create" }>,
    { now, batch, writes }: Stamp,
  ): AuthzOutcome {
    if (this.#tenants.isTaken(id)) throw fail("tenant-exists", { tenant: id });
    const max = this.limits.authzTenants;
    if (this.#tenants.size >= max) {
      throw fail("limit-exceeded", { limit: "authzTenants", max, what: "the store" });
    }
    const row: TenantRow = {
      number: this.#tenants.nextNumber(id),
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
    const tenant = this.#makeTenant(row, { key, lineage: null });
    this.#setLimits(tenant, limits, writes);
    this.#tenants.created(tenant);
    this.#flying.push({ batch, tenant, revision: null });
    return { revision: 0, zookie: tenant.zookies.make(0) };
  }

  #updateTenant(
    { tenant: id, request }: Extract<AuthzChange, { readonly kind: "tenant-update" }>,
    { now, writes }: Stamp,
  ): AuthzOutcome {
    const tenant = this.#tenants.applied(id);
    const { name = tenant.name, limits = {} } = request;
    tenant.name = name;
    tenant.updatedAt = now;
    writes.putTenants.push(tenant.row);
    this.#setLimits(tenant, definedOf({ ...tenant.ownLimits, ...limits }), writes);
    return { revision: tenant.applied, zookie: tenant.zookies.make(tenant.applied) };
  }

  #setLimits(tenant: Tenant, own: TenantLimits, { putDocuments }: RelationWrites): void {
    const before = Object.keys(tenant.ownLimits).length;
    tenant.setLimits(own);
    const isEmpty = Object.keys(own).length === 0;
    if (isEmpty && before === 0) return;
    const text = isEmpty ? null : JSON.stringify(own);
    putDocuments.push({ tenant: tenant.number, name: limitsDocument, text });
  }

  #deleteTenant(
    { tenant: id }: Extract<AuthzChange, { readonly kind: "tenant-delete" }>,
    { batch, writes }: Stamp,
  ): AuthzOutcome {
    const tenant = this.#tenants.applied(id);
    writes.deleteTenants.push(tenant.number);
    this.#tenants.deleted(tenant);
    this.#loader.forget(tenant);
    this.#flying.push({ batch, tenant, revision: null });
    return { revision: tenant.applied, zookie: tenant.zookies.make(tenant.applied) };
  }

  #trim(
    { number, upTo }: Extract<AuthzChange, { readonly kind: "trim" }>,
    { writes }: Stamp,
  ): AuthzOutcome {
    writes.trimRelations.push({ tenant: number, upTo, limit: trimmedAtOnce });
    const tenant = this.#tenants.byNumber(number);
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
      if (revision === null) this.#tenants.becameDurable(tenant);
      else tenant.becameDurable(revision);
      if (tenant.leaving && revision === null) this.#left(tenant);
      else this.history.becameDurable(tenant);
      this.#boundGraph(tenant);
      done++;
    }
    if (done > 0) this.#flying = this.#flying.slice(done);
  }

  /** A graph that has become too large for memory is left for a window, as one that always was. */
  #boundGraph(tenant: Tenant): void {
    const { view } = tenant;
    if (view.residency !== null || view.graph.versions <= this.settings.residentMax) return;
    tenant.view = this.makeWindow(tenant);
    const { id, relationships } = tenant;
    this.host.log("info", "a tenant has outgrown memory", { tenant: id, relationships });
  }

  /** The tenant is gone, and with it all that waits for something of it. */
  #left(tenant: Tenant): void {
    this.#loader.forget(tenant);
    this.history.forget(tenant);
    tenant.refuseWaiting();
  }

  /**
   * What was applied and is not durable may not have been written. It is taken back, and what the
   * store has is read again from its log.
   */
  async reset(): Promise<void> {
    this.#flying = [];
    for (const prepared of this.#prepared.values()) prepared.release();
    this.#prepared.clear();
    const rows = await this.store.loadTenants();
    for (const tenant of this.#tenants.rollBack(new Set(rows.map(({ number }) => number)))) {
      this.#left(tenant);
    }
    for (const row of rows) {
      const tenant = this.#tenants.byNumber(row.number);
      if (tenant === undefined) await this.#openTenant(row);
      else await this.#catchUp(tenant, row);
    }
  }

  async #catchUp(tenant: Tenant, row: TenantRow): Promise<void> {
    const schemas = await this.store.loadSchemas(row.number);
    const lineage = await this.store.loadDocument(row.number, lineageDocument);
    await this.#readLimits(tenant);
    assert(row.revision >= tenant.durable, "what was durable is in the store");
    // Up to the next `await` nobody asks in between.
    const { view } = tenant;
    const nothingNew = row.revision === tenant.durable;
    this.#loader.forget(tenant);
    const isRolledBack = view.residency === null && nothingNew;
    if (isRolledBack) view.rollBack(tenant.durable);
    tenant.rollBack(row, schemas);
    tenant.lineage.begin(lineage, row.revision + 1);
    // A window may have loaded what was not durable, together with what was.
    if (!isRolledBack) tenant.view = this.makeWindow(tenant);
    tenant.relationships = tenant.view.graph.size;
    this.history.becameDurable(tenant);
    // What was written although it failed is read like a change of somebody else.
    if (tenant.view.residency !== null) await this.#fill(tenant);
  }
}
