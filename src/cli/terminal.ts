/** The terminal and the environment: the one place of the CLI that touches either. */
import util from "node:util";

type Paint = (text: string) => string;

/** Colours where they can be shown, and where nobody asked for none (https://no-color.org). */
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

interface Output {
  readonly isTerminal: boolean;
  /** Infinity where lines need not be cut. */
  readonly columns: number;
  readonly style: Style;
}

/** What was asked for. */
export const stdout: Output = describeStream(process.stdout);
/** What is told besides. */
export const stderr: Output = describeStream(process.stderr);

/** Prints what was asked for. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Resolves when whoever reads the output has taken most of it. */
export async function drained(): Promise<void> {
  if (!process.stdout.writableNeedDrain) return;
  await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
}

/** Tells something besides: notes, progress, errors. */
export function say(text: string): void {
  showStatus(undefined);
  process.stderr.write(`${text}\n`);
}

let statusShown = false;

/** One line that is written over by the next; nothing where there is no terminal. */
export function showStatus(text: string | undefined): void {
  if (!process.stderr.isTTY || (text === undefined && !statusShown)) return;
  const line = text === undefined ? "" : text.slice(0, process.stderr.columns - 1);
  process.stderr.write(`\r\u001b[K${line}`);
  statusShown = text !== undefined;
}

export function readEnv(name: string): string | undefined {
  const value = process.env[name];
  return value === undefined || value.trim() === "" ? undefined : value;
}

/** All of standard input. */
export async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** A reader that has seen enough, such as `head`, is no error. */
export function endQuietlyWhenNobodyReads(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
}

export function complainOfNode(): void {
  say(
    `Holdfast needs Node 24.12 or newer, and this is ${process.versions.node}.\n` +
      "Install a newer one from https://nodejs.org, then run the command again.",
  );
  process.exitCode = 1;
}

function describeStream(stream: NodeJS.WriteStream): Output {
  const isTerminal = stream.isTTY === true;
  const wantsNone = readEnv("NO_COLOR") !== undefined || readEnv("TERM") === "dumb";
  const colour = isTerminal && !wantsNone;
  const paint = (format: Parameters<typeof util.styleText>[0]): Paint =>
    colour ? (text) => util.styleText(format, text, { validateStream: false }) : (text) => text;
  return {
    isTerminal,
    columns: isTerminal ? stream.columns : Number.POSITIVE_INFINITY,
    style: {
      bold: paint("bold"),
      dim: paint("gray"),
      red: paint("red"),
      green: paint("green"),
      yellow: paint("yellow"),
      cyan: paint("cyan"),
    },
  };
}
