/** How a process that serves comes to its end. */
import type { Server } from "../server/serve.ts";

/**
 * Resolves to the first SIGTERM or SIGINT, also if it comes before the server is ready; a second one
 * ends the process at once.
 */
export function awaitStop(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.once(name, () => {
        resolve(name);
        process.on(name, () => process.exit(1));
      });
    }
  });
}

/**
 * What starts, unless the signal comes first: then the process ends at once. Nobody has been promised
 * anything yet, and what the store has it keeps.
 */
export async function startedOrStopped<T>(
  starting: Promise<T>,
  stopped: Promise<string>,
): Promise<T> {
  const first = await Promise.race([starting, stopped.then(() => null)]);
  if (first === null) process.exit(0);
  return first;
}

/** Drains and ends the process when the signal has come. */
export async function closeOnSignal(server: Server, stopped: Promise<string>): Promise<void> {
  const signal = await stopped;
  server.host.log("info", "draining", { signal });
  await server.close();
  server.host.log("info", "closed");
  // Timers and sockets of the application do not keep it alive.
  process.exit(0);
}
