import { type EncodedError, encodeError, TerminalError } from "../model/codec.ts";
import { ExplainedError } from "../model/denial.ts";
import { type ErrorCode, errorTable, fail, type HoldfastError } from "../model/errors.ts";
import { SchemaInvalid } from "../model/schema-invalid.ts";

/** Problem details of RFC 9457, ready to be sent. */
export interface Problem {
  readonly status: number;
  readonly code: ErrorCode;
  readonly text: string;
}

export const problemType = "application/problem+json";

/** Errors whose code is one of the table; all others are the user's. */
const ownErrors = ["HoldfastError", "CancelledError", "TimeoutError"];

/** A refusal: the request did nothing. */
export function problemOf(error: HoldfastError, instance?: string): Problem {
  return describe(error, instance, undefined);
}

/** How an invocation failed. The client rebuilds the error from `error`. */
export function problemOfFailure(encoded: string, target: string, id: string): Problem {
  const error = JSON.parse(encoded) as EncodedError; // written by encodeError
  return describe(classify(error, target), `/invocations/${encodeURIComponent(id)}`, error);
}

/** The same, from the error itself. */
export function problemOfThrown(error: TerminalError, target: string): Problem {
  const encoded = JSON.parse(encodeError(error, 8192)) as EncodedError; // as just written
  return describe(classify(encoded, target), undefined, encoded);
}

/** Whether an error is how the user's handler failed, and not a refusal of Holdfast's. */
export function isHandlerFailure(error: unknown): error is TerminalError {
  return error instanceof TerminalError;
}

function classify(error: EncodedError, target: string): HoldfastError {
  if (
    !ownErrors.includes(error.name) ||
    error.code === undefined ||
    !Object.hasOwn(errorTable, error.code)
  ) {
    return fail("handler-failed", { target, reason: error.message });
  }
  const code = error.code as ErrorCode; // hasOwn
  const known = fail(code, detailsOf(error.details));
  known.message = error.message;
  return known;
}

function detailsOf(details: unknown): Record<string, string | number> {
  const kept: Record<string, string | number> = {};
  if (typeof details !== "object" || details === null) return kept;
  for (const [name, value] of Object.entries(details)) {
    if (typeof value === "string" || typeof value === "number") kept[name] = value;
  }
  return kept;
}

function describe(
  error: HoldfastError,
  instance: string | undefined,
  failure: EncodedError | undefined,
): Problem {
  const { code } = error;
  const status = failure?.status ?? error.status;
  const title = code.replaceAll("-", " ");
  const text = JSON.stringify({
    type: `urn:holdfast:error:${code}`,
    title: title.charAt(0).toUpperCase() + title.slice(1),
    status,
    detail: error.message,
    code,
    action: error.action,
    details: error.details,
    instance,
    explanation: error instanceof ExplainedError ? error.explanation : undefined,
    problems: error instanceof SchemaInvalid ? error.problems : undefined,
    error: failure,
  });
  return { status, code, text };
}
