import type { Command } from "commander";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  parseAddress,
  reportDone,
} from "../connection.ts";

export const examples: readonly (readonly [string, string])[] = [
  ["inv_k3f0001", "by id"],
  ["checkout/o-1", "the run of a workflow, by service and key"],
];

export function define(command: Command): void {
  command.argument("<invocation>", "its id, or service/key of a workflow");
  addConnectionOptions(command).action(kill);
}

async function kill(text: string, options: ConnectionOptions): Promise<void> {
  await openPort(options).kill(parseAddress(text));
  reportDone(`${text} and all it called were ended`, { invocation: text, done: "kill" }, options);
}
