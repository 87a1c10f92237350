import { Authz, type AuthzSettings, defaultAuthzSettings } from "../authz/authz.ts";
import { type EmbeddedAuthz, makeAuthzPort, type Submit } from "../authz/port.ts";
import { Deployments, makeDeployment } from "../engine/deployments.ts";
import { Engine } from "../engine/loop.ts";
import { ThreadExecutor } from "../executor/executor.ts";
import { Relations } from "../executor/relations.ts";
import type { Host, Log } from "../host/host.ts";
import { makeNodeHost } from "../host/node-host.ts";
import type { AuthzOutcome } from "../model/authz.ts";
import { type Limits, makeLimits } from "../model/limits.ts";
import type { TextPort } from "../model/port.ts";
import { type Application, checkDefinitions, deploymentHash } from "../sdk/application.ts";
import { type Authorization, authorization as makeAuthorization } from "../sdk/authorization.ts";
import { type Client, makeClient } from "../sdk/client.ts";
import type { Definition, ScheduleDefinition } from "../sdk/handler.ts";
import { MemoryDisk } from "../store/memory/memory-disk.ts";
import { openMemoryStore } from "../store/memory/memory-store.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import { makeEnginePort } from "./engine-port.ts";
import { Guard } from "./guard.ts";

/** How Holdfast is opened inside a program. */
export interface OpenOptions {
  /** Services, actors and workflows. */
  readonly services: readonly Definition[];
  readonly schedules?: readonly ScheduleDefinition[];
  /** Path of the SQLite file, or `":memory:"` for nothing that lasts. Default: `"holdfast.db"`. */
  readonly store?: string | Store;
  /** Names this version of the code. Default: a hash of the definitions. */
  readonly version?: string;
  /** Older versions that run beside it, so that what they started can finish on them. */
  readonly alongside?: readonly OlderVersion[];
  /** Lower or higher single limits. */
  readonly limits?: Partial<Limits>;
  readonly log?: Log;
  /** `"evict"` forgets every invocation as soon as it waits, so that everything is replayed. */
  readonly residency?: "keep" | "evict";
  /** Sends every message between partitions through the outbox, as between nodes. */
  readonly outboxAlways?: boolean;
  /** What `authorization(…)` gives: the schema, and who a caller is in it. */
  readonly authorization?: Authorization;
  /** How much memory authorization may take. */
  readonly authz?: Partial<AuthzSettings>;
  /** The machine; replaced in simulation and tests. */
  readonly host?: Host;
}

export interface OlderVersion {
  readonly services: readonly Definition[];
  readonly version?: string;
}

/** A running Holdfast: a client of it, and what its owner may do besides. */
export interface Holdfast extends Client {
  /** The deployment that new invocations are pinned to. */
  readonly deployment: string;
  /** The same, with types erased: for adapters. */
  readonly port: TextPort;
  /** Relationships, schemas, and who may do what. */
  readonly authz: EmbeddedAuthz;
  /** For metrics and tests: not part of the stable interface. */
  readonly relations: Authz;
  /** For metrics and tests: not part of the stable interface. */
  readonly engine: Engine;
  readonly store: Store;
  readonly limits: Limits;
  readonly host: Host;
  /** Lets what runs come to rest in the store, and closes it. */
  close(): Promise<void>;
}

/**
 * Opens the store and starts to run what it has. Resolves when new work can be taken.
 *
 * Errors: `duplicate-definition`, `invalid-schedule`, those of the schema (`schema-invalid`,
 * `schema-orphans`), and those of the store (`store-in-use`, `store-foreign`, `store-damaged`,
 * `store-newer`, `store-full`).
 *
 * @example
 * ```ts
 * import { open, service } from "holdfast";
 *
 * const greeter = service("greeter", { handlers: { hello: (ctx, name: string) => `Hello ${name}` } });
 * const app = await open({ services: [greeter], store: ":memory:" });
 * console.log(await app.call(greeter).hello("Ada")); // Hello Ada
 * await app.close();
 * ```
 */
export async function open(options: OpenOptions): Promise<Holdfast> {
  const limits = makeLimits(options.limits);
  const host = options.host ?? makeNodeHost(options.log);
  const application: Application = {
    definitions: options.services,
    schedules: options.schedules ?? [],
  };
  checkDefinitions(application, limits);
  const deployments = new Deployments();
  for (const { services, version } of options.alongside ?? []) {
    deployments.add(makeDeployment(version ?? deploymentHash(services), services));
  }
  const deployment = options.version ?? deploymentHash(options.services);
  deployments.add(makeDeployment(deployment, options.services));
  const store = await openStore(options.store ?? "holdfast.db", host);
  try {
    return await start(options, { limits, host, application, deployments, deployment, store });
  } catch (error) {
    await store.close();
    throw error;
  }
}

interface Parts {
  readonly limits: Limits;
  readonly host: Host;
  readonly application: Application;
  readonly deployments: Deployments;
  readonly deployment: string;
  readonly store: Store;
}

async function start(options: OpenOptions, parts: Parts): Promise<Holdfast> {
  const { limits, host, application, deployments, deployment, store } = parts;
  const settings = { ...defaultAuthzSettings, ...options.authz };
  const relations = new Authz({ host, limits, store: store.relations, settings });
  await relations.open();
  const authorization = options.authorization ?? makeAuthorization();
  const guard = new Guard(relations, authorization);
  const asked = new Relations(relations, authorization);
  const engine = new Engine({
    host,
    relations,
    guard,
    store,
    limits,
    deployments,
    owner: `pid ${process.pid}`,
    makeExecutor: (of) => new ThreadExecutor(host, limits, of, asked),
    ...(options.residency === undefined ? {} : { residency: options.residency }),
    ...(options.outboxAlways === undefined ? {} : { outboxAlways: options.outboxAlways }),
  });
  await engine.open();
  const submit = submitAuthz(engine);
  const authz = makeAuthzPort(relations, submit);
  if (options.authorization !== undefined) await declare(options.authorization, authz, relations);
  await engine.declareSchedules(application.schedules);
  const port = makeEnginePort({ engine, store, deployments, host, limits, guard });
  relations.history.start(submit);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    relations.close();
    await engine.close();
    await store.close();
  };
  return Object.assign(makeClient(port), {
    deployment,
    port,
    authz,
    relations,
    engine,
    store,
    limits,
    host,
    close(): Promise<void> {
      closing ??= close();
      return closing;
    },
  });
}

/** Makes the tenant and the schema of the application what it says they are. */
async function declare(
  { tenant: id, schema }: Authorization,
  authz: EmbeddedAuthz,
  relations: Authz,
): Promise<void> {
  const known = [...relations.tenants].some((tenant) => tenant.id === id);
  if (!known) await authz.createTenant({ id });
  if (schema === null) return;
  const { currentSchema } = relations.tenant(id);
  const current = currentSchema === null ? null : relations.tenant(id).schemaRow(currentSchema);
  if (current?.text === schema.text && current.dialect === schema.dialect) return;
  await authz.tenant(id).writeSchema(schema);
}

/** Changes go through the loop, and are told when they are durable. */
export function submitAuthz(engine: Engine): Submit {
  return (change) => {
    const { promise, resolve, reject } = Promise.withResolvers<AuthzOutcome>();
    engine.submit({ kind: "authz", change, reply: { resolve, reject } });
    return promise;
  };
}

export async function openStore(store: string | Store, host: Host): Promise<Store> {
  if (typeof store !== "string") return store;
  if (store === ":memory:") return openMemoryStore(new MemoryDisk(host));
  return openSqliteStore({ path: store, host });
}
