import { Authz, type AuthzSettings } from "../authz/authz.ts";
import { type EmbeddedAuthz, makeAuthzPort, type Submit } from "../authz/port.ts";
import type { Share } from "../authz/tenants.ts";
import { Deployments, makeDeployment } from "../engine/deployments.ts";
import type { Executor, ExecutorHost } from "../engine/engine.ts";
import { Engine } from "../engine/loop.ts";
import type { Forward } from "../engine/outbox.ts";
import { Relations } from "../executor/relations.ts";
import type { AuthzOutcome } from "../model/authz.ts";
import type { Limits } from "../model/limits.ts";
import { authorization } from "../sdk/authorization.ts";
import { type Client, makeClient } from "../sdk/client.ts";
import type { Definition } from "../sdk/handler.ts";
import { makeEnginePort } from "../server/engine-port.ts";
import type { PartitionClaim, Store } from "../store/store.ts";
import { over } from "./over.ts";
import type { SimHost } from "./sim-host.ts";

export interface NodeOptions {
  readonly name: string;
  readonly slot: number;
  readonly partitions: readonly number[];
  readonly host: SimHost;
  readonly store: Store;
  readonly limits: Limits;
  readonly residency: "keep" | "evict";
  readonly outboxAlways: boolean;
  /** By version; the last is the current one. */
  readonly deployments: (node: SimNode) => ReadonlyMap<string, readonly Definition[]>;
  readonly forward: (node: SimNode) => Forward;
  readonly executor: (of: ExecutorParts) => Executor;
  readonly authz: AuthzSettings;
  /** Undefined: this node has all partitions, always. */
  readonly share: Share | undefined;
  /** Plants faults. */
  readonly sabotageAuthz: (authz: Authz) => Authz;
  readonly sabotageSubmit: (submit: Submit) => Submit;
}

export interface ExecutorParts {
  readonly host: SimHost;
  readonly limits: Limits;
  readonly engine: ExecutorHost;
  readonly relations: Relations;
}

/** One process: a real engine with a real executor on a simulated machine. */
export class SimNode {
  readonly name: string;
  readonly slot: number;
  readonly partitions: readonly number[];
  readonly host: SimHost;
  readonly engine: Engine;
  readonly client: Client;
  readonly relations: Authz;
  /** Of clients: relationships, and who may do what. */
  readonly authz: EmbeddedAuthz;
  /** It has its partitions, and takes requests. */
  ready = false;
  /** Another node has claimed its partitions. */
  fenced = false;
  readonly submit: Submit;
  readonly #mourners = new Set<() => void>();

  constructor(options: NodeOptions) {
    const { host, store, limits } = options;
    this.name = options.name;
    this.slot = options.slot;
    this.partitions = options.partitions;
    this.host = host;
    const deployments = new Deployments();
    for (const [version, definitions] of options.deployments(this)) {
      deployments.add(makeDeployment(version, definitions));
    }
    const { authz: settings, share } = options;
    const authz = new Authz({
      host,
      limits,
      store: store.relations,
      settings,
      ...(share === undefined ? {} : { share }),
    });
    this.relations = options.sabotageAuthz(authz);
    const relations = new Relations(this.relations, authorization());
    this.engine = new Engine({
      host,
      relations: this.relations,
      store: over(store, { claim: (partitions, owner) => this.#claim(store, partitions, owner) }),
      limits,
      deployments,
      owner: options.name,
      partitions: options.partitions,
      makeExecutor: (engine) => options.executor({ host, limits, engine, relations }),
      forward: options.forward(this),
      residency: options.residency,
      outboxAlways: options.outboxAlways,
    });
    const port = makeEnginePort({ engine: this.engine, store, deployments, host, limits });
    this.client = makeClient(port);
    this.submit = options.sabotageSubmit((change) => {
      const { promise, resolve, reject } = Promise.withResolvers<AuthzOutcome>();
      this.engine.submit({ kind: "authz", change, reply: { resolve, reject } });
      return promise;
    });
    this.authz = makeAuthzPort(this.relations, this.submit);
  }

  /**
   * Relationships are read when nobody else can change them any more, and before the first handler
   * asks about them.
   */
  async #claim(
    store: Store,
    partitions: readonly number[],
    owner: string,
  ): Promise<PartitionClaim[]> {
    const claims = await store.claim(partitions, owner);
    await this.relations.open();
    return claims;
  }

  get alive(): boolean {
    return !this.host.dead;
  }

  async open(): Promise<void> {
    await this.engine.open();
    this.ready = this.alive;
  }

  /** The process ends between two instructions. What it still does in memory reaches nobody. */
  die(): void {
    if (!this.alive) return;
    this.ready = false;
    this.host.die();
    this.relations.close();
    for (const mourner of this.#mourners) mourner();
    this.#mourners.clear();
  }

  /** Told when it dies; the function returned takes that back. */
  whenDead(callback: () => void): () => void {
    this.#mourners.add(callback);
    return () => this.#mourners.delete(callback);
  }
}
