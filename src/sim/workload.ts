import type { Definition } from "../sdk/handler.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

/** Work that is done in the world, with the properties that it shows to hold. */
export interface Workload {
  readonly name: string;
  /** What runs on a node, in one version of the application. */
  readonly definitions: (env: Env, version: string) => readonly Definition[];
  /** Its clients; resolves when they have done what they wanted. */
  readonly drive: () => Promise<void>;
  /** When everything has come to rest. */
  readonly check: () => void;
}

/** The outside world as handlers on one node meet it. It is gone for them when the node dies. */
export class Env {
  readonly world: World;
  readonly node: SimNode | null;

  constructor(world: World, node: SimNode | null) {
    this.world = world;
    this.node = node;
  }

  get alive(): boolean {
    return this.node?.alive === true;
  }

  /**
   * A handler saw something that must not be. Where a commit cannot succeed, nothing has been seen.
   */
  violate(what: string): void {
    if (this.alive && this.node?.fenced === false) this.world.violate(what);
  }

  /** Takes a while; never ends for a process that has died. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.node?.host.setTimer(ms, resolve));
  }

  /**
   * The outside of a step: takes a while, may fail, and is seen. `effect` happens when it is
   * called, so a crash may come after the effect and before anybody knows. With a signal it stops
   * in time when it is told to.
   */
  async effect<T>(key: string, effect: () => T, signal?: AbortSignal): Promise<T> {
    const { world } = this;
    if (!this.alive) return new Promise(() => undefined);
    world.stepBegins(this.node, key);
    if (world.happens("stepFailures")) throw failure("before the effect");
    if (world.random.below(4) > 0) await this.wait(world.exponential(3));
    if (!this.alive || signal?.aborted === true) return new Promise(() => undefined);
    const value = effect();
    if (world.random.below(2) > 0) await this.wait(world.exponential(3));
    if (world.happens("stepFailures")) throw failure("after the effect");
    return value;
  }
}

export function failure(when: string): Error {
  return new Error(`the outside world failed ${when}`);
}
