import { makeAuthzPort } from "../authz/port.ts";
import type { AccessToken } from "../gateway/door.ts";
import { type Gateway, makeGateway } from "../gateway/gateway.ts";
import type { Log } from "../host/host.ts";
import { makeStandardLog } from "../host/log-lines.ts";
import { openVitals, type VitalsMeter } from "../host/vitals.ts";
import { fail, HoldfastError } from "../model/errors.ts";
import { makeClient } from "../sdk/client.ts";
import type { Definition } from "../sdk/handler.ts";
import { AssertionError } from "../std/assert.ts";
import { readConfig } from "./config.ts";
import { readMetrics } from "./metrics.ts";
import { type Holdfast, type OpenOptions, open, submitAuthz } from "./open.ts";
import { readVersion } from "./version.ts";

/**
 * How a server is started. What is left out here is taken from the environment (HOLDFAST_STORE,
 * HOLDFAST_HOST, HOLDFAST_PORT, HOLDFAST_PUBLIC_URL, HOLDFAST_TOKENS, HOLDFAST_LIMITS, HOLDFAST_LOG), and
 * else has its default.
 */
export interface ServeOptions extends OpenOptions {
  /** Address to listen on. Default: `"127.0.0.1"`. Others need `tokens`. */
  readonly hostname?: string;
  /** Default: 7400. With 0 the system chooses; `url` says which. */
  readonly port?: number;
  /** Who may come in, each with a bearer token. None: only programs on this machine. */
  readonly tokens?: readonly AccessToken[];
  /** Where clients reach it, for answers that say so. Default: where it listens. */
  readonly publicUrl?: string;
}

/** A running server: all that an embedded Holdfast is, and its door. */
export interface Server extends Holdfast {
  /** Where it listens: `http://127.0.0.1:7400`. */
  readonly url: string;
  /**
   * Takes no more work, answers what can be answered within `drainMs`, and closes the store. What
   * has not ended goes on when the store is opened again.
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

export const defaultAddress = { hostname: "127.0.0.1", port: 7400 } as const;

/**
 * Opens Holdfast and serves it over HTTP. Resolves when it takes requests. Until it is closed, errors
 * that nobody catches are logged and do not end the process.
 *
 * Errors: those of `open`; `invalid-configuration`, `address-refused` for an address that others can
 * reach while there are no tokens, `address-in-use`.
 *
 * @example
 * ```ts
 * import { serve, service } from "holdfast";
 *
 * const greeter = service("greeter", { handlers: { hello: (ctx, name: string) => `Hello ${name}` } });
 * const server = await serve({ services: [greeter], store: ":memory:", port: 0 });
 * console.log(server.url);
 * await server.close();
 * ```
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const config = readConfig();
  const log = options.log ?? makeStandardLog(config.log, config.logFormat);
  const hostname = options.hostname ?? config.hostname ?? defaultAddress.hostname;
  const port = options.port ?? config.port ?? defaultAddress.port;
  const store = options.store ?? config.store;
  const releaseErrors = keepErrorsFromKilling(log);
  const vitals = openVitals();
  let holdfast: Holdfast | undefined;
  try {
    holdfast = await open({
      ...options,
      log,
      limits: { ...config.limits, ...options.limits },
      ...(store === undefined ? {} : { store }),
    });
    const tokens = options.tokens ?? config.tokens ?? [];
    warnOfPowers(options.services, tokens, log);
    const publicUrl = options.publicUrl ?? config.publicUrl;
    const gateway = openGateway(holdfast, { options, tokens, publicUrl, vitals });
    const { url } = await listen(gateway, hostname, port);
    return makeServer(holdfast, { gateway, url, vitals, releaseErrors });
  } catch (error) {
    await holdfast?.close();
    vitals.close();
    releaseErrors();
    throw error;
  }
}

/** Who may do everything may also write who has the permissions that handlers declare. */
function warnOfPowers(
  services: readonly Definition[],
  tokens: readonly AccessToken[],
  log: Log,
): void {
  const declares = services.some(({ handlers }) =>
    Object.values(handlers).some(({ options }) => options.permission !== undefined),
  );
  const powerful = tokens.filter(({ rights }) => rights === undefined).map(({ name }) => name);
  if (!declares || powerful.length === 0) return;
  log("warn", "handlers ask for permissions, which these tokens may give themselves", {
    tokens: powerful.join(", "),
    action: "keep tokens of callers to calling: HOLDFAST_TOKENS=name[calls]:token",
  });
}

interface Door {
  readonly options: ServeOptions;
  readonly tokens: readonly AccessToken[];
  readonly publicUrl: string | undefined;
  readonly vitals: VitalsMeter;
}

function openGateway(holdfast: Holdfast, door: Door): Gateway {
  const { options, tokens, publicUrl, vitals } = door;
  const { engine, port, relations, limits, host, deployment } = holdfast;
  const version = readVersion();
  return makeGateway({
    port,
    authz: makeAuthzPort(relations, submitAuthz(engine), "outside"),
    tenantVitals: () => relations.vitals(),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    definitions: () => options.services,
    limits,
    host,
    tokens,
    version,
    metrics: () => readMetrics({ engine, vitals: vitals.read(), version, deployment }),
    ready: () => engine.recovered && engine.refusal === null,
  });
}

async function listen(gateway: Gateway, hostname: string, port: number): Promise<{ url: string }> {
  try {
    return await gateway.listen({ hostname, port });
  } catch (error) {
    const { cause } = error as Error; // the gateway throws nothing else
    const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
    if (!isTaken || !(error instanceof HoldfastError)) throw error;
    throw fail("address-in-use", { address: `${hostname}:${port}` }, cause);
  }
}

interface Parts {
  readonly gateway: Gateway;
  readonly url: string;
  readonly vitals: VitalsMeter;
  readonly releaseErrors: () => void;
}

function makeServer(holdfast: Holdfast, parts: Parts): Server {
  const { gateway, url, vitals, releaseErrors } = parts;
  let closing: Promise<void> | undefined;
  const close = async (drainMs: number | undefined): Promise<void> => {
    try {
      await gateway.close(drainMs === undefined ? {} : { drainMs });
      await holdfast.close();
    } finally {
      vitals.close();
      releaseErrors();
    }
  };
  const { port, deployment, authz, relations, engine, store, limits, host } = holdfast;
  return Object.assign(makeClient(port), {
    deployment,
    port,
    authz,
    relations,
    engine,
    store,
    limits,
    host,
    url,
    close(options: { readonly drainMs?: number } = {}): Promise<void> {
      closing ??= close(options.drainMs);
      return closing;
    },
  });
}

/**
 * A promise that nobody awaits, or a throw in a user's callback, is told and harms nobody else. Only
 * a failed assertion, which is our own bug, ends the process: the store has all that was promised.
 */
function keepErrorsFromKilling(log: Log): () => void {
  const onRejection = (reason: unknown): void => {
    if (reason instanceof AssertionError) throw reason;
    log("error", "a promise was rejected that nobody awaits", { error: reason });
  };
  const onException = (error: unknown): void => {
    log("error", "an error was thrown outside of any handler", { error });
    if (error instanceof AssertionError) process.exit(70);
  };
  process.on("unhandledRejection", onRejection);
  process.on("uncaughtException", onException);
  return () => {
    process.removeListener("unhandledRejection", onRejection);
    process.removeListener("uncaughtException", onException);
  };
}
