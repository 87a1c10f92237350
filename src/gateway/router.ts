import { addRoute, createRouter, findRoute, type RouterContext } from "rou3";
import { fail } from "../model/errors.ts";
import type { Method, Route } from "./route.ts";
import { printable } from "./target.ts";

/** Finds the operation that a request asks for. */
export class Router {
  readonly #router: RouterContext<Place> = createRouter<Place>();

  constructor(routes: readonly Route[]) {
    const places = new Map<string, Place>();
    for (const route of routes) {
      const place = places.get(route.path) ?? new Map<Method, Route>();
      places.set(route.path, place.set(route.method, route));
    }
    for (const [path, place] of places) {
      // One entry for all methods, so that a path with another method is told from no path.
      addRoute(this.#router, "", path.replace(/\{(\w+)\}/g, ":$1"), place);
    }
  }

  /** Fails with `not-found`, or with `method-not-allowed`, for which `allowed` has the header. */
  find(method: string, path: string): Match {
    // rou3 takes `/a/` for `/a`; here the one has an empty id in it, and the other has not.
    const found = path.endsWith("/") ? undefined : findRoute(this.#router, "", path);
    if (found === undefined) throw fail("not-found", { what: printable(path) });
    // HEAD is GET without the body, which Node leaves out.
    const wanted = method === "HEAD" ? "GET" : method;
    for (const [known, route] of found.data) {
      if (known === wanted) return { route, parameters: found.params ?? {} };
    }
    throw fail("method-not-allowed", {
      method: printable(method),
      what: printable(path),
      allowed: allowedMethods(found.data),
    });
  }
}

export interface Match {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

type Place = Map<Method, Route>;

function allowedMethods(place: Place): string {
  return [...place.keys()]
    .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : method))
    .join(", ");
}
