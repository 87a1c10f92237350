import type { Parcel } from "../engine/engine.ts";
import { reasonOf } from "../model/errors.ts";
import { hasEnded } from "../model/invocation.ts";
import { heal, resumeAll, unleash } from "./chaos.ts";
import { SimWorld } from "./sim-world.ts";
import { describeSwarm, drawSwarm, type Sabotage, sharpen } from "./swarm.ts";
import { chooseWorkloads } from "./workloads/all.ts";

export interface Verdict {
  readonly seed: number;
  /** What was violated, or null. */
  readonly violation: string | null;
  /** The world's make-up, in words. */
  readonly swarm: string;
  readonly workloads: readonly string[];
  /** The last things that happened. */
  readonly trace: readonly string[];
  /** Equal for equal runs. */
  readonly hash: number;
  readonly events: number;
  readonly batches: number;
}

/** How long after the end of all faults everything must have come to rest, in simulated time. */
const restMs = 20 * 60_000;
/** The longest retention of all, and some more. */
const retentionMs = 52 * 3_600_000;
const eventsMax = 200_000;

/** Runs one world from its seed to its end, or to the first promise that does not hold. */
export async function simulate(
  seed: number,
  sabotage: Sabotage | null = null,
  workload: string | null = null,
): Promise<Verdict> {
  const swarm = drawSwarm(seed);
  const world = new SimWorld(workload === null ? swarm : sharpen(swarm), sabotage);
  const escaped = (reason: unknown): void => {
    if (!reasonOf(reason).includes("whose disk has crashed")) {
      const text = reason instanceof Error ? reason.stack : reasonOf(reason);
      world.violate(`a rejection that nobody handles: ${text}`);
    }
  };
  process.on("unhandledRejection", escaped);
  try {
    world.workloads.push(...chooseWorkloads(world, workload));
    await live(world);
  } finally {
    process.off("unhandledRejection", escaped);
    for (const slot of world.slots) {
      slot.current?.die();
      slot.zombie?.die();
    }
  }
  return {
    seed,
    violation: world.violation,
    swarm: describeSwarm(world.swarm),
    workloads: world.workloads.map((workload) => workload.name),
    trace: world.trace,
    hash: world.hash,
    events: world.scheduler.taken,
    batches: world.audit.batches,
  };
}

async function live(world: SimWorld): Promise<void> {
  let over = false;
  story(world).then(
    () => {
      over = true;
    },
    (error: unknown) => {
      world.violate(`the story broke: ${error instanceof Error ? error.stack : String(error)}`);
    },
  );
  const { scheduler } = world;
  await scheduler.run(() => {
    if (scheduler.taken > eventsMax) world.violate(`it goes on after ${eventsMax} events`);
    return over || world.violation !== null;
  });
  if (!over && world.violation === null) world.violate("nothing moves any more");
}

async function story(world: SimWorld): Promise<void> {
  for (const at of world.slots.keys()) world.start(at);
  await world.sleep(100);
  unleash(world);
  let driving = world.workloads.length;
  for (const workload of world.workloads) {
    workload.drive().then(
      () => {
        driving--;
      },
      (error: unknown) =>
        world.violate(
          `a client of ${workload.name} broke: ${error instanceof Error ? error.stack : error}`,
        ),
    );
  }
  const faultsEnd = world.scheduler.now + world.swarm.faultsMs;
  while (world.scheduler.now < faultsEnd && driving > 0) await world.sleep(50);
  await heal(world);
  await rest(world, () => driving === 0);
  // What nodes do by themselves, such as ending what has expired, may still be on its way.
  await Promise.all(world.slots.map((slot) => slot.current?.engine.settled()));
  world.audit.compare(world.disk.visible);
  for (const workload of world.workloads) workload.check();
  await forget(world);
}

/** Waits until all clients are done and all invocations have ended. */
async function rest(world: SimWorld, driven: () => boolean): Promise<void> {
  const deadline = world.scheduler.now + restMs;
  const rests = (): boolean => driven() && unfinished(world).length === 0 && isReady(world);
  for (let round = 0; !rests(); round++) {
    if (world.scheduler.now > deadline) {
      const stuck = unfinished(world).join("; ");
      world.violate(`it does not come to rest: ${stuck || "a client waits for an answer"}`);
    }
    await world.sleep(round < 20 ? 100 : 2_000);
    if (round % 5 === 4) resumeAll(world);
  }
}

/** Everybody is there, and knows what the store has. */
function isReady(world: SimWorld): boolean {
  return world.slots.every(
    ({ current }) => current?.ready === true && current.engine.refusal === null,
  );
}

/** What has not ended, in words. */
function unfinished(world: SimWorld): string[] {
  const found: string[] = [];
  for (const row of world.disk.visible.invocations.values()) {
    if (hasEnded(row.status)) continue;
    const { number, service, handler, key, status, extra } = row;
    found.push(`${number} ${service}/${handler}/${key} ${status} ${JSON.stringify(extra)}`);
  }
  const { outbox, received } = world.disk.visible;
  for (const [source, messages] of outbox) {
    for (const { destination, payload } of messages.values()) {
      const { sequence } = JSON.parse(payload) as Parcel; // as the engine writes it
      if ((received.get(destination)?.get(source) ?? 0) >= sequence) continue;
      found.push(`message ${sequence} from partition ${source} to ${destination}: ${payload}`);
    }
  }
  return found;
}

/** After the retention time nothing is left, and getting there took no busy polling. */
async function forget(world: SimWorld): Promise<void> {
  const before = world.slots.map((slot) => slot.current?.host.calls ?? 0);
  // Clocks that jumped have spread the ends of retention: one sweep each at most.
  const callsMax = 2_000 + 5 * world.disk.visible.invocations.size;
  await world.sleep(retentionMs);
  const { visible } = world.disk;
  const left: Record<string, number> = {
    invocations: visible.invocations.size,
    journals: visible.journals.size,
    keys: visible.byKey.size,
    timers: visible.timers.size,
    promises: visible.promises.size,
    idempotency: visible.idempotency.size,
  };
  for (const [table, rows] of Object.entries(left)) {
    if (rows > 0) world.violate(`after retention ${rows} rows are left in ${table}`);
  }
  // One message per pair of partitions stays, as the mark to go on counting from.
  for (const [partition, messages] of visible.outbox) {
    if (messages.size > world.swarm.partitions) {
      world.violate(`after retention partition ${partition} has ${messages.size} messages left`);
    }
  }
  for (const [at, slot] of world.slots.entries()) {
    const calls = (slot.current?.host.calls ?? 0) - (before[at] ?? 0);
    if (calls > callsMax)
      world.violate(`${slot.current?.name} polled: ${calls} calls in ${retentionMs} ms`);
  }
}
