import type { OutboxMessage, Store } from "../store/store.ts";
import type { Core } from "./core.ts";
import type { Command, Parcel } from "./engine.ts";

/** Invocations started anew at a time; the next ones follow when these are durable. */
const pageSize = 256;

/**
 * Brings back what ran when the node stopped, page by page, so that a hundred thousand of them delay
 * neither new work nor each other. What is suspended stays in the store until something wakes it.
 */
export class Recovery {
  readonly #core: Core;
  readonly #store: Store;
  readonly #push: (command: Command) => void;
  readonly #fault: (error: unknown) => void;
  readonly #ended: () => void;
  #partitions: number[] = [];
  #after = 0;
  #reading = false;
  #done = false;
  #closed = false;

  constructor(
    core: Core,
    store: Store,
    push: (command: Command) => void,
    fault: (error: unknown) => void,
    ended: () => void,
  ) {
    this.#core = core;
    this.#store = store;
    this.#push = push;
    this.#fault = fault;
    this.#ended = ended;
  }

  get done(): boolean {
    return this.#done || this.#closed;
  }

  /** What must be known before the first command: schedules, and where messages were. */
  async load(send: (message: OutboxMessage) => void): Promise<void> {
    const core = this.#core;
    core.schedules.clear();
    for (const schedule of await this.#store.loadSchedules()) {
      if (core.owns(core.partitionOf("schedule", schedule.name))) {
        core.schedules.set(schedule.name, schedule);
      }
    }
    for (const [partition, own] of core.owned) {
      own.received.clear();
      own.sent.clear();
      own.outboxRow = 1;
      for (const { source, sequence } of await this.#store.loadReceived(partition)) {
        own.received.set(source, sequence);
      }
      await this.#loadOutbox(partition, send);
    }
  }

  async #loadOutbox(partition: number, send: (message: OutboxMessage) => void): Promise<void> {
    const own = this.#core.owned.get(partition);
    if (own === undefined) return;
    let after = 0;
    for (;;) {
      const messages = await this.#store.scanOutbox(partition, after, pageSize);
      for (const message of messages) {
        const parcel: Parcel = JSON.parse(message.payload);
        after = message.sequence;
        own.outboxRow = message.sequence + 1;
        own.sent.set(message.destination, parcel.sequence);
        send(message);
      }
      if (messages.length < pageSize) return;
    }
  }

  start(): void {
    this.#partitions = [...this.#core.owned.keys()];
    this.#after = 0;
    this.#done = false;
    this.#next();
  }

  /** Nothing is to be brought back. */
  skip(): void {
    this.#done = true;
  }

  close(): void {
    this.#closed = true;
  }

  /** The loop has moved, so there may be room for the next page. */
  goOn(): void {
    if (!this.#done) this.#next();
  }

  #next(): void {
    if (this.#reading || this.#closed || this.#core.live.size > this.#core.limits.running) return;
    const partition = this.#partitions[0];
    if (partition === undefined) {
      this.#done = true;
      this.#ended();
      return;
    }
    this.#reading = true;
    this.#read(partition).then(
      (pushed) => {
        this.#reading = false;
        // What was pushed makes the loop move, and it calls again; so pages never pile up.
        if (!pushed) this.#next();
      },
      (error: unknown) => {
        this.#reading = false;
        if (!this.#closed) this.#fault(error);
      },
    );
  }

  async #read(partition: number): Promise<boolean> {
    const rows = await this.#store.scanActive(partition, this.#after, pageSize);
    let pushed = false;
    for (const row of rows) {
      this.#after = row.number;
      if (row.status !== "running") continue;
      this.#push({ kind: "recover", number: row.number });
      pushed = true;
    }
    if (rows.length < pageSize) {
      this.#partitions.shift();
      this.#after = 0;
    }
    return pushed;
  }
}
