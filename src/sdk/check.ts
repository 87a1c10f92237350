/** What definitions are checked for while they are made, so that mistakes show at start-up. */
import { fail } from "../model/errors.ts";
import { checkId } from "../model/ids.ts";
import { defaultLimits } from "../model/limits.ts";
import { type Duration, formatDuration, parseDuration } from "../std/duration.ts";
import type { HandlerOptions, PermissionRule, RetryPolicy } from "./handler.ts";
import { isStandardSchema } from "./standard-schema.ts";

const optionNames: ReadonlySet<string> = new Set([
  "input",
  "output",
  "retry",
  "timeout",
  "retention",
  "private",
  "durability",
  "permission",
] satisfies (keyof HandlerOptions)[]);

const retryNames: ReadonlySet<string> = new Set([
  "attempts",
  "initial",
  "factor",
  "max",
] satisfies (keyof RetryPolicy)[]);

const permissionNames: ReadonlySet<string> = new Set([
  "name",
  "resource",
  "subject",
  "context",
  "tenant",
] satisfies (keyof PermissionRule)[]);

/** Names become path segments and SQL values: ids, and not what would confuse either. */
export function checkName(what: string, name: unknown): asserts name is string {
  const max = defaultLimits.idLength;
  checkId(what, name, max);
  const reason = name.includes("/")
    ? "it has a slash"
    : name.startsWith("_")
      ? "names that start with an underscore belong to Holdfast"
      : name === "." || name === ".."
        ? "it means a folder in a path"
        : undefined;
  if (reason !== undefined) throw fail("invalid-id", { what: `${what} "${name}"`, reason, max });
}

/** Refuses what is not an object: the options of a definition, a policy and the like. */
export function checkObject(what: string, value: unknown): asserts value is object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw fail("invalid-argument", { what, reason: "it is not an object" });
}

/** Refuses options that do not exist, which are most often misspelt. */
export function checkKnown(what: string, given: object, known: ReadonlySet<string>): void {
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue;
    const reason = `there is no option "${name}", only ${[...known].join(", ")}`;
    throw fail("invalid-argument", { what, reason });
  }
}

/** @returns milliseconds. */
export function checkDuration(what: string, duration: Duration): number {
  const ms =
    typeof duration === "number" || typeof duration === "string"
      ? parseDuration(duration)
      : undefined;
  const max = defaultLimits.delay;
  if (ms === undefined) {
    const reason = `${JSON.stringify(duration)} is not a duration such as 500, "10s" or "2 days"`;
    throw fail("invalid-argument", { what, reason });
  }
  if (ms <= max) return ms;
  const reason = `it is longer than the limit of ${formatDuration(max)}`;
  throw fail("invalid-argument", { what, reason });
}

/** Everything about the options of one handler. `of` names it in errors. */
export function checkOptions(of: string, options: HandlerOptions): void {
  const what = `The options of ${of}`;
  checkObject(what, options);
  checkKnown(what, options, optionNames);
  for (const name of ["input", "output"] as const) {
    if (options[name] === undefined || isStandardSchema(options[name])) continue;
    throw fail("invalid-argument", {
      what: `The ${name} schema of ${of}`,
      reason: "it does not implement Standard Schema",
    });
  }
  if (options.retry !== undefined) checkRetry(`The retry policy of ${of}`, options.retry);
  if (options.retention !== undefined) checkDuration(`The retention of ${of}`, options.retention);
  if (options.timeout !== undefined) checkPositive(`The timeout of ${of}`, options.timeout);
  checkOneOf(`${what}: private`, options.private, [true, false]);
  checkOneOf(`${what}: durability`, options.durability, ["step", "pipelined"]);
  if (options.permission !== undefined) {
    checkPermission(`The permission of ${of}`, options.permission);
  }
}

function checkPermission(what: string, permission: string | PermissionRule): void {
  const rule = typeof permission === "string" ? { name: permission } : permission;
  checkObject(what, rule);
  checkKnown(what, rule, permissionNames);
  const { name, tenant, ...makers } = rule;
  const refuse = (reason: string): never => {
    throw fail("invalid-argument", { what, reason });
  };
  if (typeof name !== "string" || name === "") refuse("it has no name");
  if (tenant !== undefined && typeof tenant !== "string") refuse("its tenant is not a text");
  for (const [part, maker] of Object.entries(makers)) {
    if (maker !== undefined && typeof maker !== "function") refuse(`its ${part} is not a function`);
  }
}

/** The bounds of a retry policy, of a handler as of a step. */
export function checkRetry(what: string, policy: RetryPolicy): void {
  checkObject(what, policy);
  checkKnown(what, policy, retryNames);
  const { attempts, initial, factor, max } = policy;
  const refuse = (reason: string): never => {
    throw fail("invalid-argument", { what, reason });
  };
  if (attempts !== undefined && !(attempts === Infinity || Number.isSafeInteger(attempts))) {
    refuse("attempts is not a whole number");
  }
  if (attempts !== undefined && attempts < 1) refuse("attempts is less than 1");
  if (factor !== undefined && !(Number.isFinite(factor) && factor >= 1)) {
    refuse("factor is not a number of at least 1");
  }
  const first = initial === undefined ? 0 : checkDuration(`${what}: initial`, initial);
  if (max !== undefined && checkDuration(`${what}: max`, max) < first) {
    refuse("max is less than initial");
  }
}

function checkPositive(what: string, duration: Duration): void {
  if (checkDuration(what, duration) > 0) return;
  throw fail("invalid-argument", { what, reason: "it is zero" });
}

function checkOneOf(what: string, value: unknown, allowed: readonly unknown[]): void {
  if (value === undefined || allowed.includes(value)) return;
  throw fail("invalid-argument", { what, reason: `it is not one of ${allowed.join(", ")}` });
}
