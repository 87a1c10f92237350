import type { Entry } from "../model/entry.ts";
import { hasEnded, type Invocation } from "../model/invocation.ts";
import type { Tables } from "../store/memory/tables.ts";
import type { Batch } from "../store/store.ts";

/** What the audit needs of the world. */
export interface AuditHost {
  violate(what: string): void;
  /** The latest time that any wall clock has shown. */
  readonly wallMax: number;
  /** Whether wall clocks are left alone in this world. */
  readonly steady: boolean;
}

/**
 * Keeps a copy of everything that was ever acknowledged by the store, and checks that it stays
 * true: journals only grow, nothing in them changes, what has ended has ended, no timer is early.
 */
export class Audit {
  readonly #host: AuditHost;
  readonly #journals = new Map<number, Entry[]>();
  readonly #ended = new Map<number, string>();
  /** Due times of timers that were armed, by `number/command`. */
  readonly #due = new Map<string, number>();
  /** Steps whose result is durable, by `number/command`. */
  readonly #steps = new Set<string>();
  /** Written, in this order, and not yet acknowledged. */
  #written: Batch[] = [];
  /** Batches acknowledged. */
  batches = 0;

  constructor(host: AuditHost) {
    this.#host = host;
  }

  /** Whether the result of a step is acknowledged. */
  hasStep(number: number, command: number): boolean {
    return this.#steps.has(`${number}/${command}`);
  }

  /** A frozen batch is on its way to the disk. */
  written(batch: Batch): void {
    this.#written.push(batch);
  }

  /** The power has failed: what was on its way may be lost. */
  crashed(): void {
    this.#written = [];
  }

  /** The store has said that this batch is durable, and so is all that was written before it. */
  acknowledged(batch: Batch): void {
    const last = this.#written.indexOf(batch);
    for (const durable of this.#written.splice(0, last + 1)) this.#take(durable);
  }

  #take(batch: Batch): void {
    this.batches++;
    for (const { number, from } of batch.truncateJournals) this.#journals.get(number)?.splice(from);
    for (const { number, entry } of batch.appendEntries) this.#append(number, entry);
    for (const row of [...batch.insertInvocations, ...batch.updateInvocations]) this.#row(row);
    for (const number of batch.deleteInvocations) {
      this.#journals.delete(number);
      this.#ended.delete(number);
    }
  }

  #append(number: number, entry: Entry): void {
    let journal = this.#journals.get(number);
    if (journal === undefined) {
      journal = [];
      this.#journals.set(number, journal);
    }
    const before = journal[entry.index];
    if (before !== undefined) {
      this.#host.violate(
        `entry ${entry.index} of invocation ${number} was committed twice: ` +
          `${JSON.stringify(before)}, then ${JSON.stringify(entry)}`,
      );
    }
    journal[entry.index] = entry;
    const at = `${number}/${entry.command}`;
    if (entry.kind === "sleep") this.#due.set(at, Number(entry.payload));
    if (entry.kind === "run") this.#steps.add(at);
    if (entry.kind === "done") this.#checkTimer(at, entry);
  }

  #checkTimer(at: string, entry: Entry): void {
    const due = this.#due.get(at);
    if (due === undefined || entry.failed) return;
    const early = this.#host.steady ? entry.at < due : this.#host.wallMax < due;
    if (early) {
      this.#host.violate(
        `timer ${at}, due at ${due}, fired at ${entry.at}, when the latest clock said ` +
          `${this.#host.wallMax}`,
      );
    }
  }

  #row(row: Invocation): void {
    const outcome = `${row.status} ${row.output}`;
    const before = this.#ended.get(row.number);
    if (before !== undefined && before !== outcome) {
      this.#host.violate(`invocation ${row.number} had ended as ${before}, and became ${outcome}`);
    }
    if (hasEnded(row.status)) this.#ended.set(row.number, outcome);
  }

  /** Compares all that was acknowledged with what is there now. */
  compare(tables: Tables): void {
    for (const [number, journal] of this.#journals) {
      const found = tables.journals.get(number) ?? [];
      for (const entry of journal) {
        if (entry === undefined) continue; // a batch not acknowledged before it was lost or kept
        const now = found[entry.index];
        if (now === undefined || JSON.stringify(now) !== JSON.stringify(entry)) {
          this.#host.violate(
            `entry ${entry.index} of invocation ${number} was acknowledged as ` +
              `${JSON.stringify(entry)} and is now ${JSON.stringify(now)}`,
          );
          return;
        }
      }
    }
    for (const [number, outcome] of this.#ended) {
      const row = tables.invocations.get(number);
      if (row !== undefined && `${row.status} ${row.output}` === outcome) continue;
      const now = row === undefined ? "gone" : `${row.status} ${row.output}`;
      this.#host.violate(`invocation ${number} was acknowledged as ${outcome} and is now ${now}`);
      return;
    }
  }
}
