import { HoldfastError } from "../../model/errors.ts";
import { actor } from "../../sdk/definition.ts";
import type { Env, Workload } from "../workload.ts";
import type { World } from "../world.ts";

function define() {
  return actor("tally", {
    state: { sum: 0 },
    retention: "2 days",
    handlers: {
      async add(ctx, by: number) {
        if (by % 4 === 0) await ctx.sleep(by % 9);
        return ctx.set("sum", ctx.get("sum") + by);
      },
    },
  });
}

/** Requests with idempotency keys, sent again and again by anybody: each counts once. */
export function makeRequests(world: World): Workload {
  return new Requests(world);
}

class Requests implements Workload {
  readonly name = "requests";
  readonly #world: World;
  readonly #tally: ReturnType<typeof define> = define();
  readonly #sums = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  definitions(_: Env): ReturnType<typeof define>[] {
    return [define()];
  }

  async drive(): Promise<void> {
    const { swarm, random } = this.#world;
    const keys = Array.from({ length: 1 + random.below(3) }, (_, at) => `t${at}`);
    const count = 3 + Math.floor(swarm.load * 15);
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        await this.#world.sleep(random.float() * swarm.spreadMs);
        await this.#add(this.#world.pick(keys), at + 1);
      }),
    );
  }

  async #add(key: string, by: number): Promise<void> {
    const world = this.#world;
    this.#sums.set(key, (this.#sums.get(key) ?? 0) + by);
    const partition = world.partitionOf("tally", key);
    const idempotencyKey = `add ${by}`;
    // Two who do not know of each other, and insist.
    const results = await Promise.all(
      [0, 1].map(async () => {
        await world.sleep(world.exponential(10));
        return await world.insist(partition, `add ${by} to ${key}`, (client) =>
          client.call(this.#tally, key, { idempotencyKey }).add(by),
        );
      }),
    );
    const [one, two] = results.map((answer) =>
      answer.kind === "ok" ? String(answer.value) : answer.error.message,
    );
    if (one !== two) world.violate(`adding ${by} to ${key} gave ${one}, and again ${two}`);
    const other = await world.ask(partition, `abuse of ${idempotencyKey}`, (client) =>
      client.call(this.#tally, key, { idempotencyKey }).add(by + 1),
    );
    if (other.kind === "refused" || other.kind === "unknown") return;
    const refused =
      other.kind === "failed" &&
      other.error instanceof HoldfastError &&
      other.error.code === "idempotency-conflict";
    if (!refused) world.violate(`another input was taken for ${idempotencyKey} of ${key}`);
  }

  check(): void {
    const world = this.#world;
    for (const [key, sum] of this.#sums) {
      const state = world.disk.visible.state.get(JSON.stringify(["tally", key]));
      const found = Number(state?.get("sum") ?? 0);
      if (found !== sum) world.violate(`tally ${key} is ${found}, not ${sum}`);
    }
  }
}
