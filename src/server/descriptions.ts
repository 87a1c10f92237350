import type { Entry } from "../model/entry.ts";
import type {
  InvocationDescription,
  JournalEntryDescription,
  ScheduleDescription,
} from "../model/port.ts";
import type { Schedule, SqlValue } from "../store/store.ts";

const columns = [
  "id",
  "service",
  "handler",
  "key",
  "mode",
  "status",
  "input",
  "output",
  "error_code",
  "error_message",
  "created_ms",
  "ended_ms",
  "deployment",
  "entries",
  "attempts",
  "failure_code",
  "failure_message",
  "failure_step",
  "waiting_for",
  "waiting_since_ms",
  "parent_id",
] as const;

/** The SELECT over the view `invocations` whose rows `readDescription` reads. */
export const selectInvocations: string = `SELECT ${columns.join(", ")} FROM invocations`;

export function readDescription(row: readonly SqlValue[]): InvocationDescription {
  const value = (name: (typeof columns)[number]): SqlValue => row[columns.indexOf(name)] ?? null;
  const text = (name: (typeof columns)[number]): string => String(value(name) ?? "");
  const optional = (name: (typeof columns)[number]): string | null =>
    value(name) === null ? null : text(name);
  const json = (name: (typeof columns)[number]): unknown =>
    value(name) === null ? null : JSON.parse(text(name));
  const number = (name: (typeof columns)[number]): number | null =>
    value(name) === null ? null : Number(value(name));
  const errorMessage = optional("error_message");
  const failureMessage = optional("failure_message");
  return {
    id: text("id"),
    service: text("service"),
    handler: text("handler"),
    key: optional("key"),
    mode: text("mode"),
    status: text("status"),
    input: json("input"),
    output: json("output"),
    error: errorMessage === null ? null : { code: optional("error_code"), message: errorMessage },
    createdAt: number("created_ms") ?? 0,
    endedAt: number("ended_ms"),
    deployment: text("deployment"),
    entries: number("entries") ?? 0,
    attempts: number("attempts") ?? 0,
    failure:
      failureMessage === null
        ? null
        : {
            code: optional("failure_code"),
            message: failureMessage,
            step: optional("failure_step"),
          },
    waitingFor: optional("waiting_for"),
    waitingSince: number("waiting_since_ms"),
    parent: optional("parent_id"),
  };
}

export function readEntry(entry: Entry): JournalEntryDescription {
  return {
    index: entry.index,
    kind: entry.kind,
    command: entry.command,
    name: entry.name,
    value: entry.payload === null ? null : JSON.parse(entry.payload),
    failed: entry.failed,
    at: entry.at,
  };
}

export function readSchedule(schedule: Schedule): ScheduleDescription {
  const { name, cron, timeZone, service, handler, key, paused, nextAt, lastAt } = schedule;
  const target = key === null ? `${service}/${handler}` : `${service}/${key}/${handler}`;
  return { name, cron, timeZone, target, paused, nextAt, lastAt };
}
