import { didYouMean } from "../std/suggest.ts";
import { fail } from "./errors.ts";

/**
 * The one table of limits. Everything that can grow has a row; the reference in docs/ is made from
 * it, and each row has a test that reaches it. Sizes are in bytes of UTF-8, times in milliseconds.
 */
export interface LimitRow {
  readonly value: number;
  readonly unit: "bytes" | "ms" | "count";
  readonly why: string;
}

export const limitTable = {
  idLength: { value: 256, unit: "count", why: "characters of a key, name or idempotency key" },
  payload: {
    value: 4_194_304,
    unit: "bytes",
    why: "one input, result, step result, message or state value",
  },
  requestBody: { value: 4_259_840, unit: "bytes", why: "the body of one HTTP request" },
  bodyDepth: {
    value: 1_000,
    unit: "count",
    why: "arrays and objects within each other in the body of one HTTP request",
  },
  requestHeaders: { value: 16_384, unit: "bytes", why: "the header block of one HTTP request" },
  requestTime: { value: 30_000, unit: "ms", why: "receiving one whole HTTP request" },
  longPoll: { value: 60_000, unit: "ms", why: "one wait for a result over HTTP" },
  connections: { value: 10_000, unit: "count", why: "open HTTP connections" },
  requestsWaiting: {
    value: 100_000,
    unit: "count",
    why: "requests that wait for a reply in one node",
  },
  journalEntries: { value: 200_000, unit: "count", why: "entries of one journal" },
  turnCommands: {
    value: 10_000,
    unit: "count",
    why: "commands that one turn of a handler may issue (fan-out)",
  },
  openCommands: {
    value: 10_000,
    unit: "count",
    why: "durable waits that one invocation has open at once",
  },
  callDepth: { value: 100, unit: "count", why: "calls within calls, so that a loop of calls ends" },
  keyQueue: { value: 100_000, unit: "count", why: "invocations that wait for one key" },
  stateKeys: { value: 1_000, unit: "count", why: "state entries of one actor or workflow" },
  stateBytes: { value: 16_777_216, unit: "bytes", why: "all state of one actor or workflow" },
  signalsBuffered: {
    value: 10_000,
    unit: "count",
    why: "signals kept for one invocation before it takes them",
  },
  promiseWaiters: {
    value: 1_000,
    unit: "count",
    why: "invocations that wait for one durable promise",
  },
  attached: { value: 1_000, unit: "count", why: "invocations attached to the result of another" },
  handlers: { value: 1_000, unit: "count", why: "handlers of one service" },
  services: { value: 1_000, unit: "count", why: "services of one deployment" },
  schedules: { value: 10_000, unit: "count", why: "schedules of one store" },
  backfill: { value: 1_000, unit: "count", why: "missed runs that a schedule makes up for" },
  delay: {
    value: 315_360_000_000,
    unit: "ms",
    why: "how far ahead a timer, delay or schedule may lie",
  },
  running: {
    value: 10_000,
    unit: "count",
    why: "invocations that hold memory in one node at once",
  },
  stepsRunning: { value: 1_000, unit: "count", why: "steps of one invocation that run at once" },
  stepAbortGrace: {
    value: 10_000,
    unit: "ms",
    why: "time for a step to end after its signal is aborted",
  },
  cleanupTime: {
    value: 60_000,
    unit: "ms",
    why: "clean-up of an invocation whose timeout has passed",
  },
  authzDepth: {
    value: 50,
    unit: "count",
    why: "relations and permissions within each other in one check (OpenFGA: 25), flattened groups left out",
  },
  authzWork: {
    value: 1_000_000,
    unit: "count",
    why: "relationships that one question, or one change for its filters, looks at",
  },
  authzBudget: {
    value: 4_000_000,
    unit: "count",
    why: "relationships per second that all questions of one tenant over HTTP look at",
  },
  authzUpdates: { value: 1_000, unit: "count", why: "updates in one write of relationships" },
  authzPreconditions: { value: 1_000, unit: "count", why: "preconditions of one write" },
  authzDelete: { value: 10_000, unit: "count", why: "relationships one delete by filter takes" },
  authzPage: {
    value: 10_000,
    unit: "count",
    why: "relationships, objects or subjects in one page",
  },
  authzChecks: { value: 10_000, unit: "count", why: "questions in one bulk check" },
  authzContextual: {
    value: 1_000,
    unit: "count",
    why: "relationships that hold for one question alone",
  },
  authzId: { value: 1_024, unit: "count", why: "characters of an object id" },
  authzName: { value: 128, unit: "count", why: "characters of a type, relation or caveat name" },
  authzContext: { value: 32_768, unit: "bytes", why: "caveat context of one question" },
  authzStoredContext: {
    value: 4_096,
    unit: "bytes",
    why: "caveat context stored with one relationship",
  },
  authzMetadata: { value: 16_384, unit: "bytes", why: "metadata of one write of relationships" },
  authzSchema: { value: 1_048_576, unit: "bytes", why: "the text of one schema" },
  authzTypes: { value: 1_000, unit: "count", why: "types of one schema" },
  authzRelations: { value: 500, unit: "count", why: "relations and permissions of one type" },
  authzNames: {
    value: 32_767,
    unit: "count",
    why: "names of types, relations and caveats in one schema, with those of what is stored and has no place in it",
  },
  authzExpression: {
    value: 200,
    unit: "count",
    why: "operators within each other in a permission",
  },
  authzCaveatParameters: { value: 100, unit: "count", why: "parameters of one caveat" },
  authzCaveatText: { value: 8_192, unit: "bytes", why: "the expression of one caveat" },
  authzCaveatCost: {
    value: 10_000,
    unit: "count",
    why: "steps that evaluating one caveat may take",
  },
  authzTenants: { value: 10_000, unit: "count", why: "tenants of one store" },
  authzRelationships: {
    value: 100_000_000,
    unit: "count",
    why: "relationships of one tenant",
  },
  authzHistory: {
    value: 86_400_000,
    unit: "ms",
    why: "how long old revisions can be asked about and watched from",
  },
  authzWatchers: { value: 1_000, unit: "count", why: "open watches of one tenant" },
  queryTime: { value: 10_000, unit: "ms", why: "one SQL query" },
  queryRows: { value: 10_000, unit: "count", why: "rows that one SQL query returns" },
  queryLength: { value: 65_536, unit: "bytes", why: "the text of one SQL query" },
  batchCommands: { value: 1_024, unit: "count", why: "commands in one batch of the loop" },
  batchBytes: { value: 16_777_216, unit: "bytes", why: "payloads in one commit" },
  outboxMessages: {
    value: 100_000,
    unit: "count",
    why: "messages of one node not yet received elsewhere",
  },
  errorText: { value: 8_192, unit: "count", why: "characters kept of one error message" },
  drainTime: {
    value: 10_000,
    unit: "ms",
    why: "waiting for running turns and replies at shutdown",
  },
} as const;
limitTable satisfies Record<string, LimitRow>;

export type LimitName = keyof typeof limitTable;

/** The values alone, as the code uses them; an embedder or a test may lower single ones. */
export type Limits = Readonly<Record<LimitName, number>>;

export const defaultLimits: Limits = Object.fromEntries(
  Object.entries(limitTable).map(([name, row]) => [name, row.value]),
) as Record<LimitName, number>; // fromEntries forgets the key type

/** Those that a tenant can have of its own, each at most that of the process. */
export const tenantLimitNames: readonly [
  "authzWork",
  "authzBudget",
  "authzUpdates",
  "authzPreconditions",
  "authzDelete",
  "authzChecks",
  "authzContextual",
  "authzContext",
  "authzStoredContext",
  "authzMetadata",
  "authzRelationships",
  "authzWatchers",
] = [
  "authzWork",
  "authzBudget",
  "authzUpdates",
  "authzPreconditions",
  "authzDelete",
  "authzChecks",
  "authzContextual",
  "authzContext",
  "authzStoredContext",
  "authzMetadata",
  "authzRelationships",
  "authzWatchers",
];
tenantLimitNames satisfies readonly LimitName[];

export type TenantLimitName = (typeof tenantLimitNames)[number];

export type TenantLimits = Readonly<Partial<Record<TenantLimitName, number>>>;

/** The limits of a process: what is given, and the table for all others. `invalid-argument`. */
export function makeLimits(given: Partial<Limits> = {}): Limits {
  const limits: Record<string, number> = { ...defaultLimits };
  for (const [name, value] of Object.entries(given)) {
    checkLimitName(name, Object.keys(limitTable));
    if (value === undefined) continue;
    if (!(typeof value === "number" && value >= 0)) throw refuse(name, "it is not a number from 0");
    limits[name] = value;
  }
  return limits as Limits; // the defaults have all of them
}

/**
 * Changes of a tenant's own limits, as they may come from anywhere; null takes one back.
 * `invalid-argument`, for what is above the limit of the process, too.
 */
export function readTenantLimits(
  given: unknown,
  process: Limits,
): Readonly<Partial<Record<TenantLimitName, number | null>>> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw fail("invalid-argument", { what: "limits", reason: "it is not an object" });
  }
  for (const [name, value] of Object.entries(given)) {
    checkLimitName(name, tenantLimitNames);
    const max = process[name as TenantLimitName]; // as checked
    if (value === null || (Number.isInteger(value) && value >= 1 && value <= max)) continue;
    throw refuse(name, `it is not a whole number from 1 to ${max}, the limit of the process`);
  }
  return given;
}

function checkLimitName(name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const isOther = Object.hasOwn(limitTable, name);
  const near = didYouMean(name, known) ?? "docs/reference/limits.md has all of them.";
  throw refuse(
    name,
    isOther ? "it is of the whole process" : `there is none of that name. ${near}`,
  );
}

function refuse(name: string, reason: string): Error {
  const shown = JSON.stringify(name.slice(0, 100).toWellFormed());
  return fail("invalid-argument", { what: `The limit ${shown}`, reason });
}

/** How long things that ended are kept, unless a handler says otherwise. In milliseconds. */
export const defaultRetention = {
  /** A finished invocation with its journal, its result and its idempotency key. */
  invocation: 86_400_000,
} as const;
