import type {
  AuthzChange,
  DeleteRelationships,
  Precondition,
  WriteRelationships,
} from "../../model/authz.ts";
import { fail } from "../../model/errors.ts";
import {
  type CaveatContext,
  formatRelationship,
  type ObjectRef,
  type Relationship,
  type RelationshipOperation,
} from "../../model/relationship.ts";
import type { RelationCommit, TupleKey, TupleRow } from "../../store/relations.ts";
import { relationshipOfRow, rowOf } from "../rows.ts";
import { requireNames } from "../schema/place.ts";
import type { Tenant } from "../tenant.ts";
import { checkRelationship } from "./check-update.ts";
import { checkFilter, describeFilter } from "./filter.ts";
import type { Ground } from "./ground.ts";

/** Changes of relationships, and what they come to. */
export type RelationshipChange = Extract<
  AuthzChange,
  { readonly kind: "write" | "delete" | "delete-object" | "expire" }
>;

/** A change that was found to be right: what is to be written. */
export interface Planned {
  readonly inserts: readonly TupleRow[];
  readonly deletes: readonly TupleKey[];
  readonly logged: readonly LoggedUpdate[];
  readonly metadata: CaveatContext | undefined;
  readonly written?: number;
  readonly deleted?: number;
  readonly complete?: boolean;
}

export interface LoggedUpdate {
  readonly operation: RelationshipOperation;
  readonly relationship: Relationship;
}

export interface PlanOptions {
  readonly tenant: Tenant;
  readonly ground: Ground;
  /** The revision that it will have. */
  readonly revision: number;
  readonly now: number;
}

/** Finds out what a change does. Throws if it cannot be; changes nothing. */
export function planChange(change: RelationshipChange, options: PlanOptions): Planned {
  switch (change.kind) {
    case "write":
      return planWrite(change.request, options);
    case "delete":
      return planDelete(change.request, options);
    case "delete-object":
      return planDeleteObject(change.object, options);
    case "expire":
      return planExpire(change.relationships, options);
  }
}

/** The row of the log. `[operation, relationship]` by update. */
export function logOf({ logged, metadata }: Planned): string {
  return JSON.stringify({ updates: logged, ...(metadata === undefined ? {} : { metadata }) });
}

export function commitOf(planned: Planned, options: PlanOptions): RelationCommit {
  return {
    tenant: options.tenant.number,
    revision: options.revision,
    at: options.now,
    inserts: planned.inserts,
    deletes: planned.deletes,
    log: logOf(planned),
  };
}

function planWrite(request: WriteRelationships, options: PlanOptions): Planned {
  const { tenant, ground, revision, now } = options;
  const { updates, metadata } = request;
  const { limits } = tenant;
  const max = limits.authzUpdates;
  if (updates.length === 0) {
    throw fail("invalid-argument", { what: "The write", reason: "it has no updates" });
  }
  if (updates.length > max) {
    throw fail("too-many", { limit: "authzUpdates", max, what: "one write" });
  }
  checkMetadata(metadata, limits.authzMetadata);
  const schema = tenant.schemaFor(request.schema);
  const caveat = (name: string) => tenant.caveatOf(schema, name);
  requirePreconditions(request.preconditions, options);
  const named = new Set<string>();
  const inserts: TupleRow[] = [];
  const deletes: TupleKey[] = [];
  const logged: LoggedUpdate[] = [];
  for (const { operation, relationship } of updates) {
    const name = formatRelationship(relationship);
    if (named.has(name)) throw fail("duplicate-update", { relationship: name });
    named.add(name);
    // What has no place any more may still be taken away.
    if (operation !== "delete") checkRelationship(relationship, { schema, limits, caveat });
    const there = ground.find(relationship);
    const isExpired = there !== null && there.expiresAt !== null && there.expiresAt <= now;
    if (operation === "delete") {
      if (there === null || isExpired) {
        if (request.onMissing === "refuse")
          throw fail("relationship-missing", { relationship: name });
        if (there === null) {
          if (request.onMissing === undefined) requireNames(schema, relationship);
          continue;
        }
      }
      deletes.push(there);
    } else {
      const row = rowOf(relationship, revision);
      if (there !== null && !isExpired && operation === "create") {
        if (request.onExisting === "ignore" && isSame(there, row)) continue;
        throw fail("relationship-exists", { relationship: name });
      }
      if (there !== null && !isExpired && isSame(there, row)) continue;
      if (there !== null) deletes.push(there);
      inserts.push(row);
    }
    logged.push({ operation, relationship });
  }
  const grown = tenant.relationships + inserts.length - deletes.length;
  const most = limits.authzRelationships;
  if (grown > most && inserts.length > deletes.length) {
    const what = `tenant ${tenant.id}`;
    throw fail("limit-exceeded", { limit: "authzRelationships", max: most, what });
  }
  const written = inserts.length;
  return { inserts, deletes, logged, metadata, written, deleted: logged.length - written };
}

/** Whether nothing would change. */
function isSame(there: TupleRow, row: TupleRow): boolean {
  return (
    there.caveat === row.caveat &&
    there.context === row.context &&
    there.expiresAt === row.expiresAt
  );
}

function checkMetadata(metadata: CaveatContext | undefined, max: number): void {
  if (metadata === undefined) return;
  const size = Buffer.byteLength(JSON.stringify(metadata));
  if (size <= max) return;
  throw fail("too-large", { what: "The metadata of the write", size, limit: "authzMetadata", max });
}

function requirePreconditions(
  preconditions: readonly Precondition[] | undefined,
  { tenant, ground, now }: PlanOptions,
): void {
  if (preconditions === undefined) return;
  const max = tenant.limits.authzPreconditions;
  if (preconditions.length > max) {
    throw fail("too-many", { limit: "authzPreconditions", max, what: "one write" });
  }
  for (const { must, filter } of preconditions) {
    checkFilter(filter);
    tenant.checkFilterNames(filter);
    const holds = ground
      .match(filter, matchesLookedAt)
      .some(({ expiresAt }) => expiresAt === null || expiresAt > now);
    if (holds === (must === "match")) continue;
    const reason = `${must === "match" ? "nothing has" : "something has"} ${describeFilter(filter)}`;
    throw fail("precondition-failed", { filter: reason });
  }
}

/** Expired ones do not count, so more than one may have to be looked at. */
const matchesLookedAt = 1_000;

function planDelete(request: DeleteRelationships, options: PlanOptions): Planned {
  const { tenant, ground } = options;
  const most = tenant.limits.authzDelete;
  checkFilter(request.filter);
  const limit = Math.min(request.limit ?? most, most);
  if (!(Number.isInteger(limit) && limit > 0)) {
    throw fail("invalid-argument", { what: "limit", reason: "it is not a positive whole number" });
  }
  const found = ground.match(request.filter, limit + 1);
  // What is stored may be deleted, whatever the schema has a name for.
  if (found.length === 0) tenant.checkFilterNames(request.filter);
  checkMetadata(request.metadata, tenant.limits.authzMetadata);
  requirePreconditions(request.preconditions, options);
  if (found.length > limit && request.allOrNothing === true) {
    throw fail("too-many", { limit: "authzDelete", max: limit, what: "the delete" });
  }
  return deletion(found, { limit, metadata: request.metadata });
}

function planDeleteObject({ type, id }: ObjectRef, { tenant, ground }: PlanOptions): Planned {
  const limit = tenant.limits.authzDelete;
  const asResource = ground.match({ resourceType: type, resourceId: id }, limit + 1);
  const asSubject = ground
    .match({ subjectType: type, subjectId: id }, limit + 1)
    .filter((row) => row.resourceType !== type || row.resourceId !== id);
  if (asResource.length + asSubject.length === 0) tenant.checkFilterNames({ resourceType: type });
  return deletion([...asResource, ...asSubject], { limit, metadata: undefined });
}

/** What has been over for as long as history is kept is nobody's concern any more. */
function planExpire(
  relationships: readonly Relationship[],
  { tenant, ground, now }: PlanOptions,
): Planned {
  const before = now - tenant.limits.authzHistory;
  const found = relationships.flatMap((relationship) => {
    const row = ground.find(relationship);
    return row !== null && row.expiresAt !== null && row.expiresAt <= before ? [row] : [];
  });
  return deletion(found, { limit: found.length, metadata: undefined });
}

function deletion(
  found: readonly TupleRow[],
  { limit, metadata }: { readonly limit: number; readonly metadata: CaveatContext | undefined },
): Planned {
  const deletes = found.slice(0, limit);
  return {
    inserts: [],
    deletes,
    logged: deletes.map((row) => ({ operation: "delete", relationship: relationshipOfRow(row) })),
    metadata,
    deleted: deletes.length,
    complete: found.length <= limit,
  };
}
