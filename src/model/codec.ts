import { type ErrorCode, errorTable, fail, HoldfastError, reasonOf } from "./errors.ts";

/**
 * Errors as they lie in journals and results. What user code catches is always rebuilt from this
 * form, in the live run as in a replay, so both see the same error to the byte, its stack included.
 */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly details?: unknown;
  /** HTTP status, if the thrower gave one. */
  readonly status?: number;
  /** Terminal errors end the invocation; others are retried. */
  readonly terminal?: boolean;
  readonly cause?: EncodedError;
}

/**
 * An error that must not be retried: it ends the step or the invocation that throws it, and
 * reaches the caller with its message, code and details.
 */
export class TerminalError extends Error {
  override readonly name: string = "TerminalError";
  readonly code: string;
  readonly details: unknown;
  /** HTTP status under which the gateway reports it; 500 when undefined. */
  readonly status: number | undefined;

  constructor(message: string, options: TerminalErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code ?? "terminal";
    this.details = options.details;
    this.status = isErrorStatus(options.status) ? options.status : undefined;
  }
}

export interface TerminalErrorOptions {
  /** Tells callers what went wrong. Default: `"terminal"`. */
  readonly code?: string;
  /** Plain data for callers. */
  readonly details?: unknown;
  /** HTTP status, 400 to 599: a refusal is the caller's to mend, so it is a 4xx. Default: 500. */
  readonly status?: number;
  readonly cause?: unknown;
}

function isErrorStatus(status: unknown): status is number {
  return Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599;
}

/** Cancellation was requested. Thrown once, at whatever the handler awaits; later awaits work. */
export class CancelledError extends TerminalError {
  override readonly name = "CancelledError";

  constructor(message: string = errorTable.cancelled.message) {
    super(message, { code: "cancelled" });
  }
}

/** What `orTimeout` throws, the same in every replay. */
export function makeTimeout(message: string): TimeoutError {
  return withoutStack(new TimeoutError(message));
}

function withoutStack<E extends Error>(error: E): E {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

/** What `orTimeout` and deadlines reject with. */
export class TimeoutError extends TerminalError {
  override readonly name = "TimeoutError";

  constructor(message: string) {
    super(message, { code: "timed-out" });
  }
}

/** JSON text of a value; null for undefined. Refuses what JSON would change silently at the top. */
export function encodePayload(value: unknown, what: string, maxBytes: number): string | null {
  if (value === undefined) return null;
  if (value === null) return "null";
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw fail("not-serialisable", { what, reason: reasonOf(error) });
  }
  if (text === undefined) {
    throw fail("not-serialisable", { what, reason: `it is a ${typeof value}` });
  }
  // Characters are at most 3 bytes each, so the exact count is needed only near the limit.
  if (text.length * 3 > maxBytes) checkSize(text, what, maxBytes);
  return text;
}

export function decodePayload(payload: string | null): unknown {
  return payload === null ? undefined : JSON.parse(payload);
}

export function checkSize(text: string, what: string, maxBytes: number): void {
  const size = utf8Length(text);
  if (size > maxBytes) throw fail("too-large", { what, size, max: maxBytes });
}

/** Bytes that a text takes in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    // A surrogate pair is 2 units and 4 bytes, so each half adds 1; all else up here is 3 bytes.
    bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}

/** Any thrown value as data. Never fails, keeps no stack, cuts over-long messages. */
export function encodeError(thrown: unknown, maxText: number): string {
  let described: EncodedError;
  try {
    described = describe(thrown, maxText, 0);
  } catch {
    // Even looking at it throws.
    described = { name: "Error", message: reasonOf(thrown) };
  }
  return JSON.stringify(described);
}

function describe(thrown: unknown, maxText: number, depth: number): EncodedError {
  const cut = (text: string): string =>
    text.length > maxText ? `${text.slice(0, maxText)}…` : text;
  if (!(thrown instanceof Error)) {
    return { name: "Error", message: cut(`Thrown, and not an Error: ${reasonOf(thrown)}`) };
  }
  const encoded: {
    -readonly [K in keyof EncodedError]: EncodedError[K];
  } = { name: cut(String(thrown.name)), message: cut(String(thrown.message)) };
  if (thrown instanceof TerminalError || thrown instanceof HoldfastError) {
    encoded.code = thrown.code;
    encoded.terminal = true;
    if (thrown instanceof TerminalError && thrown.status !== undefined) {
      encoded.status = thrown.status;
    }
    const details = safeDetails(thrown.details, maxText);
    if (details !== undefined) encoded.details = details;
  }
  if (thrown.cause !== undefined && depth < 3) {
    encoded.cause = describe(thrown.cause, maxText, depth + 1);
  }
  return encoded;
}

function safeDetails(details: unknown, maxText: number): unknown {
  try {
    const text = JSON.stringify(details);
    return text === undefined || text === "{}" || text.length > maxText
      ? undefined
      : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error again: `HoldfastError` for codes of the table, else the class its name tells. */
export function decodeError(payload: string): Error {
  return rebuild(JSON.parse(payload) as EncodedError); // written by encodeError
}

function rebuild(encoded: EncodedError): Error {
  const error = construct(encoded);
  if (encoded.cause !== undefined) {
    Object.defineProperty(error, "cause", { value: rebuild(encoded.cause), enumerable: false });
  }
  return withoutStack(error);
}

function construct(encoded: EncodedError): Error {
  const { name, message, code } = encoded;
  if (name === "CancelledError") return new CancelledError(message);
  if (name === "TimeoutError" && encoded.terminal === true) return new TimeoutError(message);
  if (name === "HoldfastError" && code !== undefined && Object.hasOwn(errorTable, code)) {
    const details = (encoded.details ?? {}) as Record<string, string | number>; // as encoded
    const error = new HoldfastError(code as ErrorCode, details);
    error.message = message;
    return error;
  }
  const error =
    encoded.terminal === true
      ? new TerminalError(message, {
          ...(encoded.status === undefined ? {} : { status: encoded.status }),
          ...(code === undefined ? {} : { code }),
          ...(encoded.details === undefined ? {} : { details: encoded.details }),
        })
      : new Error(message);
  if (error.name !== name) {
    Object.defineProperty(error, "name", { value: name, enumerable: false, configurable: true });
  }
  return error;
}

/** Whether retrying is pointless: the thrower said so, or the input is at fault. */
export function isTerminal(thrown: unknown): boolean {
  return thrown instanceof TerminalError || thrown instanceof HoldfastError;
}
