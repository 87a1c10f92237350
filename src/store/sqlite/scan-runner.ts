import { Worker } from "node:worker_threads";
import { fail, type HoldfastError, reasonOf } from "../../model/errors.ts";
import { Deque } from "../../std/deque.ts";
import type { TupleChunk, TupleScan } from "../relations.ts";
import { siblingUrl } from "./sibling.ts";

/** What the thread says: one answer per scan, in order. */
export type ScanAnswer =
  | { readonly kind: "chunk"; readonly chunk: TupleChunk }
  | { readonly kind: "failed"; readonly reason: string };

interface Job {
  readonly resolve: (chunk: TupleChunk) => void;
  readonly reject: (error: HoldfastError) => void;
}

/**
 * Runs scans in a thread of their own. It starts with the first one and ends when nothing is asked
 * and no scan is unfinished: relationships are scanned when a store is opened, and not again.
 */
export class ScanRunner {
  readonly #path: string;
  readonly #jobs = new Deque<Job>();
  #worker: Worker | null = null;
  #whenIdle: (() => void)[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  run(scan: TupleScan): Promise<TupleChunk> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ resolve, reject });
      this.#worker ??= this.#start();
      this.#worker.ref();
      this.#worker.postMessage(scan);
    });
  }

  /** Resolves when no chunk is being read, and with it no snapshot of the file in use. */
  async settle(): Promise<void> {
    if (this.#jobs.size === 0) return;
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  async close(): Promise<void> {
    await this.settle();
    await this.#stop();
  }

  #start(): Worker {
    const worker = new Worker(siblingUrl(import.meta.url, "scan-worker"), {
      workerData: this.#path,
      execArgv: [],
    });
    worker.on("message", (answer: ScanAnswer) => this.#answer(answer));
    // `error` and `exit` come without an answer when the thread could not start or died.
    worker.on("error", (error) => this.#lose(worker, reasonOf(error)));
    worker.on("exit", (code) => this.#lose(worker, `the thread ended with ${code}`));
    worker.unref();
    return worker;
  }

  #answer(answer: ScanAnswer): void {
    const job = this.#jobs.shift();
    if (this.#jobs.size === 0) this.#rest();
    if (answer.kind === "failed") job?.reject(fail("store-failed", { reason: answer.reason }));
    else {
      job?.resolve(answer.chunk);
      if (answer.chunk.next === null && this.#jobs.size === 0) void this.#stop();
    }
  }

  #lose(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const error = fail("store-failed", { reason: `relationships could not be read: ${reason}` });
    while (this.#jobs.size > 0) this.#jobs.shift()?.reject(error);
    this.#rest();
  }

  #rest(): void {
    this.#worker?.unref();
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #stop(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    this.#worker = null;
    worker.ref();
    const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.postMessage("close");
    await exited;
  }
}
