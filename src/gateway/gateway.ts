import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { Host } from "../host/host.ts";
import type { AuthzPort } from "../model/authz.ts";
import { fail, HoldfastError, reasonOf } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import type { TextPort } from "../model/port.ts";
import type { Definition } from "../sdk/handler.ts";
import { type AuthzFront, makeAuthzFront } from "./authz/front.ts";
import type { TenantVitals } from "./authz/metered.ts";
import { type Body, noBody, parseBody } from "./body.ts";
import { Connections } from "./connections.ts";
import { type AccessToken, Door } from "./door.ts";
import { Exchange, type Hall, type StreamedAnswer } from "./exchange.ts";
import { readFields } from "./fields.ts";
import { type RequestHeaders, readHeaders } from "./headers.ts";
import { invocationRoutes } from "./invocation-routes.ts";
import type { MetricSample } from "./metrics.ts";
import { makeOpenApi } from "./openapi.ts";
import { otherRoutes } from "./other-routes.ts";
import { allRights, requireUnlimited } from "./rights.ts";
import { Ask, type Route, type Wait } from "./route.ts";
import { type Match, Router } from "./router.ts";
import { answerOutcome, callPrefix, sendPrefix, startInvocation } from "./start.ts";
import { systemRoutes } from "./system-routes.ts";
import { parseQuery, parseTarget, printable, type Target } from "./target.ts";

/**
 * HTTP/1.1 with JSON in front of a Port. Everything that comes in is bounded and parsed here, once;
 * whatever cannot be taken is answered with problem details, and nothing has changed.
 */
export interface GatewayOptions {
  readonly port: TextPort;
  /** Absent: authorization is not served. */
  readonly authz?: AuthzPort;
  /** What tenants are, for metrics. Default: nothing is told. */
  readonly tenantVitals?: () => Iterable<TenantVitals>;
  /** Where clients reach it, for answers that say so. Default: where it listens. */
  readonly publicUrl?: string;
  /** What is served now; /openapi.json is made from it. */
  readonly definitions: () => readonly Definition[];
  readonly limits: Limits;
  readonly host: Host;
  /** None: only programs on this machine may come in. */
  readonly tokens: readonly AccessToken[];
  /** What the rest of the server measures; the gateway adds its own. */
  readonly metrics: () => readonly MetricSample[] | Promise<readonly MetricSample[]>;
  readonly ready: () => boolean | Promise<boolean>;
  readonly version: string;
}

export interface Gateway {
  /** Fails with `address-refused` for an address that others can reach while there are no tokens. */
  listen(address: { readonly hostname: string; readonly port: number }): Promise<{ url: string }>;
  /**
   * Takes no more work, and resolves when what is in flight was answered. What has not ended when
   * the time is over is answered with `shutting-down`; the invocations themselves go on.
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

export function makeGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options);
}

/** After the drain time, for the last answers to leave. */
const lastAnswersMs = 250;
/** How long the head of a streamed answer waits for its first piece. */
const firstPieceMs = 50;

class HttpGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #door: Door;
  readonly #authz: AuthzFront | undefined;
  readonly #router: Router;
  /** Those that need no token, and answer while draining. */
  readonly #openPaths: ReadonlySet<string>;
  readonly #server: Server;
  readonly #hall: Hall;
  readonly #connections: Connections;
  #closing: Promise<void> | undefined;
  #url = "";

  constructor(options: GatewayOptions) {
    const { tokens, limits, host } = options;
    this.#options = options;
    this.#door = new Door(tokens, limits.idLength);
    this.#hall = {
      log: host.log,
      draining: false,
      open: 0,
      emptied: () => {},
      answered: new Map(),
    };
    const { authz, tenantVitals = () => [] } = options;
    const publicUrl = (): string => options.publicUrl ?? this.#url;
    const meter = { monotonic: () => host.monotonic(), vitals: tenantVitals };
    this.#authz =
      authz === undefined ? undefined : makeAuthzFront({ authz, host, limits, publicUrl }, meter);
    const routes = this.#routes();
    this.#router = new Router(routes);
    this.#openPaths = new Set(routes.filter(({ open }) => open === true).map(({ path }) => path));
    this.#server = createServer({
      keepAliveTimeout: 65_000,
      headersTimeout: limits.requestTime,
      requestTimeout: limits.requestTime,
      // How often Node looks for requests that are too slow.
      connectionsCheckingInterval: Math.max(10, Math.min(1000, limits.requestTime / 4)),
      maxHeaderSize: limits.requestHeaders,
      // A missing Host is refused here instead, so that the refusal has a code.
      requireHostHeader: false,
    });
    this.#server.maxConnections = limits.connections;
    // Bounded by their size already; beyond this number Node would drop some without a word.
    this.#server.maxHeadersCount = 0;
    this.#connections = new Connections(this.#server, limits);
    const server = this.#server;
    // Such as too many open files: then it accepts none for a while, and must not end for it.
    server.on("error", (error) =>
      host.log("warn", "the HTTP server failed", { error: error.message }),
    );
    server.on("request", (request, response) => this.#take(request, response, false));
    server.on("checkContinue", (request, response) => this.#take(request, response, true));
    // Whoever expects anything else is free to be disappointed (RFC 9110 §10.1.1).
    server.on("checkExpectation", (request, response) => this.#take(request, response, false));
  }

  async listen({ hostname, port }: { hostname: string; port: number }): Promise<{ url: string }> {
    const address = isIP(hostname) === 0 ? await resolveName(hostname) : hostname;
    this.#door.checkAddress(address);
    const server = this.#server;
    try {
      server.listen({ host: address, port });
      await once(server, "listening");
    } catch (error) {
      throw fail("invalid-configuration", { name: "the address", reason: reasonOf(error) }, error);
    }
    const bound = server.address();
    const actual = typeof bound === "object" && bound !== null ? bound.port : port;
    this.#url = `http://${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${actual}`;
    return { url: this.#url };
  }

  close({ drainMs }: { drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#drain(drainMs ?? this.#options.limits.drainTime);
    return this.#closing;
  }

  async #drain(drainMs: number): Promise<void> {
    const { host } = this.#options;
    const hall = this.#hall;
    hall.draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#connections.endPolls();
    if (hall.open > 0) {
      await new Promise<void>((resolve) => {
        const callOff = host.setTimer(drainMs, resolve);
        hall.emptied = () => {
          callOff();
          resolve();
        };
      });
    }
    this.#connections.endWaits(fail("shutting-down"));
    const callOff = host.setTimer(lastAnswersMs, () => this.#server.closeAllConnections());
    this.#server.closeIdleConnections();
    await closed;
    callOff();
  }

  #take(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const { headers, failure } = tryReadHeaders(request.rawHeaders);
    const connection = this.#connections.of(request.socket);
    const exchange = new Exchange(request, response, { headers, connection, hall: this.#hall });
    exchange.expectsContinue = expectsContinue;
    try {
      if (failure !== undefined) throw failure;
      this.#dispatch(exchange);
    } catch (error) {
      const isMethod = error instanceof HoldfastError && error.code === "method-not-allowed";
      exchange.refuse(
        error,
        isMethod ? { headers: ["Allow", String(error.details["allowed"])] } : {},
      );
    }
  }

  #dispatch(exchange: Exchange): void {
    const { headers, request } = exchange;
    const { url = "", method = "" } = request;
    checkProtocol(request, headers);
    const target = parseTarget(url);
    const isAuthz = this.#authz?.claim(exchange, target.path) ?? false;
    if (this.#openPaths.has(target.path)) this.#door.checkSource(headers);
    else this.#admit(exchange);
    if (isAuthz && this.#authz?.start(exchange, target, method) === true) return;
    const isStart = target.path.startsWith(callPrefix) || target.path.startsWith(sendPrefix);
    const { rights } = exchange;
    if (!isAuthz && rights !== allRights && !(isStart && rights.calls)) {
      requireUnlimited(rights, target.path);
    }
    if (!isStart) {
      this.#run(exchange, this.#router.find(method, target.path), target);
    } else if (method === "POST") {
      startInvocation(exchange, target, this.#options);
    } else {
      const what = printable(target.path);
      throw fail("method-not-allowed", { method: printable(method), what, allowed: "POST" });
    }
  }

  #admit(exchange: Exchange): void {
    const { requestsWaiting } = this.#options.limits;
    const { caller, rights } = this.#door.admit(exchange.headers);
    exchange.caller = caller;
    exchange.rights = rights;
    if (this.#hall.draining) throw fail("shutting-down");
    if (this.#hall.open > requestsWaiting) {
      throw fail("overloaded", { what: `${requestsWaiting} requests` });
    }
  }

  #run(exchange: Exchange, { route, parameters }: Match, target: Target): void {
    const { port, limits } = this.#options;
    const { headers, rights, connection } = exchange;
    // Others define which parameters those have, and new ones are to be ignored.
    const allowed =
      route.foreign === true ? undefined : (route.query?.map(({ name }) => name) ?? []);
    const query = parseQuery(target.query, allowed);
    const wait: Wait = (run) => this.#connections.poll(connection.signal, run);
    const lines = (max: number): AsyncIterable<string> => exchange.receiveLines(max);
    const run = async (signal: AbortSignal): Promise<void> => {
      const body = await readRouteBody(exchange, route, limits);
      const given = { port, limits, parameters, query, body, wait, headers, rights, signal, lines };
      const reply = await route.run(new Ask(given));
      if ("outcome" in reply) answerOutcome(exchange, reply.outcome, "The handler");
      else if ("pieces" in reply) await this.#stream(exchange, reply);
      else exchange.answer(reply);
    };
    const running = route.streams === true ? wait(run) : run(connection.signal);
    running.catch((error: unknown) => exchange.refuse(error));
  }

  async #stream(exchange: Exchange, reply: StreamedAnswer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = this.#options.host.setTimer(firstPieceMs, resolve);
    try {
      await exchange.stream(reply, promise);
    } finally {
      callOff();
    }
  }

  #routes(): Route[] {
    const { definitions, ready, metrics, version } = this.#options;
    const routes: Route[] = [
      ...invocationRoutes(),
      ...otherRoutes(),
      ...(this.#authz?.routes ?? []),
    ];
    const system = systemRoutes({
      version,
      ready: () => !this.#hall.draining && ready(),
      metrics: async () => [
        ...(await metrics()),
        ...this.#measure(),
        ...(this.#authz?.measure() ?? []),
      ],
      openApi: () => JSON.stringify(makeOpenApi({ routes, definitions: definitions(), version })),
    });
    routes.push(...system);
    return routes;
  }

  #measure(): MetricSample[] {
    const answers = [...this.#hall.answered].map(
      ([status, value]): MetricSample => ({
        name: "holdfast_http_responses_total",
        help: "Answers to HTTP requests, by status.",
        type: "counter",
        labels: { status: String(status) },
        value,
      }),
    );
    return [
      ...answers,
      {
        name: "holdfast_http_requests_open",
        help: "HTTP requests that have not been answered yet.",
        type: "gauge",
        value: this.#hall.open,
      },
      {
        name: "holdfast_http_connections",
        help: "Open HTTP connections that have sent a request.",
        type: "gauge",
        value: this.#connections.count,
      },
    ];
  }
}

async function readRouteBody(exchange: Exchange, route: Route, limits: Limits): Promise<Body> {
  // A body has no meaning here (RFC 9110 §9.3.1, §9.3.5): it is left to Node to throw away.
  if (route.method === "GET" || route.method === "DELETE") return noBody;
  if (route.streams === true && route.body?.isLines === true) return noBody;
  const bytes = await exchange.receive(limits.requestBody);
  const body = parseBody(bytes, exchange.headers, limits.bodyDepth);
  if (route.foreign === true) return body;
  if (route.body === undefined) readFields(body, []);
  else if (route.body.required && body.text === null) {
    throw fail("invalid-argument", { what: "The request body", reason: "it is missing" });
  }
  return body;
}

/** The headers; where they are refused, none, and why. */
function tryReadHeaders(raw: readonly string[]): { headers: RequestHeaders; failure?: unknown } {
  try {
    return { headers: readHeaders(raw) };
  } catch (failure) {
    return { headers: readHeaders([]), failure };
  }
}

/** Node's parser takes HTTP/0.9 too, which has neither headers nor an end. */
function checkProtocol({ httpVersion }: IncomingMessage, { host }: RequestHeaders): void {
  if (httpVersion === "1.1" ? host !== undefined : httpVersion === "1.0") return;
  const reason = httpVersion === "1.1" ? "it has no Host header" : `its version is ${httpVersion}`;
  throw fail("malformed-request", { reason });
}

async function resolveName(hostname: string): Promise<string> {
  try {
    return (await lookup(hostname)).address;
  } catch (error) {
    throw fail("invalid-configuration", { name: "the address", reason: reasonOf(error) }, error);
  }
}
