import type { Command } from "commander";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  parsePromise,
  reportDone,
} from "../connection.ts";

interface RejectOptions extends ConnectionOptions {
  readonly name?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  [`prm_k3f0001.answer "over budget"`, "by the id of the promise"],
  [`approval/claim-7 --name answer "over budget"`, "by invocation and name"],
];

export function define(command: Command): void {
  command
    .argument("<promise>", "id of the promise; with --name, an invocation")
    .argument("<reason>", "what whoever awaits it is told")
    .option("--name <name>", "name of the promise within the invocation");
  addConnectionOptions(command).action(reject);
}

async function reject(text: string, reason: string, options: RejectOptions): Promise<void> {
  await openPort(options).reject(parsePromise(text, options.name), reason);
  const promise = options.name === undefined ? text : `${text} ${options.name}`;
  reportDone(`${promise} is rejected`, { promise, done: "reject" }, options);
}
