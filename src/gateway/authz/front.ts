import type { Exchange } from "../exchange.ts";
import type { MetricSample } from "../metrics.ts";
import type { Route } from "../route.ts";
import type { Target } from "../target.ts";
import { authzenRoutes, claimAuthzen, isAuthzenPath } from "./authzen/routes.ts";
import { startCheck } from "./check.ts";
import { MeteredAuthz, type MeterSources } from "./metered.ts";
import { isOpenfgaPath, openfgaRoutes, openfgaShape } from "./openfga/routes.ts";
import { questionRoutes } from "./question-routes.ts";
import { relationshipRoutes } from "./relationship-routes.ts";
import { schemaRoutes } from "./schema-routes.ts";
import type { AuthzSources } from "./sources.ts";
import { spicedbRoutes, spiceShapeOf } from "./spicedb/routes.ts";
import { streamRoutes } from "./stream-routes.ts";
import { tenantRoutes } from "./tenant-routes.ts";

/**
 * Authorization over HTTP: our own API under /authz, and those that clients of other engines speak.
 * All of them ask the same port.
 */
export interface AuthzFront {
  readonly routes: readonly Route[];
  /** Whether the path is of these APIs; from then on the exchange reports errors as its API does. */
  claim(exchange: Exchange, path: string): boolean;
  /** Takes the requests that have to be fast past the router; false for all others. */
  start(exchange: Exchange, target: Target, method: string): boolean;
  measure(): MetricSample[];
}

export function makeAuthzFront(
  sources: Omit<AuthzSources, "measure">,
  meter: MeterSources,
): AuthzFront {
  const authz = new MeteredAuthz(sources.authz, meter);
  const measure = (tenant: string): Promise<MetricSample[]> => authz.measureTenant(tenant);
  const metered: AuthzSources = { ...sources, authz, measure };
  return {
    routes: authzRoutes(metered),
    claim,
    start: (exchange, target, method) => method === "POST" && startCheck(exchange, target, metered),
    measure: () => authz.measure(),
  };
}

function claim(exchange: Exchange, path: string): boolean {
  if (path.startsWith("/authz/")) return true;
  if (isOpenfgaPath(path)) {
    exchange.shape = openfgaShape;
    return true;
  }
  if (isAuthzenPath(path)) {
    claimAuthzen(exchange);
    return true;
  }
  if (path.startsWith("/v1/")) {
    exchange.shape = spiceShapeOf(path);
    return true;
  }
  return false;
}

/** All of them. */
export function authzRoutes(sources: AuthzSources): Route[] {
  return [
    ...ownRoutes(sources),
    ...openfgaRoutes(sources),
    ...spicedbRoutes(sources),
    ...authzenRoutes(sources),
  ];
}

/** Those of our own API. */
export function ownRoutes(sources: AuthzSources): Route[] {
  return [
    ...tenantRoutes(sources),
    ...schemaRoutes(sources),
    ...relationshipRoutes(sources),
    ...questionRoutes(sources),
    ...streamRoutes(sources),
  ];
}
