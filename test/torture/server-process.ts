/** The server as a process that can be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program: string = fileURLToPath(new URL("server.ts", import.meta.url));
const logLines = 40;

export interface ServerFiles {
  readonly store: string;
  readonly effects: string;
}

export class ServerProcess {
  /** Its address, when it takes requests; undefined if it ended before. */
  readonly ready: Promise<string | undefined>;
  /** Resolves when it is gone, to what it died of. */
  readonly gone: Promise<string>;
  /** The last lines of its log. */
  readonly log: string[] = [];
  readonly #child: ChildProcess;
  #killed = false;

  constructor({ store, effects }: ServerFiles) {
    const child = spawn(process.execPath, ["--conditions=holdfast-source", program, store], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        TORTURE_EFFECTS: effects,
        HOLDFAST_LOG: "warn",
        // It starts some hundred times.
        NODE_COMPILE_CACHE: `${store}-code`,
      },
    });
    this.#child = child;
    this.gone = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(signal ?? `exit ${code}`));
    });
    this.ready = new Promise((resolve) => {
      createInterface(child.stdout).once("line", resolve);
      this.gone.then(() => resolve(undefined));
    });
    createInterface(child.stderr).on("line", (line) => {
      this.log.push(line);
      if (this.log.length > logLines) this.log.shift();
    });
  }

  /** Whether it ended without being killed. */
  get fellOver(): boolean {
    return !this.#killed && (this.#child.exitCode !== null || this.#child.signalCode !== null);
  }

  async kill(): Promise<void> {
    if (this.fellOver) return;
    this.#killed = true;
    this.#child.kill("SIGKILL");
    await this.gone;
  }
}
