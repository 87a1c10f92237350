/** The story of an invocation, told from its journal: what it did, when, for how long. */
import type { JournalEntryDescription } from "../model/port.ts";
import { formatDuration } from "../std/duration.ts";
import { oneLineJson } from "./table.ts";

/** One thing that an invocation did or that came to it. */
export interface Item {
  /** Of the journal entry; what `restart --from` counts. */
  readonly index: number;
  readonly kind: string;
  readonly name: string;
  readonly from: number;
  /** null while it is open. */
  readonly to: number | null;
  /** It takes no time by its nature: a message sent, a state entry set, a signal that came. */
  readonly isMoment: boolean;
  readonly failed: boolean;
  /** What came of it, in one line. */
  readonly detail: string;
  /** Number of the invocation that it started. */
  readonly child: number | null;
}

type Entry = JournalEntryDescription;

/** Those that wait for an answer, and what people call them. */
const waits: Readonly<Record<string, string>> = {
  call: "call",
  attach: "attach",
  sleep: "sleep",
  promise: "promise",
  id: "id",
  relate: "relate",
};

const points: Readonly<Record<string, string>> = {
  get: "read",
  set: "set",
  clear: "clear",
  send: "send",
  settle: "settle",
  signal: "signal",
  "send-signal": "send signal",
  "send-cancel": "cancel",
  patched: "patched",
  check: "check",
  cancel: "cancelled",
};

/** @param startedAt when the first step can have begun. */
export function makeTimeline(entries: readonly Entry[], startedAt: number): Item[] {
  const answers = new Map<number, Entry>();
  const signals = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (entry.kind === "done") answers.set(entry.command, entry);
    if (entry.kind === "signal") {
      signals.set(entry.name, [...(signals.get(entry.name) ?? []), entry]);
    }
  }
  const items: Item[] = [];
  let before = startedAt;
  for (const entry of entries) {
    const item = makeItem(entry, before, { answers, signals });
    if (item !== undefined) items.push(item);
    before = entry.at;
  }
  return items;
}

interface Answers {
  readonly answers: ReadonlyMap<number, Entry>;
  /** By name, those not yet taken. */
  readonly signals: ReadonlyMap<string, Entry[]>;
}

function makeItem(entry: Entry, before: number, known: Answers): Item | undefined {
  const { index, kind, name, value, failed, at } = entry;
  if (kind === "run") {
    // A step is written when it ends; it began when the entry before it was written, or later.
    const detail = failed ? errorText(value) : oneLineJson(value ?? undefined);
    const span = { from: before, to: at, isMoment: false };
    return { index, kind: "step", name, ...span, failed, detail, child: null };
  }
  if (kind === "await-signal") return makeWait(entry, known.signals.get(name)?.shift());
  if (Object.hasOwn(waits, kind)) return makeWait(entry, known.answers.get(entry.command));
  const point = points[kind];
  if (point === undefined) return undefined;
  const detail = kind === "cancel" ? "somebody asked for it" : pointDetail(entry);
  const child = kind === "send" ? numberOf(value) : null;
  const span = { from: at, to: at, isMoment: true };
  return { index, kind: point, name, ...span, failed: false, detail, child };
}

function makeWait(entry: Entry, answer: Entry | undefined): Item {
  const { index, kind, name, value, at } = entry;
  const failed = answer?.failed === true;
  const result = failed ? errorText(answer.value) : oneLineJson(answer?.value ?? undefined);
  const isSleep = kind === "sleep";
  const due = isSleep && typeof value === "number" ? value : at;
  return {
    index,
    kind: waits[kind] ?? "await signal",
    name: isSleep ? formatDuration(Math.max(0, due - at)) : name,
    from: at,
    // A signal may have come before anybody waited for it.
    to: answer === undefined ? null : Math.max(at, answer.at),
    isMoment: false,
    failed,
    detail: result,
    child: kind === "call" ? numberOf(value) : null,
  };
}

function pointDetail({ kind, value }: Entry): string {
  if (kind === "send") {
    const due = memberOf(value, "due");
    return typeof due === "number" ? `due ${new Date(due).toISOString()}` : "";
  }
  return oneLineJson(value ?? undefined);
}

/** The message of an encoded error. */
export function errorText(value: unknown): string {
  const message = memberOf(value, "message");
  return typeof message === "string" ? message : oneLineJson(value);
}

function numberOf(value: unknown): number | null {
  const number = memberOf(value, "number");
  return typeof number === "number" ? number : null;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return new Map<string, unknown>(Object.entries(value)).get(name);
}

/** Eighths of a block, so that a bar is exact to an eighth of a column. */
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** A bar from `from` to `to`, as parts of 1, in so many columns; a mark at least. */
export function makeBar(from: number, to: number, width: number): string {
  const start = Math.min(width - 1, Math.floor(from * width));
  const length = Math.max(0, Math.min(width - start, (to - from) * width));
  const whole = Math.floor(length);
  const rest = eighths[Math.floor((length - whole) * 8)] ?? "";
  const bar = "█".repeat(whole) + rest;
  return " ".repeat(start) + (bar === "" ? "▏" : bar);
}
