import type { Exchange } from "../../exchange.ts";
import { json } from "../../exchange.ts";
import type { Route } from "../../route.ts";
import type { AuthzSources } from "../sources.ts";
import { endpoints } from "./call.ts";
import { authzenShape } from "./errors.ts";
import { evaluationRoutes } from "./evaluation-routes.ts";
import { searchRoutes } from "./search-routes.ts";

/** AuthZEN Authorization API 1.0 (OpenID), with its searches and its discovery. */
export function authzenRoutes(sources: AuthzSources): Route[] {
  return [...evaluationRoutes(sources), ...searchRoutes(sources), discoveryRoute(sources)];
}

const discoveryPath = "/.well-known/authzen-configuration";

export function isAuthzenPath(path: string): boolean {
  return path.startsWith("/access/v1/") || path === discoveryPath;
}

/** §10.1.4: what a client calls its request, it is answered with, whatever the answer. */
export function claimAuthzen(exchange: Exchange): void {
  const { requestId } = exchange.headers;
  exchange.shape = authzenShape;
  if (requestId !== undefined) exchange.ownHeaders = ["X-Request-ID", requestId];
}

/**
 * §9. Its URLs begin with what was configured, or with where the server listens; never with the Host
 * header of a request, since whoever sends that could send others elsewhere.
 */
function discoveryRoute({ publicUrl }: AuthzSources): Route {
  return {
    method: "GET",
    path: discoveryPath,
    name: "authzenDiscovery",
    summary: "Where the operations of AuthZEN are.",
    answers: { 200: { description: "As AuthZEN 1.0 has it." } },
    errors: [],
    foreign: true,
    open: true,
    run: () => {
      const base = publicUrl();
      return json(200, {
        policy_decision_point: base,
        access_evaluation_endpoint: base + endpoints.evaluation,
        access_evaluations_endpoint: base + endpoints.evaluations,
        search_subject_endpoint: base + endpoints.subject,
        search_resource_endpoint: base + endpoints.resource,
        search_action_endpoint: base + endpoints.action,
      });
    },
  };
}
