import { assert } from "../std/assert.ts";
import { type CommitFault, openMemoryStore } from "../store/memory/memory-store.ts";
import { freezeBatch } from "../store/memory/tables.ts";
import type { Batch, Store } from "../store/store.ts";
import type { SimNode } from "./node.ts";
import { over } from "./over.ts";
import type { World } from "./world.ts";

/** A store of one process on the disk of the world, with everything that can go wrong with one. */
export function openSimStore(world: World, node: () => SimNode): Store {
  const store = openMemoryStore(world.disk, {
    sync: () => sync(world),
    fault: () => fault(world),
  });
  return over(store, {
    commit: (batch) => commit(world, node(), store, batch),
    load(request) {
      assert(node().alive, "a process that has died reads nothing");
      return store.load(request);
    },
  });
}

async function commit(world: World, node: SimNode, store: Store, batch: Batch): Promise<void> {
  if (!node.alive) return never();
  world.readClocks();
  if (world.happens("crashInCommit")) {
    const written = world.random.below(2) === 0;
    world.note(`${node.name} dies ${written ? "after" : "before"} writing`);
    if (written) store.commit(batch).catch(() => undefined);
    node.die();
    return never();
  }
  const frozen = freezeBatch(batch);
  const before = world.disk.unsynced;
  const durable = store.commit(batch);
  if (world.disk.unsynced > before) world.audit.written(frozen);
  await durable;
  world.audit.acknowledged(frozen);
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function sync(world: World): Promise<void> {
  const { syncMs } = world.swarm;
  const slow = world.happens("slowSyncs") ? 50 : 1;
  return world.sleep(world.exponential(syncMs) * slow);
}

function fault(world: World): CommitFault | null {
  if (world.happens("full")) return "full";
  if (world.happens("failed")) return "failed";
  if (world.happens("failedWritten")) return "failed-written";
  return null;
}
