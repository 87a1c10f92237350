import type { Route } from "../../route.ts";
import type { AuthzSources } from "../sources.ts";
import { permissionRoutes } from "./permission-routes.ts";
import { spiceRelationshipRoutes } from "./relationship-routes.ts";
import { spiceSchemaRoutes } from "./schema-routes.ts";
import { spiceWatchRoute } from "./watch-route.ts";

/** The paths and shapes of SpiceDB's HTTP gateway. */
export function spicedbRoutes(sources: AuthzSources): Route[] {
  return [
    ...permissionRoutes(sources),
    ...spiceRelationshipRoutes(sources),
    ...spiceSchemaRoutes(sources),
    spiceWatchRoute(sources),
  ];
}
