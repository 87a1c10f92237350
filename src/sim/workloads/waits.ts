import { TimeoutError } from "../../model/codec.ts";
import { workflow } from "../../sdk/definition.ts";
import { Env, type Workload } from "../workload.ts";
import type { World } from "../world.ts";

interface Heard {
  readonly signals: number[];
  readonly winners: string[];
  readonly promised: number;
  /** Whether it listened to the last signal. */
  readonly whole: boolean;
  /** By how much timers were late, in milliseconds of the handler's own time. */
  readonly late: number[];
}

/** What handlers have told the outside after it was durable, by `id/place`. */
export type Told = Map<string, string>;

function define(env: Env, told: Told) {
  const listener = workflow("listener", {
    retention: "1h",
    async run(ctx, signals: number): Promise<Heard> {
      const heard: Heard & { promised: number; whole: boolean } = {
        signals: [],
        winners: [],
        promised: 0,
        whole: true,
        late: [],
      };
      const tell = (place: string, what: string) =>
        ctx.run(place, () => tellOnce(env, told, `${ctx.id}/${place}`, what));
      for (let at = 0; at < signals; at++) {
        const pause = Math.floor(ctx.random() * 40);
        const before = ctx.now();
        const nap = ctx.sleep(pause).then(() => {
          heard.late.push(ctx.now() - before - pause);
        });
        const first = await ctx.select({
          signal: ctx.signal<number>("number"),
          timer: ctx.sleep(Math.floor(ctx.random() * 60)),
          step: ctx.run("race", ({ idempotencyKey }) => env.effect(idempotencyKey, () => at)),
        });
        heard.winners.push(first.name);
        await tell(`w${at}`, first.name);
        await nap;
        const other = await ctx.race([
          ctx.sleep(3).then((): string => "sleep"),
          ctx.signal("go").then((): string => "go"),
        ]);
        await tell(`r${at}`, String(other));
      }
      const promised = await ctx.promise<number>("answer").orTimeout("10 minutes", -1);
      heard.promised = promised;
      await tell("promised", String(promised));
      for (let number = 0; number >= 0; ) {
        try {
          number = await ctx.signal<number>("rest").orTimeout("10 minutes");
          heard.signals.push(number);
        } catch (error) {
          if (!(error instanceof TimeoutError)) throw error;
          heard.whole = false;
          break;
        }
      }
      return heard;
    },
  });
  return { listener };
}

/** A step has told the outside: whoever tells it again, after whatever crash, says the same. */
export function tellOnce(env: Env, told: Told, key: string, what: string): void {
  if (!env.alive) return;
  const before = told.get(key);
  if (before === undefined) told.set(key, what);
  else if (before !== what) env.violate(`${key} was decided as ${before}, and now as ${what}`);
}

/** Timers, races, signals and promises. */
export function makeWaits(world: World): Workload {
  return new Waits(world);
}

class Waits implements Workload {
  readonly name = "waits";
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
    const count = 1 + Math.floor(this.#world.swarm.load * 4);
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        await this.#world.sleep(this.#world.random.float() * this.#world.swarm.spreadMs);
        await this.#one(`l${at}`);
      }),
    );
  }

  async #one(key: string): Promise<void> {
    const world = this.#world;
    const { listener } = this.#client;
    const partition = world.partitionOf("listener", key);
    await world.insist(partition, `start listener ${key}`, async (client) => {
      const { id } = await client.send(listener, key).run(world.random.below(5));
      world.offers.push({ id, ways: ["pause", "resume"] });
      return id;
    });
    const sent = this.#signal(key, partition);
    const settled = await this.#settle(key, partition);
    const { certain, perhaps } = await sent;
    // Faults end some time; then the last signal surely arrives.
    await world.insist(partition, `last signal to ${key}`, (client) =>
      client.get(listener, key).signal("rest", -1),
    );
    const ended = await world.insist(partition, `listener ${key}`, (client) =>
      client.get(listener, key).result(),
    );
    if (ended.kind === "failed") {
      world.violate(`listener ${key} failed: ${ended.error.message}`);
      return;
    }
    this.#judge(key, ended.value, { certain, perhaps, settled });
  }

  /** Numbered signals, one after another: those acknowledged must arrive, in order. */
  async #signal(key: string, partition: number): Promise<{ certain: number[]; perhaps: number[] }> {
    const world = this.#world;
    const { listener } = this.#client;
    const certain: number[] = [];
    const perhaps: number[] = [];
    for (let number = 1; number <= 6; number++) {
      await world.sleep(world.exponential(30));
      const name = world.pick(["rest", "number", "go"]);
      const answer = await world.ask(partition, `signal ${number} to ${key}`, (client) =>
        client.get(listener, key).signal(name, number),
      );
      if (name !== "rest") continue;
      if (answer.kind === "ok") certain.push(number);
      if (answer.kind === "unknown") perhaps.push(number);
    }
    return { certain, perhaps };
  }

  /** Several settle the promise at once, with different values: one of them wins. */
  async #settle(key: string, partition: number): Promise<{ won: number[]; perhaps: number[] }> {
    const world = this.#world;
    const { listener } = this.#client;
    const won: number[] = [];
    const perhaps: number[] = [];
    await Promise.all(
      [1, 2, 3].map(async (value) => {
        await world.sleep(world.exponential(100));
        const answer = await world.ask(partition, `settle ${key} as ${value}`, (client) =>
          client.get(listener, key).resolve("answer", value),
        );
        if (answer.kind === "ok") won.push(value);
        if (answer.kind === "unknown") perhaps.push(value);
      }),
    );
    return { won, perhaps };
  }

  #judge(
    key: string,
    heard: Heard,
    sent: {
      certain: number[];
      perhaps: number[];
      settled: { won: number[]; perhaps: number[] };
    },
  ): void {
    const { won, perhaps } = sent.settled;
    if (won.length > 1) this.#world.violate(`${key} was settled by ${won.join(" and by ")}`);
    // Where clocks jump, ten minutes may be over at any time.
    const timedOut = this.#world.steady ? [] : [-1];
    const expected = won.length === 1 ? [...won, ...timedOut] : [-1, ...perhaps];
    if (!expected.includes(heard.promised)) {
      this.#world.violate(`${key} was promised ${heard.promised}, not ${expected.join(" or ")}`);
    }
    const signals = heard.signals.filter((number) => number > 0);
    const sorted = [...new Set(signals)].sort((a, b) => a - b);
    if (sorted.join() !== signals.join()) {
      this.#world.violate(`${key} heard ${signals.join()}: twice, or out of order`);
    }
    const missing = sent.certain.filter((number) => !signals.includes(number));
    if (missing.length > 0 && heard.whole) {
      this.#world.violate(`${key} never heard ${missing.join()}, but ${signals.join()}`);
    }
    if (this.#world.steady && heard.late.some((ms) => ms < 0)) {
      this.#world.violate(`${key} was woken early: ${heard.late.join()}`);
    }
  }

  check(): void {
    // Judged as the answers came.
  }
}
