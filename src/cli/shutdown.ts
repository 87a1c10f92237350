/** How a process that serves comes to its end. */
import type { Server } from "../server/serve.ts";

/** Resolves when SIGTERM or SIGINT has come and the server has drained; a second one ends at once. */
export async function closeOnSignal(server: Server): Promise<void> {
  const signal = await new Promise<string>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.on(name, () => {
        resolve(name);
        process.once(name, () => process.exit(1));
      });
    }
  });
  server.host.log("info", "draining", { signal });
  await server.close();
  server.host.log("info", "closed");
  // Timers and sockets of the application do not keep it alive.
  process.exit(0);
}
