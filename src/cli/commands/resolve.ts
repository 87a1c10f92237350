import type { Command } from "commander";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  parsePromise,
  parseValue,
  reportDone,
} from "../connection.ts";

interface ResolveOptions extends ConnectionOptions {
  readonly name?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  ["prm_k3f0001.answer true", "by the id of the promise"],
  ["approval/claim-7 --name answer true", "by invocation and name"],
];

export function define(command: Command): void {
  command
    .argument("<promise>", "id of the promise; with --name, an invocation")
    .argument("[value]", "JSON, @file, or - for standard input")
    .option("--name <name>", "name of the promise within the invocation");
  addConnectionOptions(command).action(resolve);
}

async function resolve(
  text: string,
  source: string | undefined,
  options: ResolveOptions,
): Promise<void> {
  const value = await parseValue(source, "value");
  await openPort(options).resolve(parsePromise(text, options.name), value);
  const promise = options.name === undefined ? text : `${text} ${options.name}`;
  reportDone(`${promise} is resolved`, { promise, done: "resolve" }, options);
}
