import type { Host, Log } from "./host.ts";
import { makeNodeHost } from "./node-host.ts";

interface Alarm {
  readonly at: number;
  readonly callback: () => void;
  /** Calls off the real timer behind it. */
  stop: () => void;
}

/**
 * The real machine with a clock that can be put forward: a test need not wait a week for what happens
 * in a week. Time passes by itself as well, so nothing that polls stands still.
 */
export class AdjustableClock {
  readonly host: Host;
  readonly #real: Host;
  #ahead = 0;
  readonly #alarms = new Set<Alarm>();

  constructor(log?: Log) {
    const real = makeNodeHost(log);
    this.#real = real;
    this.host = {
      ...real,
      now: () => real.now() + this.#ahead,
      monotonic: () => real.monotonic() + this.#ahead,
      setTimer: (ms, callback) => this.#set(ms, callback),
    };
  }

  /**
   * Puts the clock forward by `ms`, stopping at each timer on the way so that what it starts can set
   * the next one; `rest` is awaited at each stop.
   */
  async advance(ms: number, rest: () => Promise<void>): Promise<void> {
    // The wall clock counts whole milliseconds, so a timer may be set to be one late.
    const end = this.host.monotonic() + ms + 1;
    await rest();
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#jumpTo(next.at);
      this.#fire(next);
      await rest();
    }
    this.#jumpTo(end);
    for (const alarm of this.#alarms) this.#arm(alarm);
  }

  #jumpTo(at: number): void {
    // Whole milliseconds, since that is what the wall clock counts in.
    this.#ahead += Math.max(0, Math.ceil(at - this.host.monotonic()));
  }

  #set(ms: number, callback: () => void): () => void {
    const at = this.host.monotonic() + Math.max(0, ms);
    const alarm: Alarm = { at, callback, stop: () => {} };
    this.#alarms.add(alarm);
    this.#arm(alarm);
    return () => this.#callOff(alarm);
  }

  #arm(alarm: Alarm): void {
    alarm.stop();
    const left = Math.max(0, alarm.at - this.host.monotonic());
    alarm.stop = this.#real.setTimer(left, () => this.#fire(alarm));
  }

  #fire(alarm: Alarm): void {
    this.#callOff(alarm);
    alarm.callback();
  }

  #callOff(alarm: Alarm): void {
    alarm.stop();
    this.#alarms.delete(alarm);
  }

  /** The first to be due; of several, the one set first. */
  #next(): Alarm | undefined {
    let first: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (first === undefined || alarm.at < first.at) first = alarm;
    }
    return first;
  }
}
