import type { Command } from "commander";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  parseAddress,
  parseValue,
  reportDone,
} from "../connection.ts";

export const examples: readonly (readonly [string, string])[] = [
  ["approval/claim-7 approved true", "to a workflow; kept until it is taken"],
  [`inv_k3f0001 changed '{"price": 12}'`, "to any invocation, by id"],
];

export function define(command: Command): void {
  command
    .argument("<invocation>", "its id, or service/key of a workflow")
    .argument("<name>", "name of the signal")
    .argument("[value]", "JSON, @file, or - for standard input");
  addConnectionOptions(command).action(signal);
}

async function signal(
  text: string,
  name: string,
  source: string | undefined,
  options: ConnectionOptions,
): Promise<void> {
  const value = await parseValue(source, "value");
  await openPort(options).signal(parseAddress(text), name, value);
  const done = { invocation: text, done: "signal", name };
  reportDone(`${text} has the signal ${name}, and keeps it until it takes it`, done, options);
}
