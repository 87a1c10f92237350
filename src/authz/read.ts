import type { ReadRelationships, RelationshipPage } from "../model/authz.ts";
import type { RelationReads } from "../store/relations.ts";
import { pageSize, questionOf } from "./lookup/page.ts";
import { relationshipOfRow } from "./rows.ts";
import type { Tenant } from "./tenant.ts";
import { checkFilter } from "./write/filter.ts";

export interface ReadOptions {
  readonly now: number;
  readonly store: RelationReads;
}

/**
 * Relationships that match, in order of their key, straight from the store: a page is one read of it,
 * and the cursor is its place there. What has expired is not told.
 */
export async function readRelationships(
  tenant: Tenant,
  request: ReadRelationships,
  { now, store }: ReadOptions,
): Promise<RelationshipPage> {
  const limit = pageSize(request.limit, tenant.limits.authzPage);
  if (request.filter !== undefined) {
    checkFilter(request.filter);
    tenant.checkFilterNames(request.filter);
  }
  const question = questionOf("read", request);
  const place = request.after === undefined ? null : tenant.readCursor(question, request.after);
  const revision = place?.revision ?? (await tenant.revisionFor(request.consistency));
  tenant.requireKept(revision);
  const rows = [];
  let after: string | null = place?.at ?? null;
  do {
    const page = await store.readTuples({
      tenant: tenant.number,
      filter: request.filter ?? {},
      revision,
      after,
      limit: limit - rows.length,
    });
    // What was trimmed away meanwhile is missing.
    await tenant.requireOwn();
    tenant.requireKept(revision);
    rows.push(...page.rows.filter(({ expiresAt }) => expiresAt === null || expiresAt > now));
    after = page.next;
  } while (after !== null && rows.length < limit);
  return {
    items: rows.map((row) => ({
      ...relationshipOfRow(row),
      writtenAt: row.writtenAt || tenant.createdAt,
    })),
    next: after === null ? null : tenant.zookies.makeCursor(question, { revision, at: after }),
    zookie: tenant.zookies.make(revision),
  };
}
