import type { Command } from "commander";
import { makeNodeHost } from "../../host/node-host.ts";
import type { InvocationDescription, Port } from "../../model/port.ts";
import { formatDuration } from "../../std/duration.ts";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  parseAddress,
} from "../connection.ts";
import { plain } from "../failure.ts";
import { paintStatus, statusMark } from "../status.ts";
import { cut, oneLine, oneLineJson, pad, widthOf } from "../table.ts";
import { print, stdout } from "../terminal.ts";
import { formatTime } from "../time.ts";
import { errorText, type Item, makeBar, makeTimeline } from "../timeline.ts";
import { targetOf } from "./ls.ts";

interface ShowOptions extends ConnectionOptions {
  readonly all?: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["inv_k3f0001", "by id"],
  ["checkout/o-1", "the run of a workflow, by service and key"],
  ["inv_k3f0001 --json", "description, journal and what it started, for programs"],
];

/** Without --all, so many items from the start and from the end. */
const itemsShown = 60;
const childrenMax = 500;

export function define(command: Command): void {
  command
    .argument("<invocation>", "its id, or service/key of a workflow")
    .option("--all", `all of a long journal, and not its first and last ${itemsShown} items`);
  addConnectionOptions(command).action(show);
}

async function show(text: string, options: ShowOptions): Promise<void> {
  const port = openPort(options);
  const invocation = await port.describe(parseAddress(text));
  const journal = await port.journal({ id: invocation.id });
  const items = makeTimeline(journal, invocation.createdAt);
  const children = await readChildren(port, items);
  if (options.json === true) {
    print(JSON.stringify({ invocation, journal, children: [...children.values()] }));
    return;
  }
  // What was open when it ended was given up then.
  const now = invocation.endedAt ?? makeNodeHost().now();
  const story =
    items.length === 0 ? [] : ["", ...layOut(items, { invocation, children, now, options })];
  print([...heading(invocation, now), ...story, ...ending(invocation, now)].join("\n"));
}

interface Child {
  readonly id: string;
  readonly status: string;
}

/** The invocations that it started, as far as the journal knows their numbers. */
async function readChildren(port: Port, items: readonly Item[]): Promise<Map<number, Child>> {
  const numbers = items.flatMap(({ child }) => (child === null ? [] : [child]));
  const asked = numbers.slice(0, childrenMax);
  const children = new Map<number, Child>();
  if (asked.length === 0) return children;
  const marks = asked.map(() => "?").join(", ");
  const sql = `SELECT number, id, status FROM invocations WHERE number IN (${marks})`;
  const { rows } = await port.query(sql, asked);
  for (const [number, id, status] of rows) {
    children.set(Number(number), { id: String(id), status: String(status) });
  }
  return children;
}

function heading(invocation: InvocationDescription, now: number): string[] {
  const { bold, dim } = stdout.style;
  const { id, status, createdAt, endedAt, deployment, entries, parent } = invocation;
  const ran = formatDuration((endedAt ?? now) - createdAt);
  const verb = endedAt === null ? `${status}, for ${ran}` : `${status} in ${ran}`;
  const facts = [
    id,
    `started ${formatTime(createdAt)}`,
    `deployment ${deployment}`,
    `${entries} ${entries === 1 ? "entry" : "entries"}`,
    ...(parent === null ? [] : [`called by ${parent}`]),
  ];
  const mark = paintStatus(statusMark(status), invocation);
  const lines = [
    `${mark} ${bold(plain(targetOf(invocation)))}  ${paintStatus(verb, invocation)}`,
    `  ${dim(plain(facts.join(" · ")))}`,
  ];
  if (invocation.input !== null) lines.push(field("input", oneLineJson(invocation.input)));
  return lines;
}

function ending(invocation: InvocationDescription, now: number): string[] {
  const { output, error, failure, waitingFor, waitingSince, id, status, attempts } = invocation;
  const { red, yellow, dim } = stdout.style;
  const lines: string[] = [];
  if (output !== null) lines.push(field("result", oneLineJson(output)));
  if (error !== null) lines.push(field("error", errorOf(error), red));
  if (failure !== null && error === null && status !== "succeeded") {
    const tries = attempts > 1 ? ` (attempt ${attempts})` : "";
    lines.push(field("failing", `${errorOf(failure)}${tries}`, yellow));
  }
  if (waitingFor !== null) {
    const since =
      waitingSince === null ? "" : `, since ${formatDuration(Math.max(0, now - waitingSince))}`;
    lines.push(field("waiting", `for ${waitingFor}${since}`));
  }
  if (status === "paused") {
    lines.push(dim(`  → holdfast resume ${id}, or restart it, or cancel it`));
  }
  return lines.length === 0 ? [] : ["", ...lines];
}

function field(name: string, text: string, paint = (value: string): string => value): string {
  const { dim } = stdout.style;
  const room = stdout.columns - 11;
  return `  ${dim(name.padEnd(8))} ${paint(cut(oneLine(text), room))}`;
}

function errorOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return errorText(error);
  const parts = new Map<string, unknown>(Object.entries(error));
  const [step, code] = [parts.get("step") ?? null, parts.get("code") ?? null];
  return `${step === null ? "" : `step ${step}: `}${errorText(error)}${code === null ? "" : ` [${code}]`}`;
}

interface Story {
  readonly invocation: InvocationDescription;
  readonly children: ReadonlyMap<number, Child>;
  readonly now: number;
  readonly options: ShowOptions;
}

function layOut(all: readonly Item[], story: Story): string[] {
  const { invocation, now, options } = story;
  const left = options.all === true ? 0 : Math.max(0, all.length - 2 * itemsShown);
  const items = left === 0 ? all : [...all.slice(0, itemsShown), ...all.slice(-itemsShown)];
  const begin = invocation.createdAt;
  const span = Math.max(1, (invocation.endedAt ?? now) - begin);
  const columns = stdout.columns === Number.POSITIVE_INFINITY ? 120 : stdout.columns;
  const widths = {
    index: Math.max(1, ...items.map(({ index }) => String(index).length)),
    at: Math.max(...items.map((item) => formatOffset(item, begin).length)),
    took: Math.max(...items.map((item) => formatTook(item, now).length)),
    what: Math.min(40, Math.max(...items.map((item) => widthOf(whatOf(item))))),
    bar: Math.max(8, Math.min(32, Math.floor(columns / 4))),
  };
  const lines = items.map((item) => {
    const bar = makeBar((item.from - begin) / span, ((item.to ?? now) - begin) / span, widths.bar);
    return formatItem(item, { ...story, begin, widths, bar, columns });
  });
  if (left > 0) {
    const gap = stdout.style.dim(`  … ${left} more; --all shows them`);
    lines.splice(itemsShown, 0, gap);
  }
  return lines;
}

interface Layout extends Story {
  readonly begin: number;
  readonly widths: Readonly<Record<"index" | "at" | "took" | "what", number>> & { bar: number };
  readonly bar: string;
  readonly columns: number;
}

function formatItem(item: Item, layout: Layout): string {
  const { begin, widths, bar, columns, now, children } = layout;
  const { dim, red, green, cyan } = stdout.style;
  const isOpen = item.to === null && layout.invocation.endedAt === null;
  const isGivenUp = item.to === null && !isOpen;
  const paint = item.failed ? red : isOpen ? cyan : isGivenUp ? dim : green;
  const symbol = item.failed ? "✗" : isOpen ? "◷" : item.isMoment || isGivenUp ? "·" : "✓";
  const mark = item.isMoment ? dim(symbol) : paint(symbol);
  const head = [
    dim(String(item.index).padStart(widths.index)),
    dim(formatOffset(item, begin).padStart(widths.at)),
    mark,
    pad(whatOf(item), widths.what),
    formatTook(item, now).padStart(widths.took),
  ];
  const used = widths.index + widths.at + widths.what + widths.took + widths.bar + 12;
  const child = item.child === null ? undefined : children.get(item.child);
  const childText = child === undefined ? "" : `${child.id} ${child.status} `;
  const detail = cut(oneLine(childText + item.detail), Math.max(10, columns - used));
  const drawn = item.isMoment ? " ".repeat(widths.bar) : paint(pad(bar, widths.bar));
  return `  ${head.join(" ")} ${dim("▕")}${drawn}${dim("▏")} ${dim(detail)}`.trimEnd();
}

function whatOf({ kind, name }: Item): string {
  return oneLine(name === "" ? kind : `${kind} ${name}`);
}

function formatOffset({ from }: Item, begin: number): string {
  return `+${formatDuration(Math.max(0, from - begin))}`;
}

function formatTook({ from, to, isMoment }: Item, now: number): string {
  if (to === null) return `${formatDuration(Math.max(0, now - from))}…`;
  return isMoment ? "" : formatDuration(to - from);
}
