import type { Host } from "../../host/host.ts";
import { encodeBase32 } from "../../std/base32.ts";
import type { StoreInfo } from "../store.ts";
import { Tables } from "./tables.ts";

/** A write, as what it does to tables. */
export type Write = (tables: Tables) => void;

/**
 * The disk under memory stores. What stores see is changed at once; what would survive a crash is
 * changed in the order of writing, when the sync that follows a write has ended.
 */
export class MemoryDisk {
  readonly info: StoreInfo;
  #durable = new Tables();
  #visible = new Tables();
  /** Written and visible, but not durable. */
  #unsynced: Write[] = [];
  /** How many writes there ever were. */
  #written = 0;
  #crashes = 0;

  constructor(host: Pick<Host, "random">, partitions = 16) {
    this.info = { tag: encodeBase32(host.random() % 32 ** 4, 4), partitions };
  }

  /** What all stores on this disk see. */
  get visible(): Tables {
    return this.#visible;
  }

  /** Stores opened before the last crash are gone with their process. */
  get crashes(): number {
    return this.#crashes;
  }

  /** How many writes a crash could undo. */
  get unsynced(): number {
    return this.#unsynced.length;
  }

  /** @returns the position up to which a sync started now makes things durable. */
  write(write: Write): number {
    write(this.#visible);
    this.#unsynced.push(write);
    this.#written++;
    return this.#written;
  }

  /** A sync has ended: everything written up to that position is durable. */
  settle(position: number): void {
    const settled = this.#written - this.#unsynced.length;
    for (const write of this.#unsynced.splice(0, Math.max(0, position - settled))) {
      write(this.#durable);
    }
  }

  /**
   * The power fails: of the writes not yet durable the first `keep` survive, the others are gone.
   * Stores that were open never answer again; open new ones.
   */
  crash(keep: number): void {
    for (const write of this.#unsynced.slice(0, keep)) write(this.#durable);
    this.#unsynced = [];
    this.#visible = this.#durable.copy();
    this.#crashes++;
  }
}
