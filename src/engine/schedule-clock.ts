import { encodePayload } from "../model/codec.ts";
import type { ScheduleDefinition } from "../sdk/handler.ts";
import type { Core } from "./core.ts";
import type { Command } from "./engine.ts";

/** Longest sleep: schedules are few, and clocks are set. */
const restMs = 3_600_000;

/**
 * Says which schedules there are, and when they are due. What a run means is decided by the `schedule`
 * command.
 */
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

  /** Makes these known, and forgets those declared before that are not among them. */
  async declare(definitions: readonly ScheduleDefinition[]): Promise<void> {
    const core = this.#core;
    const declared: Promise<void>[] = [];
    const names = new Set(definitions.map((definition) => definition.name));
    for (const known of core.schedules.values()) {
      const { name } = known;
      if (known.declared && !names.has(name)) {
        this.#push({ kind: "schedule", name, action: "remove" });
      }
    }
    for (const definition of definitions) {
      const { name, target } = definition;
      encodePayload(target.input, `The input of schedule ${name}`, core.limits.payload);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      declared.push(promise);
      const reply = { resolve, reject };
      this.#push({ kind: "schedule", name, action: "declare", definition, reply });
    }
    await Promise.all(declared);
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
