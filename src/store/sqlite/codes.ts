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

/** A record and not a list, so that the compiler misses a kind that has no code. */
export const entryKindCode: Readonly<Record<EntryKind, number>> = {
  run: 0,
  get: 1,
  set: 2,
  clear: 3,
  send: 4,
  call: 5,
  attach: 6,
  sleep: 7,
  promise: 8,
  settle: 9,
  "await-signal": 10,
  "send-signal": 11,
  "send-cancel": 12,
  patched: 13,
  done: 14,
  signal: 15,
  cancel: 16,
  id: 17,
  accepted: 18,
  relate: 19,
  check: 20,
};

export const entryKinds: readonly EntryKind[] = inOrder(entryKindCode);

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
export const timerKindCode: Readonly<Record<TimerKind, number>> = codesOf(timerKinds);

/** The word for a code read from a table. */
export function wordOf<T extends string>(words: readonly T[], code: number): T {
  return words[code] as T; // written from the same list
}

function codesOf<T extends string>(words: readonly T[]): Record<T, number> {
  // fromEntries forgets the key type
  return Object.fromEntries(words.map((word, code) => [word, code])) as Record<T, number>;
}

function inOrder<T extends string>(codes: Readonly<Record<T, number>>): readonly T[] {
  const words = Object.keys(codes) as T[]; // keys forgets the type
  return words.sort((a, b) => codes[a] - codes[b]);
}
