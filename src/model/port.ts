import type { Status } from "./invocation.ts";

/**
 * The one way into Holdfast from outside a handler, with all types erased: embedded programs reach
 * the engine through it in the process, others over HTTP. Typed clients are made on top.
 * All of it rejects with `HoldfastError`, or with the error the invocation failed with.
 */
export interface Port {
  /** Starts, and waits for the result. `result` is the parsed output. */
  call(request: StartRequest): Promise<unknown>;
  /** Starts, and answers when the start is durable. */
  send(request: StartRequest): Promise<Accepted>;
  /** Waits for a result; `timed-out` when `timeoutMs` passes first, `invocation-not-ended` for 0. */
  result(target: InvocationAddress, options?: WaitOptions): Promise<unknown>;
  describe(target: InvocationAddress): Promise<InvocationDescription>;
  /** The latest first, a page at a time. */
  list(filter?: InvocationFilter): Promise<InvocationPage>;
  journal(target: InvocationAddress): Promise<readonly JournalEntryDescription[]>;
  /** Asks for cancellation: the handler gets a catchable error, and its clean-up runs. */
  cancel(target: InvocationAddress): Promise<void>;
  /** Ends it and all it called at once; no clean-up runs. */
  kill(target: InvocationAddress): Promise<void>;
  pause(target: InvocationAddress): Promise<void>;
  /** On the deployment that started it, or on the current one. */
  resume(target: InvocationAddress, options?: { deployment?: "current" }): Promise<void>;
  /** Starts it again under a new id, keeping the first `from` entries of its journal. */
  restart(target: InvocationAddress, options?: { from?: number }): Promise<Accepted>;
  /** Deletes what has ended. */
  purge(target: InvocationAddress): Promise<void>;
  signal(target: InvocationAddress, name: string, value?: unknown): Promise<void>;
  resolve(promise: PromiseAddress, value?: unknown): Promise<void>;
  reject(promise: PromiseAddress, reason: string): Promise<void>;
  readState(service: string, key: string): Promise<Readonly<Record<string, unknown>>>;
  /** Operators only; null deletes an entry. Refused with `key-held` while an exclusive handler runs. */
  patchState(
    service: string,
    key: string,
    changes: Readonly<Record<string, unknown>>,
  ): Promise<void>;
  schedules(): Promise<readonly ScheduleDescription[]>;
  pauseSchedule(name: string): Promise<void>;
  resumeSchedule(name: string): Promise<void>;
  /** Runs it now, besides its times. */
  triggerSchedule(name: string): Promise<Accepted>;
  /** Read-only SQL over the documented views. */
  query(sql: string, parameters?: readonly (string | number | null)[]): Promise<QueryAnswer>;
}

/**
 * The same for adapters that have JSON text and want JSON text, so that nothing is parsed or printed
 * twice on the way. How an invocation failed is an answer here; what rejects was refused.
 */
export interface TextPort extends Port {
  callText(request: TextStartRequest): Promise<TextOutcome>;
  sendText(request: TextStartRequest): Promise<Accepted>;
  resultText(target: InvocationAddress, options?: WaitOptions): Promise<TextOutcome>;
}

/** `input` and `inputText` are one value in two forms; the receiver may keep and change `input`. */
export interface TextStartRequest extends StartRequest {
  /** Valid JSON, or null for no input. */
  readonly inputText: string | null;
  /** Whether a denial may say why, by tenant. Default: it may. */
  readonly mayExplain?: (tenant: string) => boolean;
}

export interface TextOutcome {
  readonly id: string;
  /** JSON; null for no result, and for a failure. */
  readonly output: string | null;
  /** An `EncodedError` as JSON if the invocation failed, else null. */
  readonly error: string | null;
}

export interface InvocationFilter {
  readonly service?: string;
  readonly handler?: string;
  readonly key?: string;
  readonly status?: Status;
  /** At most so many. Default: 100. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly after?: string;
}

export interface InvocationPage {
  readonly invocations: readonly InvocationDescription[];
  /** Where the next page begins; null when this is the last. */
  readonly next: string | null;
}

export interface StartRequest {
  readonly service: string;
  readonly handler: string;
  readonly key?: string;
  readonly input?: unknown;
  /** The same key within the retention time gives the same invocation. */
  readonly idempotencyKey?: string;
  /** Milliseconds from now; only with `send`. */
  readonly delayMs?: number;
  /** As whom, where nothing else says it: in the process, or on this machine without tokens. */
  readonly caller?: string;
  readonly traceparent?: string;
  readonly signal?: AbortSignal;
}

export interface Accepted {
  readonly id: string;
  readonly status: "accepted" | "previously-accepted";
}

/** By id, or a workflow by service and key. */
export type InvocationAddress =
  | { readonly id: string }
  | { readonly service: string; readonly key: string };

/** By its own id, or by name within an invocation. */
export type PromiseAddress =
  | { readonly promise: string }
  | { readonly of: InvocationAddress; readonly name: string };

export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface InvocationDescription {
  readonly id: string;
  readonly service: string;
  readonly handler: string;
  readonly key: string | null;
  readonly mode: string;
  readonly status: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly error: unknown;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly deployment: string;
  readonly entries: number;
  readonly attempts: number;
  readonly failure: unknown;
  readonly waitingFor: string | null;
  readonly waitingSince: number | null;
  readonly parent: string | null;
}

export interface JournalEntryDescription {
  readonly index: number;
  readonly kind: string;
  readonly command: number;
  readonly name: string;
  readonly value: unknown;
  readonly failed: boolean;
  readonly at: number;
}

export interface ScheduleDescription {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly target: string;
  readonly paused: boolean;
  readonly nextAt: number | null;
  readonly lastAt: number | null;
}

export interface QueryAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
  readonly truncated: boolean;
}
