import type { HoldfastError } from "../../../model/errors.ts";
import type { Answer } from "../../exchange.ts";
import type { Route } from "../../route.ts";
import type { AuthzSources } from "../sources.ts";
import { assertionRoutes } from "./assertion-routes.ts";
import { fgaAnswer, toFga } from "./errors.ts";
import { listRoutes } from "./list-routes.ts";
import { modelRoutes } from "./models.ts";
import { queryRoutes } from "./query-routes.ts";
import { storeRoutes } from "./stores.ts";
import { tupleRoutes } from "./tuple-routes.ts";

/** OpenFGA's HTTP API, for its clients as they are. */
export function openfgaRoutes(sources: AuthzSources): Route[] {
  return [
    ...storeRoutes(sources),
    ...modelRoutes(sources),
    ...tupleRoutes(sources),
    ...queryRoutes(sources),
    ...listRoutes(sources),
    ...assertionRoutes(sources),
  ];
}

export function isOpenfgaPath(path: string): boolean {
  return path === "/stores" || path.startsWith("/stores/");
}

/** Errors from before the operation was found. */
export function openfgaShape(error: HoldfastError): Answer {
  return fgaAnswer(toFga(error));
}
