/**
 * One entry of a journal, as it lies in the store and in memory. Flat on purpose: a journal of
 * 50,000 entries is 50,000 of these.
 *
 * Commands are what the code asked for; each has an ordinal, `command`, counted from 0 in the order
 * in which the code issued them. Completions are what came back, in the order of arrival, and name
 * the command they answer. Some commands are complete as they are written (`run` is written when
 * its step has ended, so that a step costs one entry; `check` when it has its answer).
 */
export interface Entry {
  /** Position in the journal, from 0, without gaps. */
  readonly index: number;
  readonly kind: EntryKind;
  /** Ordinal of the command that this is or answers; -1 for `signal` and `cancel`. */
  readonly command: number;
  /** Name of the step, promise, signal, state entry or patch; `service/handler` of a target. */
  readonly name: string;
  /** JSON, or null for nothing. For a failure, an encoded error (see codec). */
  readonly payload: string | null;
  /** Whether `payload` is an error. */
  readonly failed: boolean;
  /** When it was stamped, in milliseconds since 1970: the time user code sees in that turn. */
  readonly at: number;
}

export type EntryKind =
  /** A step that ended: result or error. */
  | "run"
  /** First read of a state entry in this invocation; payload is what was read. */
  | "get"
  | "set"
  | "clear"
  /** A one-way message; payload is a `SendPayload`. */
  | "send"
  /** A call; payload is a `SendPayload`; answered by `done`. */
  | "call"
  /** Asking for the id of what an earlier command started; payload is that command; answered by `done`. */
  | "id"
  /** Waiting for the result of another invocation; payload is its id; answered by `done`. */
  | "attach"
  /** A timer; payload is the due time in milliseconds; answered by `done`. */
  | "sleep"
  /** Waiting for a durable promise; name is its id or name; answered by `done`. */
  | "promise"
  /** Settling a durable promise; name is its id or name; payload the value. */
  | "settle"
  /** Waiting for the next signal of that name; answered by the signal itself, first come first. */
  | "await-signal"
  /** Sending a signal; name is the signal's; payload is `{ id, value }`. */
  | "send-signal"
  /** Asking for the cancellation of another invocation; name is its id. */
  | "send-cancel"
  /** A write of relationships; name is the tenant and the first of them; answered by `done`. */
  | "relate"
  /** A question about a permission, with its answer and zookie; name is the tenant and the question. */
  | "check"
  /** `ctx.patched(name)` answered true. */
  | "patched"
  /** The number of what a command started, when it came from another node; payload `{ number }`. */
  | "accepted"
  /** The answer to an open command. */
  | "done"
  /** A signal arrived; name is the signal's. */
  | "signal"
  /** Cancellation was requested. */
  | "cancel";

/** Commands that stay open until a `done` answers them. */
export const openKinds: ReadonlySet<EntryKind> = new Set([
  "call",
  "id",
  "attach",
  "sleep",
  "promise",
  "relate",
]);

/** Reads such a payload. One that cannot be read tells nothing: the attempt finds out, and pauses. */
export function readSendPayload(payload: string | null): SendPayload {
  try {
    const read: unknown = JSON.parse(payload ?? "{}");
    return typeof read === "object" && read !== null ? read : {};
  } catch {
    return {};
  }
}

/** What a `send` or `call` entry carries; its name is the target, its input lies with the target. */
export interface SendPayload {
  readonly key?: string;
  /** Number of the invocation that it became, when that was known at once. */
  readonly number?: number;
  readonly idempotencyKey?: string;
  /** Due time of a delayed message, milliseconds since 1970. */
  readonly due?: number;
}
