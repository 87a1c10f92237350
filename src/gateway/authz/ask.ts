import type { PageRequest, TenantPort } from "../../model/authz.ts";
import type { Operation } from "../rights.ts";
import type { Ask, QueryParameter } from "../route.ts";
import { type Fields, readTextOf, refuse } from "./read.ts";
import type { AuthzSources } from "./sources.ts";

/** What the routes of our own API share. */

export const tenantPath = "/authz/tenants/{tenant}";

/** The tenant that the path names, if the caller may do that with it. */
export function tenantOf(ask: Ask, operation: Operation, { authz }: AuthzSources): TenantPort {
  const id = ask.parameter("tenant");
  ask.rights.require(operation, id);
  return authz.tenant(id);
}

export const pageQuery: readonly QueryParameter[] = [
  { name: "limit", description: "How many at most.", schema: { type: "integer", minimum: 1 } },
  { name: "after", description: "`next` of the page before.", schema: { type: "string" } },
];

export function readPageQuery(query: ReadonlyMap<string, string>, max: number): PageRequest {
  const after = query.get("after");
  const limit = query.get("limit");
  return {
    ...(limit === undefined ? {} : { limit: readLimit(parseWhole(limit), "limit", max) }),
    ...(after === undefined ? {} : { after }),
  };
}

export function readPage(fields: Fields, max: number): PageRequest {
  const { limit, after } = fields as { limit?: unknown; after?: unknown }; // as read
  return {
    ...(limit === undefined ? {} : { limit: readLimit(limit, "limit", max) }),
    ...(after === undefined ? {} : { after: readTextOf(after, "after") }),
  };
}

export function readLimit(value: unknown, what: string, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) {
    return value;
  }
  throw refuse(what, `it is not a whole number from 1 to ${max}`);
}

/** A number out of a query; NaN for what is none. */
export function parseWhole(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}
