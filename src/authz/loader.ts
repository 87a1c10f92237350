import type { Host } from "../host/host.ts";
import { reasonOf } from "../model/errors.ts";
import type { RelationCommit, RelationReads, TupleChunk } from "../store/relations.ts";
import type { Tenant } from "./tenant.ts";
import type { View } from "./view.ts";

/** Rows per chunk: a few milliseconds of this thread. */
const chunkRows = 2_000;
/** Pause after a chunk that failed. */
const againMs = 1_000;

interface Load {
  readonly tenant: Tenant;
  readonly view: View;
  /** What was applied since it began: the scan may have seen a part of it. */
  readonly commits: RelationCommit[];
}

/** Fills graphs from the store, one after the other, while the tenants answer through windows. */
export class Loader {
  readonly #store: RelationReads;
  readonly #host: Host;
  readonly #loads = new Map<Tenant, Load>();
  #running: Promise<void> | null = null;
  #closed = false;

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
  start(tenant: Tenant, view: View): void {
    this.#loads.set(tenant, { tenant, view, commits: [...tenant.recent] });
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

  close(): void {
    this.#closed = true;
    this.#loads.clear();
  }

  async #run(): Promise<void> {
    for (let load = this.#next(); load !== undefined; load = this.#next()) await this.#load(load);
    this.#running = null;
  }

  #next(): Load | undefined {
    return this.#loads.values().next().value;
  }

  async #load(load: Load): Promise<void> {
    const { tenant, view, commits } = load;
    view.expect(tenant.relationships);
    let after: string | null = null;
    let reading = this.#read(tenant, after);
    for (;;) {
      try {
        const chunk = await reading;
        if (this.#loads.get(tenant) !== load) return;
        const { next } = chunk;
        // The next one is read while this one is taken in.
        if (next !== null) reading = this.#read(tenant, next);
        view.load(chunk);
        after = next;
      } catch (error) {
        if (this.#closed) return;
        this.#host.log("warn", "loading relationships is tried again", { reason: reasonOf(error) });
        await this.#pause(againMs);
        reading = this.#read(tenant, after);
        continue;
      }
      if (after === null) break;
      await new Promise<void>((resolve) => this.#host.defer(resolve));
      if (this.#loads.get(tenant) !== load) return;
    }
    const isOwn = await tenant.requireOwn().then(
      () => true,
      () => false,
    );
    if (this.#loads.get(tenant) !== load) return;
    if (!isOwn) {
      this.#loads.delete(tenant);
      return;
    }
    view.loaded(tenant.durable);
    for (const commit of commits) view.adopt(commit, tenant.durable);
    view.durable(tenant.durable);
    tenant.view = view;
    this.#loads.delete(tenant);
  }

  /** Begins at once. Whoever awaits it is told when it fails, and nobody else. */
  #read(tenant: Tenant, after: string | null): Promise<TupleChunk> {
    const scan = { tenant: tenant.number, after, limit: chunkRows };
    const chunk = (async () => this.#store.scanTuples(scan))();
    chunk.catch(() => undefined);
    return chunk;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#host.setTimer(ms, resolve));
  }
}
