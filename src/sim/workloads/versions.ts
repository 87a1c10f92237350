import { workflow } from "../../sdk/definition.ts";
import type { Definition } from "../../sdk/handler.ts";
import { Env, type Workload } from "../workload.ts";
import type { World } from "../world.ts";

/**
 * `v1` walks; `v2` looks around first, which `ctx.patched` guards, and so do what `v1` started and
 * is resumed on it. `twisted` is another workflow whose code differs between versions without a
 * guard.
 */
function define(env: Env, version: string) {
  const walker = workflow("walker", {
    retention: "1h",
    async run(ctx, steps: number) {
      const seen: string[] = [];
      for (let at = 0; at < steps; at++) {
        if (version === "v2" && ctx.patched("look")) {
          seen.push(
            await ctx.run("look", ({ idempotencyKey }) => env.effect(idempotencyKey, () => "l")),
          );
        }
        seen.push(
          await ctx.run("walk", ({ idempotencyKey }) => env.effect(idempotencyKey, () => "w")),
        );
        await ctx.sleep(ctx.random() * 60);
      }
      return seen.join("");
    },
  });
  const twisted = workflow("twisted", {
    retention: "1h",
    async run(ctx, steps: number) {
      for (let at = 0; at < steps; at++) {
        const name = `${version} ${at}`;
        await ctx.run(name, ({ idempotencyKey }) => env.effect(idempotencyKey, () => at));
        await ctx.sleep(ctx.random() * 60);
      }
      return version;
    },
  });
  return { walker, twisted };
}

/** Deployments come and go, while what they have started goes on. */
export function makeVersions(world: World): Workload {
  return new Versions(world);
}

class Versions implements Workload {
  readonly name = "versions";
  readonly #world: World;
  readonly #client: ReturnType<typeof define>;
  readonly #started: string[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#client = define(new Env(world, null), "v1");
  }

  definitions(env: Env, version: string): Definition[] {
    return Object.values(define(env, version));
  }

  async drive(): Promise<void> {
    const count = 1 + Math.floor(this.#world.swarm.load * 4);
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        await this.#world.sleep(this.#world.random.float() * this.#world.swarm.spreadMs);
        if (at % 2 === 0) await this.#walk(`v${at}`);
        else await this.#twist(`x${at}`);
      }),
    );
  }

  async #walk(key: string): Promise<void> {
    const world = this.#world;
    const { walker } = this.#client;
    const partition = world.partitionOf("walker", key);
    const steps = 1 + world.random.below(6);
    await world.insist(partition, `start walker ${key}`, async (client) => {
      const { id } = await client.send(walker, key).run(steps);
      world.offers.push({ id, ways: ["pause", "resume"] });
      this.#started.push(id);
      return id;
    });
    const ended = await world.insist(partition, `walker ${key}`, (client) =>
      client.get(walker, key).result(),
    );
    const expected = [`${"w".repeat(steps)}`, `${"lw".repeat(steps)}`];
    if (ended.kind === "failed") world.violate(`walker ${key} failed: ${ended.error.message}`);
    else if (!expected.includes(String(ended.value))) {
      world.violate(`walker ${key} of ${steps} steps went ${String(ended.value)}`);
    }
  }

  /** Unguarded code: it stays with its version, or, moved to another, goes no further. */
  async #twist(key: string): Promise<void> {
    const world = this.#world;
    const { twisted } = this.#client;
    const partition = world.partitionOf("twisted", key);
    const started = await world.insist(partition, `start twisted ${key}`, async (client) => {
      const { id } = await client.send(twisted, key).run(1 + world.random.below(6));
      this.#started.push(id);
      return id;
    });
    if (started.kind === "ok" && world.random.below(2) === 0) {
      await this.#move(started.value, partition);
    }
    await world.insist(partition, `twisted ${key}`, (client) => client.get(twisted, key).result());
  }

  /** Resumes it on whatever is current. If that is other code, it must pause; it is killed then. */
  async #move(id: string, partition: number): Promise<void> {
    const world = this.#world;
    world.divergent.add(id);
    await world.sleep(world.exponential(50));
    const paused = await world.ask(partition, `pause ${id}`, (client) => client.get(id).pause());
    if (paused.kind !== "ok") return;
    await world.insist(partition, `move ${id}`, (client) =>
      client.get(id).resume({ deployment: "current" }),
    );
    await world.sleep(500);
    await world.insist(partition, `kill ${id}`, (client) => client.get(id).kill());
  }

  /** Code that differs appends nothing: no journal has steps of two versions. */
  check(): void {
    const world = this.#world;
    for (const id of this.#started) {
      const journal = world.disk.visible.journals.get(world.numberOf(id)) ?? [];
      const steps = journal.filter(({ kind, name }) => kind === "run" && /^v\d /.test(name));
      const versions = new Set(steps.map(({ name }) => name.slice(0, 2)));
      if (versions.size < 2) continue;
      const names = steps.map(({ name }) => name).join();
      world.violate(`${id} has steps of ${[...versions].join(" and ")}: ${names}`);
    }
  }
}
