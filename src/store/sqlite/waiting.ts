import type { EntryKind } from "../../model/entry.ts";
import { entryKinds } from "./codes.ts";

/*
 * What an invocation waits for, read off its journal from first entry to last: the aggregate
 * function `waiting` behind the columns `waiting_for` and `waiting_since`.
 */

export interface WaitingEntry {
  readonly kind: number;
  readonly command: number;
  readonly name: string;
  readonly payload: string | null;
  readonly at: number;
}

interface OpenCommand {
  readonly text: string;
  readonly at: number;
}

/** Commands not yet answered by number, and `await-signal` not yet answered by name. */
export interface Waiting {
  readonly open: Map<number, OpenCommand>;
  readonly signals: Map<string, { waits: OpenCommand[]; arrived: number }>;
}

/** More than this many are counted, not named. */
const namedMax = 5;

export function emptyWaiting(): Waiting {
  return { open: new Map(), signals: new Map() };
}

export function addWaiting(waiting: Waiting, entry: WaitingEntry): Waiting {
  const kind = entryKinds[entry.kind];
  if (kind === "done") {
    waiting.open.delete(entry.command);
  } else if (kind === "signal" || kind === "await-signal") {
    const signal = waiting.signals.get(entry.name) ?? { waits: [], arrived: 0 };
    waiting.signals.set(entry.name, signal);
    if (kind === "signal") signal.arrived++;
    else signal.waits.push({ text: `signal ${entry.name}`, at: entry.at });
  } else if (kind !== undefined) {
    const text = describe(kind, entry);
    if (text !== null) waiting.open.set(entry.command, { text, at: entry.at });
  }
  return waiting;
}

/** JSON `[text, since]`, or null when nothing is open. */
export function describeWaiting(waiting: Waiting): string | null {
  const open = [...waiting.open.values()];
  // Signals go to those who wait in the order in which they began to.
  for (const { waits, arrived } of waiting.signals.values()) open.push(...waits.slice(arrived));
  if (open.length === 0) return null;
  open.sort((a, b) => a.at - b.at);
  const named = open.slice(0, namedMax).map((command) => command.text);
  if (open.length > namedMax) named.push(`${open.length - namedMax} more`);
  return JSON.stringify([named.join(", "), open[0]?.at]);
}

function describe(kind: EntryKind, entry: WaitingEntry): string | null {
  switch (kind) {
    case "call":
    case "promise":
    case "relate":
      return `${kind} ${entry.name}`;
    case "attach":
      return `attach ${entry.payload === null ? entry.name : entry.payload.replaceAll('"', "")}`;
    case "sleep":
      return `sleep until ${isoTime(Number(entry.payload))}`;
    default:
      return null;
  }
}

function isoTime(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
