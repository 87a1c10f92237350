import type { EntryKind } from "../../model/entry.ts";
import {
  backfills,
  entryKindCode,
  entryKinds,
  modes,
  overlaps,
  promiseStatuses,
  statuses,
  timerKinds,
} from "./codes.ts";
import { relationViews } from "./relation-views.ts";
import { integer, iso, json, text, time, type View } from "./view-columns.ts";

/*
 * The documented views: one table, from which both the SQL and the reference are made. Queries see
 * these and nothing else, so the tables behind them may change from one version to the next.
 */

/** SQL functions that queries may use beside SQLite's own. */
export const functionTable: readonly { readonly call: string; readonly meaning: string }[] = [
  { call: "invocation_id(number)", meaning: "the id of an invocation number" },
  {
    call: "invocation_number(id)",
    meaning: "the number of an id: `WHERE number = invocation_number('inv_…')` finds it at once",
  },
  { call: "partition_of(service, key)", meaning: "the partition in which a key lives" },
];

const hasEnded = "i.status >= 6";

/** The entries that open or answer something; payloads, which may be long, where they are needed. */
const waiting = `(SELECT waiting(j.kind, j.command, j.name,
  CASE WHEN ${anyOf("j.kind", ["attach", "sleep"])} THEN j.payload END, j.at ORDER BY j.idx)
  FROM main.journal j WHERE j.number = i.number AND ${anyOf("j.kind", [
    "call",
    "attach",
    "sleep",
    "promise",
    "relate",
    "done",
    "await-signal",
    "signal",
  ])})`;

// The record of an invocation is not rewritten for every entry of its journal.
const entries = `CASE WHEN ${hasEnded} THEN i.entries ELSE
  (SELECT coalesce(max(j.idx) + 1, 0) FROM main.journal j WHERE j.number = i.number) END`;

/** A step waits for its next attempt; the invocation runs meanwhile. */
const stepRetry = `iif(i.extra ->> '$.retryAt' IS NULL, NULL,
  coalesce(i.extra ->> '$.failure.step' || ' ', '') || 'retry')`;

const waitingFor = `CASE i.status
  WHEN 0 THEN 'start at ' || ${iso("i.extra ->> '$.due'")}
  WHEN 1 THEN 'key'
  WHEN 4 THEN coalesce(i.extra ->> '$.failure.step' || ' ', '') || 'retry'
  WHEN 5 THEN 'resume'
  WHEN 2 THEN coalesce(${stepRetry}, ${waiting} ->> '$[0]')
  WHEN 3 THEN coalesce(${stepRetry}, ${waiting} ->> '$[0]') END`;

const waitingSince = `CASE i.status
  WHEN 0 THEN i.created_at
  WHEN 1 THEN coalesce(i.extra ->> '$.due', i.created_at)
  WHEN 4 THEN i.extra ->> '$.failure.at'
  WHEN 5 THEN i.extra ->> '$.failure.at'
  WHEN 2 THEN iif(${stepRetry} IS NULL, ${waiting} ->> '$[1]', i.extra ->> '$.failure.at')
  WHEN 3 THEN iif(${stepRetry} IS NULL, ${waiting} ->> '$[1]', i.extra ->> '$.failure.at') END`;

const invocations: View = {
  name: "invocations",
  meaning: "Every invocation that is kept, ended or not",
  from: "main.invocations i",
  columns: [
    text("id", "its id", "invocation_id(i.number)"),
    integer("number", "the number behind the id; grows with time", "i.number"),
    integer("partition", "where it lives", "i.number % 4096"),
    text("service", "service of the handler", "i.service"),
    text("handler", "name of the handler", "i.handler"),
    text("mode", `how the handler runs: ${list(modes)}`, word("i.mode", modes)),
    text("key", "key of the actor or workflow; null for stateless services", "i.key"),
    text("status", `one of ${list(statuses)}`, word("i.status", statuses)),
    json("input", "what it was called with", "i.input"),
    json("output", "its result, if it succeeded", "CASE WHEN i.status = 6 THEN i.output END"),
    text("error_code", "code of the error it ended with", `${errorPart("code")}`),
    text("error_message", "message of the error it ended with", `${errorPart("message")}`),
    ...time("created", "when it was accepted", "i.created_at"),
    ...time("ended", "when it ended; null before", "i.ended_at"),
    ...time("expires", "when it will be deleted; null before it ended", "i.expires_at"),
    text("deployment", "the version of the code it is pinned to", "i.deployment"),
    integer("attempts", "failed attempts since its last progress", extra("attempts", "0")),
    text("failure_code", "code of the last failure", extra("failure.code")),
    text("failure_message", "message of the last failure", extra("failure.message")),
    text("failure_step", "the step that failed, if one did", extra("failure.step")),
    ...time("retry", "when the next attempt is due", "i.extra ->> '$.retryAt'"),
    text("parent_id", "the invocation that called it", id("i.extra ->> '$.parent.number'")),
    text("idempotency_key", "the caller's key against repetition", extra("idempotencyKey")),
    text("schedule", "the schedule that started it", extra("schedule")),
    text("caller", "who called, as the gateway vouches", extra("caller")),
    integer("entries", "entries in its journal", entries),
    text("waiting_for", "what it waits for; null when it runs or has ended", waitingFor),
    ...time("waiting_since", "since when it waits", waitingSince, ""),
  ],
};

const journal: View = {
  name: "journal",
  meaning: "Every entry of every journal: what invocations did and what came back",
  from: "main.journal j",
  columns: [
    text("id", "id of the invocation", "invocation_id(j.number)"),
    integer("number", "number of the invocation", "j.number"),
    integer("entry", "place in the journal, from 0", "j.idx"),
    text("kind", `one of ${list(entryKinds)}`, word("j.kind", entryKinds)),
    integer("command", "which command it is or answers; -1 for neither", "j.command"),
    text("name", "name of the step, promise, signal or state; or service/handler", "j.name"),
    json("payload", "what was asked or came back", "j.payload"),
    integer("failed", "1 if the payload is an error", "j.failed"),
    ...time("at", "when it was written", "j.at", ""),
  ],
};

const state: View = {
  name: "state",
  meaning: "State of actors and workflows, one row per entry",
  from: "main.state s",
  columns: [
    text("service", "service of the actor or workflow", "s.service"),
    text("key", "its key", "s.key"),
    text("name", "name of the entry", "s.name"),
    json("value", "its value", "s.value"),
    integer("partition", "where the key lives", "partition_of(s.service, s.key)"),
  ],
};

const timers: View = {
  name: "timers",
  meaning: "Durable wake-ups that have not fired",
  from: "main.timers t",
  columns: [
    text("id", "id of the invocation it wakes", "invocation_id(t.number)"),
    integer("number", "number of the invocation", "t.number"),
    integer("command", "the sleep it answers; -1 otherwise", "t.command"),
    text("kind", `one of ${list(timerKinds)}`, word("t.kind", timerKinds)),
    ...time("due", "when it fires", "t.due"),
  ],
};

const promises: View = {
  name: "promises",
  meaning: "Durable promises",
  from: "main.promises p",
  columns: [
    text("id", "its id, by which others settle it", "promise_id(p.number, p.name)"),
    text("invocation_id", "the invocation it belongs to", "invocation_id(p.number)"),
    integer("number", "number of that invocation", "p.number"),
    text("name", "its name", "p.name"),
    text("status", `one of ${list(promiseStatuses)}`, word("p.status", promiseStatuses)),
    json("value", "what it was settled with", "p.value"),
    integer("waiters", "how many invocations wait for it", "json_array_length(p.waiters)"),
    ...time("created", "when it was made", "p.created_at"),
    ...time("settled", "when it was settled; null before", "p.settled_at"),
  ],
};

const schedules: View = {
  name: "schedules",
  meaning: "Recurring invocations",
  from: "main.schedules s",
  columns: [
    text("name", "its name", "s.name"),
    text("cron", "when, as a cron expression", "s.cron"),
    text("time_zone", "in which time zone", "s.time_zone"),
    text("service", "service it calls", "s.service"),
    text("handler", "handler it calls", "s.handler"),
    text("key", "key it calls", "s.key"),
    json("input", "what it calls with", "s.input"),
    text("overlap", `when the last run still goes: ${list(overlaps)}`, word("s.overlap", overlaps)),
    text("backfill", `missed runs made up: ${list(backfills)}`, word("s.backfill", backfills)),
    integer("paused", "1 while paused", "s.paused"),
    integer("declared", "1 if the application defines it", "s.declared"),
    ...time("created", "when it was made", "s.created_at"),
    ...time("last", "when it last ran", "s.last_at"),
    text("last_id", "the invocation of the last run", id("s.last_number")),
    ...time("next", "when it runs next", "s.next_at"),
    integer("pending", "runs held back by overlap", "s.pending"),
  ],
};

const messages: View = {
  name: "messages",
  meaning: "One-way calls not yet delivered: on their way to another partition, or not yet due",
  from: `(SELECT 'outbox' AS kind, o.partition AS source, o.destination, o.sequence, NULL AS number,
    NULL AS service, NULL AS handler, NULL AS key, NULL AS due, o.payload FROM main.outbox o
    UNION ALL
    SELECT 'delayed', NULL, i.number % 4096, NULL, i.number, i.service, i.handler, i.key,
    i.extra ->> '$.due', i.input FROM main.invocations i WHERE i.status = 0 AND i.status < 6) m`,
  columns: [
    text("kind", "outbox or delayed", "m.kind"),
    integer("source", "partition it comes from, for the outbox", "m.source"),
    integer("destination", "partition it goes to", "m.destination"),
    integer("sequence", "its place in the outbox", "m.sequence"),
    text("id", "the invocation that waits to start, for a delayed one", id("m.number")),
    text("service", "service it calls, for a delayed one", "m.service"),
    text("handler", "handler it calls, for a delayed one", "m.handler"),
    text("key", "key it calls, for a delayed one", "m.key"),
    json("payload", "input of a delayed one; the command in the outbox", "m.payload"),
    ...time("due", "when it is due, for a delayed one", "m.due"),
  ],
};

const keys: View = {
  name: "keys",
  meaning: "Actors and workflows with invocations in hand: who holds each key, and how many wait",
  from: `main.invocations i WHERE i.key IS NOT NULL AND i.mode IN (1, 3)
    AND i.status BETWEEN 1 AND 5 GROUP BY i.service, i.key`,
  columns: [
    text("service", "service of the key", "i.service"),
    text("key", "the key", "i.key"),
    integer("partition", "where it lives", "min(i.number % 4096)"),
    integer("queued", "invocations that wait for the key", "sum(i.status = 1)"),
    text(
      "holder_id",
      "the invocation that holds it",
      id("max(CASE WHEN i.status > 1 THEN i.number END)"),
    ),
    ...time("oldest", "when the oldest of them was accepted", "min(i.created_at)"),
  ],
};

export const viewTable: readonly View[] = [
  invocations,
  journal,
  state,
  timers,
  promises,
  schedules,
  messages,
  keys,
  ...relationViews,
];

/**
 * The SELECT of a view. It reads the tables inside a common table expression of the name given,
 * which is what SQLite's authorizer then names as the reader.
 */
export function viewSql(view: View, reader: string): string {
  const columns = view.columns.map((column) => `${column.sql} AS ${column.name}`).join(",\n  ");
  return `WITH "${reader}" AS (SELECT ${columns}\n  FROM ${view.from}) SELECT * FROM "${reader}"`;
}

function word(sql: string, words: readonly string[]): string {
  return `CASE ${sql} ${words.map((each, code) => `WHEN ${code} THEN '${each}'`).join(" ")} END`;
}

function anyOf(sql: string, kinds: readonly EntryKind[]): string {
  return `${sql} IN (${kinds.map((kind) => entryKindCode[kind]).join(", ")})`;
}

function extra(path: string, otherwise?: string): string {
  const sql = `i.extra ->> '$.${path}'`;
  return otherwise === undefined ? sql : `coalesce(${sql}, ${otherwise})`;
}

function errorPart(name: string): string {
  return `CASE WHEN ${hasEnded} AND i.status <> 6 THEN i.output ->> '$.${name}' END`;
}

function id(sql: string): string {
  return `CASE WHEN (${sql}) IS NOT NULL THEN invocation_id(${sql}) END`;
}

function list(words: readonly string[]): string {
  return words.join(", ");
}
