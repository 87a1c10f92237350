import type { Host } from "../host/host.ts";
import { reasonOf } from "../model/errors.ts";
import type { RelationCommit, RelationReads, TupleChunk } from "../store/relations.ts";
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

  /** Loads everything before it resolves; nothing may be written meanwhile. */
  async fill(tenant: Tenant, view: View): Promise<void> {
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
    view.loaded(tenant.durable);
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
        await this.#beginAnew(load, error);
      }
    }
    this.#running = null;
  }

  #next(): Load | undefined {
    return this.#loads.values().next().value;
  }

  /** Of a view that failed on the way nothing can be told: the next one starts from nothing. */
  async #beginAnew(load: Load, error: unknown): Promise<void> {
    if (!this.#isWanted(load)) return;
    const { tenant, makeView } = load;
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
    if (isOwn) {
      view.loaded(tenant.durable, commits);
      view.durable(tenant.durable);
      tenant.view = view;
    }
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
