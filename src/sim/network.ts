import type { Parcel } from "../engine/engine.ts";
import type { Forward } from "../engine/outbox.ts";
import type { OutboxMessage } from "../store/store.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

/** Carries messages between nodes: late, in any order, twice, or not at all. */
export class Network {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  forwardFrom(from: SimNode): Forward {
    return (message, parcel, received) => {
      if (!from.alive) return;
      this.#carry(() => this.#arrive(from, message, parcel, received));
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
      this.#carry(() => {
        if (from.alive) received();
      });
    });
    if (world.sabotage === "forwards-twice" && world.random.below(10) === 0) {
      to.engine.submit(copy.command);
    }
  }

  #carry(deliver: () => void): void {
    const world = this.#world;
    if (world.happens("drop")) return;
    const copies = world.happens("duplicate") ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      world.scheduler.after(world.exponential(world.swarm.latencyMs), deliver);
    }
  }
}
