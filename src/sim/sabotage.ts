import type { Attempt, Executor } from "../engine/engine.ts";
import { ThreadExecutor } from "../executor/executor.ts";
import type { Cancellable } from "../executor/future.ts";
import type { Run } from "../executor/run.ts";
import type { Host } from "../host/host.ts";
import { CancelledError } from "../model/codec.ts";
import type { Entry } from "../model/entry.ts";
import { MemoryDisk } from "../store/memory/memory-disk.ts";
import type { Batch, Loaded, Store } from "../store/store.ts";
import type { ExecutorParts } from "./node.ts";
import { over } from "./over.ts";
import { relatesApart } from "./relations/sabotage.ts";
import type { World } from "./world.ts";

/* Bugs that are planted to see that they are found: a check that cannot fail proves nothing. */

export function makeDisk(world: World): MemoryDisk {
  const { partitions } = world.swarm;
  const host = { random: () => world.random.uint32() };
  if (world.sabotage !== "acknowledges-before-durable") return new MemoryDisk(host, partitions);
  return new LateDisk(host, partitions, world);
}

/** Says that it is durable a while before it is. */
class LateDisk extends MemoryDisk {
  readonly #world: World;

  constructor(host: Pick<Host, "random">, partitions: number, world: World) {
    super(host, partitions);
    this.#world = world;
  }

  override settle(position: number): void {
    const { crashes } = this;
    this.#world.scheduler.after(this.#world.exponential(100), () => {
      if (this.crashes === crashes) super.settle(position);
    });
  }
}

export function sabotageStore(world: World, store: Store): Store {
  const { sabotage } = world;
  switch (sabotage) {
    case "stale-owner-commits":
      return over(store, { commit: (batch) => store.commit(withCurrentEpochs(world, batch)) });
    case "forgets-received":
      return over(store, { loadReceived: () => [] });
    case "forgets-idempotency":
      return over(store, {
        load(request) {
          const loaded = store.load(request) as Loaded; // the memory store answers at once
          return { ...loaded, idempotency: loaded.idempotency.map(() => null) };
        },
      });
    case "keeps-after-retention":
      return over(store, {
        commit(batch) {
          batch.deleteInvocations.pop();
          return store.commit(batch);
        },
      });
    case "timers-early":
      return over(store, {
        commit(batch) {
          const early = batch.insertTimers.map((timer) => ({ ...timer, due: timer.due - 50 }));
          return store.commit({ ...batch, insertTimers: early });
        },
      });
    case "loses-steps":
      return over(store, {
        load(request) {
          const loaded = store.load(request) as Loaded; // as above
          return { ...loaded, journals: loaded.journals.map(withoutLastStep) };
        },
      });
    case "relates-apart":
      return relatesApart(store);
    case "reads-stale-state":
      return over(store, { load: staleLoad(world, store) });
    default:
      return store;
  }
}

function withCurrentEpochs(world: World, batch: Batch): Batch {
  const epochs = new Map<number, number>();
  for (const partition of batch.epochs.keys()) {
    epochs.set(partition, world.disk.visible.partitions.get(partition)?.epoch ?? 0);
  }
  return { ...batch, epochs };
}

function withoutLastStep(journal: readonly Entry[]): Entry[] {
  return journal.filter((entry, at) => entry.kind !== "run" || at < journal.length - 1);
}

/** Some keys come back as they were when they were last loaded. */
function staleLoad(world: World, store: Store): Store["load"] {
  const known = new Map<string, Loaded["keys"][number]["state"]>();
  return (request) => {
    const loaded = store.load(request) as Loaded; // as above
    const keys = loaded.keys.map((key, at) => {
      const name = JSON.stringify(request.keys?.[at]);
      const before = known.get(name);
      known.set(name, key.state);
      return before === undefined || world.random.below(4) > 0 ? key : { ...key, state: before };
    });
    return { ...loaded, keys };
  };
}

export function sabotageExecutor(world: World, parts: ExecutorParts): Executor {
  switch (world.sabotage) {
    case "reorders-completions":
      return new ReorderingExecutor(world, parts);
    case "cancels-twice":
      return new RepeatingExecutor(parts);
    case "loses-cancellations":
      return new DeafExecutor(world, parts);
    case "forgets-steps":
      return new ForgetfulExecutor(parts);
    case "steps-before-durable":
      return new HastyExecutor(parts);
    default:
      return new SimExecutor(parts);
  }
}

class SimExecutor extends ThreadExecutor {
  constructor({ host, limits, engine, relations }: ExecutorParts) {
    super(host, limits, engine, relations);
  }
}

/** Holds some completions back until the next one of the same invocation has passed. */
class ReorderingExecutor extends SimExecutor {
  readonly #world: World;
  readonly #held = new Map<number, Entry>();

  constructor(world: World, parts: ExecutorParts) {
    super(parts);
    this.#world = world;
  }

  override start(attempt: Attempt): void {
    this.#held.delete(attempt.number);
    super.start(attempt);
  }

  override notify(number: number, entry: Entry, batch: number): void {
    const held = this.#held.get(number);
    if (held === undefined && this.#world.random.below(3) === 0) {
      this.#held.set(number, entry);
      this.host.setTimer(20, () => {
        if (this.#held.delete(number)) super.notify(number, entry, batch);
      });
      return;
    }
    super.notify(number, entry, batch);
    if (held !== undefined && this.#held.delete(number)) super.notify(number, held, batch);
  }
}

/** Tells of every cancellation twice. */
class RepeatingExecutor extends SimExecutor {
  override notify(number: number, entry: Entry, batch: number): void {
    super.notify(number, entry, batch);
    if (entry.kind === "cancel") super.notify(number, entry, batch);
  }
}

/** Does not hear of some cancellations. */
class DeafExecutor extends SimExecutor {
  readonly #world: World;

  constructor(world: World, parts: ExecutorParts) {
    super(parts);
    this.#world = world;
  }

  override cancel(number: number): void {
    if (this.#world.random.below(3) > 0) super.cancel(number);
  }
}

/** Tells of a cancellation only those steps that somebody awaits just then. */
class ForgetfulExecutor extends SimExecutor {
  override makeContext(run: Run): object {
    const seen = new Set<Cancellable>();
    const awaited = run.awaited.bind(run);
    run.awaited = (future) => {
      seen.add(future);
      awaited(future);
    };
    const step = run.step.bind(run);
    run.step = ((...args: Parameters<typeof step>) => {
      const future = step(...args);
      const reject = future.reject.bind(future);
      future.reject = (error) => {
        if (seen.has(future) || !(error instanceof CancelledError)) reject(error);
      };
      return future;
    }) as typeof step; // of whatever it brings
    return super.makeContext(run);
  }
}

/** Starts steps while what came before them is still on its way to the disk. */
class HastyExecutor extends SimExecutor {
  override start(attempt: Attempt): void {
    super.start({ ...attempt, handler: { ...attempt.handler, pipelined: true } });
  }
}
