import type { Log } from "../../host/host.ts";
import { Checkpointer } from "./checkpointer.ts";

const megabyte = 1024 * 1024;

/** A checkpoint in the background each time the WAL has grown by this much. */
const stepBytes = 8 * megabyte;
/** From this size on the WAL is emptied, while the engine waits. */
const emptyAtBytes = 32 * megabyte;
/** From this size on even a background checkpoint that still runs is waited for. */
const waitAtBytes = 64 * megabyte;

/**
 * Keeps the WAL small under load that never pauses. Background checkpoints copy pages into the
 * database while commits go on, but the WAL can only start again from its beginning when all of it
 * is copied and nobody writes; so past a size the next commit is held up, and little is left to copy
 * then. A long query keeps its snapshot in the WAL meanwhile: it grows until the query ends, which
 * the query's time limit bounds.
 */
export class WalKeeper {
  readonly #checkpointer: Checkpointer;
  readonly #size: () => number;
  readonly #log: Log;
  /** At which size the next checkpoint is due. */
  #dueAt = stepBytes;
  /** Whether a background checkpoint has ended since the WAL passed `emptyAtBytes`. */
  #nearlyDone = false;

  constructor(path: string, size: () => number, log: Log) {
    this.#checkpointer = new Checkpointer(path);
    this.#size = size;
    this.#log = log;
  }

  isDue(): boolean {
    return this.#size() >= this.#dueAt;
  }

  /** Starts what is due; resolves when commits may go on. No commit may run meanwhile. */
  async keep(): Promise<void> {
    const size = this.#size();
    if (size >= emptyAtBytes && this.#nearlyDone && !this.#checkpointer.busy) await this.empty();
    else if (size >= waitAtBytes) await this.empty();
    else if (!this.#checkpointer.busy) void this.#copy(size);
  }

  /** Copies all of the WAL and truncates it. @returns whether it was possible. */
  async empty(): Promise<boolean> {
    let report = await this.#checkpointer.run("TRUNCATE");
    // After an I/O error each descriptor reports it once more, so one repetition is fair.
    if (report.reason !== null) report = await this.#checkpointer.run("TRUNCATE");
    if (report.reason !== null) {
      this.#log("warn", "A checkpoint of the store failed", { reason: report.reason });
    }
    this.#nearlyDone = false;
    this.#dueAt = this.#size() + stepBytes;
    return report.done;
  }

  async close(): Promise<void> {
    await this.#checkpointer.close();
  }

  async #copy(size: number): Promise<void> {
    const report = await this.#checkpointer.run("PASSIVE");
    if (report.reason !== null) {
      this.#log("warn", "A checkpoint of the store failed", { reason: report.reason });
    }
    this.#nearlyDone = size >= emptyAtBytes;
    this.#dueAt = this.#nearlyDone ? 0 : size + stepBytes;
  }
}
