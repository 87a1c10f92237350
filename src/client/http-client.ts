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
import { type Fetch, makeFetchTransport } from "./fetch-transport.ts";
import { makeNodeTransport, type NodeModules } from "./node-transport.ts";
import { errorOf } from "./problem.ts";
import { type HttpReply, type Transport, TransportError } from "./transport.ts";

/** Where and as whom to call. */
export interface ConnectOptions {
  /** Of the server, with a path if it is served under one: `http://127.0.0.1:7400`. */
  readonly url: string | URL;
  /** An access token that the server was configured with. */
  readonly token?: string;
  /** Carries the requests. Default: Node's own client with kept connections, else `fetch`. */
  readonly fetch?: Fetch;
}

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
  const base = checkUrl(options.url);
  if (options.token !== undefined && !/^[!-~]+$/.test(options.token)) {
    const reason = "an access token is visible ASCII without spaces";
    throw fail("invalid-configuration", { name: "token", reason });
  }
  return new HttpPort(base, chooseTransport(base, options.fetch), options.token, makeNodeHost());
}

/** One wait for a result; well under what proxies cut off, and under the limit `longPoll`. */
const pollMs = 30_000;
/** Before asking again when a server answers a long poll at once, as one that shuts down does. */
const restMs = 200;

interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, unless undefined. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

class HttpPort implements Port {
  readonly #url: string;
  readonly #transport: Transport;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #host: Pick<Host, "monotonic" | "setTimer">;

  constructor(
    url: string,
    transport: Transport,
    token: string | undefined,
    host: Pick<Host, "monotonic" | "setTimer">,
  ) {
    this.#url = url;
    this.#transport = transport;
    this.#host = host;
    this.#headers = {
      accept: "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  async call(request: StartRequest): Promise<unknown> {
    const reply = await this.#ask("POST", `/call${targetPath(request)}`, startAsk(request));
    if (reply.status !== 202) return parse(reply);
    // It takes longer than the server holds a request open.
    const { id } = parse(reply) as Accepted;
    const { signal } = request;
    return this.result({ id }, signal === undefined ? {} : { signal });
  }

  async send(request: StartRequest): Promise<Accepted> {
    const { delayMs } = request;
    const query = delayMs === undefined ? "" : `?delay=${delayMs}ms`;
    return this.#json("POST", `/send${targetPath(request)}${query}`, startAsk(request));
  }

  async result(target: InvocationAddress, options: WaitOptions = {}): Promise<unknown> {
    const { timeoutMs = Number.POSITIVE_INFINITY, signal } = options;
    const path = `${addressPath(target)}/result`;
    const deadline = this.#host.monotonic() + timeoutMs;
    let left = timeoutMs;
    for (;;) {
      const asked = this.#host.monotonic();
      const wait = Math.ceil(Math.min(left, pollMs));
      const reply = await this.#ask("GET", `${path}?wait=${wait}ms`, { signal });
      if (reply.status !== 202) return parse(reply);
      if (timeoutMs === 0) throw notEnded(target, reply);
      const now = this.#host.monotonic();
      left = deadline - now;
      if (left <= 0)
        throw fail("timed-out", { what: nameOf(target), timeout: formatDuration(timeoutMs) });
      if (now - asked < restMs && wait > restMs) await this.#rest(Math.min(restMs, left), signal);
    }
  }

  async describe(target: InvocationAddress): Promise<InvocationDescription> {
    return this.#json("GET", addressPath(target));
  }

  async list(filter: InvocationFilter = {}): Promise<InvocationPage> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(filter)) {
      if (value !== undefined) query.set(name, String(value));
    }
    return this.#json("GET", query.size === 0 ? "/invocations" : `/invocations?${query}`);
  }

  async journal(target: InvocationAddress): Promise<readonly JournalEntryDescription[]> {
    return this.#json("GET", `${addressPath(target)}/journal`);
  }

  async cancel(target: InvocationAddress): Promise<void> {
    return this.#do("POST", `${addressPath(target)}/cancel`);
  }

  async kill(target: InvocationAddress): Promise<void> {
    return this.#do("POST", `${addressPath(target)}/kill`);
  }

  async pause(target: InvocationAddress): Promise<void> {
    return this.#do("POST", `${addressPath(target)}/pause`);
  }

  async resume(target: InvocationAddress, options?: { deployment?: "current" }): Promise<void> {
    return this.#do("POST", `${addressPath(target)}/resume`, options);
  }

  async restart(target: InvocationAddress, options?: { from?: number }): Promise<Accepted> {
    return this.#json("POST", `${addressPath(target)}/restart`, { body: options });
  }

  async purge(target: InvocationAddress): Promise<void> {
    return this.#do("DELETE", addressPath(target));
  }

  async signal(target: InvocationAddress, name: string, value?: unknown): Promise<void> {
    return this.#do("POST", `${addressPath(target)}/signals/${segment("The name", name)}`, value);
  }

  async resolve(promise: PromiseAddress, value?: unknown): Promise<void> {
    return this.#do("POST", `${promisePath(promise)}/resolve`, value);
  }

  async reject(promise: PromiseAddress, reason: string): Promise<void> {
    return this.#do("POST", `${promisePath(promise)}/reject`, { reason });
  }

  async readState(service: string, key: string): Promise<Readonly<Record<string, unknown>>> {
    return this.#json("GET", `/state${keyPath(service, key)}`);
  }

  async patchState(
    service: string,
    key: string,
    changes: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    return this.#do("PATCH", `/state${keyPath(service, key)}`, changes);
  }

  async schedules(): Promise<readonly ScheduleDescription[]> {
    return this.#json("GET", "/schedules");
  }

  async pauseSchedule(name: string): Promise<void> {
    return this.#do("POST", `/schedules/${segment("The name", name)}/pause`);
  }

  async resumeSchedule(name: string): Promise<void> {
    return this.#do("POST", `/schedules/${segment("The name", name)}/resume`);
  }

  async triggerSchedule(name: string): Promise<Accepted> {
    return this.#json("POST", `/schedules/${segment("The name", name)}/trigger`);
  }

  async query(
    sql: string,
    parameters: readonly (string | number | null)[] = [],
  ): Promise<QueryAnswer> {
    return this.#json("POST", "/query", { body: { sql, parameters } });
  }

  async #do(method: string, path: string, body?: unknown): Promise<void> {
    await this.#ask(method, path, { body });
  }

  async #json<T>(method: string, path: string, ask: Ask = {}): Promise<T> {
    return parse(await this.#ask(method, path, ask)) as T; // the server's answer to this path
  }

  /** Any reply but a refusal. */
  async #ask(method: string, path: string, ask: Ask): Promise<HttpReply> {
    const { body, signal } = ask;
    const text = body === undefined ? undefined : encode(body);
    const headers: Record<string, string> = { ...this.#headers, ...ask.headers };
    if (text !== undefined) headers["content-type"] = "application/json";
    const request = { method, path, headers, body: text, signal };
    let reply: HttpReply;
    try {
      reply = await this.#transport(request).catch((error: unknown) => {
        // Only what changes nothing when it is done twice is done twice.
        const isSafe = method === "GET" || headers["idempotency-key"] !== undefined;
        if (isSafe && error instanceof TransportError && error.wasIdle) {
          return this.#transport(request);
        }
        throw error;
      });
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      throw fail("unreachable", { url: this.#url, reason: error.message }, error);
    }
    if (reply.status >= 200 && reply.status < 300) return reply;
    throw errorOf(reply, this.#url);
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

function checkUrl(url: string | URL): string {
  const reason = "it is not an http: or https: URL";
  if (!URL.canParse(url)) throw fail("invalid-configuration", { name: "url", reason });
  const parsed = new URL(url);
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw fail("invalid-configuration", { name: "url", reason });
  }
  return parsed.origin + parsed.pathname.replace(/\/+$/, "");
}

function chooseTransport(base: string, fetch: Fetch | undefined): Transport {
  const node = fetch === undefined ? nodeModules() : undefined;
  if (node !== undefined) return makeNodeTransport(base, node);
  return makeFetchTransport(base, fetch ?? globalThis.fetch.bind(globalThis));
}

/** Node's HTTP clients where there are some: asked for, and not imported, for the sake of bundlers. */
function nodeModules(): NodeModules | undefined {
  const { process } = globalThis as { process?: Partial<NodeJS.Process> }; // absent in browsers
  const load = process?.getBuiltinModule;
  if (load === undefined) return undefined;
  const [http, https] = [load("node:http"), load("node:https")];
  return http === undefined || https === undefined ? undefined : { http, https };
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

function encode(body: unknown): string {
  try {
    const text: unknown = JSON.stringify(body);
    if (typeof text === "string") return text;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw fail("not-serialisable", { what: "The value to send", reason }, error);
  }
  throw fail("not-serialisable", { what: "The value to send", reason: `it is a ${typeof body}` });
}

function parse({ status, text }: HttpReply): unknown {
  if (status === 204 || text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw fail("internal", { reason: "the server's answer is not JSON" }, error);
  }
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

/** Refused here as the server would refuse it, where it can be put into a path at all. */
function segment(what: string, text: string): string {
  // Promise ids are made of two ids.
  checkId(what, text, defaultLimits.idLength * 2);
  return encodeURIComponent(text);
}

function nameOf(target: InvocationAddress): string {
  return "id" in target ? `Invocation ${target.id}` : `Workflow ${target.service}/${target.key}`;
}

function notEnded(target: InvocationAddress, reply: HttpReply): Error {
  const { id, status } = parse(reply) as Partial<Accepted>; // the answer 202 of the result path
  const known = id ?? ("id" in target ? target.id : `${target.service}/${target.key}`);
  return fail("invocation-not-ended", { id: known, status: status ?? "running" });
}
