import { type ServeOptions, type Server, serve } from "../../src/server/serve.ts";

export type TestServer = Server;

/** A whole server in this process, on a port that is free, with nothing that lasts. */
export function serveForTest(options: Partial<ServeOptions> = {}): Promise<TestServer> {
  return serve({ services: [], store: ":memory:", port: 0, log: () => {}, ...options });
}
