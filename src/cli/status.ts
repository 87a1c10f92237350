/** Statuses: their names and their colours. */
import { hasEnded, type Status } from "../model/invocation.ts";
import { stdout } from "./terminal.ts";

const marks: Readonly<Record<Status, string>> = {
  scheduled: "◷",
  queued: "◷",
  running: "▶",
  suspended: "◷",
  "backing-off": "↻",
  paused: "‖",
  succeeded: "✓",
  failed: "✗",
  cancelled: "✗",
  killed: "✗",
};

export const statusNames: readonly Status[] = Object.keys(marks) as Status[]; // the keys just above

export function isStatus(text: string): text is Status {
  return Object.hasOwn(marks, text);
}

export function statusMark(status: string): string {
  return isStatus(status) ? marks[status] : "?";
}

export function paintStatus(text: string, { status }: { readonly status: string }): string {
  const { red, green, yellow, cyan } = stdout.style;
  if (!isStatus(status)) return text;
  if (status === "succeeded") return green(text);
  if (status === "paused" || status === "backing-off") return yellow(text);
  return hasEnded(status) ? red(text) : cyan(text);
}
