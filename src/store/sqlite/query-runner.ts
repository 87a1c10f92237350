import { type ChildProcess, fork } from "node:child_process";
import type { Host } from "../../host/host.ts";
import { fail, type HoldfastError } from "../../model/errors.ts";
import { Deque } from "../../std/deque.ts";
import { formatDuration } from "../../std/duration.ts";
import type { QueryBounds, QueryResult, SqlValue } from "../store.ts";
import { siblingUrl } from "./sibling.ts";

export interface QueryRequest {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  readonly rowsMax: number;
}

/** What the process says: once that it is ready, then one answer per request, in order. */
export type QueryAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "rows"; readonly result: QueryResult }
  | { readonly kind: "refused"; readonly reason: string };

interface Job {
  readonly request: QueryRequest;
  readonly timeoutMs: number;
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: HoldfastError) => void;
}

/**
 * Runs queries in a process of their own, one at a time: a process, because a statement that does
 * not come to an end can only be stopped by killing what runs it. It starts with the first query and
 * stays.
 */
export class QueryRunner {
  readonly #path: string;
  readonly #tag: string;
  readonly #host: Host;
  readonly #waiting = new Deque<Job>();
  #child: ChildProcess | null = null;
  #ready = false;
  #running: Job | null = null;
  #stopTimer: () => void = () => undefined;

  constructor(path: string, tag: string, host: Host) {
    this.#path = path;
    this.#tag = tag;
    this.#host = host;
  }

  /** The time limit counts from when the query starts, not while it waits for its turn. */
  run(sql: string, parameters: readonly SqlValue[], bounds: QueryBounds): Promise<QueryResult> {
    return new Promise((resolve, reject) => {
      const request = { sql, parameters, rowsMax: bounds.rowsMax };
      this.#waiting.push({ request, timeoutMs: bounds.timeoutMs, resolve, reject });
      this.#next();
    });
  }

  /** Ends the process and every query with it; a later query starts another. */
  async stop(): Promise<void> {
    const reason = "the query was stopped, because the store had to let go of its file";
    const stopped = fail("shutting-down", {}, fail("store-failed", { reason }));
    while (this.#waiting.size > 0) this.#waiting.shift()?.reject(stopped);
    const child = this.#child;
    const running = this.#take();
    if (child !== null) await this.#kill(child);
    running?.reject(stopped);
  }

  #next(): void {
    if (this.#running !== null || this.#waiting.size === 0) return;
    this.#child ??= this.#start();
    const child = this.#child;
    refer(child, true);
    if (!this.#ready) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    this.#running = job;
    this.#stopTimer = this.#host.setTimer(job.timeoutMs, () => void this.#timeOut(job, child));
    child.send(job.request);
  }

  #start(): ChildProcess {
    const child = fork(siblingUrl(import.meta.url, "query-process"), [this.#path, this.#tag], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      env: {},
      serialization: "advanced",
      // The process watches its standard input to learn that this one is gone.
      stdio: ["pipe", "ignore", "ignore", "ipc"],
    });
    child.on("message", (answer: QueryAnswer) => this.#answer(child, answer));
    child.on("error", (error) => this.#lose(child, error.message));
    child.on("exit", (code, signal) => this.#lose(child, `it ended with ${signal ?? code}`));
    return child;
  }

  #answer(child: ChildProcess, answer: QueryAnswer): void {
    if (this.#child !== child) return;
    if (answer.kind === "ready") {
      this.#ready = true;
    } else {
      const job = this.#take();
      if (answer.kind === "rows") job?.resolve(answer.result);
      else job?.reject(fail("invalid-query", { reason: answer.reason }));
    }
    refer(child, false);
    this.#next();
  }

  async #timeOut(job: Job, child: ChildProcess): Promise<void> {
    this.#take();
    await this.#kill(child);
    job.reject(fail("query-timed-out", { timeout: formatDuration(job.timeoutMs) }));
    this.#next();
  }

  /** The process ended by itself: with it the query that ran, or all if it could not even start. */
  #lose(child: ChildProcess, reason: string): void {
    if (this.#child !== child) return;
    const started = this.#ready;
    this.#child = null;
    this.#ready = false;
    this.#host.log("error", "The process that runs queries was lost", { reason });
    this.#take()?.reject(fail("internal", { reason: `the query process was lost: ${reason}` }));
    while (!started && this.#waiting.size > 0) {
      this.#waiting.shift()?.reject(fail("internal", { reason: `no query process: ${reason}` }));
    }
    this.#next();
  }

  async #kill(child: ChildProcess): Promise<void> {
    if (this.#child === child) {
      this.#child = null;
      this.#ready = false;
    }
    if (child.exitCode !== null || child.signalCode !== null) return;
    refer(child, true);
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGKILL");
    await exited;
  }

  #take(): Job | null {
    const job = this.#running;
    this.#running = null;
    this.#stopTimer();
    return job;
  }
}

/** Whether the process keeps this one alive. */
function refer(child: ChildProcess, on: boolean): void {
  if (on) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}
