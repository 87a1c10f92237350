import { AdjustableClock } from "../host/adjustable-clock.ts";
import { checkDuration } from "../sdk/check.ts";
import type { Duration } from "../std/duration.ts";
import { type Holdfast, type OpenOptions, open } from "./open.ts";

export type OpenTestOptions = Omit<OpenOptions, "host">;

/** A Holdfast whose clock a test may put forward. */
export interface TestHoldfast extends Holdfast {
  /**
   * Puts the clock forward. Durable sleeps, delays, retries, timeouts and schedules that fall due
   * happen, each at its time, with all they lead to. It does not wait for what a step is doing in the
   * outside world; await the step's result, then go on.
   */
  advance(by: Duration): Promise<void>;
}

/**
 * Opens Holdfast for a test: in memory, with a clock that `advance` puts forward, and forgetting
 * every invocation as soon as it waits, so that all code is replayed and a handler that is not
 * deterministic is found out.
 *
 * @example
 * ```ts
 * import { workflow } from "holdfast";
 * import { openTest } from "holdfast/testing";
 *
 * const reminder = workflow("reminder", {
 *   async run(ctx, text: string) {
 *     await ctx.sleep("1 week");
 *     return `Do not forget: ${text}`;
 *   },
 * });
 * await using app = await openTest({ services: [reminder] });
 * const sent = await app.send(reminder, "r-1").run("milk");
 * await app.advance("1 week");
 * console.log(await sent.result()); // Do not forget: milk
 * ```
 */
export async function openTest(options: OpenTestOptions): Promise<TestHoldfast & AsyncDisposable> {
  const clock = new AdjustableClock(options.log);
  const holdfast = await open({
    store: ":memory:",
    residency: "evict",
    ...options,
    host: clock.host,
  });
  return Object.assign(holdfast, {
    async advance(by: Duration): Promise<void> {
      const ms = checkDuration("The time to put the clock forward by", by);
      await clock.advance(ms, () => holdfast.engine.settled());
    },
    [Symbol.asyncDispose]: () => holdfast.close(),
  });
}
