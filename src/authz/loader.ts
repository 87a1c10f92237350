import type { Host } from "../host/host.ts";
import { HoldfastError, reasonOf } from "../model/errors.ts";
import type { RelationCommit, RelationReads, TupleChunk } from "../store/relations.ts";
import { namesOfSchema } from "./check/schema-names.ts";
import { schemaNamesMax } from "./graph/objects.ts";
import type { Tenant } from "./tenant.ts";
import type { View } from "./view.ts";

/** Rows per chunk: a few milliseconds of this thread. */
const chunkRows = 2_000;
/** Pause after something that failed. */
const againMs = 1_000;

interface Load {
  readonly tenant: Tenant;
  readonly makeView: () => View;
  /** What was applied since it began: the scan may have seen a part of it. */
  readonly commits: RelationCommit[];
}

/** Fills graphs from the store, one after the other, while the tenants answer through windows. */
export class Loader {
  readonly #store: RelationReads;
  readonly #host: Host;
  readonly #loads = new Map<Tenant, Load>();
  #running: Promise<void> | null = null;

  constructor(store: RelationReads, host: Host) {
    this.#store = store;
    this.#host = host;
  }

  /**
   * Loads everything before it resolves, and then puts the view in the place of the tenant's window;
   * nothing may be written meanwhile.
   */
  async fill(tenant: Tenant, view: View): Promise<void> {
    try {
      await this.#fill(tenant, view);
    } catch (error) {
      if (!this.#leaves(tenant, error)) throw error;
    }
  }

  async #fill(tenant: Tenant, view: View): Promise<void> {
    for (let after: string | null = null; ; ) {
      const chunk = await this.#store.scanTuples({
        tenant: tenant.number,
        after,
        limit: chunkRows,
      });
      view.load(chunk);
      after = chunk.next;
      if (after === null) break;
    }
    this.#put(tenant, view, []);
  }

  #put(tenant: Tenant, view: View, since: readonly RelationCommit[]): void {
    view.loaded(tenant.durable, since);
    view.durable(tenant.durable);
    // With what is stored and without room for the schema it would answer nothing.
    if (view.graph.names.size > schemaNamesMax) {
      view.makeRoom(namesOfSchema(tenant.schemaFor(undefined)));
    }
    tenant.view = view;
  }

  /** What has more names than a graph has numbers for cannot be in memory: the window stays. */
  #leaves(tenant: Tenant, error: unknown): boolean {
    if (!(error instanceof HoldfastError) || error.code !== "limit-exceeded") return false;
    this.#host.log("warn", "relationships are not kept in memory", {
      tenant: tenant.id,
      reason: error.message,
    });
    return true;
  }

  /** Loads in the background, and then puts the view in the place of the tenant's window. */
  start(tenant: Tenant, makeView: () => View): void {
    this.#loads.set(tenant, { tenant, makeView, commits: [...tenant.recent] });
    this.#running ??= this.#run();
  }

  applied(tenant: Tenant, commit: RelationCommit): void {
    this.#loads.get(tenant)?.commits.push(commit);
  }

  forget(tenant: Tenant): void {
    this.#loads.delete(tenant);
  }

  idle(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** Nothing is loaded any more. */
  close(): void {
    this.#loads.clear();
  }

  async #run(): Promise<void> {
    for (let load = this.#next(); load !== undefined; load = this.#next()) {
      try {
        await this.#load(load);
      } catch (error) {
        await this.#failed(load, error);
      }
    }
    this.#running = null;
  }

  #next(): Load | undefined {
    return this.#loads.values().next().value;
  }

  /** Of a view that failed on the way nothing can be told: the next one starts from nothing. */
  async #failed(load: Load, error: unknown): Promise<void> {
    if (!this.#isWanted(load)) return;
    const { tenant, makeView } = load;
    if (this.#leaves(tenant, error)) {
      this.#loads.delete(tenant);
      return;
    }
    const reason = reasonOf(error);
    this.#host.log("warn", "loading relationships begins anew", { tenant: tenant.id, reason });
    // Behind the others, who need not wait for what may fail again.
    this.#loads.delete(tenant);
    this.start(tenant, makeView);
    await this.#pause(againMs);
  }

  async #load(load: Load): Promise<void> {
    const { tenant, commits } = load;
    const view = load.makeView();
    view.expect(tenant.relationships);
    let reading = this.#read(load, null);
    for (;;) {
      const chunk = await reading;
      if (chunk === null || !this.#isWanted(load)) return;
      const { next } = chunk;
      // The next one is read while this one is taken in.
      if (next !== null) reading = this.#read(load, next);
      view.load(chunk);
      if (next === null) break;
      await new Promise<void>((resolve) => this.#host.defer(resolve));
    }
    const isOwn = await tenant.requireOwn().then(
      () => true,
      () => false,
    );
    if (!this.#isWanted(load)) return;
    if (isOwn) this.#put(tenant, view, commits);
    this.#loads.delete(tenant);
  }

  /** Whether nothing happened that made it useless. */
  #isWanted(load: Load): boolean {
    return this.#loads.get(load.tenant) === load;
  }

  /** Begins at once, and tries until it succeeds; null when the load is not wanted any more. */
  async #read(load: Load, after: string | null): Promise<TupleChunk | null> {
    while (this.#isWanted(load)) {
      try {
        const tenant = load.tenant.number;
        return await this.#store.scanTuples({ tenant, after, limit: chunkRows });
      } catch (error) {
        if (!this.#isWanted(load)) break;
        this.#host.log("warn", "loading relationships is tried again", { reason: reasonOf(error) });
        await this.#pause(againMs);
      }
    }
    return null;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#host.setTimer(ms, resolve));
  }
}
