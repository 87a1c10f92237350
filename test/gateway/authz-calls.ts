import type { Operation } from "../../src/gateway/rights.ts";

/** One call of each route of authorization, of all its APIs. */
export interface Call {
  /** `METHOD path` of its route. */
  readonly route: string;
  readonly body?: unknown;
  readonly needs: Operation;
}

const item = { resource: "document:1", permission: "view", subject: "user:ada" };
const spiceItem = {
  resource: { objectType: "document", objectId: "1" },
  permission: "view",
  subject: { object: { objectType: "user", objectId: "ada" } },
};
const tupleKey = { object: "document:1", relation: "view", user: "user:ada" };
const authzen = {
  subject: { type: "user", id: "ada" },
  action: { name: "view" },
  resource: { type: "document", id: "1" },
};
const filter = { resourceType: "document", optionalResourceId: "zzz" };

export const calls: readonly Call[] = [
  { route: "GET /authz/tenants/{tenant}", needs: "read" },
  { route: "PATCH /authz/tenants/{tenant}", needs: "admin", body: { name: "acme" } },
  { route: "GET /authz/tenants/{tenant}/metrics", needs: "read" },
  { route: "GET /authz/tenants/{tenant}/documents/{name}", needs: "read" },
  { route: "PUT /authz/tenants/{tenant}/documents/{name}", needs: "schema", body: { text: "x" } },
  { route: "POST /authz/tenants/{tenant}/schemas", needs: "schema", body: { dialect: "native", text: "definition user {}", dryRun: true } },
  { route: "GET /authz/tenants/{tenant}/schemas", needs: "read" },
  { route: "GET /authz/tenants/{tenant}/schemas/{schema}", needs: "read" },
  { route: "POST /authz/tenants/{tenant}/relationships", needs: "write", body: { updates: [{ operation: "touch", relationship: "document:1#owner@user:ada" }] } },
  { route: "POST /authz/tenants/{tenant}/relationships/delete", needs: "write", body: { filter: { resourceId: "zzz" } } },
  { route: "POST /authz/tenants/{tenant}/relationships/read", needs: "read" },
  { route: "DELETE /authz/tenants/{tenant}/objects/{type}/{id}", needs: "write" },
  { route: "GET /authz/tenants/{tenant}/changes", needs: "read" },
  { route: "GET /authz/tenants/{tenant}/watch", needs: "read" },
  { route: "POST /authz/tenants/{tenant}/import", needs: "write", body: "document:1#owner@user:ada" },
  { route: "GET /authz/tenants/{tenant}/export", needs: "read" },
  { route: "POST /authz/tenants/{tenant}/check", needs: "check", body: item },
  { route: "POST /authz/tenants/{tenant}/check-many", needs: "check", body: { items: [item] } },
  { route: "POST /authz/tenants/{tenant}/expand", needs: "check", body: { resource: "document:1", permission: "view" } },
  { route: "POST /authz/tenants/{tenant}/lookup-resources", needs: "check", body: { resourceType: "document", permission: "view", subject: "user:ada" } },
  { route: "POST /authz/tenants/{tenant}/lookup-subjects", needs: "check", body: { resource: "document:1", permission: "view", subjectType: "user" } },
  { route: "POST /authz/tenants/{tenant}/permissions", needs: "check", body: { resource: "document:1", subject: "user:ada" } },
  { route: "GET /stores/{store_id}", needs: "read" },
  { route: "POST /stores/{store_id}/authorization-models", needs: "schema", body: {} },
  { route: "GET /stores/{store_id}/authorization-models", needs: "read" },
  { route: "GET /stores/{store_id}/authorization-models/{id}", needs: "read" },
  { route: "POST /stores/{store_id}/write", needs: "write", body: { writes: { tuple_keys: [{ ...tupleKey, relation: "owner", user: "user:new" }], on_duplicate: "ignore" } } },
  { route: "POST /stores/{store_id}/read", needs: "read", body: {} },
  { route: "GET /stores/{store_id}/changes", needs: "read" },
  { route: "POST /stores/{store_id}/check", needs: "check", body: { tuple_key: tupleKey } },
  { route: "POST /stores/{store_id}/batch-check", needs: "check", body: { checks: [{ tuple_key: tupleKey, correlation_id: "a" }] } },
  { route: "POST /stores/{store_id}/expand", needs: "check", body: { tuple_key: tupleKey } },
  { route: "POST /stores/{store_id}/list-objects", needs: "check", body: { type: "document", relation: "view", user: "user:ada" } },
  { route: "POST /stores/{store_id}/streamed-list-objects", needs: "check", body: { type: "document", relation: "view", user: "user:ada" } },
  { route: "POST /stores/{store_id}/list-users", needs: "check", body: { object: { type: "document", id: "1" }, relation: "view", user_filters: [{ type: "user" }] } },
  { route: "GET /stores/{store_id}/assertions/{authorization_model_id}", needs: "read" },
  { route: "PUT /stores/{store_id}/assertions/{authorization_model_id}", needs: "schema", body: {} },
  { route: "POST /v1/permissions/check", needs: "check", body: spiceItem },
  { route: "POST /v1/permissions/checkbulk", needs: "check", body: { items: [spiceItem] } },
  { route: "POST /v1/permissions/expand", needs: "check", body: spiceItem },
  { route: "POST /v1/permissions/resources", needs: "check", body: { ...spiceItem, resourceObjectType: "document" } },
  { route: "POST /v1/permissions/subjects", needs: "check", body: { ...spiceItem, subjectObjectType: "user" } },
  { route: "POST /v1/relationships/write", needs: "write", body: { updates: [{ operation: "OPERATION_TOUCH", relationship: { ...spiceItem, relation: "owner" } }] } },
  { route: "POST /v1/relationships/delete", needs: "write", body: { relationshipFilter: filter } },
  { route: "POST /v1/relationships/read", needs: "read", body: { relationshipFilter: filter } },
  { route: "POST /v1/relationships/importbulk", needs: "write", body: {} },
  { route: "POST /v1/relationships/exportbulk", needs: "read", body: {} },
  { route: "POST /v1/schema/read", needs: "read", body: {} },
  { route: "POST /v1/schema/write", needs: "schema", body: { schema: "definition {" } },
  { route: "POST /v1/schema/reflectschema", needs: "read", body: {} },
  { route: "POST /v1/schema/permissions/computable", needs: "read", body: {} },
  { route: "POST /v1/schema/computablepermissions", needs: "read", body: {} },
  { route: "POST /v1/schema/permissions/dependent", needs: "read", body: {} },
  { route: "POST /v1/schema/dependentrelations", needs: "read", body: {} },
  { route: "POST /v1/schema/diffschema", needs: "read", body: {} },
  { route: "POST /v1/watch", needs: "read", body: {} },
  { route: "POST /v1/experimental/permissions/bulkcheckpermission", needs: "check", body: { items: [spiceItem] } },
  { route: "POST /v1/experimental/relationships/bulkimport", needs: "write", body: {} },
  { route: "POST /v1/experimental/relationships/bulkexport", needs: "read", body: {} },
  { route: "POST /v1/experimental/reflectschema", needs: "read", body: {} },
  { route: "POST /v1/experimental/permissions/computable", needs: "read", body: {} },
  { route: "POST /v1/experimental/permissions/dependent", needs: "read", body: {} },
  { route: "POST /v1/experimental/diffschema", needs: "read", body: {} },
  { route: "POST /access/v1/evaluation", needs: "check", body: authzen },
  { route: "POST /access/v1/evaluations", needs: "check", body: authzen },
  { route: "POST /access/v1/search/subject", needs: "check", body: authzen },
  { route: "POST /access/v1/search/resource", needs: "check", body: authzen },
  { route: "POST /access/v1/search/action", needs: "check", body: authzen },
]; // biome-ignore format: a table
