import { type ChildProcess, fork } from "node:child_process";
import path from "node:path";
import type { Command } from "commander";
import type { Host } from "../../host/host.ts";
import { makeNodeHost } from "../../host/node-host.ts";
import { unreachable } from "../../std/assert.ts";
import type { AppSettings, FromApp, ToApp } from "../app-process.ts";
import { addServerOptions, parseServerOptions, type ServerOptions } from "../server-options.ts";
import { print, say, stderr, stdout } from "../terminal.ts";
import { Watcher } from "../watcher.ts";

export const examples: readonly (readonly [string, string])[] = [
  ["app.ts", "run it on http://127.0.0.1:7400, with its data in holdfast.db"],
  ["app.ts --store :memory:", "keep nothing, not even across reloads"],
  ["app.ts --port 0", "on a free port"],
];

export function define(command: Command): void {
  command.argument("<file>", "module that exports services, actors, workflows and schedules");
  addServerOptions(command).action(dev);
}

async function dev(file: string, options: ServerOptions): Promise<void> {
  const settings = { file, ...parseServerOptions(options) };
  const tell = options.json === true ? tellProgram : tellPeople;
  const supervisor = new Supervisor(settings, { host: makeNodeHost(), tell });
  const stop = (): void => supervisor.stop();
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.on("SIGHUP", stop);
  await supervisor.run();
}

/** What happens, told to people as text and to programs as JSON. */
type DevEvent =
  | {
      readonly event: "ready";
      readonly url: string;
      readonly services: readonly string[];
      readonly ms: number;
    }
  | { readonly event: "reloaded"; readonly url: string; readonly ms: number }
  | { readonly event: "changed"; readonly files: readonly string[] }
  | { readonly event: "failed"; readonly text: string; readonly keepsRunning: boolean }
  | { readonly event: "ended"; readonly how: string };

function tellProgram(event: DevEvent): void {
  print(JSON.stringify(event));
}

function tellPeople(event: DevEvent): void {
  const { bold, cyan, dim, green } = stdout.style;
  const { red } = stderr.style;
  switch (event.event) {
    case "ready":
      print(`${green("✓")} ${bold("Holdfast is ready")} at ${cyan(event.url)} in ${event.ms} ms`);
      for (const service of event.services) print(`  ${dim(service)}`);
      print(`  ${dim("watching for changes; Ctrl-C ends it, and loses nothing")}`);
      return;
    case "reloaded":
      print(`${green("✓")} reloaded in ${event.ms} ms; what was in flight goes on`);
      return;
    case "changed":
      say(stderr.style.dim(`${event.files.join(", ")} changed`));
      return;
    case "failed": {
      const rest = event.keepsRunning ? "; the code before it keeps running" : "";
      say(`${event.text}\n${stderr.style.dim(`waiting for a change${rest}`)}`);
      return;
    }
    case "ended":
      say(`${red("✗")} the application ended (${event.how}); waiting for a change`);
      return;
    default:
      unreachable(event);
  }
}

/** A child that has not closed by then is killed: its store is safe against that. */
const closeMs = 5_000;

/** Runs the application in a child, and puts a new one in its place when the code has changed. */
class Supervisor {
  readonly #settings: Omit<AppSettings, "hold">;
  readonly #host: Host;
  readonly #tell: (event: DevEvent) => void;
  readonly #watcher: Watcher;
  #port: number | undefined;
  #current: App | undefined;
  #change: PromiseWithResolvers<"changed"> = Promise.withResolvers();
  #stopping: PromiseWithResolvers<"stopped"> = Promise.withResolvers();
  #stopped = false;
  /** When the work began that ends with `ready`; the process itself began at 0. */
  #began = 0;

  constructor(
    settings: Omit<AppSettings, "hold">,
    { host, tell }: { readonly host: Host; readonly tell: (event: DevEvent) => void },
  ) {
    this.#settings = settings;
    this.#tell = tell;
    this.#host = host;
    this.#port = settings.port;
    this.#watcher = new Watcher(host, (files) => this.#changed(files));
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const change = this.#change.promise;
      await this.#replace(change);
      await Promise.race([change, this.#stopping.promise]);
    }
    this.#watcher.close();
    await this.#current?.close(this.#host);
  }

  /** The second time it ends at once. */
  stop(): void {
    if (this.#stopped) {
      this.#current?.kill();
      process.exit(130);
    }
    this.#stopped = true;
    this.#stopping.resolve("stopped");
  }

  #changed(files: readonly string[]): void {
    this.#tell({ event: "changed", files: files.map((file) => path.relative("", file)) });
    this.#began = this.#host.monotonic();
    this.#change.resolve("changed");
    this.#change = Promise.withResolvers();
  }

  /** Loads the code as it is now, and lets it take over if it can be loaded. */
  async #replace(change: Promise<"changed">): Promise<void> {
    const previous = this.#current;
    const hold = previous !== undefined;
    const port = this.#port === undefined ? {} : { port: this.#port };
    this.#watcher.clear();
    const app = new App({ ...this.#settings, ...port, hold }, (source) =>
      this.#watcher.add(source),
    );
    const loaded = await Promise.race([app.loaded, change, this.#stopping.promise]);
    if (loaded !== "loaded") {
      app.kill();
      if (loaded === "failed") this.#tellFailure(app, hold);
      return;
    }
    this.#current = undefined;
    await previous?.close(this.#host);
    app.tell({ kind: "go", port: this.#port });
    if ((await app.ready) === "failed") {
      this.#tellFailure(app, false);
      return;
    }
    this.#current = app;
    this.#port = Number(new URL(app.url).port);
    this.#announce(app, hold);
    void app.ended.then((how) => this.#tellEnd(app, how));
  }

  #announce({ url, services }: App, isReload: boolean): void {
    const ms = Math.round(this.#host.monotonic() - this.#began);
    this.#tell(isReload ? { event: "reloaded", url, ms } : { event: "ready", url, services, ms });
  }

  #tellFailure({ failure }: App, keepsRunning: boolean): void {
    const text = failure ?? `${stderr.style.red("✗")} the application ended while it was loaded`;
    this.#tell({ event: "failed", text, keepsRunning });
  }

  #tellEnd(app: App, how: string): void {
    if (this.#current !== app || this.#stopped) return;
    this.#current = undefined;
    this.#tell({ event: "ended", how });
  }
}

/** One child that runs the application. */
class App {
  readonly loaded: Promise<"loaded" | "failed">;
  readonly ready: Promise<"ready" | "failed">;
  /** Resolves to its exit code or signal. */
  readonly ended: Promise<string>;
  url = "";
  services: readonly string[] = [];
  failure: string | undefined;
  readonly #child: ChildProcess;

  constructor(settings: AppSettings, onFile: (source: FileOf<FromApp>) => void) {
    const loaded = Promise.withResolvers<"loaded" | "failed">();
    const ready = Promise.withResolvers<"ready" | "failed">();
    const ended = Promise.withResolvers<string>();
    this.loaded = loaded.promise;
    this.ready = ready.promise;
    this.ended = ended.promise;
    const main = path.join(import.meta.dirname, `../main${path.extname(import.meta.filename)}`);
    this.#child = fork(main, ["--app-process", JSON.stringify(settings)]);
    this.#child.on("message", (message: FromApp) => {
      if (message.kind === "file") onFile(message.source);
      else if (message.kind === "loaded") loaded.resolve("loaded");
      else if (message.kind === "failed") this.failure = message.text;
      else {
        this.url = message.url;
        this.services = message.services;
        ready.resolve("ready");
      }
    });
    this.#child.on("exit", (code, signal) => {
      loaded.resolve("failed");
      ready.resolve("failed");
      ended.resolve(signal ?? `exit code ${code}`);
    });
  }

  tell(message: ToApp): void {
    if (this.#child.connected) this.#child.send(message);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async close(host: Pick<Host, "setTimer">): Promise<void> {
    const cancel = host.setTimer(closeMs, () => this.kill());
    this.tell({ kind: "close" });
    await this.ended;
    cancel();
  }
}

type FileOf<M> = M extends { readonly kind: "file"; readonly source: infer S } ? S : never;
