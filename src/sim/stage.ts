import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { AdjustableClock } from "../host/adjustable-clock.ts";
import { fail, HoldfastError } from "../model/errors.ts";
import type { Definition } from "../sdk/handler.ts";
import { type Holdfast, open } from "../server/open.ts";
import { MemoryDisk } from "../store/memory/memory-disk.ts";
import { openMemoryStore } from "../store/memory/memory-store.ts";
import type { Batch, Store } from "../store/store.ts";
import { over } from "./over.ts";

/* For tests of what is under way when something else happens: each sets its own scene, step by step. */

export type Held = "commit" | "load" | "loadReceived" | "scanTimers" | "scanActive";

export interface Gate {
  /** Resolves when somebody stands before it. */
  readonly arrived: Promise<void>;
  goOn(): void;
  fail(): void;
}

/** A store that answers with promises, which can be held up and made to fail. */
export class Stage {
  readonly disk: MemoryDisk = new MemoryDisk({ random: () => 7 });
  readonly clock: AdjustableClock = new AdjustableClock(() => undefined);
  /** Takes the place of what the store does, from now on: for what answers, or throws, at once. */
  readonly instead: { -readonly [M in keyof Store]?: Store[M] } = {};
  commits = 0;
  /** Commits that do nothing but find out whether the store can be written. */
  probes = 0;
  readonly #gates = new Map<Held, { readonly passed: Promise<void>; arrived(): void }>();
  readonly #only = new Map<Held, number>();

  /**
   * The next one of this name is held up, if a number is given that of this partition; `arrived` when
   * it is, and until it is told how to go on.
   */
  hold(name: Held, partition?: number): Gate {
    const gate = Promise.withResolvers<void>();
    const here = Promise.withResolvers<void>();
    this.#gates.set(name, { passed: gate.promise, arrived: here.resolve });
    if (partition !== undefined) this.#only.set(name, partition);
    return {
      arrived: here.promise,
      goOn: () => gate.resolve(),
      fail: () => gate.reject(fail("store-failed", { reason: "the test wants it" })),
    };
  }

  async #pass(name: Held, partition?: number): Promise<void> {
    const gate = this.#gates.get(name);
    const only = this.#only.get(name);
    if (gate === undefined || (only !== undefined && only !== partition)) return;
    this.#gates.delete(name);
    this.#only.delete(name);
    gate.arrived();
    await gate.passed;
  }

  #store(): Store {
    const store = openMemoryStore(this.disk);
    const slow = over<Store>(store, {
      commit: async (batch) => {
        this.commits++;
        if (isProbe(batch)) this.probes++;
        await this.#pass("commit");
        return store.commit(batch);
      },
      // Read first, and told later: what comes is of the time of the question.
      load: async (request) => {
        const loaded = await store.load(request);
        await this.#pass("load");
        return loaded;
      },
      loadReceived: async (partition) => {
        await this.#pass("loadReceived", partition);
        return store.loadReceived(partition);
      },
      scanTimers: async (end, limit) => {
        const timers = await store.scanTimers(end, limit);
        await this.#pass("scanTimers");
        return timers;
      },
      scanActive: async (partition, after, limit) => {
        const rows = await store.scanActive(partition, after, limit);
        await this.#pass("scanActive", partition);
        return rows;
      },
    });
    return over(slow, this.instead);
  }

  async open(t: TestContext, ...services: Definition[]): Promise<Holdfast> {
    const app = await open({ services, store: this.#store(), host: this.clock.host });
    t.after(() => app.close());
    return app;
  }

  /** The next commit fails. Resolves when memory was dropped. */
  async drop(app: Holdfast, cause: () => Promise<unknown>): Promise<void> {
    const commit = this.hold("commit");
    const caused = cause().catch(() => undefined);
    await commit.arrived;
    commit.fail();
    await caused;
    assert.notEqual(app.engine.refusal, null);
  }

  /** Time passes; what that begins comes to its end. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms, () => rest());
    await rest();
  }
}

function isProbe({ reserveCounters, insertInvocations, relations, putTenants }: Batch): boolean {
  const others = insertInvocations.length + relations.length + putTenants.length;
  return reserveCounters.length === 1 && others === 0;
}

/** Lets everything that is under way in memory come to its end. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((done) => setImmediate(done));
}

/** `"taken"`, or the code of the error. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "taken";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
}
