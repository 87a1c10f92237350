import type { Command } from "commander";
import { defaultLimits } from "../../model/limits.ts";
import {
  addConnectionOptions,
  type ConnectionOptions,
  note,
  openPort,
  parseAddress,
  parseCount,
} from "../connection.ts";
import { print } from "../terminal.ts";

interface RestartOptions extends ConnectionOptions {
  readonly from?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  ["inv_k3f0001", "from the beginning, under a new id"],
  ["checkout/o-1 --from 3", "keep entries 0, 1 and 2 of its journal; holdfast show numbers them"],
];

export function define(command: Command): void {
  command
    .argument("<invocation>", "its id, or service/key of a workflow")
    .option("--from <entry>", "the first entry of the journal that is not kept (default: 0)");
  addConnectionOptions(command).action(restart);
}

async function restart(text: string, options: RestartOptions): Promise<void> {
  const max = defaultLimits.journalEntries;
  const from =
    options.from === undefined
      ? 0
      : parseCount(options.from, "--from", { max, command: "restart" });
  const accepted = await openPort(options).restart(parseAddress(text), { from });
  print(options.json === true ? JSON.stringify(accepted) : accepted.id);
  note(`${text} runs again under this id`, options);
}
