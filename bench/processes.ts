// Cases, servers and load, each in a process of its own.
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { Load, Outcome, Size } from "./harness.ts";
import type { LoadRequest } from "./load.ts";
import { firstMessage, start, stop } from "./peers/children.ts";
import type { ServerReport } from "./server.ts";

const startMs = 20_000;

/** @returns nothing if it failed, or measured a wrong result; it has said why on stderr. */
export function runCase(name: string, size: Size): Promise<Outcome | undefined> {
  // SIGTERM, because it has a folder and processes of its own to clear away.
  const child = startFile("run-case.ts", [name, size], "SIGTERM");
  return new Promise((resolve, reject) => {
    let outcome: Outcome | undefined;
    child.once("message", (message) => {
      outcome = message as Outcome; // run-case.ts sends nothing else
    });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code === 0 ? outcome : undefined));
  });
}

export interface RunningServer {
  readonly url: string;
  /** Begins to watch its event loop. */
  begin(): Promise<void>;
  end(): Promise<ServerReport>;
  stop(): Promise<void>;
}

export async function startServer(path: string, syncMs: number): Promise<RunningServer> {
  const child = startFile("server.ts", [path, String(syncMs)]);
  const url = (await firstMessage(child, startMs)) as string; // server.ts sends nothing else first
  return {
    url,
    begin: async () => void (await ask(child, "begin", startMs)),
    end: async () => (await ask(child, "end", startMs)) as ServerReport, // its answer to "end"
    stop: () => stop(child),
  };
}

export interface RunningLoad {
  run(request: LoadRequest): Promise<Load>;
  stop(): Promise<void>;
}

export async function startLoad(): Promise<RunningLoad> {
  const child = startFile("load.ts", []);
  await firstMessage(child, startMs);
  return {
    run: async (request) => (await ask(child, request, request.forMs + startMs)) as Load, // load.ts
    stop: () => stop(child),
  };
}

function startFile(
  file: string,
  args: readonly string[],
  atOnce: NodeJS.Signals = "SIGKILL",
): ChildProcess {
  const argv = [...process.execArgv, join(import.meta.dirname, file), ...args];
  return start(process.execPath, argv, { stdio: ["ignore", 2, 2, "ipc"] }, atOnce);
}

async function ask(
  child: ChildProcess,
  message: string | object,
  withinMs: number,
): Promise<unknown> {
  const answer = firstMessage(child, withinMs);
  child.send(message);
  return await answer;
}
