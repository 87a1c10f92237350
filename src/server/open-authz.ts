import { Authz, type AuthzSettings, defaultAuthzSettings } from "../authz/authz.ts";
import { type EmbeddedAuthz, makeAuthzPort } from "../authz/port.ts";
import { Deployments } from "../engine/deployments.ts";
import { Engine } from "../engine/loop.ts";
import { ThreadExecutor } from "../executor/executor.ts";
import type { Host, Log } from "../host/host.ts";
import { makeNodeHost } from "../host/node-host.ts";
import { HoldfastError } from "../model/errors.ts";
import { type Limits, makeLimits } from "../model/limits.ts";
import type { Store } from "../store/store.ts";
import { openStore, submitAuthz } from "./open.ts";

/** How authorization is opened by itself. */
export interface OpenAuthzOptions {
  /** Path of the SQLite file, or `":memory:"` for nothing that lasts. Default: `"holdfast.db"`. */
  readonly store?: string | Store;
  /** Tenants that shall be there: those that are not are created. */
  readonly tenants?: readonly string[];
  /** Lower or higher single limits. */
  readonly limits?: Partial<Limits>;
  readonly log?: Log;
  /** How much memory it may take. */
  readonly memory?: Partial<AuthzSettings>;
  /** The machine; replaced in simulation and tests. */
  readonly host?: Host;
}

/** Authorization in this process, and its end. */
export interface OpenedAuthz extends EmbeddedAuthz, AsyncDisposable {
  /** Makes what was acknowledged last durable, if it is not, and closes the store. */
  close(): Promise<void>;
}

/**
 * Opens authorization without services, actors and workflows: tenants with their schemas and
 * relationships, and questions about them. Nothing else that the store may have is touched: no
 * workflow of an application goes on, and none of its schedules fires.
 *
 * Errors: those of the store (`store-in-use`, `store-foreign`, `store-damaged`, `store-newer`,
 * `store-full`), `invalid-argument` for the id of a tenant.
 *
 * @example
 * ```ts
 * import { openAuthz } from "holdfast/authz";
 *
 * await using authz = await openAuthz({ store: ":memory:", tenants: ["acme"] });
 * const acme = authz.tenant("acme");
 * await acme.writeSchema({
 *   dialect: "native",
 *   text: `definition user {}
 *     definition document {
 *       relation viewer: user
 *       permission view = viewer
 *     }`,
 * });
 * const [document, ada] = [{ type: "document", id: "1" }, { type: "user", id: "ada" }];
 * const relationship = { resource: document, relation: "viewer", subject: ada };
 * await acme.write({ updates: [{ operation: "touch", relationship }] });
 * console.log(acme.checkNow({ resource: document, permission: "view", subject: ada })); // yes
 * ```
 */
export async function openAuthz(options: OpenAuthzOptions = {}): Promise<OpenedAuthz> {
  const host = options.host ?? makeNodeHost(options.log);
  const limits = makeLimits(options.limits);
  const settings = { ...defaultAuthzSettings, ...options.memory };
  const store = await openStore(options.store ?? "holdfast.db", host);
  try {
    const relations = new Authz({ host, limits, store: store.relations, settings });
    await relations.open();
    const engine = new Engine({
      host,
      relations,
      store,
      limits,
      deployments: new Deployments(),
      owner: `pid ${process.pid}`,
      makeExecutor: (of) => new ThreadExecutor(host, limits, of),
      rests: true,
    });
    await engine.open();
    const opened = makeOpened({ relations, engine, store });
    await createMissing(opened, options.tenants ?? []);
    return opened;
  } catch (error) {
    await store.close();
    throw error;
  }
}

interface Parts {
  readonly relations: Authz;
  readonly engine: Engine;
  readonly store: Store;
}

function makeOpened({ relations, engine, store }: Parts): OpenedAuthz {
  const submit = submitAuthz(engine);
  relations.history.start(submit);
  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    relations.close();
    await engine.close();
    await store.close();
  };
  const close = (): Promise<void> => {
    closing ??= closeAll();
    return closing;
  };
  return Object.assign(makeAuthzPort(relations, submit), { close, [Symbol.asyncDispose]: close });
}

async function createMissing(authz: EmbeddedAuthz, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await authz.createTenant({ id }).catch((error: unknown) => {
      if (!(error instanceof HoldfastError && error.code === "tenant-exists")) throw error;
    });
  }
}
