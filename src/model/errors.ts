/**
 * The one table of errors. Every error that leaves Holdfast has a row here: HTTP, SDK, CLI and the
 * reference in docs/ are made from it. A message says what happened and why; `action` says what to
 * do. `{name}` is filled from the details given to `fail`.
 */

/** What a row says. `status` is the HTTP status (RFC 9110) under which the gateway reports it. */
export interface ErrorRow {
  readonly status: number;
  readonly message: string;
  readonly action: string;
}

export const errorTable = {
  // Input that cannot be taken.
  "invalid-json": {
    status: 400,
    message: "The {what} is not valid JSON: {reason}",
    action: "Send one JSON value, encoded as UTF-8.",
  },
  "invalid-input": {
    status: 400,
    message: "The input of {target} was refused by its schema: {reason}",
    action: "Send what the handler's schema describes; GET /openapi.json shows it.",
  },
  "invalid-argument": {
    status: 400,
    message: "{what} is not acceptable: {reason}",
    action: "Correct the value and call again; nothing was changed.",
  },
  "invalid-id": {
    status: 400,
    message: "{what} is not an id that can be used: {reason}",
    action: "Use 1 to {max} characters of well-formed Unicode, not only white space, no controls.",
  },
  "invalid-usage": {
    status: 400,
    message: "The command line cannot be understood: {reason}",
    action: "`holdfast {command}--help` shows what it takes, with examples.",
  },
  "file-unreadable": {
    status: 400,
    message: "The file {file} cannot be read: {reason}",
    action: "Check its name, and who may read it.",
  },
  "not-serialisable": {
    status: 400,
    message: "{what} cannot be written as JSON: {reason}",
    action: "Use plain data, or convert it before it crosses a durable border.",
  },
  "too-large": {
    status: 413,
    message: "{what} is {size} bytes, more than the limit of {max}",
    action: "Send less, or keep the data elsewhere and pass a reference to it.",
  },
  "too-many": {
    status: 413,
    message: "There is more in {what} than the limit {limit} of {max} allows",
    action: "Split it: as it is, it is refused every time.",
  },
  "limit-exceeded": {
    status: 429,
    message: "The limit {limit} of {max} was reached by {what}",
    action: "Wait until there is room, or spread the work; docs/reference/limits.md explains it.",
  },
  // Things that are not there.
  "unknown-service": {
    status: 404,
    message: "There is no service {service}",
    action: "Check the name; `holdfast ls --services` and GET /openapi.json list what is served.",
  },
  "unknown-handler": {
    status: 404,
    message: "Service {service} has no handler {handler}",
    action: "Check the name; GET /openapi.json lists the handlers of each service.",
  },
  "private-handler": {
    status: 403,
    message: "{target} is private: only other handlers may call it",
    action: "Call it from a handler, or remove `private` from its definition.",
  },
  "unknown-invocation": {
    status: 404,
    message: "There is no invocation {id}",
    action: "It never existed, or its retention time is over; check the id.",
  },
  "unknown-promise": {
    status: 404,
    message: "There is no durable promise {id}",
    action: "Check the id; a promise ends with the retention of its invocation.",
  },
  "unknown-schedule": {
    status: 404,
    message: "There is no schedule {name}",
    action: 'List the schedules with `holdfast sql "select * from schedules"`.',
  },
  "not-found": {
    status: 404,
    message: "There is nothing at {what}",
    action: "GET /openapi.json lists the paths.",
  },
  "method-not-allowed": {
    status: 405,
    message: "{method} is not possible at {what}",
    action: "Use one of the methods in the Allow header.",
  },
  // Conflicts with what is already so.
  "already-started": {
    status: 409,
    message: "Workflow {service} with id {key} was started already",
    action: "Attach to it, or start another id; a workflow runs once per id.",
  },
  "already-settled": {
    status: 409,
    message: "The durable promise {id} was settled already",
    action: "A promise settles once; read its value instead.",
  },
  "invocation-ended": {
    status: 409,
    message: "Invocation {id} has ended ({status}), so it cannot take this {what}",
    action: "Nothing is to be done; read its result, or restart it.",
  },
  "invocation-not-ended": {
    status: 409,
    message: "Invocation {id} has not ended ({status})",
    action: "Wait for it, or cancel it first.",
  },
  "key-held": {
    status: 409,
    message: "The key {key} is held by invocation {id}, which may be changing its state",
    action: "Wait until it has ended, or cancel it, and try again.",
  },
  "not-paused": {
    status: 409,
    message: "Invocation {id} is {status}: there is nothing to resume",
    action: "Only a paused invocation or one that waits for a retry can be resumed.",
  },
  "idempotency-conflict": {
    status: 409,
    message: "The idempotency key was used before with another input for {target}",
    action: "Use a new key for a new request, or send the same input again.",
  },
  "duplicate-definition": {
    status: 409,
    message: "{what} is defined twice",
    action: "Give each service, and each handler within it, a name of its own.",
  },
  // What user code can do wrong.
  "handler-failed": {
    status: 500,
    message: "{target} failed: {reason}",
    action: "Look at the invocation with `holdfast show`, mend the code, then restart it.",
  },
  "step-exhausted": {
    status: 500,
    message: "Step {step} failed {attempts} times; the last reason: {reason}",
    action: "Mend what the step depends on, or give its retry policy more attempts.",
  },
  cancelled: {
    status: 409,
    message: "The invocation was cancelled",
    action: "Nothing is to be done: somebody asked for it.",
  },
  killed: {
    status: 409,
    message: "The invocation was killed",
    action: "Nothing is to be done: somebody asked for it. No clean-up ran.",
  },
  "timed-out": {
    status: 504,
    message: "{what} did not end within {timeout}",
    action: "Give it more time, or find what it waits for with `holdfast show`.",
  },
  "code-diverged": {
    status: 500,
    message:
      "The code no longer matches its journal at entry {index}: the journal says {recorded}, the code says {actual}{site}",
    action:
      "Bring back the code that started it, guard the change with ctx.patched, or restart it.",
  },
  "journal-damaged": {
    status: 500,
    message: "The journal of {target} cannot be read: {reason}",
    action: "Restore the store from a backup, or restart the invocation from an entry before that.",
  },
  "foreign-await": {
    status: 500,
    message:
      "{target} used the context ({command}) after awaiting something the journal does not know{site}",
    action: "Wrap the foreign promise in ctx.run, so that its result and its place are recorded.",
  },
  "context-misused": {
    status: 500,
    message: "{target} used its context where it cannot be used: {reason}",
    action: "Use the context only inside the handler it was given to, and not inside a step.",
  },
  "deployment-gone": {
    status: 503,
    message: "The deployment {deployment} that started the invocation is not running here",
    action: "Run that version beside this one, or restart the invocation on the current one.",
  },
  // Schedules, SQL, files.
  "invalid-schedule": {
    status: 400,
    message: "The schedule {name} cannot exist: {reason}",
    action: "Correct the cron expression, the time zone or the target.",
  },
  "invalid-query": {
    status: 400,
    message: "The query was refused: {reason}",
    action: "Send one SELECT over the documented views; docs/guide/sql.md lists them.",
  },
  "query-timed-out": {
    status: 408,
    message: "The query ran longer than {timeout} and was stopped",
    action: "Narrow it, or ask for fewer rows.",
  },
  "store-in-use": {
    status: 503,
    message: "The store {path} is in use by {holder}",
    action: "Stop that process, or open another file.",
  },
  "store-foreign": {
    status: 500,
    message: "The file {path} is not a Holdfast store: {reason}",
    action: "Name another file; this one was not touched.",
  },
  "store-damaged": {
    status: 500,
    message: "The store {path} is damaged: {reason}",
    action: "Restore it from a backup; it was not touched.",
  },
  "store-newer": {
    status: 500,
    message: "The store {path} has format {found}, newer than {known}, which this version knows",
    action: "Run the Holdfast version that wrote it, or a later one.",
  },
  "store-full": {
    status: 507,
    message: "The store cannot be written: {reason}",
    action: "Make room on the disk; work goes on by itself when there is some.",
  },
  "store-failed": {
    status: 503,
    message: "The store could not commit: {reason}",
    action: "Look at the disk or the database; it is not known whether this request took effect.",
  },
  "fenced-out": {
    status: 503,
    message: "Another owner has taken partition {partition}",
    action: "Call again: the request will reach the new owner.",
  },
  // The door.
  "malformed-request": {
    status: 400,
    message: "The HTTP request is malformed: {reason}",
    action: "Send a well-formed HTTP/1.1 request (RFC 9112).",
  },
  "headers-too-large": {
    status: 431,
    message: "The headers of the request are larger than the limit of {max} bytes",
    action: "Send fewer or shorter headers.",
  },
  "request-too-slow": {
    status: 408,
    message: "The request did not arrive whole within {timeout}",
    action: "Send it faster, or in smaller pieces.",
  },
  "unsupported-media-type": {
    status: 415,
    message: "A body of {what} cannot be read",
    action: "Send JSON as UTF-8, uncompressed, with `Content-Type: application/json`.",
  },
  "host-refused": {
    status: 421,
    message: "Without access tokens, requests for the host {host} are refused",
    action: "Call 127.0.0.1, [::1] or localhost, or configure tokens (HOLDFAST_TOKENS).",
  },
  "cross-site": {
    status: 403,
    message: "Without access tokens, requests from the web pages of {origin} are refused",
    action: "Call from outside a browser, or configure tokens (HOLDFAST_TOKENS).",
  },
  unauthorized: {
    status: 401,
    message: "An access token is needed, and {given}",
    action: "Send `Authorization: Bearer <token>` with a token the server was configured with.",
  },
  "address-refused": {
    status: 500,
    message: "Listening on {address} without access tokens is refused",
    action: "Configure tokens (HOLDFAST_TOKENS), or listen on a loopback address.",
  },
  "invalid-application": {
    status: 500,
    message: "The application {file} cannot be run: {reason}",
    action: "Mend the file; it exports what service, actor, workflow and schedule return.",
  },
  "folder-not-empty": {
    status: 409,
    message: "The folder {path} is not empty",
    action: "Name a folder that does not exist yet; nothing was written.",
  },
  "address-in-use": {
    status: 500,
    message: "Another program listens on {address} already",
    action: "Stop it, or choose another port: --port, HOLDFAST_PORT; 0 takes a free one.",
  },
  overloaded: {
    status: 503,
    message: "The server has {what} waiting, its limit",
    action: "Call again later, with a growing pause.",
  },
  "shutting-down": {
    status: 503,
    message: "The server is shutting down and takes no new work",
    action: "Call again shortly, or call another node.",
  },
  "not-ready": {
    status: 503,
    message: "The server does not take work yet, or no longer",
    action: "Ask again shortly.",
  },
  "invalid-configuration": {
    status: 500,
    message: "The configuration {name} cannot be used: {reason}",
    action: "Correct the setting and start again.",
  },
  unreachable: {
    status: 503,
    message: "No Holdfast server answers at {url}: {reason}",
    action: "Start one with `holdfast dev` or `npm start`, or give --url.",
  },
  // Authorization.
  "permission-denied": {
    status: 403,
    message: "{subject} has no permission {permission} on {resource}",
    action:
      "Ask somebody who may for the permission; the explanation, if you may see it, says why.",
  },
  "caller-missing": {
    status: 403,
    message: "{target} is only for callers who are known, and nobody was named",
    action:
      "Name who calls: with an access token, the header x-holdfast-caller (on this machine, or beside a token that calls on behalf of others), or client.as(…).",
  },
  "tenant-exists": {
    status: 409,
    message: "There is a tenant {tenant} already",
    action: "Use it, or choose another id.",
  },
  "unknown-tenant": {
    status: 404,
    message: "There is no tenant {tenant}",
    action: "Check the id; `holdfast authz tenants` lists them.",
  },
  "schema-invalid": {
    status: 400,
    message: "The schema is not valid: {reason}",
    action: "Correct it at the place that is named; nothing was changed.",
  },
  "schema-missing": {
    status: 409,
    message: "Tenant {tenant} has no schema yet",
    action: "Write a schema first.",
  },
  "unknown-schema": {
    status: 404,
    message: "Tenant {tenant} has no schema {schema}",
    action: "Check the id; schemas are listed with the tenant.",
  },
  "schema-orphans": {
    status: 409,
    message: "The schema has no place for {count} of the stored relationships: {examples}",
    action:
      "Delete them first, or say that they may stay and count for nothing: orphans: keep, or --keep-orphans.",
  },
  "unknown-type": {
    status: 400,
    message: "The schema has no type {type}",
    action: "Check the name; {suggestion}",
  },
  "unknown-relation": {
    status: 400,
    message: "Type {type} has no relation or permission {relation}",
    action: "Check the name; {suggestion}",
  },
  "relation-not-writable": {
    status: 400,
    message: "{type}#{relation} is a permission, which stores no relationships",
    action: "Write to a relation that it is computed from; {suggestion}",
  },
  "subject-not-allowed": {
    status: 400,
    message: "{relation} takes no subject such as {subject}: it takes {allowed}",
    action: "Use a subject that the schema allows, or change the schema.",
  },
  "unknown-caveat": {
    status: 400,
    message: "The schema has no caveat {caveat}",
    action: "Check the name; {suggestion}",
  },
  "caveat-context": {
    status: 400,
    message: "The context for caveat {caveat} cannot be used: {reason}",
    action: "Give each parameter a value of its declared type.",
  },
  "caveat-failed": {
    status: 400,
    message: "Caveat {caveat} of {relationship} could not be evaluated: {reason}",
    action: "Correct the expression or the context.",
  },
  "caveat-cost": {
    status: 400,
    message: "Caveat {caveat} of {relationship} costs more than the limit of {max}",
    action: "Make the expression or the context smaller.",
  },
  "invalid-relationship": {
    status: 400,
    message: "{what} is not a relationship that can be used: {reason}",
    action: "Write it as type:id#relation@type:id, with ids the schema language allows.",
  },
  "invalid-object": {
    status: 400,
    message: "{what} cannot be used as an object: {reason}",
    action: "Write it as type:id, such as document:1.",
  },
  "wildcard-asked": {
    status: 400,
    message:
      "{what} cannot be asked about: it stands for all of its type, and a question is about one",
    action: "Ask about one; a lookup of subjects says whether everybody may.",
  },
  "invalid-filter": {
    status: 400,
    message: "The filter cannot be used: {reason}",
    action: "Give at least one field, and nothing but text in it.",
  },
  "relationship-exists": {
    status: 409,
    message: "{relationship} is there already",
    action: "Touch it instead of creating it, or say that existing ones are to be ignored.",
  },
  "relationship-missing": {
    status: 409,
    message: "{relationship} is not there, so it cannot be deleted",
    action: "Nothing is to be done, or say that missing ones are to be ignored.",
  },
  "duplicate-update": {
    status: 400,
    message: "{relationship} is named more than once in one write",
    action: "Say once what is to become of it.",
  },
  "precondition-failed": {
    status: 412,
    message: "A precondition does not hold: {filter}",
    action: "Read again what it rests on, and decide anew; nothing was written.",
  },
  "zookie-invalid": {
    status: 400,
    message: "The zookie cannot be read: {reason}",
    action: "Pass on a zookie as it was given, unchanged.",
  },
  "zookie-foreign": {
    status: 400,
    message: "The zookie was given by another tenant or another store",
    action: "Use zookies only where they come from.",
  },
  "zookie-expired": {
    status: 410,
    message: "The zookie is older than the history that is kept",
    action: "Ask at a newer revision; for a watch, read everything again and go on from there.",
  },
  "zookie-future": {
    status: 400,
    message: "The zookie is of a revision that this store does not have",
    action: "The store was set back to an older copy, or is one: ask again with a new zookie.",
  },
  "invalid-cursor": {
    status: 400,
    message: "The cursor cannot be used: {reason}",
    action: "Pass on the cursor of the page before, with the same question.",
  },
  "depth-exceeded": {
    status: 422,
    message: "{what} goes deeper than {max} levels, or in a circle",
    action: "Flatten what is nested, or break the circle.",
  },
  "work-exceeded": {
    status: 422,
    message: "{what} took more work than the limit {limit} of {max} allows",
    action: "Ask for less at once, or change the schema so that less must be looked at.",
  },
  "rate-exceeded": {
    status: 429,
    message:
      "The questions of tenant {tenant} took more than the {max} relationships a second of {limit}",
    action: "Ask again after {seconds} s; ask for less at once, or raise the limit.",
  },
  internal: {
    status: 500,
    message: "Something in Holdfast went wrong: {reason}",
    action: "Please report it, with the log lines around it.",
  },
} as const;
errorTable satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

export type ErrorDetails = Readonly<Record<string, string | number>>;

/** An error from the table: `code` is stable, `status` its HTTP status, `action` what to do. */
export class HoldfastError extends Error {
  override readonly name: string = "HoldfastError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(fill(errorTable[code].message, details), options);
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get action(): string {
    return fill(errorTable[this.code].action, this.details);
  }
}

/** Makes an error from the table, ready to be thrown. */
export function fail(code: ErrorCode, details?: ErrorDetails, cause?: unknown): HoldfastError {
  return new HoldfastError(code, details, cause === undefined ? undefined : { cause });
}

/** The error itself if it is from the table, else `internal` around it. */
export function toHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return fail("internal", { reason: reasonOf(error) }, error);
}

/** One line that says what was thrown, whatever was thrown. */
export function reasonOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message || thrown.name : thrown);
  } catch {
    return "a value that cannot be shown";
  }
}

function fill(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? ""));
}
