// The limit: the same rows written to the same kind of store by bare batches. Writers wait for the
// durability of each row; all that wait share a batch, and while one commits the next collects.

import { makeNodeHost } from "../src/host/node-host.ts";
import type { Entry } from "../src/model/entry.ts";
import { makeNumber } from "../src/model/ids.ts";
import type { Invocation } from "../src/model/invocation.ts";
import { openSqliteStore } from "../src/store/sqlite/sqlite-store.ts";
import { type Batch, makeBatch, type Store } from "../src/store/store.ts";

export class BareStore {
  readonly store: Store;
  readonly #epochs: ReadonlyMap<number, number>;
  #batch: Batch;
  #waiting: (() => void)[] = [];
  #failed: ((error: unknown) => void)[] = [];
  #busy = false;
  #counter: number;

  static async open(path: string): Promise<BareStore> {
    const store = await openSqliteStore({ path, host: makeNodeHost() });
    const partitions = Array.from({ length: store.info.partitions }, (_, i) => i);
    const claims = await store.claim(partitions, "bench");
    return new BareStore(store, new Map(claims.map((it) => [it.partition, it.epoch])));
  }

  private constructor(store: Store, epochs: ReadonlyMap<number, number>) {
    this.store = store;
    this.#epochs = epochs;
    this.#batch = makeBatch(epochs);
    this.#counter = 1;
  }

  /** A new number, going round the partitions as the engine does. */
  nextNumber(): number {
    const counter = this.#counter++;
    return makeNumber(counter, counter % this.store.info.partitions);
  }

  /** Adds to the batch that collects; resolves when it is durable. */
  write(add: (batch: Batch) => void): Promise<void> {
    add(this.#batch);
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      this.#failed.push(reject);
      if (this.#busy) return;
      this.#busy = true;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    await afterMicrotasks();
    while (this.#waiting.length > 0) {
      const [batch, waiting, failed] = [this.#batch, this.#waiting, this.#failed];
      this.#batch = makeBatch(this.#epochs);
      this.#waiting = [];
      this.#failed = [];
      try {
        await this.store.commit(batch);
        for (const resolve of waiting) resolve();
      } catch (error) {
        for (const reject of failed) reject(error);
      }
      await afterMicrotasks();
    }
    this.#busy = false;
  }

  close(): Promise<void> {
    return this.store.close();
  }
}

/** Lets everybody who was just told go on, so that they are in the next batch together. */
function afterMicrotasks(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}

/** A row as the engine writes it for a call that has ended. */
export function endedCall(number: number, of: Partial<Invocation>): Invocation {
  const now = Date.now();
  return {
    number,
    service: "counter",
    handler: "add",
    mode: "exclusive",
    key: null,
    status: "succeeded",
    input: null,
    output: "1",
    createdAt: now,
    endedAt: now,
    expiresAt: now + 86_400_000,
    deployment: "0123456789abcdef",
    seed: 1_234_567_890,
    position: number,
    entries: 0,
    extra: null,
    ...of,
  };
}

/** A step as the engine journals it. */
export function stepEntry(index: number, name: string, payload: string): Entry {
  return { index, kind: "run", command: index, name, payload, failed: false, at: Date.now() };
}
