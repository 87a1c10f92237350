import type { Host } from "../host/host.ts";
import type {
  AuthzChange,
  Change,
  ChangePage,
  ReadChanges,
  WatchEvent,
  WatchRequest,
} from "../model/authz.ts";
import { fail, reasonOf } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import type { LogRow, RelationReads } from "../store/relations.ts";
import { pageSize } from "./lookup/page.ts";
import { relationshipOfRow } from "./rows.ts";
import type { Tenant } from "./tenant.ts";
import type { Tenants } from "./tenants.ts";

/** How often history is trimmed. */
const trimEveryMs = 60_000;
const heartbeatMs = 5_000;
/** Log rows that a watch reads at once. */
const readAtOnce = 100;
/** Relationships whose time is over that one change ends. */
const endedAtOnce = 1_000;

export interface HistoryParts {
  readonly host: Host;
  readonly limits: Limits;
  readonly store: RelationReads;
  readonly tenants: Tenants;
}

/** What a row of the log says. */
interface Logged {
  readonly updates: Change["updates"];
  readonly metadata?: NonNullable<Change["metadata"]>;
  readonly schema?: string;
}

/** The log of each tenant: reading it, following it, and letting its oldest part go. */
export class History {
  readonly #parts: HistoryParts;
  readonly #watchers = new Map<Tenant, Set<() => void>>();
  #cancelTrim: (() => void) | null = null;
  #closed = false;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  async changes(tenant: Tenant, request: ReadChanges): Promise<ChangePage> {
    const { store, limits } = this.#parts;
    const limit = pageSize(request.limit, limits.authzPage);
    let after = request.after === undefined ? tenant.oldest : tenant.readPlace(request.after);
    if (request.since !== undefined) {
      const before = await store.findRevision(tenant.number, request.since - 1);
      after = Math.max(after, Math.min(before, tenant.durable));
    }
    const items: Change[] = [];
    // Rows of other types are passed over, so a page may take several reads.
    while (items.length < limit && after < tenant.durable) {
      const rows = await store.scanLog({
        tenant: tenant.number,
        after,
        limit: limit - items.length,
      });
      await requireLog(tenant, after);
      const durable = rows.filter(({ revision }) => revision <= tenant.durable);
      for (const row of durable) {
        after = row.revision;
        const change = this.#change(tenant, row, request.resourceTypes);
        if (change !== null) items.push(change);
      }
      if (durable.length < rows.length || rows.length === 0) break;
    }
    return { items, next: tenant.zookies.make(after) };
  }

  #change(tenant: Tenant, row: LogRow, types: readonly string[] | undefined): Change | null {
    const logged = JSON.parse(row.log) as Logged; // written by `logOf`
    const updates =
      types === undefined
        ? logged.updates
        : logged.updates.filter(({ relationship }) => types.includes(relationship.resource.type));
    if (updates.length === 0 && logged.schema === undefined) return null;
    const { metadata, schema } = logged;
    return {
      zookie: tenant.zookies.make(row.revision),
      at: row.at,
      updates,
      ...(metadata === undefined ? {} : { metadata }),
      ...(schema === undefined ? {} : { schema }),
    };
  }

  /**
   * Reads the log as fast as it is asked to, so that a slow watcher holds nothing but its place. One
   * that falls behind the history gets `zookie-expired`.
   */
  async *watch(tenant: Tenant, request: WatchRequest): AsyncGenerator<WatchEvent, void, void> {
    const { signal, resourceTypes } = request;
    let place = request.after === undefined ? tenant.durable : tenant.readPlace(request.after);
    const watchers = this.#watchersOf(tenant);
    const max = tenant.limits.authzWatchers;
    if (watchers.size >= max) {
      throw fail("limit-exceeded", { limit: "authzWatchers", max, what: `tenant ${tenant.id}` });
    }
    let wake: (() => void) | null = null;
    const woken = (): void => wake?.();
    watchers.add(woken);
    signal?.addEventListener("abort", woken);
    try {
      yield { kind: "heartbeat", zookie: tenant.zookies.make(place) };
      // One that is no longer in the list is of a tenant that is gone, or this process ends.
      while (!isAborted(signal) && watchers.has(woken)) {
        const rows = await this.#newRows(tenant, place);
        // While it is being deleted the store may have nothing of it: that is waited for.
        if (!tenant.leaving && watchers.has(woken)) await requireLog(tenant, place);
        if (!watchers.has(woken)) return;
        for (const row of rows) {
          const change = this.#change(tenant, row, resourceTypes);
          if (change !== null) yield { kind: "change", change };
          place = row.revision;
          if (isAborted(signal)) return;
        }
        if (isAborted(signal) || !watchers.has(woken)) return;
        if (!tenant.leaving && (rows.length > 0 || place < tenant.durable)) continue;
        const timedOut = await this.#wait(request.heartbeatMs ?? heartbeatMs, (resolve) => {
          wake = resolve;
        });
        if (!timedOut || !watchers.has(woken)) continue;
        yield { kind: "heartbeat", zookie: tenant.zookies.make(place) };
      }
    } finally {
      watchers.delete(woken);
      signal?.removeEventListener("abort", woken);
    }
  }

  async #newRows(tenant: Tenant, after: number): Promise<LogRow[]> {
    if (after >= tenant.durable) return [];
    const scan = { tenant: tenant.number, after, limit: readAtOnce };
    const rows = await this.#parts.store.scanLog(scan);
    return rows.filter(({ revision }) => revision <= tenant.durable);
  }

  /** @returns whether nothing happened before the time was over. */
  #wait(ms: number, arm: (resolve: () => void) => void): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#parts.host.setTimer(ms, () => resolve(true));
      arm(() => {
        cancel();
        resolve(false);
      });
    });
  }

  #watchersOf(tenant: Tenant): Set<() => void> {
    let watchers = this.#watchers.get(tenant);
    if (watchers === undefined) {
      watchers = new Set();
      this.#watchers.set(tenant, watchers);
    }
    return watchers;
  }

  becameDurable(tenant: Tenant): void {
    for (const wake of this.#watchers.get(tenant) ?? []) wake();
  }

  /** The tenant is gone: its watches end. */
  forget(tenant: Tenant): void {
    const watchers = this.#watchers.get(tenant);
    if (watchers === undefined) return;
    const all = [...watchers];
    watchers.clear();
    this.#watchers.delete(tenant);
    for (const wake of all) wake();
  }

  // Trimming.

  /** Trims from time to time, through the loop like every change. */
  start(submit: (change: AuthzChange) => Promise<unknown>): void {
    if (this.#closed) return;
    this.#cancelTrim = this.#parts.host.setTimer(trimEveryMs, () => {
      this.trim(submit)
        .catch((error: unknown) => {
          const reason = reasonOf(error);
          this.#parts.host.log("warn", "history was not trimmed", { reason });
        })
        .finally(() => this.start(submit));
    });
  }

  /** Lets go of all that is older than the history. */
  async trim(submit: (change: AuthzChange) => Promise<unknown>): Promise<void> {
    const { host, limits, store, tenants } = this.#parts;
    const before = host.now() - limits.authzHistory;
    for (const tenant of [...tenants]) {
      if (tenant.leaving) continue;
      await this.#expire(tenant, before, submit);
      // What is not durable may be lost: the history must not begin after the last that is there.
      const upTo = Math.min(await store.findRevision(tenant.number, before), tenant.durable);
      await this.#trimTenant({ tenant: tenant.id, number: tenant.number, upTo }, submit);
    }
    // Those that were deleted have one who sweeps them.
    if (!tenants.isHere("")) return;
    for (const number of await store.loadDeletedTenants()) {
      await this.#trimTenant({ tenant: "", number, upTo: Number.MAX_SAFE_INTEGER }, submit);
    }
  }

  /** Ends what expired up to then: some now, the rest when it is done again. */
  async #expire(
    { id, number, limits }: Tenant,
    upTo: number,
    submit: (change: AuthzChange) => Promise<unknown>,
  ): Promise<void> {
    for (let left = limits.authzDelete; left > 0 && !this.#closed; ) {
      const limit = Math.min(left, endedAtOnce);
      const found = await this.#parts.store.readExpired({ tenant: number, upTo, limit });
      if (found.length === 0) return;
      const relationships = found.map(relationshipOfRow);
      await submit({ kind: "expire", tenant: id, relationships });
      left -= found.length;
    }
  }

  async #trimTenant(
    what: { readonly tenant: string; readonly number: number; readonly upTo: number },
    submit: (change: AuthzChange) => Promise<unknown>,
  ): Promise<void> {
    while (!this.#closed && (await this.#parts.store.hasTrimmable(what.number, what.upTo))) {
      await submit({ kind: "trim", ...what });
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelTrim?.();
    for (const tenant of [...this.#watchers.keys()]) this.forget(tenant);
  }
}

/** The log must be whole from there on: of a part that was trimmed away rows are missing. */
async function requireLog(tenant: Tenant, after: number): Promise<void> {
  await tenant.requireOwn();
  if (after < tenant.oldest) throw fail("zookie-expired");
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
