import type { Command } from "commander";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  parseAddress,
  reportDone,
} from "./connection.ts";

/* What can be done to one invocation and needs nothing but its name. */

export const controlExamples: readonly (readonly [string, string])[] = [
  ["inv_k3f0001", "by id"],
  ["checkout/o-1", "the run of a workflow, by service and key"],
];

export function defineControl(
  command: Command,
  action: "cancel" | "kill" | "pause" | "purge",
  outcomeOf: (invocation: string) => string,
): void {
  command.argument("<invocation>", "its id, or service/key of a workflow");
  addConnectionOptions(command).action(async (text: string, options: ConnectionOptions) => {
    await openPort(options)[action](parseAddress(text));
    reportDone(outcomeOf(text), { invocation: text, done: action }, options);
  });
}
