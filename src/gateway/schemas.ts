import { errorTable } from "../model/errors.ts";
import type { JsonSchema } from "./route.ts";

/** JSON Schemas of what the management operations take and answer; `components` in OpenAPI. */
export function ref(name: SchemaName): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

const text: JsonSchema = { type: "string" };
const textOrNull: JsonSchema = { type: ["string", "null"] };
const count: JsonSchema = { type: "integer", minimum: 0 };
const time: JsonSchema = { type: "integer", description: "Milliseconds since 1970." };
const timeOrNull: JsonSchema = { ...time, type: ["integer", "null"] };
const sqlValues: JsonSchema = { type: "array", items: { type: ["string", "number", "null"] } };

export const statuses = [
  "scheduled",
  "queued",
  "running",
  "suspended",
  "backing-off",
  "paused",
  "succeeded",
  "failed",
  "cancelled",
  "killed",
] as const;

/** An object of which all properties are always there, unless said otherwise. */
export function object(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = Object.keys(properties),
): JsonSchema {
  return { type: "object", properties, required };
}

const invocation = object(
  {
    id: text,
    service: text,
    handler: text,
    key: textOrNull,
    mode: { enum: ["stateless", "exclusive", "shared", "workflow"] },
    status: { enum: statuses },
    input: {},
    output: {},
    error: {},
    createdAt: time,
    endedAt: timeOrNull,
    deployment: text,
    entries: count,
    attempts: count,
    failure: {},
    waitingFor: textOrNull,
    waitingSince: timeOrNull,
    parent: textOrNull,
  },
  ["id", "service", "handler", "key", "mode", "status", "createdAt", "endedAt", "deployment"],
);

const journalEntry = object(
  {
    index: count,
    kind: text,
    command: count,
    name: text,
    value: {},
    failed: { type: "boolean" },
    at: time,
  },
  ["index", "kind", "command", "name", "failed", "at"],
);

const schedule = object({
  name: text,
  cron: text,
  timeZone: text,
  target: text,
  paused: { type: "boolean" },
  nextAt: timeOrNull,
  lastAt: timeOrNull,
});

const failedWith = object(
  { name: text, message: text, code: text, details: {}, terminal: { type: "boolean" }, cause: {} },
  ["name", "message"],
);

const problem = object(
  {
    type: { type: "string", description: "`urn:holdfast:error:` and the code." },
    title: text,
    status: { type: "integer", minimum: 400, maximum: 599 },
    detail: text,
    code: { $ref: "#/components/schemas/ErrorCode" },
    action: { type: "string", description: "What to do about it." },
    details: { type: "object", additionalProperties: { type: ["string", "number"] } },
    instance: { type: "string", description: "The invocation that failed." },
    problems: {
      type: "array",
      items: { type: "object" },
      description:
        "Of `schema-invalid`: all that is wrong, each with code, message, line and column.",
    },
    error: { $ref: "#/components/schemas/InvocationError" },
  },
  ["type", "title", "status", "detail", "code", "action", "details"],
);

export type SchemaName =
  | "Accepted"
  | "Pending"
  | "Invocation"
  | "InvocationPage"
  | "JournalEntry"
  | "Schedule"
  | "State"
  | "Query"
  | "QueryAnswer"
  | "ErrorCode"
  | "InvocationError"
  | "Problem";

export const schemas: Readonly<Record<SchemaName, JsonSchema>> = {
  Accepted: object({ id: text, status: { enum: ["accepted", "previously-accepted"] } }),
  Pending: object({ id: text, status: { enum: statuses } }),
  Invocation: invocation,
  InvocationPage: object({
    invocations: { type: "array", items: { $ref: "#/components/schemas/Invocation" } },
    next: { ...textOrNull, description: "`after` of the next page; null on the last." },
  }),
  JournalEntry: journalEntry,
  Schedule: schedule,
  State: { type: "object", description: "A value for each entry." },
  Query: {
    ...object({ sql: text, parameters: sqlValues }, ["sql"]),
    additionalProperties: false,
  },
  QueryAnswer: object({
    columns: { type: "array", items: text },
    rows: { type: "array", items: sqlValues },
    truncated: { type: "boolean" },
  }),
  ErrorCode: { type: "string", enum: Object.keys(errorTable).sort() },
  InvocationError: failedWith,
  Problem: problem,
};
