import type { AuthzPort } from "../../model/authz.ts";
import type { TenantLimits } from "../../model/limits.ts";
import { type Answer, done, json } from "../exchange.ts";
import { formatMetrics, metricsType } from "../metrics.ts";
import { everyTenant } from "../rights.ts";
import type { Ask, Route } from "../route.ts";
import { pageQuery, readPageQuery, tenantOf, tenantPath } from "./ask.ts";
import { type Fields, readFieldsOf, readObjectOf, readTextOf } from "./read.ts";
import { authzRef } from "./schemas.ts";
import type { AuthzSources } from "./sources.ts";

/** Tenants, and the small texts that are kept with one. */
export function tenantRoutes(sources: AuthzSources): Route[] {
  return [...collectionRoutes(sources), metricsRoute(sources), ...documentRoutes(sources)];
}

function collectionRoutes(sources: AuthzSources): Route[] {
  const { authz } = sources;
  return [
    {
      method: "POST",
      path: "/authz/tenants",
      name: "createTenant",
      summary: "Creates a tenant: a store of relationships of its own.",
      body: {
        required: false,
        description: "Its id, name and limits.",
        schema: authzRef("AuthzCreateTenant"),
      },
      answers: { 201: { description: "It is there.", schema: authzRef("AuthzTenant") } },
      errors: ["tenant-exists", "invalid-argument", "limit-exceeded", "permission-denied"],
      run: (ask) => createTenant(ask, authz),
    },
    {
      method: "GET",
      path: "/authz/tenants",
      name: "listTenants",
      summary: "Lists the tenants that the caller may do anything with.",
      query: [
        ...pageQuery,
        { name: "name", description: "Only with this name.", schema: { type: "string" } },
      ],
      answers: { 200: { description: "One page.", schema: authzRef("AuthzTenantPage") } },
      errors: ["invalid-argument"],
      run: (ask) => listTenants(ask, authz),
    },
    {
      method: "GET",
      path: tenantPath,
      name: "getTenant",
      summary: "Describes a tenant.",
      answers: { 200: { description: "The description.", schema: authzRef("AuthzTenant") } },
      errors: ["unknown-tenant", "permission-denied"],
      run: async (ask) => json(200, await tenantOf(ask, "read", sources).describe()),
    },
    {
      method: "PATCH",
      path: tenantPath,
      name: "updateTenant",
      summary:
        "Changes the name of a tenant, and limits of its own; null: that of the server again.",
      body: {
        required: true,
        description: "What changes. Limits are for those who may administer all tenants.",
        schema: authzRef("AuthzUpdateTenant"),
      },
      answers: { 200: { description: "As it is now.", schema: authzRef("AuthzTenant") } },
      errors: ["unknown-tenant", "invalid-argument", "permission-denied"],
      run: (ask) => updateTenant(ask, sources),
    },
    {
      method: "DELETE",
      path: tenantPath,
      name: "deleteTenant",
      summary: "Deletes a tenant with all that it has.",
      answers: { 204: { description: "It is deleted." } },
      errors: ["unknown-tenant", "permission-denied"],
      run: (ask) => authz.deleteTenant(tenantOf(ask, "admin", sources).id).then(() => done),
    },
  ];
}

function metricsRoute(sources: AuthzSources): Route {
  return {
    method: "GET",
    path: `${tenantPath}/metrics`,
    name: "getTenantMetrics",
    summary: "What the tenant was asked and what was written to it, in Prometheus' text format.",
    answers: {
      200: { description: "The metrics.", schema: { type: "string" }, type: "text/plain" },
    },
    errors: ["unknown-tenant", "permission-denied"],
    run: async (ask) => {
      const samples = await sources.measure(tenantOf(ask, "read", sources).id);
      return { status: 200, text: formatMetrics(samples), type: metricsType };
    },
  };
}

async function createTenant(ask: Ask, authz: AuthzPort): Promise<Answer> {
  const fields = readFieldsOf(ask.body.value ?? {}, "The body", tenantFields);
  const { id } = fields as { id?: unknown }; // as read
  const request = {
    ...(id === undefined ? {} : { id: readTextOf(id, "id") }),
    ...readSettings(ask, fields),
  };
  ask.rights.require("admin", request.id ?? everyTenant);
  const tenant = await authz.createTenant(request);
  const headers = ["Location", `/authz/tenants/${encodeURIComponent(tenant.id)}`];
  return { ...json(201, tenant), headers };
}

async function updateTenant(ask: Ask, sources: AuthzSources): Promise<Answer> {
  const { id } = tenantOf(ask, "admin", sources);
  const fields = readFieldsOf(ask.body.value, "The body", settingFields);
  return json(200, await sources.authz.updateTenant(id, readSettings(ask, fields)));
}

/** What its limits are is not for those to say whom they are to limit. */
function readSettings(ask: Ask, fields: Fields): { name?: string; limits?: TenantLimits } {
  const { name, limits } = fields as { name?: unknown; limits?: unknown }; // as read
  if (limits !== undefined) ask.rights.require("admin", everyTenant);
  return {
    ...(name === undefined ? {} : { name: readTextOf(name, "name") }),
    ...(limits === undefined ? {} : { limits: readObjectOf(limits, "limits") }),
  };
}

async function listTenants(ask: Ask, authz: AuthzPort): Promise<Answer> {
  const name = ask.query.get("name");
  const { items, next } = await authz.tenants({
    ...readPageQuery(ask.query, ask.limits.authzPage),
    ...(name === undefined ? {} : { name }),
  });
  return json(200, { items: items.filter(({ id }) => ask.rights.sees(id)), next });
}

function documentRoutes(sources: AuthzSources): Route[] {
  const path = `${tenantPath}/documents/{name}`;
  return [
    {
      method: "GET",
      path,
      name: "readDocument",
      summary: "Reads a small text that is kept with the tenant.",
      answers: {
        200: { description: "It, or null where there is none.", schema: authzRef("AuthzDocument") },
      },
      errors: ["unknown-tenant", "permission-denied"],
      run: async (ask) => {
        const tenant = tenantOf(ask, "read", sources);
        return json(200, { text: await tenant.readDocument(ask.parameter("name")) });
      },
    },
    {
      method: "PUT",
      path,
      name: "writeDocument",
      summary: "Keeps a small text with the tenant; null deletes it.",
      body: { required: true, description: "The text.", schema: authzRef("AuthzDocument") },
      answers: { 204: { description: "It is kept." } },
      errors: ["unknown-tenant", "permission-denied", "invalid-argument"],
      run: async (ask) => {
        const tenant = tenantOf(ask, "schema", sources);
        const { text } = readFieldsOf(ask.body.value, "The body", documentFields);
        const given = text === null ? null : readTextOf(text, "text");
        await tenant.writeDocument(ask.parameter("name"), given);
        return done;
      },
    },
  ];
}

const tenantFields = new Set(["id", "name", "limits"]);
const settingFields = new Set(["name", "limits"]);
const documentFields = new Set(["text"]);
