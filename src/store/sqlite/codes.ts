import type { EntryKind } from "../../model/entry.ts";
import type { HandlerMode, Status } from "../../model/invocation.ts";
import type { DurablePromise, Schedule, TimerKind } from "../store.ts";

/*
 * How words lie in the tables: as their place in these lists. Part of the file format: a list may
 * grow at its end and never changes otherwise. Queries see the words, through the views.
 *
 * The order of statuses is used by the partial indexes in format.ts: 1 to 5 hold their key, 6 and
 * above have ended.
 */

export const statuses: readonly Status[] = [
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
];

export const modes: readonly HandlerMode[] = ["stateless", "exclusive", "shared", "workflow"];

export const entryKinds: readonly EntryKind[] = [
  "run",
  "get",
  "set",
  "clear",
  "send",
  "call",
  "attach",
  "sleep",
  "promise",
  "settle",
  "await-signal",
  "send-signal",
  "send-cancel",
  "patched",
  "done",
  "signal",
  "cancel",
];

export const timerKinds: readonly TimerKind[] = ["sleep", "start", "retry", "deadline"];

export const promiseStatuses: readonly DurablePromise["status"][] = [
  "pending",
  "resolved",
  "rejected",
];

export const overlaps: readonly Schedule["overlap"][] = ["allow", "skip", "queue"];

export const backfills: readonly Schedule["backfill"][] = ["none", "last", "all"];

export const statusCode: Readonly<Record<Status, number>> = codesOf(statuses);
export const modeCode: Readonly<Record<HandlerMode, number>> = codesOf(modes);
export const entryKindCode: Readonly<Record<EntryKind, number>> = codesOf(entryKinds);
export const timerKindCode: Readonly<Record<TimerKind, number>> = codesOf(timerKinds);

/** The word for a code read from a table. */
export function wordOf<T extends string>(words: readonly T[], code: number): T {
  return words[code] as T; // written from the same list
}

function codesOf<T extends string>(words: readonly T[]): Record<T, number> {
  // fromEntries forgets the key type
  return Object.fromEntries(words.map((word, code) => [word, code])) as Record<T, number>;
}
