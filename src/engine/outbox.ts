import type { Host } from "../host/host.ts";
import type { OutboxMessage } from "../store/store.ts";
import type { Parcel, ReceiptCommand } from "./engine.ts";

/** How long a message may stay without a receipt before it is sent again. */
const resendMs = 1_000;

/**
 * Sends durable messages to other partitions until there is a receipt. The order and the dropping of
 * duplicates are the receiver's; here it is enough to repeat.
 */
export class Outbox {
  readonly #host: Host;
  readonly #forward: Forward;
  readonly #receipt: (command: ReceiptCommand) => void;
  readonly #unanswered = new Map<string, Unanswered>();
  #cancel: (() => void) | null = null;

  constructor(host: Host, forward: Forward, receipt: (command: ReceiptCommand) => void) {
    this.#host = host;
    this.#forward = forward;
    this.#receipt = receipt;
  }

  get size(): number {
    return this.#unanswered.size;
  }

  /** The message is durable with its cause, so it may leave. */
  send(message: OutboxMessage): void {
    const parcel: Parcel = JSON.parse(message.payload);
    this.#unanswered.set(keyOf(message), { message, parcel, at: this.#host.monotonic() });
    this.#transmit(message, parcel);
    this.#arm();
  }

  close(): void {
    this.#cancel?.();
    this.#unanswered.clear();
  }

  #transmit(message: OutboxMessage, parcel: Parcel): void {
    this.#forward(message, parcel, () => {
      if (!this.#unanswered.delete(keyOf(message))) return;
      const { partition, destination, sequence } = message;
      this.#receipt({ kind: "receipt", source: partition, destination, row: sequence });
    });
  }

  #arm(): void {
    if (this.#cancel !== null || this.#unanswered.size === 0) return;
    this.#cancel = this.#host.setTimer(resendMs, () => {
      this.#cancel = null;
      const now = this.#host.monotonic();
      for (const waiting of this.#unanswered.values()) {
        if (now - waiting.at < resendMs) continue;
        waiting.at = now;
        this.#transmit(waiting.message, waiting.parcel);
      }
      this.#arm();
    });
  }
}

/** Carries a message to the owner of its destination; `received` when its effect is durable there. */
export type Forward = (message: OutboxMessage, parcel: Parcel, received: () => void) => void;

interface Unanswered {
  readonly message: OutboxMessage;
  readonly parcel: Parcel;
  at: number;
}

function keyOf(message: OutboxMessage): string {
  return `${message.partition}.${message.sequence}`;
}
