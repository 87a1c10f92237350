import type { Core } from "./core.ts";
import type { Command } from "./engine.ts";

/** Longest sleep: schedules are few, and clocks are set. */
const restMs = 3_600_000;

/** Says when schedules are due. What a run means is decided by the `schedule` command. */
export class ScheduleClock {
  readonly #core: Core;
  readonly #push: (command: Command) => void;
  #cancel: (() => void) | null = null;
  #at = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(core: Core, push: (command: Command) => void) {
    this.#core = core;
    this.#push = push;
  }

  start(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.committed();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  /** Schedules may have changed. */
  committed(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const schedule of this.#core.schedules.values()) {
      if (!schedule.paused && schedule.nextAt !== null && schedule.nextAt < next) {
        next = schedule.nextAt;
      }
    }
    if (next === this.#at || this.#closed) return;
    this.#at = next;
    this.#cancel?.();
    this.#cancel = null;
    if (next === Number.POSITIVE_INFINITY) return;
    const { host } = this.#core;
    const ms = Math.min(restMs, Math.max(0, next - host.now()));
    this.#cancel = host.setTimer(ms, () => this.#due());
  }

  #due(): void {
    this.#cancel = null;
    this.#at = Number.POSITIVE_INFINITY;
    const now = this.#core.host.now();
    let found = false;
    for (const schedule of this.#core.schedules.values()) {
      if (schedule.paused || schedule.nextAt === null || schedule.nextAt > now) continue;
      found = true;
      this.#push({ kind: "schedule", name: schedule.name, action: "due" });
    }
    if (!found) this.committed();
  }
}
