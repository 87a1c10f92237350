import { hasEnded } from "../model/invocation.ts";
import type { Core, Sealed } from "./core.ts";
import { suspend } from "./lifecycle.ts";
import type { Key, Live } from "./state.ts";

/** How many more invocations in memory make another look for idle ones worth its while. */
const shrinkStep = 256;

/**
 * Lets go of memory that nothing needs: what ended, what only visited, and what waits too long. What is
 * not durable yet stays, since the store may still lose it.
 */
export class Residency {
  readonly #core: Core;
  /** The last batch that is durable, with all before it. */
  #durable = 0;
  /** How many were left in memory when that was last tried to be less. */
  #shrunkTo = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  /** A batch is durable. */
  committed(sealed: Sealed): void {
    const core = this.#core;
    this.#durable = sealed.number;
    for (const live of sealed.touched) this.#forget(live);
    this.forgetVisitors();
    this.#trim(core.idempotency);
    this.#trim(core.promises);
  }

  /** Lets go of what was loaded only to be looked at, which no commit need follow. */
  forgetVisitors(): void {
    const core = this.#core;
    if (core.keyCount > core.limits.running) this.#shrinkKeys();
    const { visitors } = core;
    if (visitors.length === 0) return;
    core.visitors = [];
    for (const number of visitors) {
      const live = core.live.get(number);
      if (live === undefined) continue;
      if (live.batch > this.#durable) core.visitors.push(number);
      else this.#forget(live);
    }
  }

  /**
   * Too much in memory: the longest idle leave it. What is not idle cannot, so after a round without
   * success the next one waits until there is more to look at.
   */
  shrink(): void {
    const { live, limits } = this.#core;
    const high = limits.running * 0.75;
    if (live.size <= high) {
      this.#shrunkTo = 0;
      return;
    }
    if (live.size < this.#shrunkTo + shrinkStep) return;
    let excess = live.size - limits.running / 2;
    for (const one of live.values()) {
      if (excess <= 0) break;
      if (one.batch > this.#durable) continue;
      if (one.idle && one.attempt !== 0 && one.row.status === "running") {
        suspend(this.#core, one);
        excess--;
      } else if (one.attempt === 0 && one.replies === null && !one.listed) {
        live.delete(one.row.number);
        excess--;
      }
    }
    this.#shrunkTo = live.size;
  }

  #forget(live: Live): void {
    const { row } = live;
    if (live.batch > this.#durable || live.attempt !== 0 || live.replies !== null) return;
    const gone = hasEnded(row.status) || row.status === "suspended" || row.status === "scheduled";
    if (!gone && !live.idle) return;
    const core = this.#core;
    core.live.delete(row.number);
    // A workflow's key is rarely asked for again once it rests; an actor's often is.
    if (row.mode !== "workflow" || row.key === null) return;
    const key = core.findKey(row.service, row.key);
    if (key !== undefined && this.#isSpare(key)) core.forgetKey(key);
  }

  #shrinkKeys(): void {
    const core = this.#core;
    let excess = core.keyCount - core.limits.running;
    for (const ofService of core.keys.values()) {
      for (const key of ofService.values()) {
        if (excess <= 0) return;
        if (!this.#isSpare(key)) continue;
        core.forgetKey(key);
        excess--;
      }
    }
  }

  #isSpare(key: Key): boolean {
    return key.idle && key.batch <= this.#durable;
  }

  #trim(rows: Map<string, { readonly batch: number }>): void {
    if (rows.size <= this.#core.limits.running) return;
    for (const [key, row] of rows) if (row.batch <= this.#durable) rows.delete(key);
  }
}
