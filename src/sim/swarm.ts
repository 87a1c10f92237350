import { Prng } from "../std/prng.ts";

/** What can be planted to see that it is found. Each stands for a bug that an engine could have. */
export const sabotages = [
  "acknowledges-before-durable",
  "forwards-twice",
  "reorders-completions",
  "stale-owner-commits",
  "forgets-received",
  "steps-before-durable",
  "forgets-idempotency",
  "keeps-after-retention",
  "cancels-twice",
  "loses-cancellations",
  "forgets-steps",
  "timers-early",
  "loses-steps",
  "reads-stale-state",
] as const;

/** Safeguards against the new enemy and for relationships in general, each taken away. */
export const authzSabotages = [
  "answers-at-an-old-revision",
  "forgets-the-zookie",
  "answers-the-head",
  "confirms-nothing",
  "answers-the-future",
  "answers-beyond-history",
  "takes-foreign-zookies",
  "asks-the-latest-schema",
  "keeps-cached-answers",
  "caches-without-revision",
  "caches-beyond-expiry",
  "indexes-beyond-its-watermark",
  "acknowledges-what-is-applied",
  "shows-what-is-not-durable",
  "keeps-what-was-lost",
  "forgets-writes-while-loading",
  "watches-from-now",
  "relates-apart",
] as const;

export type EngineSabotage = (typeof sabotages)[number];
export type AuthzSabotage = (typeof authzSabotages)[number];
export type Sabotage = EngineSabotage | AuthzSabotage;

export const allSabotages: readonly Sabotage[] = [...sabotages, ...authzSabotages];

/**
 * What a seed makes of the world. Each class of faults is on or off as a whole, and has a rate of
 * its own: worlds in which everything fails a little hide what shows where one thing fails often.
 */
export interface Swarm {
  readonly seed: number;
  readonly partitions: number;
  readonly nodes: 1 | 2;
  readonly residency: "keep" | "evict";
  readonly outboxAlways: boolean;
  /** Mean time of a sync, and the share of syncs that take fifty times as long. */
  readonly syncMs: number;
  readonly slowSyncs: number;
  /** Probabilities per commit. */
  readonly full: number;
  readonly failed: number;
  readonly failedWritten: number;
  readonly crashInCommit: number;
  /** Mean pauses between such events, or 0 for never. */
  readonly processCrashMs: number;
  readonly powerCrashMs: number;
  readonly takeoverMs: number;
  readonly clockJumpMs: number;
  readonly meddleMs: number;
  readonly deployMs: number;
  /** The network between nodes, and between clients and nodes. */
  readonly latencyMs: number;
  readonly drop: number;
  readonly duplicate: number;
  /** Whether messages of one node to another may overtake each other. */
  readonly reorder: boolean;
  /** Share of steps and calls of the outside that fail. */
  readonly stepFailures: number;
  /** Faults end by then, whatever is still going on. */
  readonly faultsMs: number;
  /** How much work each workload does, as a factor. */
  readonly load: number;
  /** Over how long the work begins. */
  readonly spreadMs: number;
  readonly workloads: number;
  /** Whether there is work with relationships besides. */
  readonly relationships: "none" | "clients" | "handlers" | "both";
  /** Mean time of half a read of relationships; 0: they are answered at once. */
  readonly relationReadMs: number;
  /** How much of a tenant's graph is in memory, and how it gets there. */
  readonly graphs: "resident" | "loaded-later" | "windows";
  /** Bytes of cached answers, and pairs of groups that are kept flattened. */
  readonly cacheBytes: number;
  readonly indexPairs: number;
  /** How long history is kept, and the mean pause between trims; 0: for ever, and never. */
  readonly historyMs: number;
  readonly trimMs: number;
}

export function drawSwarm(seed: number): Swarm {
  const random = new Prng(seed ^ 0x51ed270b);
  const chance = (probability: number): boolean => random.float() < probability;
  const rate = (on: number, least: number, most: number): number =>
    chance(on) ? least * (most / least) ** random.float() : 0;
  const nodes = chance(0.4) ? 2 : 1;
  const faulty = chance(0.9);
  const on = faulty ? 1 : 0;
  return {
    seed,
    partitions: nodes === 2 ? 2 + random.below(5) : 1 + random.below(6),
    nodes,
    residency: chance(0.35) ? "evict" : "keep",
    outboxAlways: chance(0.4),
    syncMs: rate(1, 0.1, 10),
    slowSyncs: rate(0.3 * on, 0.01, 0.2),
    full: rate(0.2 * on, 0.002, 0.05),
    failed: rate(0.2 * on, 0.002, 0.05),
    failedWritten: rate(0.2 * on, 0.002, 0.05),
    crashInCommit: rate(0.25 * on, 0.002, 0.05),
    processCrashMs: rate(0.4 * on, 100, 3_000),
    powerCrashMs: rate(0.4 * on, 100, 3_000),
    takeoverMs: rate(0.4 * on, 200, 3_000),
    clockJumpMs: rate(0.3 * on, 50, 2_000),
    meddleMs: rate(0.5 * on, 5, 200),
    deployMs: rate(0.3 * on, 100, 1_000),
    latencyMs: rate(1, 0.05, 20),
    drop: rate(0.3 * on, 0.01, 0.3),
    duplicate: rate(0.3 * on, 0.01, 0.3),
    reorder: chance(0.3 * on),
    stepFailures: rate(0.5 * on, 0.02, 0.4),
    faultsMs: 2_000 + random.below(6_000),
    load: 0.4 + random.float() * 1.6,
    spreadMs: rate(1, 200, 4_000),
    workloads: 1 + random.below(4),
    ...drawRelations(seed, faulty),
  };
}

/** With chances of their own, so that a seed means the same to the rest as it did without them. */
function drawRelations(seed: number, faulty: boolean) {
  const random = new Prng(seed ^ 0x1b873593);
  const chance = (probability: number): boolean => random.float() < probability;
  const rate = (on: number, least: number, most: number): number =>
    chance(on) ? least * (most / least) ** random.float() : 0;
  const trims = chance(faulty ? 0.4 : 0.1);
  const work = ["none", "none", "none", "none", "none", "clients", "handlers", "both"] as const;
  const graphs = ["resident", "resident", "loaded-later", "windows"] as const;
  return {
    relationships: work[random.below(work.length)] ?? "none",
    relationReadMs: rate(0.6, 0.1, 10),
    graphs: graphs[random.below(graphs.length)] ?? "resident",
    cacheBytes: chance(0.7) ? 65_536 : 0,
    indexPairs: chance(0.7) ? 10_000 : 0,
    historyMs: trims ? rate(1, 50, 2_000) : 0,
    trimMs: trims ? rate(1, 20, 500) : 0,
  };
}

/**
 * A world that is hard on relationships, in which little else happens: so the seeds go into what this
 * work is about.
 */
export function sharpen(swarm: Swarm): Swarm {
  const random = new Prng(swarm.seed ^ 0x2c1b3c6d);
  const often = (now: number, probability: number): number =>
    now > 0 ? now : random.float() < 0.3 ? probability * (0.5 + random.float()) : 0;
  const trims = random.float() < 0.4;
  return {
    ...swarm,
    failed: often(swarm.failed, 0.05),
    failedWritten: often(swarm.failedWritten, 0.03),
    powerCrashMs: often(swarm.powerCrashMs, 400),
    takeoverMs: often(swarm.takeoverMs, 300),
    meddleMs: 0,
    faultsMs: 2_000,
    spreadMs: Math.min(swarm.spreadMs, 1_000),
    historyMs: trims ? 20 + random.below(80) : swarm.historyMs,
    trimMs: trims ? 10 + random.below(40) : swarm.trimMs,
  };
}

/** What happens now and then, with the probability that the swarm gives. */
export type Probability =
  | "stepFailures"
  | "drop"
  | "duplicate"
  | "full"
  | "failed"
  | "failedWritten"
  | "crashInCommit"
  | "slowSyncs";

/** The world in one line, for whoever reads a failure. */
export function describeSwarm(swarm: Swarm): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(swarm)) {
    if (value === 0 || value === false) continue;
    parts.push(`${name}=${typeof value === "number" ? Number(value.toPrecision(3)) : value}`);
  }
  return parts.join(" ");
}
