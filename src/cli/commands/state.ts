import type { Command } from "commander";
import { fail } from "../../model/errors.ts";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  parseValue,
  reportDone,
} from "../connection.ts";
import { formatTable, oneLineJson } from "../table.ts";
import { print, say, stderr } from "../terminal.ts";

interface StateOptions extends ConnectionOptions {
  readonly set: readonly string[];
  readonly clear: readonly string[];
}

export const examples: readonly (readonly [string, string])[] = [
  ["counter/visits", "show it"],
  ["counter/visits --set count=7", "change an entry, in turn with the actor's handlers"],
  ["account/ada --clear limit", "take an entry away"],
];

export function define(command: Command): void {
  const collect = (value: string, all: readonly string[]): string[] => [...all, value];
  command
    .argument("<service/key>", "the actor or workflow")
    .option("--set <name=json>", "give an entry a value; may be repeated", collect, [])
    .option("--clear <name>", "take an entry away; may be repeated", collect, []);
  addConnectionOptions(command).action(state);
}

async function state(text: string, options: StateOptions): Promise<void> {
  const slash = text.indexOf("/");
  const [service, key] = [text.slice(0, slash), text.slice(slash + 1)];
  if (slash <= 0 || key === "") {
    const reason = "it is not service/key";
    throw fail("invalid-argument", { what: `The address ${JSON.stringify(text)}`, reason });
  }
  const port = openPort(options);
  const changes = await parseChanges(options);
  const count = Object.keys(changes).length;
  if (count > 0) {
    await port.patchState(service, key, changes);
    reportDone(`changed ${count} of ${text}`, { state: text, changed: changes }, options);
    return;
  }
  const entries = await port.readState(service, key);
  if (options.json === true) {
    print(JSON.stringify(entries));
    return;
  }
  const rows = Object.entries(entries);
  if (rows.length === 0) {
    say(stderr.style.dim(`${text} has no state: nothing was set, or nobody called it`));
    return;
  }
  const columns = [
    { title: "name", cell: ([name]: (typeof rows)[number]) => name },
    { title: "value", cell: (row: (typeof rows)[number]) => oneLineJson(row[1]), flexible: true },
  ];
  print(formatTable(columns, rows));
}

async function parseChanges({ set, clear }: StateOptions): Promise<Record<string, unknown>> {
  const changes: Record<string, unknown> = {};
  for (const text of set) {
    const equals = text.indexOf("=");
    if (equals <= 0) {
      const reason = "it is not name=json";
      throw fail("invalid-argument", { what: `--set ${JSON.stringify(text)}`, reason });
    }
    const name = text.slice(0, equals);
    changes[name] = await parseValue(text.slice(equals + 1), `value of ${name}`);
  }
  for (const name of clear) changes[name] = null;
  return changes;
}
