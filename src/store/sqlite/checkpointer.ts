import { Worker } from "node:worker_threads";
import { reasonOf } from "../../model/errors.ts";
import { siblingUrl } from "./sibling.ts";

/** `PASSIVE` copies what it can without holding anybody up; `TRUNCATE` all, and empties the WAL. */
export type CheckpointMode = "PASSIVE" | "TRUNCATE";

export interface CheckpointReport {
  /** Whether all of the WAL is now in the database file, and durable there. */
  readonly done: boolean;
  /** What went wrong, if something did; a reader in the way is nothing wrong. */
  readonly reason: string | null;
}

/** Runs checkpoints in a thread of its own, one at a time; the thread starts with the first one. */
export class Checkpointer {
  readonly #path: string;
  #worker: Worker | null = null;
  #running: Promise<CheckpointReport> | null = null;
  #settle: ((report: CheckpointReport) => void) | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  /** Starts when the one before has ended. Never rejects. */
  async run(mode: CheckpointMode): Promise<CheckpointReport> {
    while (this.#running !== null) await this.#running;
    this.#worker ??= this.#start();
    const worker = this.#worker;
    worker.ref();
    this.#running = new Promise((resolve) => {
      this.#settle = resolve;
    });
    worker.postMessage(mode);
    return this.#running;
  }

  /** Waits for the checkpoint that runs, then ends the thread. */
  async close(): Promise<void> {
    while (this.#running !== null) await this.#running;
    const worker = this.#worker;
    if (worker === null) return;
    this.#worker = null;
    worker.ref();
    const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.postMessage("close");
    await exited;
  }

  #start(): Worker {
    const worker = new Worker(siblingUrl(import.meta.url, "checkpoint-worker"), {
      workerData: this.#path,
      execArgv: [],
    });
    worker.on("message", (report: CheckpointReport) => this.#end(report));
    // `error` and `exit` come without a report when the thread could not start or died.
    worker.on("error", (error) => this.#lose(worker, reasonOf(error)));
    worker.on("exit", (code) => this.#lose(worker, `the checkpoint thread ended with ${code}`));
    worker.unref();
    return worker;
  }

  #end(report: CheckpointReport): void {
    this.#worker?.unref();
    this.#running = null;
    const settle = this.#settle;
    this.#settle = null;
    settle?.(report);
  }

  #lose(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#end({ done: false, reason });
  }
}
