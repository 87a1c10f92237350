import type { Command } from "commander";
import {
  addConnectionOptions,
  type ConnectionOptions,
  note,
  openPort,
  parseMilliseconds,
  parseTarget,
  parseValue,
} from "../connection.ts";
import { print } from "../terminal.ts";

interface SendOptions extends ConnectionOptions {
  readonly idempotencyKey?: string;
  readonly delay?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  ["checkout/o-1/run @order.json", "start a workflow and print its id"],
  [`mail/send '{"to": "ada"}' --delay "2 days"`, "start it in two days"],
  ["counter/visits/add 1 --idempotency-key visit-77", "at most once, however often it is sent"],
];

export function define(command: Command): void {
  command
    .argument("<target>", "service/handler or service/key/handler")
    .argument("[input]", "JSON, @file, or - for standard input")
    .option("--delay <duration>", "when to start it, counted from now: 10s, 2h, 3 days")
    .option("--idempotency-key <key>", "the same key gives the same invocation");
  addConnectionOptions(command).action(send);
}

async function send(text: string, source: string | undefined, options: SendOptions): Promise<void> {
  const port = openPort(options);
  const target = parseTarget(text);
  const { idempotencyKey, delay } = options;
  const delayMs = delay === undefined ? undefined : parseMilliseconds(delay, "The delay");
  const input = await parseValue(source, "input");
  const accepted = await port.send({
    ...target,
    ...(input === undefined ? {} : { input }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(delayMs === undefined ? {} : { delayMs }),
  });
  if (options.json === true) {
    print(JSON.stringify(accepted));
    return;
  }
  print(accepted.id);
  const known = accepted.status === "previously-accepted";
  note(
    known ? "it was started before, and this changed nothing" : "accepted, and durable",
    options,
  );
}
