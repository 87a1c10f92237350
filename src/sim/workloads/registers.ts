import { actor, shared } from "../../sdk/definition.ts";
import { isLinearizable, type Operation } from "../checkers/linearizability.ts";
import { type RegisterInput, type RegisterOutput, registerModel } from "../checkers/register.ts";
import { Env, type Workload } from "../workload.ts";
import type { Answer, World } from "../world.ts";

/** The most operations of unknown outcome in one history, but for those under way at the time. */
const unknownMax = 6;

/** Exclusive handlers, some of which take their time, and shared ones that read. */
function define(env: Env) {
  return actor("register", {
    state: { value: null as number | null },
    retention: "1h",
    handlers: {
      write(ctx, value: number) {
        ctx.set("value", value);
        return true;
      },
      async cas(ctx, { from, to }: { from: number; to: number }) {
        if (ctx.get("value") !== from) return false;
        if (to % 3 === 0) await ctx.sleep(to % 7);
        if (to % 5 === 0)
          await ctx.run("look", ({ idempotencyKey }) => env.effect(idempotencyKey, () => to));
        ctx.set("value", to);
        return true;
      },
      read: shared((ctx) => ctx.get("value")),
      async slowRead(ctx) {
        const before = ctx.get("value");
        await ctx.sleep(3);
        if (ctx.get("value") !== before) env.violate("a register changed under its holder");
        return before;
      },
    },
  });
}

/** Registers under concurrent clients: every history must be linearizable. */
export function makeRegisters(world: World): Workload {
  return new Registers(world);
}

class Registers implements Workload {
  readonly name = "registers";
  readonly #world: World;
  readonly #client: ReturnType<typeof define>;
  readonly #histories = new Map<string, Operation<RegisterInput, RegisterOutput>[]>();
  /** How many operations of a register nobody knows the outcome of. */
  readonly #unknown = new Map<string, number>();
  #time = 0;
  #value = 0;

  constructor(world: World) {
    this.#world = world;
    this.#client = define(new Env(world, null));
  }

  definitions(env: Env): ReturnType<typeof define>[] {
    return [define(env)];
  }

  async drive(): Promise<void> {
    const { swarm, random } = this.#world;
    const clients = 2 + random.below(4);
    const operations = 3 + Math.floor(swarm.load * 12);
    const keys = Array.from({ length: 1 + random.below(3) }, (_, at) => `r${at}`);
    await Promise.all(
      Array.from({ length: clients }, async () => {
        for (let count = 0; count < operations; count++) {
          await this.#operate(this.#world.pick(keys));
          const pause = swarm.spreadMs / operations;
          if (random.below(3) === 0) await this.#world.sleep(this.#world.exponential(pause));
        }
      }),
    );
  }

  /** Histories with many unknown outcomes explain anything; another register takes over then. */
  #register(name: string): string {
    for (let turn = 0; ; turn++) {
      const key = `${name}.${turn}`;
      if ((this.#unknown.get(key) ?? 0) < unknownMax) return key;
    }
  }

  async #operate(name: string): Promise<void> {
    const key = this.#register(name);
    const input = this.#draw();
    const called = this.#time++;
    const answer = await this.#request(key, input);
    if (answer.kind === "refused") return;
    if (answer.kind === "failed") {
      this.#world.violate(`${input.kind} of register ${key} failed: ${answer.error.message}`);
      return;
    }
    const known = answer.kind === "ok";
    if (!known && input.kind === "read") return;
    if (!known) this.#unknown.set(key, (this.#unknown.get(key) ?? 0) + 1);
    const history = this.#histories.get(key) ?? [];
    this.#histories.set(key, history);
    history.push({
      input,
      output: known ? answer.value : undefined,
      called,
      returned: known ? this.#time++ : Number.POSITIVE_INFINITY,
    });
  }

  #draw(): RegisterInput {
    const { random } = this.#world;
    const before = this.#value - random.below(3);
    switch (random.below(4)) {
      case 0:
        return { kind: "write", value: ++this.#value };
      case 1:
        return { kind: "cas", from: Math.max(1, before), to: ++this.#value };
      default:
        return { kind: "read" };
    }
  }

  #request(key: string, input: RegisterInput): Promise<Answer<RegisterOutput>> {
    const world = this.#world;
    const slow = world.random.below(6) === 0;
    const what = `register ${key} ${JSON.stringify(input)}`;
    return world.ask(
      world.partitionOf("register", key),
      what,
      (client): Promise<RegisterOutput> => {
        const register = client.call(this.#client, key);
        if (input.kind === "write") return register.write(input.value);
        if (input.kind === "cas") return register.cas(input);
        return slow ? register.slowRead() : register.read();
      },
    );
  }

  check(): void {
    for (const [key, history] of this.#histories) {
      if (isLinearizable(registerModel, history)) continue;
      const text = history.map((operation) => JSON.stringify(operation)).join("\n");
      this.#world.violate(`the history of register ${key} is not linearizable:\n${text}`);
    }
  }
}
