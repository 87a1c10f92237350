import type { AuthzChange } from "../model/authz.ts";
import { hasEnded, type Status } from "../model/invocation.ts";
import { assert } from "../std/assert.ts";
import type { IdempotencyAddress, KeyAddress, Loaded, Store } from "../store/store.ts";
import { promiseKey } from "./commands/settle.ts";
import type { Core } from "./core.ts";
import type { HandlerRuntime } from "./deployments.ts";
import type { StartCommand } from "./engine.ts";
import { addressKey } from "./idempotency.ts";

/** Collects what commands touch and memory lacks, to be loaded in one round trip. */
export class Needs {
  readonly core: Core;
  readonly #numbers = new Set<number>();
  readonly #keys = new Map<string, KeyAddress>();
  readonly #idempotency = new Map<string, IdempotencyAddress>();
  readonly #promises = new Map<string, { number: number; name: string }>();
  /** Invocations whose whole journal is wanted again, though they are in memory. */
  readonly #journals = new Set<number>();
  /** Changes of relationships whose ground is being read. */
  #preparing: Promise<void>[] = [];
  /** Counts the times that memory was dropped: what was asked for before is not admitted any more. */
  #drops = 0;

  constructor(core: Core) {
    this.core = core;
  }

  get empty(): boolean {
    return (
      this.#numbers.size === 0 &&
      this.#keys.size === 0 &&
      this.#idempotency.size === 0 &&
      this.#promises.size === 0 &&
      this.#journals.size === 0 &&
      this.#preparing.length === 0
    );
  }

  invocation(number: number): void {
    const live = this.core.live.get(number);
    if (live === undefined) {
      this.#numbers.add(number);
      return;
    }
    if (live.row.key !== null) this.key(live.row.service, live.row.key);
    // Its attempt was dropped, so a next one starts from the store's journal.
    if (live.attempt === 0 && live.loaded === null && hasBegun(live.row.status)) {
      this.#journals.add(number);
    }
  }

  journal(number: number): void {
    const live = this.core.live.get(number);
    if (live === undefined) this.#numbers.add(number);
    else if (live.loaded === null) this.#journals.add(number);
  }

  key(service: string, key: string): void {
    if (this.core.findKey(service, key) !== undefined) return;
    this.#keys.set(`${service}\n${key}`, { service, key });
  }

  queueHead(service: string, key: string): void {
    const head = this.core.findKey(service, key)?.queue.peek();
    if (head !== undefined) this.invocation(head);
  }

  idempotency(address: IdempotencyAddress): void {
    const key = addressKey(address);
    const known = this.core.idempotency.get(key);
    if (known !== undefined) this.invocation(known.row.number);
    else this.#idempotency.set(key, address);
  }

  promise(number: number, name: string): void {
    const key = promiseKey(number, name);
    if (!this.core.promises.has(key)) this.#promises.set(key, { number, name });
  }

  relations(change: AuthzChange): void {
    const preparing = this.core.relations.prepare(change, this.core.now);
    if (preparing !== undefined) this.#preparing.push(preparing);
  }

  guard(command: StartCommand, handler: HandlerRuntime): void {
    const preparing = this.core.guard?.prepare(command, handler);
    if (preparing !== undefined) this.#preparing.push(preparing);
  }

  /** Memory is dropped, and with it all that somebody needed. */
  drop(): void {
    this.#drops++;
    this.#numbers.clear();
    this.#keys.clear();
    this.#idempotency.clear();
    this.#promises.clear();
    this.#journals.clear();
    // How it ends is nobody's concern, a failure neither.
    for (const preparing of this.#preparing) preparing.catch(() => {});
    this.#preparing = [];
  }

  /**
   * Loads what is needed, and puts it into memory. What was loaded may name more: an invocation its
   * key, a key its open invocations; so this repeats until nothing is missing.
   * @returns a promise only when the store answers with one.
   */
  load(store: Store): void | Promise<void> {
    const drops = this.#drops;
    while (!this.empty) {
      if (this.#preparing.length > 0) {
        const preparing = Promise.all(this.#preparing);
        this.#preparing = [];
        return preparing.then(() => {
          if (drops === this.#drops) return this.load(store);
        });
      }
      const numbers = [...this.#numbers];
      const journals = [...this.#journals];
      const keys = [...this.#keys.values()];
      const idempotency = [...this.#idempotency.values()];
      const promises = [...this.#promises.values()];
      this.#numbers.clear();
      this.#journals.clear();
      this.#keys.clear();
      this.#idempotency.clear();
      this.#promises.clear();
      const loaded = store.load({
        invocations: numbers,
        journals: [...numbers, ...journals],
        keys,
        idempotency,
        promises,
      });
      const asked = { numbers, journals, keys };
      if (loaded instanceof Promise) {
        return loaded.then((value) => {
          if (drops !== this.#drops) return;
          this.#admit(asked, value);
          return this.load(store);
        });
      }
      this.#admit(asked, loaded);
    }
  }

  #admit(asked: Asked, loaded: Loaded): void {
    const { core } = this;
    for (const [at, address] of asked.keys.entries()) {
      const row = loaded.keys[at];
      assert(row !== undefined, "the store answers every key it was asked for");
      if (core.findKey(address.service, address.key) === undefined) {
        core.admitKey(address.service, address.key, row);
      }
    }
    for (const [at, number] of asked.numbers.entries()) {
      const row = loaded.invocations[at];
      if (row === null || row === undefined || core.live.has(number)) continue;
      const live = core.admit(row, loaded.journals[at] ?? []);
      // Ended ones are looked at and forgotten again with the batch.
      live.idle = true;
      if (row.key !== null) this.key(row.service, row.key);
      core.visitors.push(number);
    }
    for (const [at, number] of asked.journals.entries()) {
      const live = core.live.get(number);
      const entries = loaded.journals[asked.numbers.length + at];
      if (live === undefined || entries === undefined) continue;
      live.loaded = [...entries, ...live.fresh];
    }
    for (const found of loaded.idempotency) {
      if (found === null || found.expiresAt <= core.now) continue;
      core.idempotency.set(addressKey(found), { row: found, batch: 0 });
      this.invocation(found.number);
    }
    for (const found of loaded.promises) {
      if (found === null) continue;
      core.promises.set(promiseKey(found.number, found.name), { row: found, batch: 0 });
    }
  }
}

interface Asked {
  readonly numbers: readonly number[];
  readonly journals: readonly number[];
  readonly keys: readonly KeyAddress[];
}

function hasBegun(status: Status): boolean {
  return status !== "scheduled" && status !== "queued" && !hasEnded(status);
}
