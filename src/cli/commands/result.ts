import type { Command } from "commander";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  parseAddress,
  parseMilliseconds,
} from "../connection.ts";
import { printResult } from "./call.ts";

interface ResultOptions extends ConnectionOptions {
  readonly timeout?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  ["inv_k3f0001", "by the id that send printed"],
  ["checkout/o-1 --timeout 30s", "the run of a workflow, by service and key"],
  ["inv_k3f0001 --timeout 0s", "only if it has ended already"],
];

export function define(command: Command): void {
  command
    .argument("<invocation>", "its id, or service/key of a workflow")
    .option("--timeout <duration>", "give up waiting after so long; the invocation goes on");
  addConnectionOptions(command).action(result);
}

async function result(text: string, options: ResultOptions): Promise<void> {
  const port = openPort(options);
  const { timeout } = options;
  const timeoutMs = timeout === undefined ? undefined : parseMilliseconds(timeout, "The timeout");
  const { id, service, handler } = await port.describe(parseAddress(text));
  await printResult(port, { id, name: `${service}/${handler}`, timeoutMs });
}
