import type { Host } from "../host/host.ts";
import type { AuthzChange } from "../model/authz.ts";
import type { Relationship } from "../model/relationship.ts";
import type { RelationReads, TupleChunk } from "../store/relations.ts";
import { chunkRows } from "../store/tuple-chunk.ts";
import { relationshipOfRow } from "./rows.ts";
import type { Tenant } from "./tenant.ts";

/** Rows that one pass reads of all tenants together: a fraction of a second, most of it elsewhere. */
const readAtOnce = 200_000;
const rowsPerChunk = 2_000;
/** Relationships in one change, each of which is read again before it goes. */
const endedAtOnce = 1_000;

export interface SweepParts {
  readonly host: Host;
  readonly store: RelationReads;
  readonly submit: (change: AuthzChange) => Promise<unknown>;
  /** Whether nothing more may be done. */
  readonly isClosed: () => boolean;
}

/** How far a pass may go in one tenant. */
export interface SweepBounds {
  /** What expired up to this time goes. */
  readonly before: number;
  readonly rows: number;
  /** Relationships that may go. */
  readonly most: number;
}

/** The rows that each of so many tenants may take of a pass. */
export function sweepShare(tenants: number): number {
  return Math.max(rowsPerChunk, Math.ceil(readAtOnce / tenants));
}

/**
 * Ends what has expired of graphs that are not in memory. Where the whole graph is, that is known at
 * once; here each pass reads a part of what the store has, and the next goes on behind it, round and
 * round.
 */
export class Sweep {
  /** Where the next pass begins; null: at the beginning. */
  readonly #places = new WeakMap<Tenant, string | null>();

  async pass(
    tenant: Tenant,
    { host, store, submit, isClosed }: SweepParts,
    { before, rows, most }: SweepBounds,
  ): Promise<void> {
    let after = this.#places.get(tenant) ?? null;
    let left = most;
    for (let read = 0; read < rows; read += rowsPerChunk) {
      const scan = { tenant: tenant.number, after, limit: rowsPerChunk };
      const chunk = await store.scanTuples(scan);
      if (isClosed() || tenant.leaving || tenant.view.residency === null) return;
      const found = expiredIn(chunk, before);
      const ending = found.slice(0, left);
      for (let at = 0; at < ending.length; at += endedAtOnce) {
        const relationships = ending.slice(at, at + endedAtOnce);
        await submit({ kind: "expire", tenant: tenant.id, relationships });
      }
      left -= ending.length;
      // What was too much for this pass is where the next one begins.
      if (ending.length < found.length) break;
      after = chunk.next;
      if (after === null) break;
      await new Promise<void>((resolve) => host.defer(resolve));
    }
    this.#places.set(tenant, after);
  }
}

function expiredIn(chunk: TupleChunk, before: number): Relationship[] {
  const isOver = (expiresAt: number | null): boolean => expiresAt !== null && expiresAt <= before;
  if (!chunk.extras.some(({ expiresAt }) => isOver(expiresAt))) return [];
  return chunkRows(chunk)
    .filter(({ expiresAt, deleted }) => isOver(expiresAt) && deleted === null)
    .map(relationshipOfRow);
}
