import type { InvocationNumber } from "./ids.ts";

/** How a handler may run. */
export type HandlerMode =
  /** No key, any number at once. */
  | "stateless"
  /** One at a time per key, in order of arrival. */
  | "exclusive"
  /** Concurrently; reads state, never writes it. */
  | "shared"
  /** The run of a workflow: once per key, holding it from start to end. */
  | "workflow";

export type Status =
  /** Not yet due. */
  | "scheduled"
  /** Due; waits for its key. */
  | "queued"
  /** Has started: its code runs, or may be resumed at any moment. */
  | "running"
  /** Has started and waits, out of memory, for a completion. */
  | "suspended"
  /** An attempt failed; the next one has a time. */
  | "backing-off"
  /** Stopped until somebody resumes, restarts or cancels it. `extra.failure` says why. */
  | "paused"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "killed";

export function hasEnded(status: Status): boolean {
  return (
    status === "succeeded" || status === "failed" || status === "cancelled" || status === "killed"
  );
}

/**
 * One invocation as it lies in the store. The engine changes it in place while applying commands and
 * puts it into the batch; the store reads it synchronously when `commit` is called.
 */
export interface Invocation {
  readonly number: InvocationNumber;
  readonly service: string;
  readonly handler: string;
  readonly mode: HandlerMode;
  /** null for stateless handlers. */
  readonly key: string | null;
  status: Status;
  /** JSON, or null when the handler was called with nothing. */
  readonly input: string | null;
  /** JSON of the result, an encoded error if it failed, null before and for no result. */
  output: string | null;
  readonly createdAt: number;
  endedAt: number | null;
  /** When it may be deleted; null until it ends. */
  expiresAt: number | null;
  /** The deployment that started it, to which it is pinned. */
  deployment: string;
  /** Seed of its random numbers; kept when it is restarted. */
  readonly seed: number;
  /**
   * Order in the queue of its key: grows within a partition, like numbers do. A delayed invocation
   * gets a new position when it becomes due.
   */
  position: number;
  /** How many entries its journal has. In the store, right once it has ended. */
  entries: number;
  /** What only some invocations have; null when there is nothing. */
  extra: Extra | null;
}

/** All optional: an ordinary call has none of these. */
export interface Extra {
  idempotencyKey?: string;
  /** Where the result goes: the command of the invocation that called this one. */
  parent?: { number: InvocationNumber; command: number };
  /** Others that attached to the result. */
  waiters?: { number: InvocationNumber; command: number }[];
  /** Depth of calls above this one. */
  depth?: number;
  /** W3C trace context of the caller. */
  traceparent?: string;
  /** Who called: a name the gateway vouches for. */
  caller?: string;
  /** When a scheduled invocation is due. */
  due?: number;
  /** Failed attempts of the handler since its last progress; the last failure; the next try. */
  attempts?: number;
  failure?: Failure;
  retryAt?: number;
  /** Cancellation was asked for, but not yet put into the journal (a step still has to end). */
  cancelRequested?: boolean;
  /** When the whole invocation must have ended; after a timeout, its clean-up. */
  deadline?: number;
  /** The deadline that passed. */
  timedOutAt?: number;
  restartedFrom?: string;
  schedule?: string;
  /** Retention asked for by the definition, in milliseconds, when not the default. */
  retention?: number;
}

/** Why an attempt failed or an invocation is paused. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly at: number;
  /** The step that failed, if it was one. */
  readonly step?: string;
  readonly command?: number;
  /** Attempts made so far. */
  readonly attempts?: number;
}
