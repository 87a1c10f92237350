import { formatWithOptions, inspect } from "node:util";
import type { Log, LogLevel } from "./host.ts";

const levels = ["debug", "info", "warn", "error", "silent"] as const;

/** The least that is written; `"silent"` is nothing. */
export type LogThreshold = LogLevel | "silent";

export function isLogThreshold(text: string): text is LogThreshold {
  return levels.some((level) => level === text);
}

export interface LineLogOptions {
  readonly write: (line: string) => void;
  readonly threshold: LogThreshold;
  /** `"text"` is for people, `"json"` for programs: one object a line. */
  readonly format: "text" | "json";
  readonly colour: boolean;
  readonly now: () => number;
}

/** A log that writes one line for each message, for people or for programs. */
export function makeLineLog(options: LineLogOptions): Log {
  const { write, threshold, format, colour, now } = options;
  const least = levels.indexOf(threshold);
  const line = format === "json" ? jsonLine : colour ? colouredLine : textLine;
  return (level, message, fields = {}) => {
    if (levels.indexOf(level) < least) return;
    const at = new Date(now()).toISOString();
    write(`${line({ at, level, message, fields })}\n`);
  };
}

/** The log of a server: to standard error, readable on a terminal, JSON lines anywhere else. */
export function makeStandardLog(
  threshold: LogThreshold,
  format: "text" | "json" = process.stderr.isTTY ? "text" : "json",
): Log {
  const colour = process.stderr.isTTY && process.stderr.hasColors();
  const write = (line: string): void => void process.stderr.write(line);
  return makeLineLog({ write, threshold, format, colour, now: () => Date.now() });
}

interface Line {
  readonly at: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Fields stand beside the members of every line, which they cannot replace. */
function jsonLine({ fields, ...line }: Line): string {
  return stringify(Object.assign({ ...line }, fields, line)) ?? stringify(line) ?? "{}";
}

function stringify(line: object): string | undefined {
  try {
    return JSON.stringify(line, (_, value: unknown) => {
      if (value instanceof Error) return value.stack ?? value.message;
      return typeof value === "bigint" ? String(value) : value;
    });
  } catch {
    return undefined; // a circle in the fields: the message at least is kept
  }
}

function textLine(line: Line): string {
  return layOut(line, line.level.padEnd(5), false, (text) => text);
}

const colours = { debug: 90, info: 36, warn: 33, error: 31 } as const;

function colouredLine(line: Line): string {
  const label = paint(colours[line.level], line.level.padEnd(5));
  return layOut(line, label, true, (text) => paint(90, text));
}

function layOut(line: Line, label: string, colors: boolean, dim: (text: string) => string): string {
  const { at, message, fields } = line;
  const parts = [dim(at.slice(11, 23)), label, escapeControls(message)];
  for (const [name, value] of Object.entries(fields)) {
    const text =
      typeof value === "string" && /^[\w./:@-]+$/.test(value)
        ? value
        : formatWithOptions({ colors, compact: true, breakLength: Infinity }, "%O", value);
    parts.push(`${dim(`${name}=`)}${text}`);
  }
  return parts.join(" ");
}

/** So that what a user's code logs cannot move the cursor or forge a line. */
function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (found) =>
    found === "\n" ? "\n  " : inspect(found).slice(1, -1),
  );
}

function paint(code: number, text: string): string {
  return `\u001b[${code}m${text}\u001b[39m`;
}
