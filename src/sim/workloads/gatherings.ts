import { CancelledError } from "../../model/codec.ts";
import type { Context, DurableFuture, StepInfo } from "../../sdk/context.ts";
import { handler, workflow } from "../../sdk/definition.ts";
import { Env, failure, type Workload } from "../workload.ts";
import type { World } from "../world.ts";
import { keepTrying } from "./lifecycle.ts";
import { type Told, tellOnce } from "./waits.ts";

/** What a step does, and what it does when it is told to stop. */
const characters = ["quick", "obeys", "finishes", "deaf", "pauses"] as const;
type Character = (typeof characters)[number];

type Members = readonly DurableFuture<string>[];

/** One of these interrupts every step that is open, however it is awaited. */
const ways: readonly ((ctx: Context, members: Members) => PromiseLike<unknown>)[] = [
  (ctx, members) => ctx.all(members),
  (ctx, members) => ctx.race(members),
  (ctx, members) => ctx.allSettled(members),
  (ctx, members) => ctx.any([ctx.race(members), ctx.promise("never")]),
  (ctx, members) => ctx.all(members).orTimeout("1 hour"),
  (ctx, members) => ctx.select(Object.fromEntries(members.entries())),
  (ctx) => ctx.race([ctx.promise("never"), ctx.sleep("1 hour")]),
  (_, members) => Promise.all(members),
  (_, members) => Promise.race(members.slice(0, 1)),
];

function define(env: Env, told: Told) {
  const effects: Record<Character, (step: StepInfo) => Promise<string>> = {
    quick: ({ idempotencyKey }) => env.effect(idempotencyKey, () => "quick"),
    async obeys({ idempotencyKey, signal }) {
      await env.effect(idempotencyKey, () => undefined);
      await stopped(signal);
      throw signal.reason;
    },
    async finishes({ idempotencyKey, signal }) {
      await env.effect(idempotencyKey, () => undefined);
      await stopped(signal);
      return "finishes";
    },
    deaf: ({ idempotencyKey }) =>
      env.effect(idempotencyKey, () => undefined).then(() => new Promise(() => undefined)),
    async pauses({ idempotencyKey }) {
      await env.effect(idempotencyKey, () => undefined);
      throw failure("for a while");
    },
  };
  const run = async (ctx: Context, tells: boolean): Promise<string[]> => {
    const pick = <T>(values: readonly T[]): T =>
      values[Math.floor(ctx.random() * values.length)] as T;
    const ends = [await endOf(ctx.sleep(ctx.random() * 30).then(() => "slept"))];
    if (ends[0] === "cancelled") return ends;
    const chosen: Character[] = ["obeys"];
    for (let more = ctx.random() * 4; more > 1; more--) chosen.push(pick(characters));
    const members = chosen.map((character, at) =>
      ctx.run(`${at} ${character}`, effects[character], {
        retry: { attempts: 1_000, initial: character === "pauses" ? "2m" : 5, max: "2m" },
      }),
    );
    ends.push(await endOf(Promise.resolve(pick(ways)(ctx, members)).then(() => "came")));
    for (const member of members) ends.push(await endOf(member));
    if (tells)
      await keepTrying(() => ctx.run("tell", () => tellOnce(env, told, ctx.id, ends.join())));
    return ends;
  };
  const gatherer = workflow("gatherer", { retention: "1h", run: (ctx) => run(ctx, true) });
  const hasty = workflow("hasty gatherer", {
    // Its steps run ahead of the store, so what they tell may be taken back.
    run: handler({ durability: "pipelined", retention: "1h" }, (ctx) => run(ctx, false)),
  });
  return { gatherer, hasty };
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}

/** How it ends, in a word. */
async function endOf(future: PromiseLike<string>): Promise<string> {
  try {
    return await future;
  } catch (error) {
    if (error instanceof CancelledError) return "cancelled";
    throw error;
  }
}

/**
 * Combinations of steps that only a cancellation ends. The handler catches it and then asks each of
 * the steps, so it ends if, and only if, all of them have been told.
 */
export function makeGatherings(world: World): Workload {
  return new Gatherings(world);
}

class Gatherings implements Workload {
  readonly name = "gatherings";
  readonly #world: World;
  readonly #told: Told = new Map();
  readonly #client: ReturnType<typeof define>;

  constructor(world: World) {
    this.#world = world;
    this.#client = define(new Env(world, null), this.#told);
  }

  definitions(env: Env): ReturnType<typeof define>[keyof ReturnType<typeof define>][] {
    return Object.values(define(env, this.#told));
  }

  async drive(): Promise<void> {
    const { swarm, random } = this.#world;
    const count = 1 + Math.floor(swarm.load * 6);
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        await this.#world.sleep(random.float() * swarm.spreadMs);
        await this.#one(`g${at}`);
      }),
    );
  }

  /** One acknowledged cancellation is enough; there may be more. */
  async #one(key: string): Promise<void> {
    const world = this.#world;
    const { gatherer, hasty } = this.#client;
    const kind = world.random.below(4) === 0 ? hasty : gatherer;
    const partition = world.partitionOf(kind.name, key);
    await world.insist(partition, `start ${kind.name} ${key}`, (client) =>
      client.send(kind, key).run(),
    );
    // It may have begun by a request whose answer was lost.
    const found = await world.insist(partition, `find ${kind.name} ${key}`, async (client) => {
      return (await client.get(kind, key).describe()).id;
    });
    if (found.kind === "failed") {
      world.violate(`${kind.name} ${key} was started, and not found: ${found.error.message}`);
      return;
    }
    const id = found.value;
    world.offers.push({ id, ways: ["pause", "resume"] });
    for (let times = 1 + world.random.below(2); times > 0; times--) {
      await world.sleep(world.exponential(60));
      await world.insist(partition, `cancel ${id}`, (client) => client.get(id).cancel());
    }
    const ended = await world.insist(partition, `${kind.name} ${key}`, (client) =>
      client.get<string[]>(id).result(),
    );
    if (ended.kind === "failed") {
      world.violate(`${kind.name} ${id} failed: ${ended.error.message}`);
      return;
    }
    this.#judge(id, ended.value);
  }

  #judge(id: string, ends: readonly string[]): void {
    const odd = ends.filter(
      (end) => !["slept", "came", "cancelled", "quick", "finishes"].includes(end),
    );
    if (odd.length > 0 || !ends.includes("cancelled")) {
      this.#world.violate(`${id} saw its steps end as ${ends.join()}`);
    }
  }

  check(): void {
    // Who was not told never ends, which the world notices by itself.
  }
}
