import type { ErrorShape } from "../../exchange.ts";
import type { Route } from "../../route.ts";
import type { AuthzSources } from "../sources.ts";
import { spiceRoute } from "./call.ts";
import { spiceShape, spiceStreamShape } from "./errors.ts";
import { permissionOperations } from "./permission-routes.ts";
import { relationshipOperations } from "./relationship-routes.ts";
import { schemaOperations } from "./schema-routes.ts";
import { watchOperation } from "./watch-route.ts";

const operations = [
  ...permissionOperations,
  ...relationshipOperations,
  ...schemaOperations,
  watchOperation,
];

/** The paths and shapes of SpiceDB's HTTP gateway. */
export function spicedbRoutes(sources: AuthzSources): Route[] {
  return operations.map((operation) => spiceRoute(operation, sources));
}

const streamPaths: ReadonlySet<string> = new Set(
  operations.filter(({ streams }) => streams === true).map(({ path }) => `/v1${path}`),
);

/** How errors are reported at a path. */
export function spiceShapeOf(path: string): ErrorShape {
  return streamPaths.has(path) ? spiceStreamShape : spiceShape;
}
