import { assert } from "../std/assert.ts";
import type { Awaitable } from "../store/awaitable.ts";
import { type CommitFault, openMemoryStore } from "../store/memory/memory-store.ts";
import { freezeBatch } from "../store/memory/tables.ts";
import type { RelationReads } from "../store/relations.ts";
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
    relations: slowReads(world, node, store.relations),
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
    if (written) {
      const before = world.disk.unsynced;
      store.commit(batch).catch(() => undefined);
      if (world.disk.unsynced > before) world.ledger.written(freezeBatch(batch));
    }
    node.die();
    return never();
  }
  const frozen = freezeBatch(batch);
  const before = world.disk.unsynced;
  const durable = store.commit(batch);
  if (world.disk.unsynced > before) {
    world.audit.written(frozen);
    world.ledger.written(frozen);
  }
  await durable;
  world.audit.acknowledged(frozen);
  world.ledger.acknowledged(frozen);
}

/**
 * Reads of relationships as a store in another thread answers them: some time between the call and the
 * answer. Or at once, in other worlds.
 */
function slowReads(world: World, node: () => SimNode, reads: RelationReads): RelationReads {
  const { relationReadMs } = world.swarm;
  const slow =
    <A extends unknown[], R>(read: (...args: A) => Awaitable<R>) =>
    async (...args: A): Promise<R> => {
      await world.sleep(world.exponential(relationReadMs));
      if (!node().alive) return never();
      const result = await read(...args);
      await world.sleep(world.exponential(relationReadMs));
      return node().alive ? result : never();
    };
  if (relationReadMs === 0) return reads;
  return {
    loadTenants: slow(() => reads.loadTenants()),
    loadDeletedTenants: slow(() => reads.loadDeletedTenants()),
    loadSchemas: slow((tenant) => reads.loadSchemas(tenant)),
    loadDocument: slow((tenant, name) => reads.loadDocument(tenant, name)),
    scanTuples: slow((request) => reads.scanTuples({ ...request, limit: 7 })),
    loadTuples: slow((request) => reads.loadTuples(request)),
    readTuples: slow((request) => reads.readTuples(request)),
    readExpired: slow((request) => reads.readExpired(request)),
    countTuples: slow((tenant) => reads.countTuples(tenant)),
    scanLog: slow((request) => reads.scanLog(request)),
    findRevision: slow((tenant, at) => reads.findRevision(tenant, at)),
    hasTrimmable: slow((tenant, upTo) => reads.hasTrimmable(tenant, upTo)),
  };
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
