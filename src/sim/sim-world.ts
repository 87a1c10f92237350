import type { AuthzSettings } from "../authz/authz.ts";
import type { Share } from "../authz/tenants.ts";
import { HoldfastError, reasonOf } from "../model/errors.ts";
import { parseInvocationId, partitionOfKey, partitionOfNumber } from "../model/ids.ts";
import { defaultLimits, type Limits } from "../model/limits.ts";
import type { Client } from "../sdk/client.ts";
import type { Definition } from "../sdk/handler.ts";
import { Prng } from "../std/prng.ts";
import type { MemoryDisk } from "../store/memory/memory-disk.ts";
import { Audit } from "./audit.ts";
import { Network } from "./network.ts";
import { SimNode } from "./node.ts";
import { Ledger } from "./relations/ledger.ts";
import { sabotageAuthz, sabotageSubmit } from "./relations/sabotage.ts";
import { makeDisk, sabotageExecutor, sabotageStore } from "./sabotage.ts";
import { Scheduler } from "./scheduler.ts";
import { SimHost, type WallClock, wallTime } from "./sim-host.ts";
import { openSimStore } from "./sim-store.ts";
import type { Probability, Sabotage, Swarm } from "./swarm.ts";
import { Env, type Workload } from "./workload.ts";
import type { Answer, Offer, Slot, World } from "./world.ts";

/** After these nobody knows whether the request had an effect. */
const vague = new Set(["store-full", "store-failed", "internal", "fenced-out", "shutting-down"]);
const traceLength = 60;

/** Nodes, disk, network, clocks and clients, all moved by one scheduler. */
export class SimWorld implements World {
  readonly swarm: Swarm;
  readonly sabotage: Sabotage | null;
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly disk: MemoryDisk;
  readonly audit: Audit;
  readonly ledger: Ledger;
  readonly network: Network;
  readonly slots: Slot[] = [];
  readonly workloads: Workload[] = [];
  readonly offers: Offer[] = [];
  versions: readonly string[] = ["v1"];
  readonly divergent: Set<string> = new Set();
  faulty = true;
  wallMax = 0;
  violation: string | null = null;
  readonly #trace: string[] = [];
  #hash = 0;
  #nodes = 0;

  constructor(swarm: Swarm, sabotage: Sabotage | null = null) {
    this.swarm = swarm;
    this.sabotage = sabotage;
    this.scheduler = new Scheduler(swarm.seed, (error) => this.#broken("an event", error));
    this.random = new Prng(swarm.seed ^ 0x2545f491);
    this.disk = makeDisk(this);
    this.audit = new Audit(this);
    this.ledger = new Ledger(this);
    this.network = new Network(this);
    for (let slot = 0; slot < swarm.nodes; slot++) {
      const partitions: number[] = [];
      for (let p = slot; p < swarm.partitions; p += swarm.nodes) partitions.push(p);
      this.slots.push({ partitions, clock: { offset: 0 }, current: null, zombie: null });
    }
  }

  get steady(): boolean {
    return this.swarm.clockJumpMs === 0;
  }

  /** Told apart runs that are not the same. */
  get hash(): number {
    return this.#hash;
  }

  get trace(): readonly string[] {
    return this.#trace;
  }

  note(what: string): void {
    const line = `${this.scheduler.now.toFixed(2).padStart(10)} ${what}`;
    for (let at = 0; at < line.length; at++) {
      this.#hash = (Math.imul(this.#hash, 31) + line.charCodeAt(at)) >>> 0;
    }
    this.#trace.push(line);
    if (this.#trace.length > traceLength) this.#trace.shift();
  }

  /** Something that was promised does not hold. The first of these ends the run. */
  violate(what: string): void {
    if (this.violation !== null) return;
    this.violation = what;
    this.note(`VIOLATION ${what}`);
  }

  // Chance.

  happens(what: Probability): boolean {
    const probability = this.swarm[what];
    return this.faulty && probability > 0 && this.random.float() < probability;
  }

  exponential(mean: number): number {
    return -Math.log(1 - this.random.float()) * mean;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.random.below(values.length)] as T;
  }

  sleep(ms: number): Promise<void> {
    return this.scheduler.sleep(ms);
  }

  // Nodes.

  /**
   * Starts a process that takes the partitions of a slot; one that is there is fenced out by it.
   */
  start(at: number): SimNode {
    const slot = this.slots[at] as Slot;
    const name = `node ${at}.${++this.#nodes}`;
    const host = this.#makeHost(name, slot.clock, () => node);
    const node: SimNode = new SimNode({
      name,
      slot: at,
      partitions: slot.partitions,
      host,
      store: sabotageStore(
        this,
        openSimStore(this, () => node),
      ),
      limits: this.#limits(),
      residency: this.swarm.residency,
      outboxAlways: this.swarm.outboxAlways,
      deployments: (own) => this.#deployments(own),
      forward: (own) => this.network.forwardFrom(own),
      executor: (parts) => sabotageExecutor(this, parts),
      authz: this.#authzSettings(),
      share: this.swarm.nodes === 1 ? undefined : this.#share(slot.partitions),
      sabotageAuthz: (authz) => sabotageAuthz(this, authz),
      sabotageSubmit: (submit) => sabotageSubmit(this, submit),
    });
    this.note(`${name} starts`);
    if (slot.current?.alive === true) {
      slot.current.fenced = true;
      slot.zombie?.die();
      slot.zombie = slot.current;
    }
    slot.current = node;
    node.open().then(
      () => this.note(`${name} is ready`),
      (error: unknown) => {
        if (!node.alive) return;
        this.note(`${name} could not open: ${reasonOf(error)}`);
        node.die();
      },
    );
    return node;
  }

  #limits(): Limits {
    const { historyMs } = this.swarm;
    if (historyMs === 0) return defaultLimits;
    return { ...defaultLimits, authzHistory: historyMs };
  }

  #authzSettings(): AuthzSettings {
    const { graphs, cacheBytes, indexPairs } = this.swarm;
    return {
      residentMax: graphs === "windows" ? 0 : 1_000_000,
      loadedFirstMax: graphs === "loaded-later" ? 0 : 1_000_000,
      windowMax: 100,
      cacheBytes,
      indexPairs,
    };
  }

  #share(own: readonly number[]): Share {
    return {
      partitions: this.swarm.partitions,
      partitionOf: (tenant) => this.partitionOf("authz", tenant),
      owns: (partition) => own.includes(partition),
    };
  }

  #makeHost(name: string, clock: WallClock, node: () => SimNode): SimHost {
    return new SimHost({
      scheduler: this.scheduler,
      clock,
      seed: this.random.uint32(),
      log: (level, message, fields) => {
        if (level === "error" || level === "warn") this.#logged(node(), message, fields);
      },
      broken: (error) => this.#broken(name, error),
    });
  }

  #logged(node: SimNode, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const { name } = node;
    this.note(`${name}: ${message} ${JSON.stringify(fields)}`);
    // Who has lost its partitions may find the store changed, and can commit nothing of that.
    if (node.fenced) return;
    const { code, reason } = fields;
    if (code === "internal" || String(reason).includes("Holdfast bug")) {
      this.violate(`${name} found a bug in itself: ${String(reason)}`);
    }
    const diverged = code === "code-diverged" || code === "foreign-await";
    if (diverged && !this.divergent.has(String(fields["id"]))) {
      this.violate(`${name}: a replay differs from its journal: ${JSON.stringify(fields)}`);
    }
    if (message === "a message could not be delivered") this.violate(`${name}: ${message}`);
  }

  #broken(where: string, error: unknown): void {
    this.violate(`${where} threw: ${error instanceof Error ? error.stack : String(error)}`);
  }

  #deployments(node: SimNode): ReadonlyMap<string, readonly Definition[]> {
    const env = new Env(this, node);
    return new Map(
      this.versions.map((version) => [
        version,
        this.workloads.flatMap((workload) => workload.definitions(env, version)),
      ]),
    );
  }

  /** Notes what all clocks say; called whenever somebody may look at one. */
  readClocks(): void {
    for (const { clock } of this.slots) {
      this.wallMax = Math.max(this.wallMax, wallTime(this.scheduler, clock));
    }
  }

  // Clients.

  partitionOf(service: string, key: string): number {
    return partitionOfKey(service, key, this.swarm.partitions);
  }

  partitionOfId(id: string): number {
    return partitionOfNumber(this.numberOf(id));
  }

  numberOf(id: string): number {
    return parseInvocationId(this.disk.info.tag, id) as number; // ours
  }

  /** One request of a client, over a network, to whoever owns the partition. */
  ask<T>(
    partition: number,
    what: string,
    request: (client: Client) => Promise<T>,
  ): Promise<Answer<T>> {
    return this.askNode(partition, what, (node) => request(node.client));
  }

  async askNode<T>(
    partition: number,
    what: string,
    request: (node: SimNode) => Promise<T>,
  ): Promise<Answer<T>> {
    await this.sleep(this.exponential(this.swarm.latencyMs));
    const node = this.ownerOf(partition);
    if (node?.ready !== true) return { kind: "refused" };
    const answer = await this.#answered(node, request(node));
    if (answer.kind === "unknown") this.note(`${what}: unknown`);
    if (answer.kind === "failed") this.note(`${what}: ${reasonOf(answer.error)}`);
    if (answer.kind === "ok") this.note(`${what}: ${JSON.stringify(answer.value) ?? "done"}`);
    await this.sleep(this.exponential(this.swarm.latencyMs));
    return answer;
  }

  #answered<T>(node: SimNode, request: Promise<T>): Promise<Answer<T>> {
    return new Promise((resolve) => {
      const forget = node.whenDead(() => resolve({ kind: "unknown" }));
      const answer = (value: Answer<T>): void => {
        forget();
        resolve(node.alive ? value : { kind: "unknown" });
      };
      request.then(
        (value) => answer({ kind: "ok", value }),
        (error: unknown) => answer(this.#failed(node, error)),
      );
    });
  }

  #failed(node: SimNode, thrown: unknown): Answer<never> {
    const error = thrown instanceof Error ? thrown : new HoldfastError("internal");
    if (!(error instanceof HoldfastError)) return { kind: "failed", error };
    if (error.code === "internal" && node.alive && !node.fenced) {
      this.violate(`${node.name} answered: ${error.message}`);
    }
    return vague.has(error.code) ? { kind: "unknown" } : { kind: "failed", error };
  }

  /** The same request again and again until there is an answer; only for what may be repeated. */
  async insist<T>(
    partition: number,
    what: string,
    request: (client: Client) => Promise<T>,
  ): Promise<Answer<T> & { kind: "ok" | "failed" }> {
    for (;;) {
      const answer = await this.ask(partition, what, request);
      if (answer.kind === "ok" || answer.kind === "failed") return answer;
      await this.sleep(5 + this.exponential(50));
    }
  }

  /** Who is thought to own a partition: news of a take-over take their time. */
  ownerOf(partition: number): SimNode | null {
    const slot = this.slots[partition % this.slots.length] as Slot;
    const stale = slot.zombie?.alive === true && this.random.below(3) === 0;
    return stale ? slot.zombie : slot.current;
  }

  // What handlers do outside.

  /**
   * A step begins: one whose result is acknowledged must not, except on a node that lost its
   * partition.
   */
  stepBegins(node: SimNode | null, key: string): void {
    const slash = key.lastIndexOf("/");
    const number = parseInvocationId(this.disk.info.tag, key.slice(0, slash));
    const command = Number(key.slice(slash + 1));
    if (node?.fenced === true || number === undefined) return;
    if (this.audit.hasStep(number, command)) {
      this.violate(`step ${key} ran again after its result was acknowledged`);
    }
  }
}
