/** Schedules: recurring messages. The arithmetic of cron and time zones is croner's. */
import { Cron } from "croner";
import { fail, reasonOf } from "../model/errors.ts";
import { checkKnown, checkName, checkObject } from "./check.ts";
import type { Definition, Message, ScheduleDefinition } from "./handler.ts";
import { makeHandlerProxy } from "./proxy.ts";
import type { ArgsOf, Keyed, Keyless } from "./signature.ts";

/** Handlers as methods that give a message as data, sending nothing. */
export type Messages<H> = { readonly [K in keyof H]: (...args: ArgsOf<H[K]>) => Message };

/** What `schedule(…)` is given. */
export interface ScheduleSpec {
  /**
   * Five fields (minute, hour, day, month, weekday), six with seconds in front, or `@hourly`,
   * `@daily`, `@weekly`, `@monthly`, `@yearly`.
   */
  readonly cron: string;
  /** IANA name. Default: `"UTC"`. A time that a change of clocks leaves out runs right after it. */
  readonly timeZone?: string;
  /** Who gets what: `message(report, "all").generate()`. */
  readonly target: Message;
  /** When a run is due while an earlier one goes on. Default: `"allow"`. */
  readonly overlap?: "allow" | "skip" | "queue";
  /** What becomes of the runs missed while nothing was up. Default: `"last"`, the last of them. */
  readonly backfill?: "none" | "last" | "all";
}

const specNames: ReadonlySet<string> = new Set([
  "cron",
  "timeZone",
  "target",
  "overlap",
  "backfill",
] satisfies (keyof ScheduleSpec)[]);

/**
 * A message as data, for a schedule to send.
 *
 * @example
 * ```ts
 * import { message, service } from "holdfast";
 *
 * const report = service("report", { handlers: { generate: async (ctx, day: string) => day } });
 * const monday = message(report).generate("monday");
 * ```
 */
export function message<H>(service: Keyless<H>): Messages<H>;
export function message<H>(target: Keyed<H>, key: string): Messages<H>;
export function message(target: Definition, key?: string): unknown {
  return makeHandlerProxy(target, (handler, input) =>
    Object.freeze({
      service: target.name,
      handler,
      ...(key === undefined ? {} : { key }),
      ...(input === undefined ? {} : { input }),
    } satisfies Message),
  );
}

/**
 * A schedule: sends its message at each of its times, in the time zone it names.
 *
 * Throws `invalid-id` for its name, and `invalid-schedule` for a cron expression or time zone that
 * does not exist, or that never comes (`0 0 31 2 *`).
 *
 * @example
 * ```ts
 * import { message, schedule, service } from "holdfast";
 *
 * export const report = service("report", { handlers: { generate: async (ctx) => "done" } });
 * export const nightly = schedule("nightly", {
 *   cron: "0 3 * * *",
 *   timeZone: "Europe/Berlin",
 *   target: message(report).generate(),
 * });
 * ```
 */
export function schedule(name: string, spec: ScheduleSpec): ScheduleDefinition {
  checkName("The schedule name", name);
  checkObject(`The definition of schedule ${name}`, spec);
  checkKnown(`The definition of schedule ${name}`, spec, specNames);
  const { cron, timeZone = "UTC", target, overlap = "allow", backfill = "last" } = spec;
  const refuse = (reason: string): never => {
    throw fail("invalid-schedule", { name, reason });
  };
  // Some time long past: the question is only whether there is any.
  if (parseCron(name, cron, timeZone)(0) === undefined) refuse(`"${cron}" never comes`);
  if (!isMessage(target)) refuse("its target is not made by message(…)");
  if (!["allow", "skip", "queue"].includes(overlap)) refuse(`overlap cannot be "${overlap}"`);
  if (!["none", "last", "all"].includes(backfill)) refuse(`backfill cannot be "${backfill}"`);
  return Object.freeze({ kind: "schedule", name, cron, timeZone, target, overlap, backfill });
}

/**
 * The times of a cron expression: a function from milliseconds since 1970 to the first time strictly
 * after, or `undefined` if there is none. Pure: it reads no clock. `invalid-schedule` if it cannot be.
 */
export function parseCron(
  name: string,
  cron: string,
  timeZone: string,
): (afterMs: number) => number | undefined {
  const refuse = (reason: string): never => {
    throw fail("invalid-schedule", { name, reason });
  };
  if (typeof cron !== "string") return refuse("its cron expression is not text");
  // The library would take a single date as well, which is no recurrence.
  const fields = cron.trim().split(/\s+/).length;
  if (!/^@\w+$/.test(cron.trim()) && fields !== 5 && fields !== 6) {
    return refuse(`"${cron}" does not have five or six fields`);
  }
  if (!isTimeZone(timeZone)) return refuse(`there is no time zone "${timeZone}"`);
  try {
    const parsed = new Cron(cron, { paused: true, mode: "5-or-6-parts", timezone: timeZone });
    return (afterMs) => parsed.nextRun(new Date(afterMs))?.getTime();
  } catch (error) {
    return refuse(reasonOf(error).replace(/^Cron\w*: /, ""));
  }
}

function isTimeZone(name: unknown): boolean {
  try {
    return typeof name === "string" && Boolean(Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

function isMessage(target: unknown): boolean {
  return (
    typeof target === "object" &&
    target !== null &&
    "service" in target &&
    "handler" in target &&
    typeof target.service === "string" &&
    typeof target.handler === "string"
  );
}
