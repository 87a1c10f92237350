import type { Command } from "commander";
import { makeStandardLog } from "../../host/log-lines.ts";
import { makeNodeHost } from "../../host/node-host.ts";
import { readConfig, settingTable } from "../../server/config.ts";
import { serve } from "../../server/serve.ts";
import { loadApplication } from "../application.ts";
import { addServerOptions, parseServerOptions, type ServerOptions } from "../server-options.ts";
import { awaitStop, closeOnSignal, startedOrStopped } from "../shutdown.ts";

interface ServeOptions extends ServerOptions {
  readonly deployment?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  ["app.js", "run it until SIGTERM, which drains"],
  ["app.ts --store /var/lib/shop/holdfast.db --deployment 2026-11-21", "name the version yourself"],
];

export function define(command: Command): void {
  command
    .argument("<file>", "module that exports services, actors, workflows and schedules")
    .option("--deployment <version>", "name of this version (default: a hash of the definitions)");
  const settings = settingTable.map(({ name, meaning }) => `  ${name.padEnd(16)} ${meaning}`);
  addServerOptions(command)
    .addHelpText("after", `\nEnvironment:\n${settings.join("\n")}`)
    .action(run);
}

async function run(file: string, options: ServeOptions): Promise<void> {
  const settings = parseServerOptions(options);
  const stopped = awaitStop();
  const { definitions, schedules, authorization } = await loadApplication(file);
  const { deployment } = options;
  const starting = serve({
    services: definitions,
    schedules,
    ...(authorization === undefined ? {} : { authorization }),
    ...settings,
    ...(deployment === undefined ? {} : { version: deployment }),
    ...(options.json === true ? { log: makeStandardLog(readConfig().log, "json") } : {}),
  });
  const server = await startedOrStopped(starting, stopped);
  server.host.log("info", "ready", {
    url: server.url,
    store: server.store.location,
    deployment: server.deployment,
    services: definitions.length,
    milliseconds: Math.round(makeNodeHost().monotonic()),
  });
  await closeOnSignal(server, stopped);
}
