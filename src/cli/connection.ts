/** What the commands have in common that talk to a server. */
import type { Command } from "commander";
import { connect } from "../client/http-client.ts";
import { makeNodeHost } from "../host/node-host.ts";
import { fail } from "../model/errors.ts";
import type { InvocationAddress, Port, PromiseAddress } from "../model/port.ts";
import { unreadable } from "../server/file-error.ts";
import { type Duration, formatDuration, parseDuration } from "../std/duration.ts";
import { plain, usageError } from "./failure.ts";
import { print, readEnv, readInput, say, showStatus, stderr } from "./terminal.ts";

export interface ConnectionOptions {
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
}

export const defaultUrl = "http://127.0.0.1:7400";

export function addConnectionOptions(command: Command): Command {
  return command
    .option("--url <url>", `the server (default: HOLDFAST_URL, or ${defaultUrl})`)
    .option("--token <token>", "the access token to show (default: HOLDFAST_TOKEN)")
    .option("--json", "print JSON, for programs");
}

export function serverUrl({ url }: ConnectionOptions): string {
  return url ?? readEnv("HOLDFAST_URL") ?? defaultUrl;
}

export function serverToken({ token }: ConnectionOptions): string | undefined {
  return token ?? readEnv("HOLDFAST_TOKEN");
}

export function openPort(options: ConnectionOptions): Port {
  const token = serverToken(options);
  return connect({ url: serverUrl(options), ...(token === undefined ? {} : { token }) });
}

export interface Target {
  readonly service: string;
  readonly handler: string;
  readonly key?: string;
}

/** `service/handler` or `service/key/handler`; the key may contain slashes. */
export function parseTarget(text: string): Target {
  const [service = "", ...rest] = text.split("/");
  const handler = rest.pop() ?? "";
  if (service === "" || handler === "") {
    const reason = "it is not service/handler or service/key/handler";
    throw fail("invalid-argument", { what: `The target ${JSON.stringify(text)}`, reason });
  }
  return rest.length === 0 ? { service, handler } : { service, key: rest.join("/"), handler };
}

/** The id of an invocation, or `service/key` for the run of a workflow. */
export function parseAddress(text: string): InvocationAddress {
  const slash = text.indexOf("/");
  if (slash < 0) return { id: text };
  return { service: text.slice(0, slash), key: text.slice(slash + 1) };
}

/** The id of a promise, or an invocation and the name of one of its promises. */
export function parsePromise(text: string, name: string | undefined): PromiseAddress {
  return name === undefined ? { promise: text } : { of: parseAddress(text), name };
}

/** JSON from the command line; `-` is standard input, `@path` a file. */
export async function parseValue(text: string | undefined, what: string): Promise<unknown> {
  if (text === undefined) return undefined;
  const source = await readSource(text);
  try {
    return JSON.parse(source);
  } catch (error) {
    const { message } = error as SyntaxError; // all that JSON.parse throws
    const hint = /^\w/.test(source) ? `; text needs quotes of its own: '${quote(source)}'` : "";
    throw fail("invalid-json", { what, reason: `${message}${hint}` }, error);
  }
}

/** The text itself, standard input for `-`, or a file for `@path`. */
export async function readSource(text: string): Promise<string> {
  if (text === "-") return readInput();
  if (!text.startsWith("@")) return text;
  const { readFile } = await import("node:fs/promises");
  const file = text.slice(1);
  return readFile(file, "utf8").catch((error: unknown) => {
    throw unreadable(file, error);
  });
}

export function parseTime(text: string, what: string): Duration {
  if (parseDuration(text) !== undefined) return text;
  const reason = `${JSON.stringify(text)} is not a duration such as 500ms, 10s or "2 days"`;
  throw fail("invalid-argument", { what, reason });
}

export function parseMilliseconds(text: string, what: string): number {
  return parseDuration(parseTime(text, what)) ?? 0;
}

export function parseCount(
  text: string,
  option: string,
  { min = 0, max, command }: { min?: number; max: number; command: string },
): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= min && count <= max) return count;
  const reason = `${option} takes a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`;
  throw usageError(reason, command);
}

/**
 * Tells, from the first second on, that and how long something has been waited for.
 *
 * @param look is asked each second for what else there is to tell.
 */
export async function withProgress<T>(
  what: string,
  work: Promise<T>,
  look: () => Promise<string> = async () => "",
): Promise<T> {
  const host = makeNodeHost();
  const began = host.monotonic();
  let ended = false;
  let stop = (): void => {};
  const tick = async (): Promise<void> => {
    const more = await look().catch(() => "");
    if (ended) return;
    const elapsed = formatDuration(Math.floor((host.monotonic() - began) / 1000) * 1000);
    showStatus(`${what} … ${elapsed}${more === "" ? "" : ` (${more})`}`);
    stop = host.setTimer(1000, () => void tick());
  };
  stop = host.setTimer(1000, () => void tick());
  try {
    return await work;
  } finally {
    ended = true;
    stop();
    showStatus(undefined);
  }
}

/** Told to people, and left out where a program reads. */
export function note(text: string, { json }: ConnectionOptions): void {
  if (json !== true) say(`${stderr.style.green("✓")} ${plain(text)}`);
}

/** Nothing was asked for but that it is done: a note for people, an object for programs. */
export function reportDone(text: string, object: object, options: ConnectionOptions): void {
  if (options.json === true) print(JSON.stringify(object));
  else note(text, options);
}

function quote(source: string): string {
  return JSON.stringify(source.trim()).replaceAll("'", "'\\''");
}
