import type { Host, Log } from "../../src/host/host.ts";

/** More timers than this within one jump are a loop that arms itself again and again. */
const firesMax = 200_000;

/** A clock that stands still until it is told otherwise: a week passes at once. */
export class FakeClock {
  /** Milliseconds since 1970. A Monday, at midnight UTC. */
  now: number = Date.UTC(2026, 0, 5);
  #monotonic = 0;
  #timers: Timer[] = [];

  get monotonic(): number {
    return this.#monotonic;
  }

  /** Timers that have not fired, of machines that run. */
  get armed(): number {
    return this.#timers.filter((timer) => timer.machine.on).length;
  }

  add(machine: Machine, ms: number, callback: () => void): () => void {
    const timer: Timer = { at: this.#monotonic + Math.max(0, ms), machine, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /**
   * Lets time pass, stopping at each timer on the way. `settle` waits until what a timer has set off
   * is over, `rest` until nothing moves.
   */
  async pass(
    ms: number,
    rest: () => Promise<void>,
    settle: () => Promise<void> = rest,
  ): Promise<void> {
    const end = this.#monotonic + ms;
    await rest();
    for (let fires = 0; fires < firesMax; fires++) {
      const next = this.#next();
      if (next === undefined || next.at > end) {
        this.#move(end);
        await rest();
        return;
      }
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#move(next.at);
      next.callback();
      await settle();
    }
    throw new Error(`more than ${firesMax} timers fired within ${ms} ms`);
  }

  /** The wall clock is set, as by an administrator; nothing that measures sees it. */
  set(now: number): void {
    this.now = now;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.machine.on && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  }

  #move(at: number): void {
    this.now += Math.max(0, at - this.#monotonic);
    this.#monotonic = Math.max(this.#monotonic, at);
  }
}

interface Timer {
  readonly at: number;
  readonly machine: Machine;
  readonly callback: () => void;
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** One life of a process. Switched off, it does nothing any more, wherever it was. */
export class Machine implements Host {
  on = true;
  readonly #clock: FakeClock;
  readonly #lines: LogLine[];
  #seed: number;

  constructor(clock: FakeClock, lines: LogLine[], seed: number) {
    this.#clock = clock;
    this.#lines = lines;
    this.#seed = seed;
  }

  now(): number {
    return this.#clock.now;
  }

  monotonic(): number {
    return this.#clock.monotonic;
  }

  random(): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return (this.#seed ^ (this.#seed >>> 15)) >>> 0;
  }

  setTimer(ms: number, callback: () => void): () => void {
    return this.#clock.add(this, Math.ceil(ms), callback);
  }

  defer(callback: () => void): void {
    setImmediate(() => {
      if (this.on) callback();
    });
  }

  afterMicrotasks(callback: () => void): void {
    queueMicrotask(() => {
      process.nextTick(() => {
        if (this.on) callback();
      });
    });
  }

  readonly log: Log = (level, message, fields = {}) => {
    if (this.on) this.#lines.push({ level, message, fields });
  };
}
