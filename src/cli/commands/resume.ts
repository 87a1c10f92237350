import type { Command } from "commander";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  parseAddress,
  reportDone,
} from "../connection.ts";

interface ResumeOptions extends ConnectionOptions {
  readonly current?: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["inv_k3f0001", "go on after a pause, or try again now"],
  ["checkout/o-1 --current", "go on, on the code that is served now"],
];

export function define(command: Command): void {
  command
    .argument("<invocation>", "its id, or service/key of a workflow")
    .option("--current", "on the current deployment, and not on the one that started it");
  addConnectionOptions(command).action(resume);
}

async function resume(text: string, options: ResumeOptions): Promise<void> {
  const deployment = options.current === true ? { deployment: "current" as const } : {};
  await openPort(options).resume(parseAddress(text), deployment);
  reportDone(`${text} goes on`, { invocation: text, done: "resume" }, options);
}
