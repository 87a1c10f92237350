import { Authz, defaultAuthzSettings } from "../authz/authz.ts";
import { Deployments, makeDeployment } from "../engine/deployments.ts";
import type { Executor, ExecutorHost } from "../engine/engine.ts";
import { Engine } from "../engine/loop.ts";
import type { Forward } from "../engine/outbox.ts";
import { ThreadExecutor } from "../executor/executor.ts";
import type { Limits } from "../model/limits.ts";
import { type Client, makeClient } from "../sdk/client.ts";
import type { Definition } from "../sdk/handler.ts";
import { makeEnginePort } from "../server/engine-port.ts";
import type { Store } from "../store/store.ts";
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
  readonly executor?: (host: SimHost, limits: Limits, engine: ExecutorHost) => Executor;
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
  /** It has its partitions, and takes requests. */
  ready = false;
  /** Another node has claimed its partitions. */
  fenced = false;
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
    const makeExecutor =
      options.executor ?? ((own, bounds, engine) => new ThreadExecutor(own, bounds, engine));
    const settings = { ...defaultAuthzSettings, cacheBytes: 1_048_576 };
    this.relations = new Authz({ host, limits, store: store.relations, settings });
    this.engine = new Engine({
      host,
      relations: this.relations,
      store,
      limits,
      deployments,
      owner: options.name,
      partitions: options.partitions,
      makeExecutor: (engine) => makeExecutor(host, limits, engine),
      forward: options.forward(this),
      residency: options.residency,
      outboxAlways: options.outboxAlways,
    });
    const port = makeEnginePort({ engine: this.engine, store, deployments, host, limits });
    this.client = makeClient(port);
  }

  get alive(): boolean {
    return !this.host.dead;
  }

  async open(): Promise<void> {
    await this.relations.open();
    await this.engine.open();
    this.ready = this.alive;
  }

  /** The process ends between two instructions. What it still does in memory reaches nobody. */
  die(): void {
    if (!this.alive) return;
    this.ready = false;
    this.host.die();
    for (const mourner of this.#mourners) mourner();
    this.#mourners.clear();
  }

  /** Told when it dies; the function returned takes that back. */
  whenDead(callback: () => void): () => void {
    this.#mourners.add(callback);
    return () => this.#mourners.delete(callback);
  }
}
