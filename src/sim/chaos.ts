import { reasonOf } from "../model/errors.ts";
import { wallTime } from "./sim-host.ts";
import type { Offer, Slot, World } from "./world.ts";

/* What happens to a world besides its work. Each kind has its own pace. */

/** Lets the faults of the swarm happen until the world is to heal. */
export function unleash(world: World): void {
  const { swarm } = world;
  every(world, swarm.processCrashMs, () => crashProcess(world));
  every(world, swarm.powerCrashMs, () => crashPower(world));
  every(world, swarm.clockJumpMs, () => setClock(world));
  every(world, swarm.meddleMs, () => meddle(world));
  every(world, swarm.deployMs, () => deploy(world));
  if (swarm.nodes > 1) every(world, swarm.takeoverMs, () => takeOver(world));
  every(world, swarm.trimMs, () => trim(world));
  every(world, 20, () => revive(world));
}

function every(world: World, mean: number, act: () => void): void {
  if (mean === 0) return;
  world.scheduler.after(world.exponential(mean), () => {
    if (!world.faulty) return;
    act();
    every(world, mean, act);
  });
}

function crashProcess(world: World): void {
  const slot = world.pick(world.slots);
  const node = slot.zombie ?? slot.current;
  if (node?.alive !== true) return;
  world.note(`${node.name} dies`);
  node.die();
}

/** All processes die, and of what was not yet durable a random first part survives. */
function crashPower(world: World): void {
  const { disk } = world;
  const keep = world.random.below(disk.unsynced + 1);
  world.note(`the power fails; ${keep} of ${disk.unsynced} unsynced writes survive`);
  for (const slot of world.slots) {
    slot.current?.die();
    slot.zombie?.die();
  }
  disk.crash(keep);
  world.audit.crashed();
  world.ledger.crashed(disk.visible);
  world.audit.compare(disk.visible);
}

/** History of relationships is let go of, sooner than a machine would. */
function trim(world: World): void {
  const node = world.pick(world.slots).current;
  if (node?.ready !== true) return;
  node.relations.history.trim(node.submit).catch((error: unknown) => {
    if (node.alive) world.note(`${node.name} did not trim: ${reasonOf(error)}`);
  });
}

function setClock(world: World): void {
  const { clock } = world.pick(world.slots);
  const magnitude = world.pick([5, 500, 20_000, 600_000]);
  const jump = Math.round((world.random.float() * 2 - 1) * magnitude);
  world.readClocks();
  clock.offset += jump;
  world.note(`a clock jumps by ${jump} ms`);
}

/** Another node claims partitions that somebody owns, and who does not know it yet. */
function takeOver(world: World): void {
  const at = world.random.below(world.slots.length);
  if (world.slots[at]?.current?.ready === true) world.start(at);
}

/** Nodes that died are started again after a while; zombies learn the truth. */
function revive(world: World): void {
  for (const [at, slot] of world.slots.entries()) {
    if (slot.current?.alive !== true && world.random.below(3) === 0) world.start(at);
    if (slot.zombie !== null && world.random.below(20) === 0) bury(slot);
  }
}

function bury(slot: Slot): void {
  slot.zombie?.die();
  slot.zombie = null;
}

function deploy(world: World): void {
  world.versions = world.pick([["v1"], ["v1", "v2"], ["v1", "v2"], ["v2"]]);
  const at = world.random.below(world.slots.length);
  world.note(`slot ${at} is given ${world.versions.join(" and ")}`);
  world.slots[at]?.current?.die();
}

function meddle(world: World): void {
  if (world.offers.length === 0) return;
  const offer = world.pick(world.offers);
  meddleWith(world, offer).catch((error: unknown) =>
    world.violate(`meddling threw ${reasonOf(error)}`),
  );
}

async function meddleWith(world: World, offer: Offer): Promise<void> {
  const { id, ways } = offer;
  const way = world.pick(ways);
  const partition = world.partitionOfId(id);
  // One successor is enough.
  if (way === "restart") world.offers.splice(world.offers.indexOf(offer), 1);
  await world.ask(partition, `${way} ${id}`, async (client) => {
    const handle = client.get(id);
    if (way === "restart") return (await handle.restart({ from: world.random.below(6) })).id;
    await handle[way]();
    return undefined;
  });
}

/** Ends all faults: everybody is alive, clocks agree, and who was stopped goes on. */
export async function heal(world: World): Promise<void> {
  world.note("the world heals");
  world.faulty = false;
  world.readClocks();
  // Late rather than early: what is due by any clock so far is due now.
  const latest = world.wallMax - wallTime(world.scheduler, { offset: 0 });
  const stale = world.swarm.deployMs > 0;
  if (stale) world.versions = ["v1", "v2"];
  for (const [at, slot] of world.slots.entries()) {
    slot.clock.offset = latest;
    bury(slot);
    if (stale) slot.current?.die();
    if (slot.current?.alive !== true) world.start(at);
  }
}

/** Resumes whatever is paused; to be called now and then until nothing is. */
export function resumeAll(world: World): void {
  for (const { number, status } of world.disk.visible.invocations.values()) {
    if (status !== "paused") continue;
    const node = world.ownerOf(number % 4096);
    if (node?.ready !== true) continue;
    node.engine.submit({ kind: "resume", number, onCurrent: false });
  }
}
