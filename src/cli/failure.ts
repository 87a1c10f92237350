/** Errors as the CLI tells them: what happened and why, what to do, the code; and exit codes. */

import { PermissionDenied } from "../model/denial.ts";
import { type ErrorCode, errorTable, fail, HoldfastError, reasonOf } from "../model/errors.ts";
import { SchemaInvalid } from "../model/schema-invalid.ts";
import { say, stderr } from "./terminal.ts";

/** The one table of exit codes, from which the help is made. */
export const exitCodes = {
  ok: { code: 0, meaning: "done" },
  failed: {
    code: 1,
    meaning:
      "it failed: the command, or the invocation that it waited for; of authz check, explain and validate: no",
  },
  usage: { code: 2, meaning: "the command line, a value in it or a setting cannot be taken" },
  unreachable: { code: 3, meaning: "no server answers, or it takes no work now" },
  notFound: { code: 4, meaning: "there is no such thing" },
  conflict: { code: 5, meaning: "what is already so does not allow it" },
  refused: { code: 6, meaning: "the server wants an access token, or another one" },
  timedOut: { code: 7, meaning: "it did not end in the time given" },
  conditional: { code: 8, meaning: "authz check and explain: it depends on context not given" },
  unanswered: {
    code: 9,
    meaning:
      "a question that goes too deep or takes too much work; of authz check and explain: any other failure",
  },
  interrupted: { code: 130, meaning: "ended by Ctrl-C" },
} as const;

/** How an invocation ended that the command waited for. */
export class InvocationFailure extends Error {
  override readonly name = "InvocationFailure";
  readonly id: string;
  readonly code: string;

  constructor(id: string, target: string, cause: unknown) {
    super(`${target} failed: ${reasonOf(cause)}`, { cause });
    this.id = id;
    this.code = codeOf(cause);
  }
}

export function usageError(reason: string, command?: string): HoldfastError {
  return fail("invalid-usage", { reason, command: command === undefined ? "" : `${command} ` });
}

/** Tells the error on standard error, and gives the exit code. */
export function reportFailure(
  error: unknown,
  { json, more = {} }: { readonly json: boolean; readonly more?: object },
): number {
  say(json ? JSON.stringify({ error: toJson(error), ...more }) : formatFailure(error));
  return exitCodeOf(error);
}

export function formatFailure(error: unknown): string {
  const { red, dim, bold } = stderr.style;
  const code = codeOf(error);
  const [first = "", ...rest] = plain(reasonOf(error)).split("\n");
  const lines = [`${red("✗")} ${bold(first)} ${dim(`[${plain(code)}]`)}`, ...rest];
  const { cause } = error instanceof Error ? error : { cause: undefined };
  if (cause !== undefined && !(error instanceof InvocationFailure) && code !== "file-unreadable") {
    const why = plain(reasonOf(cause));
    if (!reasonOf(error).includes(why)) lines.push(`  ${dim("why:")} ${why}`);
  }
  const action = actionOf(error);
  if (action !== undefined) lines.push(`  ${dim("→")} ${plain(action)}`);
  return lines.join("\n");
}

/** Text that cannot move the cursor, whoever it comes from. Line breaks stay. */
export function plain(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, (control) => {
    const hex = control.charCodeAt(0).toString(16).padStart(2, "0");
    return `\\x${hex}`;
  });
}

function toJson(error: unknown): object {
  const action = actionOf(error);
  return {
    code: codeOf(error),
    message: reasonOf(error),
    ...(error instanceof InvocationFailure ? { invocation: error.id } : {}),
    ...(action === undefined ? {} : { action }),
    ...(error instanceof HoldfastError ? { details: error.details } : {}),
    ...(error instanceof SchemaInvalid ? { problems: error.problems } : {}),
    ...(error instanceof PermissionDenied ? { explanation: error.explanation } : {}),
  };
}

function codeOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error) return String(error.code);
  return "internal";
}

function actionOf(error: unknown): string | undefined {
  if (error instanceof HoldfastError) return cliActions[error.code] ?? error.action;
  if (error instanceof InvocationFailure) return `See how it went: holdfast show ${error.id}`;
  return codeOf(error) === "internal" ? errorTable.internal.action : undefined;
}

/** Where the table speaks of HTTP. */
const cliActions: Partial<Record<ErrorCode, string>> = {
  unauthorized: "Give a token that the server was configured with: --token, or HOLDFAST_TOKEN.",
};

const byCode: Partial<Record<ErrorCode, keyof typeof exitCodes>> = {
  "store-in-use": "failed",
  "timed-out": "timedOut",
  "query-timed-out": "timedOut",
  "address-in-use": "failed",
  "duplicate-definition": "failed",
  "private-handler": "conflict",
  "invalid-configuration": "usage",
  "address-refused": "usage",
};

const byStatus: Readonly<Record<number, keyof typeof exitCodes>> = {
  400: "usage",
  401: "refused",
  403: "refused",
  404: "notFound",
  405: "usage",
  408: "timedOut",
  409: "conflict",
  413: "usage",
  422: "unanswered",
  429: "unreachable",
  503: "unreachable",
};

function exitCodeOf(error: unknown): number {
  if (!(error instanceof HoldfastError)) return exitCodes.failed.code;
  return exitCodes[byCode[error.code] ?? byStatus[error.status] ?? "failed"].code;
}
