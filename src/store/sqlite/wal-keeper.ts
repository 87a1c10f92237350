import type { Log } from "../../host/host.ts";
import { reasonOf } from "../../model/errors.ts";
import { Checkpointer } from "./checkpointer.ts";

/** Past this size the WAL is emptied, unless the caller says otherwise. */
export const walBytesDefault: number = 32 * 1024 * 1024;

/** A frame or two fit between what is reserved and what is due. */
const reserveMargin = 64 * 1024;

export interface WalOptions {
  /** How long the WAL is now. */
  readonly size: () => number;
  /** Writes zeros into an empty WAL, up to this length. */
  readonly reserve: (bytes: number) => void;
  /** Past this size it is emptied; twice this size it does not exceed by more than one commit. */
  readonly bytes: number;
  readonly log: Log;
}

/**
 * Keeps the WAL small under load that never pauses. Background checkpoints copy pages into the
 * database while commits go on, but the WAL can only start again from its beginning when all of it
 * is copied and nobody writes; so past a size the next commit is held up, and little is left to copy
 * then. A long query keeps its snapshot in the WAL meanwhile: it grows until the query ends, which
 * the query's time limit bounds.
 */
export class WalKeeper {
  readonly #options: WalOptions;
  readonly #checkpointer: Checkpointer;
  readonly #size: () => number;
  readonly #log: Log;
  /** A checkpoint in the background each time the WAL has grown by this much. */
  readonly #step: number;
  /** From this size on the WAL is emptied, while the engine waits. */
  readonly #emptyAt: number;
  /** From this size on even a background checkpoint that still runs is waited for. */
  readonly #waitAt: number;
  /** At which size the next checkpoint is due. */
  #dueAt: number;
  /** Whether a background checkpoint has ended since the WAL passed `#emptyAt`. */
  #nearlyDone = false;

  constructor(path: string, options: WalOptions) {
    this.#options = options;
    this.#checkpointer = new Checkpointer(path);
    this.#size = options.size;
    this.#log = options.log;
    this.#emptyAt = options.bytes;
    this.#step = Math.ceil(options.bytes / 4);
    this.#waitAt = options.bytes * 2;
    this.#dueAt = this.#step;
    this.#reserve();
  }

  /** Less than what makes a checkpoint due, which is judged by the length of the file. */
  #reserve(): void {
    try {
      this.#options.reserve(this.#step - reserveMargin);
    } catch (error) {
      // A full disk: commits will say so, and until then an empty WAL is as good.
      this.#log("debug", "The WAL could not be reserved", { reason: reasonOf(error) });
    }
  }

  isDue(): boolean {
    return this.#size() >= this.#dueAt;
  }

  /** Starts what is due; resolves when commits may go on. No commit may run meanwhile. */
  async keep(): Promise<void> {
    const size = this.#size();
    const calm = this.#nearlyDone && !this.#checkpointer.busy;
    if (size >= this.#waitAt || (size >= this.#emptyAt && calm)) {
      if (await this.empty()) this.#reserve();
    } else if (!this.#checkpointer.busy) void this.#copy(size);
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
    this.#dueAt = this.#size() + this.#step;
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
    this.#nearlyDone = size >= this.#emptyAt;
    this.#dueAt = this.#nearlyDone ? 0 : size + this.#step;
  }
}
