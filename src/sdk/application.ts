/** An application: all that a user's module defines, as a server takes it. */
import { fail } from "../model/errors.ts";
import { defaultLimits, type Limits } from "../model/limits.ts";
import { encodeBase32 } from "../std/base32.ts";
import { hash32 } from "../std/hash.ts";
import { type Authorization, isAuthorization } from "./authorization.ts";
import type {
  Definition,
  HandlerDefinition,
  HandlerOptions,
  ScheduleDefinition,
} from "./handler.ts";
import { jsonSchemaOf, type StandardSchema } from "./standard-schema.ts";

export interface Application {
  readonly definitions: readonly Definition[];
  readonly schedules: readonly ScheduleDefinition[];
  readonly authorization?: Authorization;
}

/**
 * All definitions and schedules among the exports of a module, also those in exported arrays and
 * objects, in the order of the exports. One that is exported under two names counts once. Of
 * authorizations there can be one: `duplicate-definition`.
 */
export function collectDefinitions(exports: Readonly<Record<string, unknown>>): Application {
  const definitions = new Set<Definition>();
  const schedules = new Set<ScheduleDefinition>();
  const authorizations = new Set<Authorization>();
  const visit = (value: unknown, depth: number): void => {
    if (isDefinition(value)) definitions.add(value);
    else if (isSchedule(value)) schedules.add(value);
    else if (isAuthorization(value)) authorizations.add(value);
    else if (depth < 1 && isContainer(value)) {
      for (const part of Object.values(value)) visit(part, depth + 1);
    }
  };
  for (const value of Object.values(exports)) visit(value, 0);
  const [authorization, second] = authorizations;
  if (second !== undefined) throw fail("duplicate-definition", { what: "The authorization" });
  return {
    definitions: [...definitions],
    schedules: [...schedules],
    ...(authorization === undefined ? {} : { authorization }),
  };
}

/**
 * What can be wrong with definitions only as a whole: `duplicate-definition` for two of one name,
 * `limit-exceeded` for too many, `invalid-schedule` for a schedule without its target.
 */
export function checkDefinitions(
  { definitions, schedules }: Application,
  limits: Limits = defaultLimits,
): void {
  checkCount("services", definitions.length, limits);
  checkCount("schedules", schedules.length, limits);
  for (const { handlers } of definitions) {
    checkCount("handlers", Object.keys(handlers).length, limits);
  }
  checkDistinct("service", definitions);
  checkDistinct("schedule", schedules);
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
  for (const schedule of schedules) {
    const reason = whyNoTarget(schedule, byName.get(schedule.target.service));
    if (reason !== undefined) throw fail("invalid-schedule", { name: schedule.name, reason });
  }
}

/**
 * Names one version of an application: the same definitions give the same text on every machine,
 * and any change of a name, mode, option, initial state or handler source gives another. It does not
 * see functions that handlers merely call: whoever changes those and wants a new deployment gives it
 * a version.
 */
export function deploymentHash(definitions: readonly Definition[]): string {
  const text = JSON.stringify([...definitions].sort(byName).map(describeDefinition));
  const first = hash32(text);
  // The second half starts where the first ended, so that they do not collide together.
  return encodeBase32(first, 7) + encodeBase32(hash32(text, first ^ 0x9e3779b9), 7);
}

function describeDefinition({ kind, name, handlers, state }: Definition): unknown {
  const entries = Object.entries(state)
    .map(([entry, { initial, schema }]) => [entry, initial, describeSchema(schema)])
    .sort(([a], [b]) => compare(String(a), String(b)));
  return [kind, name, Object.values(handlers).sort(byName).map(describeHandler), entries];
}

function describeHandler({ name, mode, invoke, options }: HandlerDefinition): unknown {
  const plain = Object.entries(options)
    .filter(([option]) => option !== "input" && option !== "output")
    .map(([option, value]) => [option, option === "permission" ? describeRule(value) : value])
    .sort(([a], [b]) => compare(String(a), String(b)));
  const schemas = [describeSchema(options.input), describeSchema(options.output)];
  return [name, mode, plain, schemas, Function.prototype.toString.call(invoke)];
}

function describeRule(permission: HandlerOptions["permission"]): unknown {
  if (typeof permission !== "object") return permission;
  const parts = Object.entries(permission).map(([name, part]) => [name, String(part)]);
  return parts.sort(([a = ""], [b = ""]) => compare(a, b));
}

function describeSchema(schema: StandardSchema | undefined): unknown {
  if (schema === undefined) return null;
  return [schema["~standard"].vendor, jsonSchemaOf(schema, "input") ?? null];
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return compare(a.name, b.name);
}

/** By code units, the same in every locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function whyNoTarget({ target }: ScheduleDefinition, of: Definition | undefined) {
  const { service, handler, key } = target;
  if (of === undefined) return `its target, service ${service}, is not part of the application`;
  if (of.handlers[handler] === undefined) return `service ${service} has no handler ${handler}`;
  if (of.kind === "service" && key !== undefined) return `service ${service} has no keys`;
  if (of.kind !== "service" && key === undefined) return `${of.kind} ${service} needs a key`;
  return undefined;
}

function checkCount(limit: "services" | "schedules" | "handlers", count: number, limits: Limits) {
  const max = limits[limit];
  if (count > max) throw fail("limit-exceeded", { limit, max, what: "the application" });
}

function checkDistinct(what: string, named: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  for (const { name } of named) {
    if (seen.has(name)) throw fail("duplicate-definition", { what: `The ${what} ${name}` });
    seen.add(name);
  }
}

/** By shape and not by identity: the module may have loaded another copy of this package. */
function isDefinition(value: unknown): value is Definition {
  return (
    isContainer(value) &&
    "kind" in value &&
    (value.kind === "service" || value.kind === "actor" || value.kind === "workflow") &&
    "name" in value &&
    typeof value.name === "string" &&
    "handlers" in value &&
    isContainer(value.handlers) &&
    "state" in value
  );
}

function isSchedule(value: unknown): value is ScheduleDefinition {
  return isContainer(value) && "kind" in value && value.kind === "schedule" && "cron" in value;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
