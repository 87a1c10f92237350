import type { Attempt, Executor, ExecutorHost } from "../engine/engine.ts";
import type { Host } from "../host/host.ts";
import type { Entry } from "../model/entry.ts";
import type { Limits } from "../model/limits.ts";
import { makeContext } from "./handler-context.ts";
import type { Relations } from "./relations.ts";
import { Run, type RunHost } from "./run.ts";

/**
 * Runs handlers in the thread of the loop. Everything that is ready takes one turn at the same time;
 * a turn ends when the microtask queue is empty, and only then the next completion is delivered.
 */
export class ThreadExecutor implements Executor, RunHost {
  readonly host: Host;
  readonly limits: Limits;
  readonly engine: ExecutorHost;
  readonly relations: Relations | null;
  durableBatch = 0;
  inStep = false;
  readonly #runs = new Map<number, Run>();
  #ready: Run[] = [];
  #turning: Run[] = [];
  readonly #waiting = new Map<number, Run[]>();

  constructor(
    host: Host,
    limits: Limits,
    engine: ExecutorHost,
    relations: Relations | null = null,
  ) {
    this.host = host;
    this.limits = limits;
    this.engine = engine;
    this.relations = relations;
  }

  get ready(): boolean {
    return this.#ready.length > 0;
  }

  get size(): number {
    return this.#runs.size;
  }

  start(attempt: Attempt): void {
    const run = new Run(this, attempt);
    this.#runs.set(attempt.number, run);
    run.prepare();
  }

  notify(number: number, entry: Entry, batch: number): void {
    this.#runs.get(number)?.notify(entry, batch);
  }

  applied(number: number, batch: number): void {
    this.#runs.get(number)?.applied(batch);
  }

  cancel(number: number): void {
    this.#runs.get(number)?.cancel();
  }

  retryStep(number: number, command: number): void {
    this.#runs.get(number)?.retryStep(command);
  }

  drop(number: number): void {
    const run = this.#runs.get(number);
    if (run === undefined) return;
    this.#runs.delete(number);
    run.end();
  }

  dropAll(): void {
    for (const run of this.#runs.values()) run.end();
    this.#runs.clear();
    this.#ready = [];
    this.#waiting.clear();
  }

  openTurns(): void {
    const turning = this.#ready;
    this.#ready = this.#turning;
    this.#turning = turning;
    for (const run of turning) run.openTurn();
  }

  closeTurns(): void {
    const turning = this.#turning;
    for (const run of turning) run.closeTurn();
    turning.length = 0;
  }

  durable(batch: number): void {
    this.durableBatch = batch;
    for (const [number, runs] of this.#waiting) {
      if (number > batch) continue;
      this.#waiting.delete(number);
      for (const run of runs) run.startSteps();
    }
  }

  makeContext(run: Run): object {
    return makeContext(run);
  }

  enqueue(run: Run): void {
    this.#ready.push(run);
    this.engine.wake();
  }

  awaitBatch(run: Run, batch: number): void {
    const runs = this.#waiting.get(batch);
    if (runs === undefined) this.#waiting.set(batch, [run]);
    else runs.push(run);
  }
}
