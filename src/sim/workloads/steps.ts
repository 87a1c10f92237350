import { TerminalError } from "../../model/codec.ts";
import { handler, workflow } from "../../sdk/definition.ts";
import { Env, type Workload } from "../workload.ts";
import type { World } from "../world.ts";

interface Plan {
  readonly steps: number;
  /** Ends with a terminal error after all steps. */
  readonly fails: boolean;
  /** Runs steps two at a time. */
  readonly pairs: boolean;
}

/** What the outside world has seen. */
export interface Outside {
  /** Values that effects gave, by the key of their step. */
  readonly given: Map<string, number[]>;
  /** Steps taken back, by invocation, in order. */
  readonly undone: Map<string, string[]>;
  next: number;
}

function define(env: Env, outside: Outside) {
  const effect = (key: string): Promise<number> =>
    env.effect(key, () => {
      const value = outside.next++;
      outside.given.set(key, [...(outside.given.get(key) ?? []), value]);
      return value;
    });
  const run = async (ctx: StepContext, plan: Plan): Promise<Record<string, number>> => {
    const results: Record<string, number> = {};
    const step = (at: number) =>
      ctx.run(`s${at}`, ({ idempotencyKey }) => effect(idempotencyKey), {
        retry: { attempts: 40, initial: 5, max: 50 },
        undo: (_, { idempotencyKey, signal }) =>
          env.effect(
            idempotencyKey,
            () => {
              // On a node that has lost its partition anything may be repeated, at any time.
              if (env.node?.fenced === true) return;
              // It may be repeated elsewhere too, and then everything after it is as well.
              const before = (outside.undone.get(ctx.id) ?? []).filter((name) => name !== `s${at}`);
              outside.undone.set(ctx.id, [...before, `s${at}`]);
            },
            signal,
          ),
      });
    for (let at = 0; at < plan.steps; at++) {
      if (plan.pairs) {
        const [one, two] = await ctx.all([step(at), step(at + 1)]);
        results[at] = one;
        results[++at] = two;
      } else {
        results[at] = await step(at);
      }
    }
    if (plan.fails) throw new TerminalError("planned", { code: "planned" });
    return results;
  };
  const stepper = workflow("stepper", { retention: "1h", run });
  const pipelined = workflow("pipelined", {
    run: handler({ durability: "pipelined", retention: "1h" }, run),
  });
  return { stepper, pipelined };
}

/** What the handlers above use of their context. */
interface StepContext {
  readonly id: string;
  run: import("../../sdk/context.ts").Context["run"];
  all: import("../../sdk/context.ts").Context["all"];
}

/** Effects outside: results that stay what they were, and clean-up that is durable. */
export function makeSteps(world: World): Workload {
  return new Steps(world);
}

class Steps implements Workload {
  readonly name = "steps";
  readonly #world: World;
  readonly #outside: Outside = { given: new Map(), undone: new Map(), next: 1 };
  readonly #client: ReturnType<typeof define>;
  readonly #ended: { id: string; plan: Plan; results: Record<string, number> | null }[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#client = define(new Env(world, null), this.#outside);
  }

  definitions(env: Env): ReturnType<typeof define>[keyof ReturnType<typeof define>][] {
    return Object.values(define(env, this.#outside));
  }

  async drive(): Promise<void> {
    const { swarm, random } = this.#world;
    const count = 1 + Math.floor(swarm.load * 6);
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        await this.#world.sleep(random.float() * swarm.spreadMs);
        await this.#one(`k${at}`);
      }),
    );
  }

  async #one(key: string): Promise<void> {
    const world = this.#world;
    const { random } = world;
    const plan: Plan = {
      steps: 1 + random.below(8),
      fails: random.below(3) === 0,
      pairs: random.below(3) === 0,
    };
    const kind = random.below(4) === 0 ? this.#client.pipelined : this.#client.stepper;
    const partition = world.partitionOf(kind.name, key);
    const started = await world.insist(partition, `start ${kind.name} ${key}`, async (client) => {
      const sent = await client.send(kind, key).run(plan);
      return sent.id;
    });
    let id = started.kind === "ok" ? started.value : null;
    if (id !== null) world.offers.push({ id, ways: ["cancel", "pause", "resume"] });
    const ended = await world.insist(partition, `${kind.name} ${key}`, async (client) => {
      id ??= (await client.get(kind, key).describe()).id;
      return await client.get(kind, key).result();
    });
    if (id === null) return;
    this.#ended.push({ id, plan, results: ended.kind === "ok" ? ended.value : null });
  }

  check(): void {
    for (const { id, plan, results } of this.#ended) {
      if (results !== null) this.#checkResults(id, plan, results);
      else this.#checkUndone(id);
    }
  }

  #checkResults(id: string, plan: Plan, results: Record<string, number>): void {
    if (plan.fails) this.#world.violate(`${id} succeeded, and was to fail`);
    for (let at = 0; at < plan.steps; at++) {
      const given = this.#outside.given.get(`${id}/${at}`) ?? [];
      if (given.includes(results[at] ?? -1)) continue;
      this.#world.violate(
        `step ${id}/${at} gave ${given.join()}, and its result is ${results[at]}`,
      );
    }
    if (this.#outside.undone.has(id)) this.#world.violate(`${id} succeeded, and was undone`);
  }

  /** Every step whose result is in the journal is taken back once, the latest first. */
  #checkUndone(id: string): void {
    const world = this.#world;
    const journal = world.disk.visible.journals.get(world.numberOf(id)) ?? [];
    if (journal.length === 0) return; // it began and ended within one batch, which keeps no journal
    const done = journal
      .filter((entry) => entry.kind === "run" && !entry.failed && entry.name.startsWith("s"))
      .map((entry) => entry.name)
      .reverse();
    const all = this.#outside.undone.get(id) ?? [];
    // Running ahead, it may have undone what a failed commit then took away.
    const ahead = world.disk.visible.invocations.get(world.numberOf(id))?.service === "pipelined";
    const undone = ahead ? all.filter((name) => done.includes(name)) : all;
    if (done.join() === undone.join()) return;
    world.violate(`${id} did ${done.toReversed().join()} and took back ${undone.join()}`);
  }
}
