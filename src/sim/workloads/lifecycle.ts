import { CancelledError, TerminalError } from "../../model/codec.ts";
import { hasEnded } from "../../model/invocation.ts";
import { actor, service, workflow } from "../../sdk/definition.ts";
import { Env, type Workload } from "../workload.ts";
import type { World } from "../world.ts";

/** How often each workflow was told to stop, as far as it survived. */
export type Cleaned = Map<string, number>;

function define(env: Env, cleaned: Cleaned) {
  const worker = actor("worker", {
    state: { worked: 0 },
    retention: "1h",
    handlers: {
      async work(ctx, ms: number) {
        await ctx.sleep(ms);
        await ctx.run("work", ({ idempotencyKey }) => env.effect(idempotencyKey, () => ms));
        ctx.set("worked", ctx.get("worked") + 1);
        return ms;
      },
    },
  });
  const helper = service("helper", {
    retention: "1h",
    handlers: {
      async help(ctx, depth: number): Promise<number> {
        await ctx.sleep(ctx.random() * 10);
        if (depth > 0) return 1 + (await ctx.call(helper).help(depth - 1));
        if (ctx.random() < 0.2) throw new TerminalError("no help", { code: "no-help" });
        return 0;
      },
    },
  });
  const patient = workflow("patient", {
    retention: "1h",
    async run(ctx, rounds: number) {
      let cancelled = 0;
      for (let round = 0; round < rounds; round++) {
        try {
          await ctx.sleep(20 + ctx.random() * 50);
          if (round % 2 === 0)
            await ctx.call(worker, `w${round % 3}`).work(Math.floor(ctx.random() * 9));
          else await ctx.call(helper).help(3);
        } catch (error) {
          if (error instanceof TerminalError && error.code === "no-help") continue;
          if (!(error instanceof CancelledError)) throw error;
          cancelled++;
          await keepTrying(() =>
            ctx.run("clean up", ({ idempotencyKey }) =>
              env.effect(idempotencyKey, () => {
                cleaned.set(ctx.id, Math.max(cleaned.get(ctx.id) ?? 0, cancelled));
              }),
            ),
          );
        }
      }
      return cancelled;
    },
  });
  return { worker, helper, patient };
}

/** A second cancellation may meet the clean-up of the first, which is done all the same. */
export async function keepTrying(work: () => PromiseLike<unknown>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
  }
}

/** Cancel, kill, pause, resume and restart of whole trees of calls. */
export function makeLifecycle(world: World): Workload {
  return new Lifecycle(world);
}

class Lifecycle implements Workload {
  readonly name = "lifecycle";
  readonly #world: World;
  readonly #cleaned: Cleaned = new Map();
  readonly #client: ReturnType<typeof define>;
  /** Cancellations asked for: surely, and perhaps. */
  readonly #asked = new Map<string, { certain: number; perhaps: number }>();

  constructor(world: World) {
    this.#world = world;
    this.#client = define(new Env(world, null), this.#cleaned);
  }

  definitions(env: Env): ReturnType<typeof define>[keyof ReturnType<typeof define>][] {
    return Object.values(define(env, this.#cleaned));
  }

  async drive(): Promise<void> {
    const count = 1 + Math.floor(this.#world.swarm.load * 5);
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        await this.#world.sleep(this.#world.random.float() * this.#world.swarm.spreadMs);
        await (at % 2 === 0 ? this.#cancelled(`c${at}`) : this.#meddled(`m${at}`));
      }),
    );
  }

  async #start(key: string): Promise<string | null> {
    const world = this.#world;
    const partition = world.partitionOf("patient", key);
    const started = await world.insist(partition, `start patient ${key}`, async (client) => {
      const { id } = await client.send(this.#client.patient, key).run(1 + world.random.below(6));
      return id;
    });
    return started.kind === "ok" ? started.value : null;
  }

  /** One that only its own client cancels, and counts how often. */
  async #cancelled(key: string): Promise<void> {
    const world = this.#world;
    const id = await this.#start(key);
    if (id === null) return;
    const partition = world.partitionOfId(id);
    const asked = { certain: 0, perhaps: 0 };
    this.#asked.set(id, asked);
    for (let times = world.random.below(4); times > 0; times--) {
      await world.sleep(world.exponential(80));
      const answer = await world.ask(partition, `cancel ${id}`, (client) =>
        client.get(id).cancel(),
      );
      if (answer.kind === "ok") asked.certain++;
      if (answer.kind === "unknown") asked.perhaps++;
    }
    const ended = await world.insist(partition, `patient ${key}`, (client) =>
      client.get<number>(id).result(),
    );
    if (ended.kind === "failed") {
      const gone = ended.error instanceof CancelledError && asked.certain + asked.perhaps > 0;
      if (!gone) world.violate(`patient ${id} failed: ${ended.error.message}`);
      return;
    }
    const most = asked.certain + asked.perhaps;
    const cleaned = this.#cleaned.get(id) ?? 0;
    if (ended.value > most) {
      world.violate(`${id} was told to stop ${ended.value} times, and asked ${most} times`);
    }
    if (cleaned > ended.value) {
      world.violate(`${id} cleaned up ${cleaned} times, and was stopped ${ended.value} times`);
    }
    if (ended.value > 0 && cleaned < ended.value) {
      world.violate(`${id} was stopped ${ended.value} times, and cleaned up ${cleaned} times`);
    }
  }

  /** One that anybody does anything to. */
  async #meddled(key: string): Promise<void> {
    const world = this.#world;
    const id = await this.#start(key);
    if (id === null) return;
    const ways = world.pick([
      ["kill"],
      ["pause", "resume", "cancel"],
      ["pause", "restart"],
      ["kill", "cancel", "restart"],
    ] as const);
    world.offers.push({ id, ways });
    const partition = world.partitionOfId(id);
    await world.insist(partition, `patient ${key}`, (client) => client.get(id).result());
  }

  check(): void {
    const world = this.#world;
    for (const { number, status, service: name } of world.disk.visible.invocations.values()) {
      if (!hasEnded(status)) world.violate(`${name} ${number} is ${status} after everything ended`);
    }
  }
}
