import { fail, reasonOf } from "../model/errors.ts";
import { type Transport, TransportError } from "./transport.ts";

export type Fetch = typeof globalThis.fetch;

/** For browsers, and for whoever brings a `fetch` of their own. `base` has no slash at its end. */
export function makeFetchTransport(base: string, fetch: Fetch): Transport {
  return async ({ method, path, headers, body, signal }) => {
    refuseDots(path);
    try {
      const reply = await fetch(base + path, {
        method,
        headers: { ...headers },
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
      return { status: reply.status, text: await reply.text() };
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new TransportError(reasonOf(cause), error);
    }
  };
}

/** A URL swallows the segments `.` and `..` however they are encoded; the request would go astray. */
function refuseDots(path: string): void {
  const segment = path
    .split("?")[0]
    ?.split("/")
    .find((part) => part === "." || part === "..");
  if (segment === undefined) return;
  const reason = "fetch cannot carry it in a path";
  throw fail("invalid-id", { what: `"${segment}"`, reason, max: 256 });
}
