/** A `Port` over HTTP: for programs that use a server, in Node as in browsers. */
import type { Host } from "../host/host.ts";
import { makeNodeHost } from "../host/node-host.ts";
import { fail } from "../model/errors.ts";
import { checkId } from "../model/ids.ts";
import { defaultLimits } from "../model/limits.ts";
import type {
  Accepted,
  InvocationAddress,
  InvocationDescription,
  InvocationFilter,
  InvocationPage,
  JournalEntryDescription,
  Port,
  PromiseAddress,
  QueryAnswer,
  ScheduleDescription,
  StartRequest,
  WaitOptions,
} from "../model/port.ts";
import { formatDuration } from "../std/duration.ts";
import {
  type Ask,
  type ConnectOptions,
  type HttpLink,
  openLink,
  parseReply,
  segment,
} from "./http-link.ts";
import type { HttpReply } from "./transport.ts";

/**
 * A way in over HTTP. Connects when it is first used.
 *
 * Throws `invalid-configuration` for a URL that is none. All its methods reject with `unreachable`
 * when no server answers, with the `HoldfastError` that the server reports, or with the error that
 * the invocation failed with.
 *
 * @example
 * ```ts
 * import { connect, makeClient } from "holdfast/client";
 *
 * const client = makeClient(connect({ url: "http://127.0.0.1:7400", token: "secret" }));
 * const rows = () => client.query("select status, count(*) as n from invocations group by 1");
 * ```
 */
export function connect(options: ConnectOptions): Port {
  return new HttpPort(openLink(options), makeNodeHost());
}

/** One wait for a result; well under what proxies cut off, and under the limit `longPoll`. */
const pollMs = 30_000;
/** Before asking again when a server answers a long poll at once, as one that shuts down does. */
const restMs = 200;

class HttpPort implements Port {
  readonly #link: HttpLink;
  readonly #host: Pick<Host, "monotonic" | "setTimer">;

  constructor(link: HttpLink, host: Pick<Host, "monotonic" | "setTimer">) {
    this.#link = link;
    this.#host = host;
  }

  async call(request: StartRequest): Promise<unknown> {
    const reply = await this.#link.ask("POST", `/call${targetPath(request)}`, startAsk(request));
    if (reply.status !== 202) return parseReply(reply);
    // It takes longer than the server holds a request open.
    const { id } = parseReply(reply) as Accepted;
    const { signal } = request;
    return this.result({ id }, signal === undefined ? {} : { signal });
  }

  async send(request: StartRequest): Promise<Accepted> {
    const { delayMs } = request;
    const query = delayMs === undefined ? "" : `?delay=${delayMs}ms`;
    return this.#link.json("POST", `/send${targetPath(request)}${query}`, startAsk(request));
  }

  async result(target: InvocationAddress, options: WaitOptions = {}): Promise<unknown> {
    const { timeoutMs = Number.POSITIVE_INFINITY, signal } = options;
    const path = `${addressPath(target)}/result`;
    const deadline = this.#host.monotonic() + timeoutMs;
    let left = timeoutMs;
    for (;;) {
      const asked = this.#host.monotonic();
      const wait = Math.ceil(Math.min(left, pollMs));
      const reply = await this.#link.ask("GET", `${path}?wait=${wait}ms`, { signal });
      if (reply.status !== 202) return parseReply(reply);
      if (timeoutMs === 0) throw notEnded(target, reply);
      const now = this.#host.monotonic();
      left = deadline - now;
      if (left <= 0)
        throw fail("timed-out", { what: nameOf(target), timeout: formatDuration(timeoutMs) });
      if (now - asked < restMs && wait > restMs) await this.#rest(Math.min(restMs, left), signal);
    }
  }

  async describe(target: InvocationAddress): Promise<InvocationDescription> {
    return this.#link.json("GET", addressPath(target));
  }

  async list(filter: InvocationFilter = {}): Promise<InvocationPage> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(filter)) {
      if (value !== undefined) query.set(name, String(value));
    }
    return this.#link.json("GET", query.size === 0 ? "/invocations" : `/invocations?${query}`);
  }

  async journal(target: InvocationAddress): Promise<readonly JournalEntryDescription[]> {
    return this.#link.json("GET", `${addressPath(target)}/journal`);
  }

  async cancel(target: InvocationAddress): Promise<void> {
    return this.#link.do("POST", `${addressPath(target)}/cancel`);
  }

  async kill(target: InvocationAddress): Promise<void> {
    return this.#link.do("POST", `${addressPath(target)}/kill`);
  }

  async pause(target: InvocationAddress): Promise<void> {
    return this.#link.do("POST", `${addressPath(target)}/pause`);
  }

  async resume(target: InvocationAddress, options?: { deployment?: "current" }): Promise<void> {
    return this.#link.do("POST", `${addressPath(target)}/resume`, options);
  }

  async restart(target: InvocationAddress, options?: { from?: number }): Promise<Accepted> {
    return this.#link.json("POST", `${addressPath(target)}/restart`, { body: options });
  }

  async purge(target: InvocationAddress): Promise<void> {
    return this.#link.do("DELETE", addressPath(target));
  }

  async signal(target: InvocationAddress, name: string, value?: unknown): Promise<void> {
    return this.#link.do(
      "POST",
      `${addressPath(target)}/signals/${segment("The name", name)}`,
      value,
    );
  }

  async resolve(promise: PromiseAddress, value?: unknown): Promise<void> {
    return this.#link.do("POST", `${promisePath(promise)}/resolve`, value);
  }

  async reject(promise: PromiseAddress, reason: string): Promise<void> {
    return this.#link.do("POST", `${promisePath(promise)}/reject`, { reason });
  }

  async readState(service: string, key: string): Promise<Readonly<Record<string, unknown>>> {
    return this.#link.json("GET", `/state${keyPath(service, key)}`);
  }

  async patchState(
    service: string,
    key: string,
    changes: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    return this.#link.do("PATCH", `/state${keyPath(service, key)}`, changes);
  }

  async schedules(): Promise<readonly ScheduleDescription[]> {
    return this.#link.json("GET", "/schedules");
  }

  async pauseSchedule(name: string): Promise<void> {
    return this.#link.do("POST", `/schedules/${segment("The name", name)}/pause`);
  }

  async resumeSchedule(name: string): Promise<void> {
    return this.#link.do("POST", `/schedules/${segment("The name", name)}/resume`);
  }

  async triggerSchedule(name: string): Promise<Accepted> {
    return this.#link.json("POST", `/schedules/${segment("The name", name)}/trigger`);
  }

  async query(
    sql: string,
    parameters: readonly (string | number | null)[] = [],
  ): Promise<QueryAnswer> {
    return this.#link.json("POST", "/query", { body: { sql, parameters } });
  }

  #rest(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = this.#host.setTimer(ms, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      function abort(): void {
        stop();
        reject(signal?.reason);
      }
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  }
}

function startAsk({ input, idempotencyKey, caller, traceparent, signal }: StartRequest): Ask {
  const headers: Record<string, string> = {};
  if (caller !== undefined) headers["x-holdfast-caller"] = bytesOf(caller);
  if (idempotencyKey !== undefined) headers["idempotency-key"] = headerText(idempotencyKey);
  // A trace context never makes a request fail.
  if (traceparent !== undefined && /^[!-~]+$/.test(traceparent)) {
    headers["traceparent"] = traceparent;
  }
  return { headers, body: input, signal };
}

/** As a quoted string (RFC 8941 §3.3.3) where it would lose something bare; its bytes are UTF-8. */
function headerText(text: string): string {
  checkId("The idempotency key", text, defaultLimits.idLength);
  const isBare = /^[!#-~](?:[ -~]*[!-~])?$/.test(text);
  if (isBare) return text;
  const quoted = `"${text.replace(/[\\"]/g, "\\$&")}"`;
  return bytesOf(quoted);
}

/** UTF-8, with one character for each byte, as headers have it. */
function bytesOf(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

function targetPath({ service, key, handler }: StartRequest): string {
  const end = `/${segment("The handler", handler)}`;
  return key === undefined
    ? `/${segment("The service", service)}${end}`
    : keyPath(service, key) + end;
}

function keyPath(service: string, key: string): string {
  return `/${segment("The service", service)}/${segment("The key", key)}`;
}

function addressPath(target: InvocationAddress): string {
  return "id" in target
    ? `/invocations/${segment("The invocation id", target.id)}`
    : `/workflows${keyPath(target.service, target.key)}`;
}

function promisePath(promise: PromiseAddress): string {
  return "promise" in promise
    ? `/promises/${segment("The promise id", promise.promise)}`
    : `${addressPath(promise.of)}/promises/${segment("The promise name", promise.name)}`;
}

function nameOf(target: InvocationAddress): string {
  return "id" in target ? `Invocation ${target.id}` : `Workflow ${target.service}/${target.key}`;
}

function notEnded(target: InvocationAddress, reply: HttpReply): Error {
  const { id, status } = parseReply(reply) as Partial<Accepted>; // the answer 202 of the result path
  const known = id ?? ("id" in target ? target.id : `${target.service}/${target.key}`);
  return fail("invocation-not-ended", { id: known, status: status ?? "running" });
}
