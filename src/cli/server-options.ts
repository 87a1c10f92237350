/** What the commands have in common that run a server. */
import type { Command } from "commander";
import type { Limits } from "../model/limits.ts";
import { parseLimits, parsePort } from "../server/config.ts";

export interface ServerOptions {
  readonly host?: string;
  readonly port?: string;
  readonly store?: string;
  readonly limit?: readonly string[];
  readonly json?: boolean;
}

export interface ServerSettings {
  readonly hostname?: string;
  readonly port?: number;
  readonly store?: string;
  readonly limits?: Partial<Limits>;
}

export function addServerOptions(command: Command): Command {
  const collect = (value: string, all: readonly string[] = []): string[] => [...all, value];
  return command
    .option("--port <port>", "port to listen on; 0 takes a free one (default: HOLDFAST_PORT, 7400)")
    .option("--host <address>", "address to listen on (default: HOLDFAST_HOST, 127.0.0.1)")
    .option("--store <path>", "SQLite file, or :memory: (default: HOLDFAST_STORE, holdfast.db)")
    .option("--limit <name=value>", "another value for a limit; may be repeated", collect)
    .option("--json", "print JSON, one object a line, for programs");
}

export function parseServerOptions({ host, port, store, limit }: ServerOptions): ServerSettings {
  return {
    ...(host === undefined ? {} : { hostname: host }),
    ...(port === undefined ? {} : { port: parsePort(port, "--port") }),
    ...(store === undefined ? {} : { store }),
    ...(limit === undefined ? {} : { limits: parseLimits(limit, "--limit") }),
  };
}
