/**
 * The process in which `holdfast dev` runs an application. It loads the code first and opens the
 * store only when told, so that the process before it serves until the new code is known to load.
 */
import { flushCompileCache } from "node:module";
import { fail } from "../model/errors.ts";
import type { Server } from "../server/serve.ts";
import { loadApplication, type SourceFile } from "./application.ts";
import { formatFailure } from "./failure.ts";

/** What the process is started with. */
export interface AppSettings {
  readonly file: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly store?: string;
  /** Loads the code and then waits for `go`. */
  readonly hold: boolean;
}

export type ToApp =
  | { readonly kind: "go"; readonly port: number | undefined }
  | { readonly kind: "close" };

export type FromApp =
  | { readonly kind: "file"; readonly source: SourceFile }
  | { readonly kind: "loaded" }
  | { readonly kind: "ready"; readonly url: string; readonly services: readonly string[] }
  | { readonly kind: "failed"; readonly text: string };

/** All code that is being worked on is one version: what an earlier save started goes on with it. */
const deployment = "dev";

/** Calls wait no longer than this for a reload; what has not ended goes on after it. */
const drainMs = 200;

export async function runAppProcess([settings = ""]: readonly string[]): Promise<void> {
  const app = new AppProcess(JSON.parse(settings) as AppSettings); // written by `holdfast dev`
  await app.run();
}

class AppProcess {
  readonly #settings: AppSettings;
  readonly #go: PromiseWithResolvers<number | undefined> = Promise.withResolvers();
  #server: Server | undefined;
  #closing = false;

  constructor(settings: AppSettings) {
    this.#settings = settings;
    if (!settings.hold) this.#go.resolve(settings.port);
    process.on("message", (message: ToApp) => {
      if (message.kind === "go") this.#go.resolve(message.port);
      else void this.#close();
    });
    // The process that watches decides: a terminal sends Ctrl-C to both.
    process.on("SIGINT", () => {});
    process.on("SIGTERM", () => void this.#close());
    process.on("disconnect", () => void this.#close());
  }

  async run(): Promise<void> {
    const { file, hostname, store } = this.#settings;
    try {
      const serving = import("../server/serve.ts");
      const onFile = (source: SourceFile): void => void tell({ kind: "file", source });
      const { definitions, schedules, authorization } = await loadApplication(file, onFile);
      void tell({ kind: "loaded" });
      const port = await this.#go.promise;
      const { serve } = await serving;
      if (this.#closing) throw fail("shutting-down");
      this.#server = await serve({
        services: definitions,
        schedules,
        ...(authorization === undefined ? {} : { authorization }),
        version: deployment,
        ...(port === undefined ? {} : { port }),
        ...(hostname === undefined ? {} : { hostname }),
        ...(store === undefined ? {} : { store }),
      });
      const services = definitions.map(
        ({ kind, name, handlers }) => `${kind} ${name}: ${Object.keys(handlers).join(", ")}`,
      );
      await tell({ kind: "ready", url: this.#server.url, services });
      // Kept now, in case it is killed later: the next start is faster.
      flushCompileCache();
    } catch (error) {
      await tell({ kind: "failed", text: formatFailure(error) });
      process.exit(1);
    }
  }

  async #close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await this.#server?.close({ drainMs });
    // Timers and sockets of the application do not keep it alive.
    process.exit();
  }
}

/** Resolves when it is on its way, or cannot be told to anybody any more. */
function tell(message: FromApp): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || process.send === undefined) resolve();
    else process.send(message, () => resolve());
  });
}
