/** Errors from answers: the ones that the server means, or what can be said of a foreign answer. */
import type { Explanation, SchemaProblemDescription } from "../model/authz.ts";
import { decodeError } from "../model/codec.ts";
import { ExplainedError, PermissionDenied } from "../model/denial.ts";
import { type ErrorCode, errorTable, fail, HoldfastError } from "../model/errors.ts";
import { SchemaInvalid } from "../model/schema-invalid.ts";
import type { HttpReply } from "./transport.ts";

/** Problem details (RFC 9457) with Holdfast's members. */
interface Problem {
  readonly code: string;
  readonly detail?: unknown;
  readonly details?: unknown;
  /** Why a permission was denied, or how far an answer got, for those who may know. */
  readonly explanation?: Explanation;
  /** What is wrong with a schema. */
  readonly problems?: readonly SchemaProblemDescription[];
  /** How the invocation failed, if it did. */
  readonly error?: unknown;
}

/** The error that a refusal or failure stands for. */
export function errorOf(reply: HttpReply, url: string): Error {
  const problem = parseProblem(reply.text);
  if (problem === undefined) return foreign(reply, url);
  if (typeof problem.error === "object" && problem.error !== null) {
    return decodeError(JSON.stringify(problem.error));
  }
  const { code, detail } = problem;
  if (!Object.hasOwn(errorTable, code)) {
    // A later server may know codes that this client does not.
    return fail("internal", { reason: `${code}: ${String(detail ?? "no detail")}` });
  }
  const error = errorFrom(code as ErrorCode, problem); // hasOwn
  if (typeof detail === "string") error.message = detail;
  return error;
}

function errorFrom(code: ErrorCode, { details, explanation, problems }: Problem): HoldfastError {
  const known = detailsOf(details);
  if (code === "permission-denied") return new PermissionDenied(known, explanation);
  if (code === "schema-invalid") return new SchemaInvalid(known, problems ?? []);
  if (explanation !== undefined) return new ExplainedError(code, known, explanation);
  return new HoldfastError(code, known);
}

function parseProblem(text: string): Problem | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isProblem =
      typeof value === "object" &&
      value !== null &&
      "code" in value &&
      typeof value.code === "string";
    return isProblem ? (value as Problem) : undefined; // as just checked
  } catch {
    return undefined;
  }
}

function detailsOf(details: unknown): Record<string, string | number> {
  const known: Record<string, string | number> = {};
  if (typeof details !== "object" || details === null) return known;
  for (const [name, value] of Object.entries(details)) {
    if (typeof value === "string" || typeof value === "number") known[name] = value;
  }
  return known;
}

/** An answer that no Holdfast gave: that of a proxy, or of another server altogether. */
function foreign({ status, text }: HttpReply, url: string): Error {
  const start = text.slice(0, 100).replace(/\s+/g, " ");
  return fail("unreachable", { url, reason: `the answer is HTTP ${status} "${start}"` });
}
