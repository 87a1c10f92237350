import { fail } from "../model/errors.ts";

export interface BudgetOptions {
  /** Its id. */
  readonly tenant: string;
  /** What it begins with. */
  readonly perSecond: number;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
}

/**
 * What the questions of one tenant may take together, so that they leave room for those of others. A
 * question is paid for when it is answered, by the work that it took: so one that finds anything left
 * is let in, and what it takes too much the next ones wait for.
 *
 * Only who asks from outside is given one. Checks in the process are part of the application, which
 * shares its time as it likes: they neither pay nor are they refused.
 */
export class Budget {
  /** Relationships looked at per second, and at once after a second of rest. */
  perSecond: number;
  readonly #options: BudgetOptions;
  #left: number;
  /** When that was so. */
  #at: number;

  constructor(options: BudgetOptions) {
    this.#options = options;
    this.perSecond = options.perSecond;
    this.#left = options.perSecond;
    this.#at = options.monotonic();
  }

  /** `rate-exceeded` while what was taken is not made up for. */
  admit(): void {
    const { tenant, monotonic } = this.#options;
    const { perSecond } = this;
    const now = monotonic();
    const filled = this.#left + ((now - this.#at) * perSecond) / 1_000;
    this.#left = Math.min(perSecond, filled);
    this.#at = now;
    if (this.#left > 0) return;
    const seconds = Math.max(1, Math.ceil(-this.#left / perSecond));
    throw fail("rate-exceeded", { tenant, limit: "authzBudget", max: perSecond, seconds });
  }

  /** The same within a question of many: looks at the clock only when nothing is left. */
  admitNext(): void {
    if (this.#left <= 0) this.admit();
  }

  /** An answer is one, and each relationship looked at for it another. */
  charge(work: number): void {
    this.#left -= 1 + work;
  }
}
