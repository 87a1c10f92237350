import type { Command } from "commander";
import { makeNodeHost } from "../../host/node-host.ts";
import { fail } from "../../model/errors.ts";
import type { InvocationDescription, InvocationFilter } from "../../model/port.ts";
import { formatDuration } from "../../std/duration.ts";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  parseCount,
} from "../connection.ts";
import { listServices, type ServiceListing } from "../services.ts";
import { isStatus, paintStatus, statusNames } from "../status.ts";
import { type Column, formatTable } from "../table.ts";
import { print, say, stderr, stdout } from "../terminal.ts";
import { formatAgo } from "../time.ts";

interface LsOptions extends ConnectionOptions {
  readonly services?: boolean;
  readonly service?: string;
  readonly handler?: string;
  readonly key?: string;
  readonly status?: string;
  readonly limit?: string;
  readonly after?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  ["", "the latest 30 invocations"],
  ["--service checkout --status paused", "the paused ones of one service"],
  ["--services", "what is served: services, handlers, how to call them"],
  ["--json --limit 1000", "for programs"],
];

const limitDefault = 30;
const limitMax = 1000;

export function define(command: Command): void {
  command
    .option("--services", "list what is served, and not invocations")
    .option("--service <name>", "only of this service")
    .option("--handler <name>", "only of this handler")
    .option("--key <key>", "only of this key")
    .option("--status <status>", `only with this status: ${statusNames.join(", ")}`)
    .option("--limit <count>", `how many at most (default: ${limitDefault}, most: ${limitMax})`)
    .option("--after <id>", "the next page: those before this one");
  addConnectionOptions(command).action(ls);
}

async function ls(options: LsOptions): Promise<void> {
  if (options.services === true) {
    printServices(await listServices(options), options);
    return;
  }
  const page = await openPort(options).list(makeFilter(options));
  if (options.json === true) {
    print(JSON.stringify(page));
    return;
  }
  if (page.invocations.length === 0) {
    say(stderr.style.dim("no invocations"));
    return;
  }
  print(formatTable(columnsAt(makeNodeHost().now()), page.invocations));
  if (page.next !== null) say(stderr.style.dim(`more: --after ${page.next}`));
}

function makeFilter(options: LsOptions): InvocationFilter {
  const { service, handler, key, status, limit, after } = options;
  if (status !== undefined && !isStatus(status)) {
    const reason = `it is none of ${statusNames.join(", ")}`;
    throw fail("invalid-argument", { what: `The status ${JSON.stringify(status)}`, reason });
  }
  return {
    limit:
      limit === undefined
        ? limitDefault
        : parseCount(limit, "--limit", { max: limitMax, command: "ls" }),
    ...(service === undefined ? {} : { service }),
    ...(handler === undefined ? {} : { handler }),
    ...(key === undefined ? {} : { key }),
    ...(status === undefined ? {} : { status }),
    ...(after === undefined ? {} : { after }),
  };
}

type Row = InvocationDescription;

function columnsAt(now: number): Column<Row>[] {
  const { dim } = stdout.style;
  return [
    { title: "id", cell: ({ id }) => id },
    { title: "target", cell: targetOf, flexible: true },
    { title: "status", cell: ({ status }) => status, paint: (text, row) => paintStatus(text, row) },
    {
      title: "started",
      cell: ({ createdAt }) => formatAgo(createdAt, now),
      align: "right",
      paint: dim,
    },
    {
      title: "took",
      cell: ({ createdAt, endedAt }) =>
        endedAt === null ? "" : formatDuration(endedAt - createdAt),
      align: "right",
    },
    { title: "waiting for", cell: (row) => waitingCell(row, now), flexible: true },
  ];
}

export function targetOf({ service, key, handler }: Row): string {
  return key === null ? `${service}/${handler}` : `${service}/${key}/${handler}`;
}

function waitingCell({ waitingFor, waitingSince, failure }: Row, now: number): string {
  if (waitingFor === null) return "";
  const since =
    waitingSince === null ? "" : ` (${formatDuration(Math.max(0, now - waitingSince))})`;
  const reason =
    typeof failure === "object" && failure !== null && "message" in failure
      ? `: ${String(failure.message)}`
      : "";
  return `${waitingFor}${since}${reason}`;
}

function printServices(services: readonly ServiceListing[], { json }: LsOptions): void {
  if (json === true) {
    print(JSON.stringify(services));
    return;
  }
  if (services.length === 0) {
    say(stderr.style.dim("no services"));
    return;
  }
  const rows = services.flatMap(({ name, kind, handlers }) =>
    handlers.map((handler, index) => ({
      name: index === 0 ? name : "",
      kind: index === 0 ? kind : "",
      handler: handler.name,
      call: `holdfast call ${handler.target}`,
    })),
  );
  type ServiceRow = (typeof rows)[number];
  const columns: Column<ServiceRow>[] = [
    { title: "service", cell: ({ name }) => name, paint: stdout.style.bold },
    { title: "kind", cell: ({ kind }) => kind },
    { title: "handler", cell: ({ handler }) => handler },
    { title: "call it", cell: ({ call }) => call, paint: stdout.style.dim },
  ];
  print(formatTable(columns, rows));
}
