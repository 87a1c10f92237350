import type { Parcel } from "../engine/engine.ts";
import type { Forward } from "../engine/outbox.ts";
import type { OutboxMessage } from "../store/store.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

/** Carries messages between nodes: late, in any order, twice, or not at all. */
export class Network {
  readonly #world: World;
  /** When the last message that keeps its place arrives, by line. */
  readonly #last = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  forwardFrom(from: SimNode): Forward {
    return (message, parcel, received) => {
      if (!from.alive) return;
      const line = `${from.name} ${message.destination}`;
      this.#carry(line, () => this.#arrive(from, message, parcel, received));
    };
  }

  #arrive(from: SimNode, message: OutboxMessage, parcel: Parcel, received: () => void): void {
    const world = this.#world;
    const to = world.ownerOf(message.destination);
    if (to?.ready !== true) return;
    // As text, since nothing is shared across a network.
    const copy: Parcel = JSON.parse(JSON.stringify(parcel));
    to.engine.receive(message, copy, () => {
      if (!to.alive) return;
      this.#carry(`${to.name} ${from.name}`, () => {
        if (from.alive) received();
      });
    });
    if (world.sabotage === "forwards-twice" && world.random.below(10) === 0) {
      to.engine.submit(copy.command);
    }
  }

  #carry(line: string, deliver: () => void): void {
    const world = this.#world;
    if (world.happens("drop")) return;
    const copies = world.happens("duplicate") ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const { now } = world.scheduler;
      let at = now + world.exponential(world.swarm.latencyMs);
      if (!world.swarm.reorder || !world.faulty) {
        at = Math.max(at, (this.#last.get(line) ?? 0) + 0.001);
        this.#last.set(line, at);
      }
      world.scheduler.after(at - now, deliver);
    }
  }
}
