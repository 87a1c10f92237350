// Runs the program `holdfast` as people do: a process of its own, its output, its exit code.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";

export const root: string = path.resolve(import.meta.dirname, "../..");
const main: string = path.join(root, "src/cli/main.ts");

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** For standard input, which is empty without. */
  readonly input?: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that runs, and all it has printed. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";
  readonly #waiters = new Set<() => void>();

  constructor(args: readonly string[], { cwd, env, input }: RunOptions = {}) {
    const argv = ["--conditions=holdfast-source", main, ...args];
    this.child = spawn(process.execPath, argv, {
      cwd: cwd ?? root,
      env: cleanEnv(env),
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child.stdin?.end(input ?? "");
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.#look();
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
      this.#look();
    });
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.#look();
      });
    });
  }

  get output(): string {
    return this.stdout + this.stderr;
  }

  /** Waits until it has printed that; fails when it ends without, or after 15 s. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(15_000);
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      const hasEnded = this.child.exitCode !== null || this.child.signalCode !== null;
      if (hasEnded || deadline.aborted) {
        throw new Error(`never printed ${pattern}, but:\n${this.output}`);
      }
      await new Promise<void>((resolve) => {
        this.#waiters.add(resolve);
        deadline.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** Where it listens, once it is ready. */
  async url(): Promise<string> {
    const [, url = ""] = await this.printed(/ready.*?(http:\/\/127\.0\.0\.1:\d+)/s);
    return url;
  }

  async kill(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }

  #look(): void {
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }
}

/** Starts a process that lives until the test has ended at the latest. */
export function start(t: TestContext, args: readonly string[], options?: RunOptions): Running {
  const running = new Running(args, options);
  t.after(() => running.kill("SIGKILL"));
  return running;
}

export function run(args: readonly string[], options?: RunOptions): Promise<Ended> {
  return new Running(args, options).ended;
}

/** A folder that is gone after the test. */
export function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "holdfast-cli-"));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Without what the machine or the test runner would have the program do. */
function cleanEnv(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(HOLDFAST_|NODE_TEST_CONTEXT|NODE_OPTIONS|NO_COLOR|FORCE_COLOR)/.test(name),
  );
  return { ...Object.fromEntries(inherited), ...env };
}
