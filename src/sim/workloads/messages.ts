import { actor, workflow } from "../../sdk/definition.ts";
import { Env, type Workload } from "../workload.ts";
import type { World } from "../world.ts";

interface Letter {
  readonly sender: string;
  readonly number: number;
}

/** Senders write numbered letters to inboxes, which see each exactly once, in order. */
function define(env: Env) {
  const inbox = actor("inbox", {
    state: { last: {} as Record<string, number>, total: 0 },
    retention: "1h",
    handlers: {
      async take(ctx, { sender, number }: Letter) {
        const last = ctx.get("last");
        const expected = (last[sender] ?? 0) + 1;
        if (number !== expected) {
          env.violate(
            `inbox ${ctx.key} got letter ${number} of ${sender}, and expected ${expected}`,
          );
        }
        ctx.set("last", { ...last, [sender]: number });
        if (number % 5 === 0) await ctx.sleep(number % 11);
        ctx.set("total", ctx.get("total") + 1);
      },
    },
  });
  const sender = workflow("sender", {
    retention: "1h",
    async run(ctx, { inboxes, letters }: { inboxes: number; letters: number }) {
      for (let number = 1; number <= letters; number++) {
        for (let at = 0; at < inboxes; at++) {
          ctx.send(inbox, `i${at}`).take({ sender: ctx.key, number });
        }
        const pause = Math.floor(ctx.random() * 5);
        if (pause === 0) await ctx.sleep(ctx.random() * 40);
        if (pause === 1) {
          await ctx.run("look", ({ idempotencyKey }) => env.effect(idempotencyKey, () => number));
        }
      }
      return letters;
    },
  });
  return { inbox, sender };
}

/** Messages between keys, across partitions and nodes. */
export function makeMessages(world: World): Workload {
  return new Messages(world);
}

class Messages implements Workload {
  readonly name = "messages";
  readonly #world: World;
  readonly #client: ReturnType<typeof define>;
  readonly #inboxes: number;
  readonly #letters = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    this.#client = define(new Env(world, null));
    this.#inboxes = 1 + world.random.below(3);
  }

  definitions(env: Env): ReturnType<typeof define>[keyof ReturnType<typeof define>][] {
    return Object.values(define(env));
  }

  async drive(): Promise<void> {
    const { swarm, random } = this.#world;
    const senders = 1 + random.below(4);
    await Promise.all(
      Array.from({ length: senders }, async (_, at) => {
        await this.#world.sleep(random.float() * swarm.spreadMs);
        await this.#send(`s${at}`, 2 + Math.floor(swarm.load * random.below(16)));
      }),
    );
  }

  async #send(key: string, letters: number): Promise<void> {
    const world = this.#world;
    this.#letters.set(key, letters);
    const { sender } = this.#client;
    const partition = world.partitionOf("sender", key);
    await world.insist(partition, `start sender ${key}`, async (client) => {
      const input = { inboxes: this.#inboxes, letters };
      const { id } = await client.send(sender, key).run(input);
      world.offers.push({ id, ways: ["pause", "resume"] });
      return id;
    });
    const ended = await world.insist(partition, `sender ${key}`, (client) =>
      client.get(sender, key).result(),
    );
    if (ended.kind === "failed") world.violate(`sender ${key} failed: ${ended.error.message}`);
  }

  check(): void {
    const world = this.#world;
    let all = 0;
    for (const letters of this.#letters.values()) all += letters;
    for (let at = 0; at < this.#inboxes; at++) {
      const state = world.disk.visible.state.get(JSON.stringify(["inbox", `i${at}`]));
      const last: Record<string, number> = JSON.parse(state?.get("last") ?? "{}");
      for (const [sender, letters] of this.#letters) {
        if (last[sender] === letters) continue;
        world.violate(`inbox i${at} has ${last[sender]} of ${letters} letters of ${sender}`);
      }
      const total = Number(state?.get("total") ?? 0);
      if (total !== all) world.violate(`inbox i${at} counted ${total} letters of ${all}`);
    }
  }
}
