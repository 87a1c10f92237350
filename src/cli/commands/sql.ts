import type { Command } from "commander";
import type { QueryAnswer } from "../../model/port.ts";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  readSource,
  withProgress,
} from "../connection.ts";
import { usageError } from "../failure.ts";
import { type Column, formatTable } from "../table.ts";
import { print, say, stderr, stdout } from "../terminal.ts";

interface SqlOptions extends ConnectionOptions {
  readonly csv?: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  [`"select status, count(*) as n from invocations group by 1"`, "how it goes"],
  [
    `"select id, waiting_for, waiting_since from invocations where status = 'suspended'"`,
    "what everything waits for",
  ],
  [`"select * from state where service = ?" counter --csv > state.csv`, "a parameter; as CSV"],
  ["@report.sql --json", "the query from a file; - reads standard input"],
];

export function define(command: Command): void {
  command
    .argument("<query>", "one SELECT, @file, or - for standard input")
    .argument("[parameters...]", "values for ? in the query, as text")
    .option("--csv", "print comma-separated values (RFC 4180)")
    .addHelpText(
      "after",
      "\nViews: invocations, journal, state, timers, promises, schedules, messages, keys",
    );
  addConnectionOptions(command).action(sql);
}

async function sql(text: string, parameters: string[], options: SqlOptions): Promise<void> {
  if (options.csv === true && options.json === true) {
    throw usageError("--csv and --json exclude each other", "sql");
  }
  const query = await readSource(text);
  const asked = openPort(options).query(query, parameters);
  const answer = await withProgress("asking", asked);
  if (options.json === true) print(formatObjects(answer));
  else if (options.csv === true) print(formatCsv(answer));
  else printTable(answer);
  if (answer.truncated) {
    say(`${stderr.style.yellow("!")} there are more rows than one answer takes; narrow the query`);
  }
}

function printTable({ columns, rows }: QueryAnswer): void {
  if (rows.length === 0) {
    say(stderr.style.dim("no rows"));
    return;
  }
  type Row = QueryAnswer["rows"][number];
  const layout = columns.map(
    (title, i): Column<Row> => ({
      title,
      cell: (row) => String(row[i] ?? "·"),
      align: rows.every((row) => row[i] === null || typeof row[i] === "number") ? "right" : "left",
      flexible: true,
      paint: (cell, row) => (row[i] === null ? stdout.style.dim(cell) : cell),
    }),
  );
  print(formatTable(layout, rows));
}

/** An array with one object a line. */
function formatObjects({ columns, rows }: QueryAnswer): string {
  const objects = rows.map((row) =>
    JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, row[i]]))),
  );
  return `[${objects.join(",\n ")}]`;
}

function formatCsv({ columns, rows }: QueryAnswer): string {
  const cell = (value: string | number | null | undefined): string => {
    const text = String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
}
