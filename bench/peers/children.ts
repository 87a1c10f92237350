import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** Each with the signal that ends it at once. */
const alive = new Map<ChildProcess, NodeJS.Signals>();
const folders = new Set<string>();

// Nothing that was started here outlives this process, whichever way it ends.
process.once("exit", () => {
  for (const [child, signal] of alive) child.kill(signal);
  for (const folder of folders) removeFolder(folder);
});
for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
  process.once(signal, () => void interrupt(status));
}

let interrupted = false;

/** A folder can go only when nobody writes to it any more. */
async function interrupt(status: number): Promise<void> {
  interrupted = true;
  const ended = Promise.all(Array.from(alive.keys(), (child) => once(child, "exit")));
  for (const [child, signal] of alive) child.kill(signal);
  await Promise.race([ended, setTimeout(3_000)]);
  process.exit(status);
}

/** What waits for a child must not take an interrupt for a failure, and go on with the next. */
async function unlessInterrupted(): Promise<void> {
  if (interrupted) await new Promise<never>(() => {});
}

export async function tempFolder(): Promise<string> {
  await unlessInterrupted();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-peers-"));
  folders.add(folder);
  // PostgreSQL runs as another user and has to get through to its own folder.
  await chmod(folder, 0o711);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

export function start(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  atOnce: NodeJS.Signals = "SIGKILL",
): ChildProcess {
  const child = spawn(command, args, options);
  alive.set(child, atOnce);
  child.once("exit", () => alive.delete(child));
  child.once("error", () => alive.delete(child));
  return child;
}

/** A TypeScript file of this folder in its own Node; what it prints goes to stderr. */
export function startNode(file: string, args: readonly string[]): ChildProcess {
  const flags = [...process.execArgv, "--no-deprecation"];
  return start(process.execPath, [...flags, join(import.meta.dirname, file), ...args], {
    // As in production; the Restate SDK would otherwise print two lines a call.
    env: { ...process.env, NODE_ENV: "production", RESTATE_LOGGING: "ERROR" },
    stdio: ["ignore", 2, 2, "ipc"],
  });
}

/** The first message of a child, or an error if it ends or takes too long instead. */
export async function firstMessage(child: ChildProcess, withinMs: number): Promise<unknown> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(withinMs)]);
  try {
    const [message]: unknown[] = await Promise.race([
      once(child, "message", { signal }),
      once(child, "exit", { signal }).then(([code, killed]) => {
        throw new Error(`${child.spawnargs.join(" ")} ended early (${code ?? killed})`);
      }),
    ]);
    return message;
  } finally {
    stop.abort();
    await unlessInterrupted();
  }
}

/** Asks, waits, and only then insists. */
export async function stop(
  child: ChildProcess | undefined,
  ask: NodeJS.Signals = "SIGTERM",
): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(ask);
  const patience = AbortSignal.timeout(5_000);
  patience.addEventListener("abort", () => child.kill("SIGKILL"));
  await ended;
}
