import type { Client } from "../sdk/client.ts";
import type { Prng } from "../std/prng.ts";
import type { MemoryDisk } from "../store/memory/memory-disk.ts";
import type { Audit } from "./audit.ts";
import type { SimNode } from "./node.ts";
import type { Ledger } from "./relations/ledger.ts";
import type { Scheduler } from "./scheduler.ts";
import type { WallClock } from "./sim-host.ts";
import type { Probability, Sabotage, Swarm } from "./swarm.ts";

/** What came of a request, as its sender sees it. */
export type Answer<T> =
  | { readonly kind: "ok"; readonly value: T }
  /** An answer too: it was refused, or the invocation failed with this. */
  | { readonly kind: "failed"; readonly error: Error }
  /** It never arrived anywhere. */
  | { readonly kind: "refused" }
  /** Nobody can say whether it was done, or will be. */
  | { readonly kind: "unknown" };

/** Partitions that are owned together, and who owns them. */
export interface Slot {
  readonly partitions: readonly number[];
  readonly clock: WallClock;
  current: SimNode | null;
  /** Fenced out, and not yet aware of it. */
  zombie: SimNode | null;
}

export type Meddling = "cancel" | "kill" | "pause" | "resume" | "restart";

/** An id that anybody may meddle with, and how. */
export interface Offer {
  readonly id: string;
  readonly ways: readonly Meddling[];
}

/** The simulated world, as its parts and the work in it see it. */
export interface World {
  readonly swarm: Swarm;
  readonly sabotage: Sabotage | null;
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly disk: MemoryDisk;
  readonly audit: Audit;
  readonly ledger: Ledger;
  readonly slots: readonly Slot[];
  readonly offers: Offer[];
  /** Versions of the application that nodes run; the last is the current one. */
  versions: readonly string[];
  /** Ids of invocations whose code is changed under them. */
  readonly divergent: Set<string>;
  /** Faults are on. */
  faulty: boolean;
  /** Whether wall clocks are left alone. */
  readonly steady: boolean;
  /** The latest time that any wall clock has shown. */
  readonly wallMax: number;

  note(what: string): void;
  /** Something that was promised does not hold. The first of these ends the run. */
  violate(what: string): void;

  happens(what: Probability): boolean;
  exponential(mean: number): number;
  pick<T>(values: readonly T[]): T;
  sleep(ms: number): Promise<void>;
  /** Notes what all clocks say; called whenever somebody may look at one. */
  readClocks(): void;

  partitionOf(service: string, key: string): number;
  partitionOfId(id: string): number;
  numberOf(id: string): number;
  /** Who is thought to own a partition: news of a take-over take their time. */
  ownerOf(partition: number): SimNode | null;
  /** One request of a client, over a network, to whoever owns the partition. */
  ask<T>(
    partition: number,
    what: string,
    request: (client: Client) => Promise<T>,
  ): Promise<Answer<T>>;
  /** The same, of what a client cannot reach through `Client`. */
  askNode<T>(
    partition: number,
    what: string,
    request: (node: SimNode) => Promise<T>,
  ): Promise<Answer<T>>;
  /** The same request again and again until there is an answer; only for what may be repeated. */
  insist<T>(
    partition: number,
    what: string,
    request: (client: Client) => Promise<T>,
  ): Promise<Answer<T> & { kind: "ok" | "failed" }>;
  /** A step's outside is called. */
  stepBegins(node: SimNode | null, key: string): void;
  /**
   * Starts a process that takes the partitions of a slot; one that is there is fenced out by it.
   */
  start(slot: number): SimNode;
}
