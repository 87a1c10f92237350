import { toHoldfastError } from "../../model/errors.ts";
import type { MetricSample } from "../metrics.ts";

/** Upper bounds in seconds: an answer out of memory takes tens of microseconds, a write a sync. */
const bounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

interface Timed {
  /** How many were at most so long, each bound by itself. */
  readonly counts: number[];
  count: number;
  sum: number;
}

/** How long what is asked takes, by what it is: of all tenants, so that there are few of them. */
export class Latencies {
  readonly #byOperation = new Map<string, Timed>();

  add(operation: string, ms: number): void {
    let timed = this.#byOperation.get(operation);
    if (timed === undefined) {
      timed = { counts: bounds.map(() => 0), count: 0, sum: 0 };
      this.#byOperation.set(operation, timed);
    }
    const seconds = ms / 1_000;
    timed.count++;
    timed.sum += seconds;
    const at = bounds.findIndex((bound) => seconds <= bound);
    if (at >= 0) timed.counts[at] = (timed.counts[at] ?? 0) + 1;
  }

  samples(): MetricSample[] {
    return [...this.#byOperation].map(([operation, { counts, count, sum }]) => {
      let upTo = 0;
      const buckets = bounds.map((bound, at) => {
        upTo += counts[at] ?? 0;
        return [bound, upTo] as const;
      });
      return {
        name: "holdfast_authz_duration_seconds",
        help: "How long questions and changes take until they are answered or refused.",
        type: "histogram",
        labels: { operation },
        value: { buckets, sum, count },
      };
    });
  }
}

/** What was refused, by the code of the error: there are no more than the table has. */
export class Refusals {
  readonly #byCode = new Map<string, number>();

  add(error: unknown): void {
    const { code } = toHoldfastError(error);
    this.#byCode.set(code, (this.#byCode.get(code) ?? 0) + 1);
  }

  samples(): MetricSample[] {
    return [...this.#byCode].map(([code, value]) => ({
      name: "holdfast_authz_refusals_total",
      help: "Questions and changes that were refused, those of a bulk each, by code.",
      type: "counter",
      labels: { code },
      value,
    }));
  }
}
