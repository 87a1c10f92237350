import type { DeleteRelationships, ReadChanges, WriteRelationships } from "../../model/authz.ts";
import { json } from "../exchange.ts";
import type { Ask, QueryParameter, Route } from "../route.ts";
import {
  pageQuery,
  parseWhole,
  readLimit,
  readPage,
  readPageQuery,
  tenantOf,
  tenantPath,
} from "./ask.ts";
import {
  checkCount,
  readChoice,
  readConsistency,
  readContext,
  readFieldsOf,
  readFilter,
  readFlag,
  readListOf,
  readPreconditions,
  readTextOf,
  readUpdate,
  refuse,
} from "./read.ts";
import { authzRef } from "./schemas.ts";
import type { AuthzSources } from "./sources.ts";

/** Relationships of a tenant: writing, deleting, reading, and what changed. */
export function relationshipRoutes(sources: AuthzSources): Route[] {
  return [...writeRoutes(sources), ...readRoutes(sources)];
}

function writeRoutes(sources: AuthzSources): Route[] {
  return [
    {
      method: "POST",
      path: `${tenantPath}/relationships`,
      name: "writeRelationships",
      summary: "Creates, touches and deletes relationships: all of it, or nothing.",
      body: { required: true, description: "The updates.", schema: authzRef("AuthzWrite") },
      answers: { 200: { description: "It is durable.", schema: authzRef("AuthzWritten") } },
      errors: [
        "invalid-relationship",
        "unknown-type",
        "unknown-relation",
        "subject-not-allowed",
        "relationship-exists",
        "duplicate-update",
        "precondition-failed",
        "work-exceeded",
        "too-many",
        "limit-exceeded",
        "unknown-tenant",
        "permission-denied",
      ],
      run: async (ask) => {
        const tenant = tenantOf(ask, "write", sources);
        return json(200, await tenant.write(readWrite(ask)));
      },
    },
    {
      method: "POST",
      path: `${tenantPath}/relationships/delete`,
      name: "deleteRelationships",
      summary: "Deletes the relationships that match a filter.",
      body: { required: true, description: "Which.", schema: authzRef("AuthzDelete") },
      answers: { 200: { description: "They are deleted.", schema: authzRef("AuthzDeleted") } },
      errors: [
        "invalid-filter",
        "unknown-type",
        "unknown-relation",
        "precondition-failed",
        "work-exceeded",
        "too-many",
        "permission-denied",
      ],
      run: async (ask) => {
        const tenant = tenantOf(ask, "write", sources);
        return json(200, await tenant.deleteRelationships(readDelete(ask)));
      },
    },
    {
      method: "DELETE",
      path: `${tenantPath}/objects/{type}/{id}`,
      name: "deleteObject",
      summary: "Deletes every relationship in which the object is resource or subject.",
      answers: { 200: { description: "They are deleted.", schema: authzRef("AuthzDeleted") } },
      errors: ["invalid-id", "unknown-type", "unknown-tenant", "permission-denied"],
      run: async (ask) => {
        const tenant = tenantOf(ask, "write", sources);
        const id = ask.parameter("id", ask.limits.authzId);
        return json(200, await tenant.deleteObject({ type: ask.parameter("type"), id }));
      },
    },
  ];
}

function readRoutes(sources: AuthzSources): Route[] {
  return [
    {
      method: "POST",
      path: `${tenantPath}/relationships/read`,
      name: "readRelationships",
      summary: "Reads the relationships that match a filter, or all.",
      body: { required: false, description: "Which.", schema: authzRef("AuthzRead") },
      answers: { 200: { description: "One page.", schema: authzRef("AuthzRelationshipPage") } },
      errors: ["invalid-filter", "invalid-cursor", "zookie-expired", "permission-denied"],
      run: async (ask) => {
        const tenant = tenantOf(ask, "read", sources);
        const fields = readFieldsOf(ask.body.value ?? {}, "The body", readFields);
        const { filter, consistency } = fields as { filter?: unknown; consistency?: unknown }; // as read
        const page = await tenant.read({
          ...readPage(fields, ask.limits.authzPage),
          ...(filter === undefined ? {} : { filter: readFilter(filter, "filter") }),
          ...(consistency === undefined
            ? {}
            : { consistency: readConsistency(consistency, "consistency") }),
        });
        return json(200, page);
      },
    },
    {
      method: "GET",
      path: `${tenantPath}/changes`,
      name: "readChanges",
      summary: "Reads what changed, oldest first.",
      query: changeQuery,
      answers: { 200: { description: "One page.", schema: authzRef("AuthzChangePage") } },
      errors: ["zookie-invalid", "zookie-foreign", "zookie-expired", "permission-denied"],
      run: async (ask) => {
        const tenant = tenantOf(ask, "read", sources);
        return json(200, await tenant.changes(readChangeQuery(ask)));
      },
    },
  ];
}

function readWrite(ask: Ask): WriteRelationships {
  const { limits } = ask;
  const fields = readFieldsOf(ask.body.value, "The body", writeFields);
  const given = fields as Record<keyof WriteRelationships, unknown>; // as read
  const updates = readListOf(given.updates, "updates");
  checkCount(updates.length, "authzUpdates", { limits, what: "one write" });
  const request: { -readonly [K in keyof WriteRelationships]: WriteRelationships[K] } = {
    updates: updates.map((update, i) => readUpdate(update, `updates[${i}]`)),
  };
  const { preconditions, metadata, onExisting, onMissing, schema } = given;
  if (preconditions !== undefined) {
    const { length } = readListOf(preconditions, "preconditions");
    checkCount(length, "authzPreconditions", { limits, what: "one write" });
    request.preconditions = readPreconditions(preconditions, "preconditions");
  }
  if (metadata !== undefined) request.metadata = readContext(metadata, "metadata");
  if (onExisting !== undefined)
    request.onExisting = readChoice(onExisting, "onExisting", ["refuse", "ignore"]);
  if (onMissing !== undefined)
    request.onMissing = readChoice(onMissing, "onMissing", ["refuse", "ignore"]);
  if (schema !== undefined) request.schema = readTextOf(schema, "schema");
  return request;
}

function readDelete(ask: Ask): DeleteRelationships {
  const { limits } = ask;
  const fields = readFieldsOf(ask.body.value, "The body", deleteFields);
  const given = fields as Record<keyof DeleteRelationships, unknown>; // as read
  const request: { -readonly [K in keyof DeleteRelationships]: DeleteRelationships[K] } = {
    filter: readFilter(given.filter, "filter"),
  };
  const { preconditions, metadata, limit, allOrNothing } = given;
  if (preconditions !== undefined) {
    const { length } = readListOf(preconditions, "preconditions");
    checkCount(length, "authzPreconditions", { limits, what: "one delete" });
    request.preconditions = readPreconditions(preconditions, "preconditions");
  }
  if (metadata !== undefined) request.metadata = readContext(metadata, "metadata");
  if (limit !== undefined) request.limit = readLimit(limit, "limit", limits.authzDelete);
  if (allOrNothing !== undefined) request.allOrNothing = readFlag(allOrNothing, "allOrNothing");
  return request;
}

export const typesQuery: QueryParameter = {
  name: "types",
  description: "Only of resources of these types, with commas between them.",
  schema: { type: "string" },
};

export function readTypes(query: ReadonlyMap<string, string>): { resourceTypes?: string[] } {
  const types = query.get("types");
  return types === undefined ? {} : { resourceTypes: types.split(",") };
}

const changeQuery: readonly QueryParameter[] = [
  ...pageQuery,
  typesQuery,
  {
    name: "since",
    description: "Only what changed at or after this moment, in milliseconds since 1970.",
    schema: { type: "integer", minimum: 0 },
  },
];

function readChangeQuery(ask: Ask): ReadChanges {
  const since = ask.query.get("since");
  const at = since === undefined ? undefined : parseWhole(since);
  if (Number.isNaN(at)) throw refuse("since", "it is not a moment in milliseconds since 1970");
  return {
    ...readPageQuery(ask.query, ask.limits.authzPage),
    ...readTypes(ask.query),
    ...(at === undefined ? {} : { since: at }),
  };
}

const readFields = new Set(["filter", "consistency", "limit", "after"]);
const deleteFields = new Set(["filter", "preconditions", "metadata", "limit", "allOrNothing"]);
const writeFields = new Set([
  "updates",
  "preconditions",
  "metadata",
  "onExisting",
  "onMissing",
  "schema",
]);
