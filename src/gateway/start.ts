import { fail } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import type { TextOutcome, TextPort, TextStartRequest } from "../model/port.ts";
import { formatDuration, parseDuration } from "../std/duration.ts";
import { type Body, parseBody } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { readIdempotencyKey } from "./headers.ts";
import { problemOfFailure } from "./problem.ts";
import { decodeId, parseQuery, printable, type Target } from "./target.ts";

/**
 * `POST /call/…` and `POST /send/…`: the path that has to be fast. It is routed by hand, and the
 * input and the result pass through as the text they are.
 */
export function startInvocation(
  exchange: Exchange,
  target: Target,
  { port, limits }: { port: TextPort; limits: Limits },
): void {
  const waits = target.path.startsWith(callPrefix);
  const start = parseStart(target, waits, limits);
  exchange
    .receive(limits.requestBody)
    .then((bytes) => {
      const body = parseBody(bytes, exchange.headers, limits.bodyDepth);
      complete(start, exchange, body, limits);
      return waits
        ? port.callText(start).then((outcome) => answerOutcome(exchange, outcome, nameOf(start)))
        : port.sendText(start).then(({ id, status }) =>
            exchange.answer({
              status: 202,
              text: JSON.stringify({ id, status }),
              id,
              headers: ["Location", `/invocations/${encodeURIComponent(id)}`],
            }),
          );
    })
    .catch((error: unknown) => exchange.refuse(error, { target: nameOf(start) }));
}

export const callPrefix = "/call/";
export const sendPrefix = "/send/";

/** How an invocation ended. */
export function answerOutcome(exchange: Exchange, outcome: TextOutcome, target: string): void {
  const { id, output, error } = outcome;
  if (error === null) exchange.succeed(output, id);
  else exchange.report(problemOfFailure(error, target, id), id);
}

type Draft = { -readonly [K in keyof TextStartRequest]: TextStartRequest[K] };

function parseStart({ path, query }: Target, waits: boolean, limits: Limits): Draft {
  const max = limits.idLength;
  const [service = "", second = "", third, ...rest] = path.slice(callPrefix.length).split("/");
  if (rest.length > 0 || !path.includes("/", callPrefix.length)) {
    throw fail("not-found", { what: printable(path) });
  }
  const start: Draft = {
    service: decodeId("The service", service, max),
    handler: decodeId("The handler", third ?? second, max),
    inputText: null,
  };
  if (third !== undefined) start.key = decodeId("The key", second, max);
  if (query !== "") {
    const delay = parseQuery(query, waits ? [] : ["delay"]).get("delay");
    if (delay !== undefined) start.delayMs = parseTime("delay", delay, limits.delay);
  }
  return start;
}

function complete(start: Draft, exchange: Exchange, body: Body, limits: Limits): void {
  const { headers, caller, rights, traceparent, connection } = exchange;
  start.inputText = body.text;
  if (body.text !== null) start.input = body.value;
  if (headers.idempotencyKey !== undefined) {
    const max = limits.idLength;
    start.idempotencyKey = readIdempotencyKey(headers.idempotencyKey, max);
  }
  if (caller !== undefined) start.caller = caller;
  // Why it was denied shows what is stored: that is for those who may read it themselves.
  if (!rights.isUnlimited) start.mayExplain = (tenant) => rights.may("read", tenant);
  if (traceparent !== undefined) start.traceparent = traceparent;
  start.signal = connection.signal;
}

/** A duration out of a query parameter, in milliseconds. */
export function parseTime(name: string, text: string, max: number): number {
  const ms = parseDuration(text);
  const what = `The query parameter ${name}`;
  if (ms === undefined) {
    const reason = `${printable(text)} is not a duration such as 10s or 1h 30m`;
    throw fail("invalid-argument", { what, reason });
  }
  if (ms > max) {
    throw fail("invalid-argument", { what, reason: `it is more than ${formatDuration(max)}` });
  }
  return ms;
}

function nameOf({ service, key, handler }: Draft): string {
  return key === undefined ? `${service}/${handler}` : `${service}/${key}/${handler}`;
}
