import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { fail } from "../../model/errors.ts";
import { readConfig } from "../../server/config.ts";
import { type Server, serve } from "../../server/serve.ts";
import { loadApplication } from "../application.ts";
import { addServerOptions, parseServerOptions, type ServerOptions } from "../server-options.ts";
import { awaitStop, closeOnSignal } from "../shutdown.ts";
import { print, say, stderr, stdout } from "../terminal.ts";

interface StartOptions extends ServerOptions {
  readonly traffic: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["", "the wallet on http://127.0.0.1:7400, with its data in wallet.db"],
  ["--no-traffic", "without transfers: an empty wallet to play with"],
];

export function define(command: Command): void {
  command.option("--no-traffic", "do not start the client that keeps transfers flowing");
  addServerOptions(command).action(start);
}

const wallet: string = path.resolve(import.meta.dirname, "../../../examples/wallet");

async function start(options: StartOptions): Promise<void> {
  const settings = parseServerOptions(options);
  const stopped = awaitStop();
  const config = readConfig();
  const app = path.join(wallet, "app.ts");
  if (!existsSync(app)) {
    const reason = "the example is part of the repository, and not of the published package";
    throw fail("invalid-application", { file: "examples/wallet/app.ts", reason });
  }
  const { definitions, schedules, authorization } = await loadApplication(app);
  const server = await serve({
    services: definitions,
    schedules,
    ...(authorization === undefined ? {} : { authorization }),
    ...settings,
    store: settings.store ?? config.store ?? "wallet.db",
  });
  if (options.json === true) print(JSON.stringify({ event: "ready", url: server.url }));
  else introduce(server);
  const hasTokens = config.tokens !== undefined;
  if (options.traffic && hasTokens) say("no transfers flow: the example client shows no token");
  const stopTraffic = options.traffic && !hasTokens ? letTransfersFlow(server.url) : () => {};
  void stopped.then(() => {
    stopTraffic();
    if (stdout.isTerminal) print(""); // below the line that the transfers write over
  });
  await closeOnSignal(server, stopped);
}

function introduce({ url, store }: Server): void {
  const { bold, cyan, dim, green } = stdout.style;
  const json = '-H "content-type: application/json"';
  const as = (caller: string): string => `-H "x-holdfast-caller: ${caller}"`;
  const transfer = `'{"from": "ada", "to": "bob", "money": {"amount": 2500, "currency": "EUR"}}'`;
  const tries: readonly (readonly [string, string])[] = [
    [
      `curl ${as("ada")} ${json} -d '{"amount": 10000, "currency": "EUR"}' ${url}/call/account/ada/open`,
      "open an account with 100.00 EUR; whoever opens it owns it",
    ],
    [
      `curl ${as("bob")} ${json} -d '{"amount": 0, "currency": "EUR"}' ${url}/call/account/bob/open`,
      "and an empty one, of somebody else",
    ],
    [
      `curl ${as("ada")} ${json} -d ${transfer} ${url}/call/transfer/t-1/run`,
      "transfer 25.00 EUR: a workflow, once per id, however often you send it",
    ],
    [`curl ${as("bob")} -X POST ${url}/call/account/bob/balance`, "what bob has"],
    [
      `curl ${as("bob")} ${json} -d ${transfer} ${url}/call/transfer/t-2/run`,
      "bob may not take ada's money: 403, and why",
    ],
    [
      `curl ${as("ada")} ${json} -d '{"user": "bob", "as": "manager"}' ${url}/call/account/ada/share`,
      "unless ada lets him: then try t-2 again",
    ],
    ["npm run holdfast -- show transfer/t-1", "how the transfer went"],
    ["npm run holdfast -- ls", "what runs and what it waits for"],
    [
      `kill -9 ${process.pid}`,
      "then npm start again: everything goes on, nothing is lost or doubled",
    ],
  ];
  print(`${green("✓")} ${bold("Holdfast is ready")} at ${cyan(url)}`);
  print(`  ${dim(`the wallet of examples/wallet/app.ts, its data in ${store.location}`)}`);
  print("\nTry, in another terminal:\n");
  for (const [line, meaning] of tries) print(`  ${dim(`# ${meaning}`)}\n  ${line}\n`);
  print(dim("Ctrl-C ends it, and loses nothing."));
}

/** In the client: it ends when we do, also when we are killed. */
const endWithParent =
  'data:text/javascript,process.on("disconnect", () => process.exit()); process.channel.unref();';

/** Runs the example's client as what it is: another program. */
function letTransfersFlow(url: string): () => void {
  const client = path.join(wallet, "client.ts");
  const argv = [...process.execArgv, "--import", endWithParent, client, "--url", url];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.unref();
  child.channel?.unref();
  let stopping = false;
  child.on("exit", (code, signal) => {
    if (stopping || code === 0) return;
    say(`${stderr.style.yellow("!")} the transfers stopped (${signal ?? `exit code ${code}`})`);
  });
  const stop = (): void => {
    stopping = true;
    child.kill("SIGTERM");
  };
  process.once("exit", stop);
  return stop;
}
