import type { Host, LogLevel } from "../host/host.ts";
import { Prng } from "../std/prng.ts";
import type { Scheduler } from "./scheduler.ts";

/** 2033-05-18: as good as any other day to begin. */
const beginning = 2_000_000_000_000;

/** The wall clock of one machine, which somebody may set. */
export interface WallClock {
  /** How far it is off, in milliseconds. */
  offset: number;
}

export interface SimHostOptions {
  readonly scheduler: Scheduler;
  readonly clock: WallClock;
  readonly seed: number;
  readonly log: (
    level: LogLevel,
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
  /** Told what callbacks throw while the host lives. */
  readonly broken: (error: unknown) => void;
}

/** The machine as one process sees it. When the process dies, nothing calls back any more. */
export class SimHost implements Host {
  readonly log: Host["log"];
  readonly #scheduler: Scheduler;
  readonly #clock: WallClock;
  readonly #random: Prng;
  readonly #broken: (error: unknown) => void;
  #dead = false;
  /** Timers and deferred calls that came: what a node at rest costs. */
  calls = 0;

  constructor(options: SimHostOptions) {
    this.#scheduler = options.scheduler;
    this.#clock = options.clock;
    this.#random = new Prng(options.seed);
    this.#broken = options.broken;
    this.log = (level, message, fields) => {
      if (!this.#dead) options.log(level, message, fields);
    };
  }

  get dead(): boolean {
    return this.#dead;
  }

  die(): void {
    this.#dead = true;
  }

  now(): number {
    return wallTime(this.#scheduler, this.#clock);
  }

  monotonic(): number {
    return this.#scheduler.now;
  }

  random(): number {
    return this.#random.uint32();
  }

  setTimer(ms: number, callback: () => void): () => void {
    return this.#scheduler.after(Math.ceil(ms), () => this.#call(callback));
  }

  defer(callback: () => void): void {
    this.#scheduler.after(this.#random.float() * 0.05, () => this.#call(callback));
  }

  /** As on the real machine: a tick queued in a microtask runs when the microtasks have run dry. */
  afterMicrotasks(callback: () => void): void {
    queueMicrotask(() => process.nextTick(() => this.#call(callback)));
  }

  #call(callback: () => void): void {
    if (this.#dead) return;
    this.calls++;
    try {
      callback();
    } catch (error) {
      if (!this.#dead) this.#broken(error);
    }
  }
}

/** Whole milliseconds, as the real clock gives them. */
export function wallTime(scheduler: Scheduler, clock: WallClock): number {
  return Math.floor(beginning + scheduler.now + clock.offset);
}
