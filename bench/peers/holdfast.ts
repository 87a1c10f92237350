import type { Contender } from "./contender.ts";

/**
 * Our side, to be written against the server as soon as there is one: `holdfast serve` on a
 * temporary SQLite file and a free port, a `holdfast-app.ts` with the handlers of restate-app.ts,
 * and a `holdfast-client.ts` with `calls()` on the project's own client. Until then the
 * comparison prints the peers alone.
 *
 * Mind the load process: on two cores, against a server that does nothing, `fetch` makes 5,000 to
 * 10,000 calls/s and `node:http` with a keep-alive agent 34,000. The peers stay far below either.
 */
export const holdfast: (() => Contender) | undefined = undefined;
