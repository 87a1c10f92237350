/** The way to a server that dies and comes back under another address. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect, HoldfastError, type Port } from "holdfast/client";

/** Nothing was done: asking again asks for the first time. */
const refusals: readonly string[] = ["shutting-down", "not-ready", "overloaded"];
/** It may have been done. */
const doubts: readonly string[] = ["unreachable", "store-failed", "store-full"];

export class Link {
  #port: Port | null = null;
  #waiting: (() => void)[] = [];

  /** The server listens at this address from now on. */
  up(url: string): void {
    this.#port = connect({ url });
    for (const resume of this.#waiting.splice(0)) resume();
  }

  down(): void {
    this.#port = null;
  }

  /** Asks until there is an answer, so only for what may be asked twice. */
  async insist<T>(ask: (port: Port) => Promise<T>): Promise<T> {
    for (;;) {
      const asked = await this.try(ask);
      if (asked.answered) return asked.value;
    }
  }

  /** Asks once. Without an answer, nobody knows what became of it. */
  async try<T>(
    ask: (port: Port) => Promise<T>,
  ): Promise<{ answered: true; value: T } | { answered: false }> {
    for (;;) {
      const port = await this.#open();
      try {
        return { answered: true, value: await ask(port) };
      } catch (error) {
        const code = error instanceof HoldfastError ? error.code : "";
        if (!refusals.includes(code) && !doubts.includes(code)) throw error;
        // A server that is dying is not asked in a tight loop.
        await sleep(5);
        if (doubts.includes(code)) return { answered: false };
      }
    }
  }

  async #open(): Promise<Port> {
    for (;;) {
      if (this.#port !== null) return this.#port;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}
