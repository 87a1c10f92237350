import type { Command } from "commander";
import { HoldfastError } from "../../model/errors.ts";
import type { Port } from "../../model/port.ts";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  parseMilliseconds,
  parseTarget,
  parseValue,
  withProgress,
} from "../connection.ts";
import { InvocationFailure } from "../failure.ts";
import { print, say, stderr } from "../terminal.ts";

interface CallOptions extends ConnectionOptions {
  readonly idempotencyKey?: string;
  readonly timeout?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  [`greeter/hello '"Ada"'`, "a service; the input is JSON, so text needs quotes of its own"],
  ["counter/visits/add 1", "an actor: service, key, handler"],
  ["checkout/o-1/run @order.json", "the input from a file; - reads standard input"],
];

export function define(command: Command): void {
  command
    .argument("<target>", "service/handler or service/key/handler")
    .argument("[input]", "JSON, @file, or - for standard input")
    .option("--idempotency-key <key>", "the same key gives the same invocation and its one result")
    .option("--timeout <duration>", "give up waiting after so long; the invocation goes on");
  addConnectionOptions(command).action(call);
}

async function call(text: string, source: string | undefined, options: CallOptions): Promise<void> {
  const port = openPort(options);
  const target = parseTarget(text);
  const { idempotencyKey, timeout } = options;
  const timeoutMs = timeout === undefined ? undefined : parseMilliseconds(timeout, "The timeout");
  const input = await parseValue(source, "input");
  // Sent and then waited for, so that its id is known whatever happens.
  const { id } = await port.send({
    ...target,
    ...(input === undefined ? {} : { input }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
  await printResult(port, { id, name: text, timeoutMs });
}

/** Waits for the result and prints it as JSON; nothing for a handler that returns nothing. */
export async function printResult(
  port: Port,
  of: { readonly id: string; readonly name: string; readonly timeoutMs: number | undefined },
): Promise<void> {
  const { id, name, timeoutMs } = of;
  const options = timeoutMs === undefined ? {} : { timeoutMs };
  let result: unknown;
  try {
    result = await withProgress(
      `waiting for ${id}`,
      port.result({ id }, options),
      lookAt(port, id),
    );
  } catch (error) {
    throw isOfWaiting(error) ? error : new InvocationFailure(id, name, error);
  }
  if (result !== undefined) print(JSON.stringify(result));
}

/** What it waits for, for the line of progress; that it is paused is told once, whoever reads. */
function lookAt(port: Port, id: string): () => Promise<string> {
  let told = false;
  return async () => {
    const { status, waitingFor } = await port.describe({ id });
    if (status === "paused" && !told) {
      told = true;
      say(`${stderr.style.yellow("!")} ${id} is paused; to see why: holdfast show ${id}`);
    }
    return waitingFor === null ? status : `${status}, waiting for ${waitingFor}`;
  };
}

/** What keeps us from waiting, as opposed to how the invocation ended. */
function isOfWaiting(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false;
  const { code, status } = error;
  return code === "unknown-invocation" || code === "timed-out" || status === 401 || status === 503;
}
