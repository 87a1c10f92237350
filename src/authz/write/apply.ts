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
  type RelationshipFilter,
  type RelationshipOperation,
} from "../../model/relationship.ts";
import type { RelationCommit, TupleKey, TupleRow } from "../../store/relations.ts";
import { relationshipOfRow, rowOf } from "../rows.ts";
import { requireNames } from "../schema/place.ts";
import type { Tenant } from "../tenant.ts";
import { checkRelationship } from "./check-update.ts";
import { checkFilter, describeFilter, filtersOf } from "./filter.ts";
import { type Ground, nameOf, type Rest } from "./ground.ts";
import { Work } from "./work.ts";

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

/**
 * Finds out what a change does. Throws if it cannot be; changes nothing. Null: what was read for it
 * does not tell.
 */
export function planChange(change: RelationshipChange, options: PlanOptions): Planned | null {
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

function planWrite(request: WriteRelationships, options: PlanOptions): Planned | null {
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
  const work = new Work(limits.authzWork);
  if (!requirePreconditions(request.preconditions, { ...options, work })) return null;
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

/** @returns false where what was read does not tell. */
function requirePreconditions(
  preconditions: readonly Precondition[] | undefined,
  { tenant, ground, now, work }: PlanOptions & { readonly work: Work },
): boolean {
  if (preconditions === undefined) return true;
  const { authzPreconditions: max, authzWork } = tenant.limits;
  if (preconditions.length > max) {
    throw fail("too-many", { limit: "authzPreconditions", max, what: "one write" });
  }
  for (const { must, filter } of preconditions) {
    checkFilter(filter);
    tenant.checkFilterNames(filter);
    const found = ground.match(filter, { limit: 1, now, work, countsEnded: true });
    const holds = found.rows.length > 0;
    if (!holds && found.rest === "unread") return false;
    if (!holds && found.rest === "exceeded") {
      const what = `Looking for what has ${describeFilter(filter)}`;
      throw fail("work-exceeded", { what, limit: "authzWork", max: authzWork });
    }
    if (holds === (must === "match")) continue;
    const reason = `${must === "match" ? "nothing has" : "something has"} ${describeFilter(filter)}`;
    throw fail("precondition-failed", { filter: reason });
  }
  return true;
}

function planDelete(request: DeleteRelationships, options: PlanOptions): Planned | null {
  const { tenant } = options;
  const { filter, metadata, allOrNothing = false } = request;
  const most = tenant.limits.authzDelete;
  checkFilter(filter);
  checkMetadata(metadata, tenant.limits.authzMetadata);
  const work = new Work(tenant.limits.authzWork);
  if (!requirePreconditions(request.preconditions, { ...options, work })) return null;
  const limit = Math.min(request.limit ?? most, most);
  if (!(Number.isInteger(limit) && limit > 0)) {
    throw fail("invalid-argument", { what: "limit", reason: "it is not a positive whole number" });
  }
  return planDeletion([filter], {
    ...options,
    limit,
    metadata,
    allOrNothing,
    work,
    named: filter,
  });
}

function planDeleteObject(object: ObjectRef, options: PlanOptions): Planned | null {
  const { authzDelete: limit, authzWork } = options.tenant.limits;
  const work = new Work(authzWork);
  const named = { resourceType: object.type };
  const how = { ...options, limit, metadata: undefined, allOrNothing: false, work, named };
  return planDeletion(filtersOf(object), how);
}

interface DeletionOptions extends PlanOptions {
  readonly limit: number;
  readonly metadata: CaveatContext | undefined;
  readonly allOrNothing: boolean;
  readonly work: Work;
  /** Which names must be known where nothing is found: what is stored may be deleted, whatever it is. */
  readonly named: RelationshipFilter;
}

/** Of what matches any of the filters so much at most. */
function planDeletion(
  filters: readonly RelationshipFilter[],
  { tenant, ground, limit, metadata, allOrNothing, work, named }: DeletionOptions,
): Planned | null {
  const rests = new Set<Rest>();
  const matching = new Map<string, TupleRow>();
  for (const filter of filters) {
    const { rows, rest } = ground.match(filter, { limit: limit + 1, work, countsEnded: false });
    for (const row of rows) matching.set(nameOf(row), row);
    rests.add(rest);
  }
  const found = [...matching.values()];
  if (found.length === 0) tenant.checkFilterNames(named);
  if (found.length > limit && allOrNothing) {
    throw fail("too-many", { limit: "authzDelete", max: limit, what: "the delete" });
  }
  if (allOrNothing && rests.has("unread")) return null;
  // A part of it is an answer, and the next delete goes on; where it came to nothing, so would that.
  if ((allOrNothing || found.length === 0) && rests.has("exceeded")) {
    const max = tenant.limits.authzWork;
    throw fail("work-exceeded", { what: "The delete", limit: "authzWork", max });
  }
  const isAll = [...rests].every((rest) => rest === "none");
  return deletion(found.slice(0, limit), { metadata, complete: isAll && found.length <= limit });
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
  return deletion(found, { metadata: undefined, complete: true });
}

function deletion(
  deletes: readonly TupleRow[],
  { metadata, complete }: Pick<Planned, "metadata"> & { readonly complete: boolean },
): Planned {
  return {
    inserts: [],
    deletes,
    logged: deletes.map((row) => ({ operation: "delete", relationship: relationshipOfRow(row) })),
    metadata,
    deleted: deletes.length,
    complete,
  };
}
