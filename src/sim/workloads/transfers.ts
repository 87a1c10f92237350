import { CancelledError, TerminalError } from "../../model/codec.ts";
import { actor, shared, workflow } from "../../sdk/definition.ts";
import { Env, type Workload } from "../workload.ts";
import type { World } from "../world.ts";

const opening = 100;

interface Movement {
  /** The transfer, and which request of it this is. */
  readonly transfer: string;
  readonly request: number;
  readonly amount: number;
}

interface Account {
  balance: number;
  /** What has moved the balance: by transfer, in order of arrival. */
  moved: Record<string, number[]>;
  /** Transfers that were called off, so that a late withdrawal finds out. */
  void: Record<string, boolean>;
}

/** Accounts as actors, transfers as workflows with compensation. */
function define(env: Env) {
  const account = actor("account", {
    state: { account: { balance: opening, moved: {}, void: {} } as Account },
    retention: "1h",
    handlers: {
      withdraw(ctx, { transfer, request, amount }: Movement) {
        const { balance, moved, void: off } = ctx.get("account");
        if (off[transfer] === true) throw new TerminalError("called off", { code: "void" });
        if (moved[transfer] !== undefined) {
          env.violate(`request ${request} of transfer ${transfer} withdraws a second time`);
        }
        if (balance < amount) throw new TerminalError("not enough", { code: "poor" });
        const next = { ...moved, [transfer]: [-amount] };
        ctx.set("account", { balance: balance - amount, moved: next, void: off });
      },
      deposit(ctx, { transfer, request, amount }: Movement) {
        const { balance, moved, void: off } = ctx.get("account");
        const before = moved[transfer] ?? [];
        // Asked again after a cancellation that came between the request and its answer.
        if (request > 0 && before.length > 0) return;
        if (before.length > 0) env.violate(`transfer ${transfer} deposits a second time`);
        const next = { ...moved, [transfer]: [...before, amount] };
        ctx.set("account", { balance: balance + amount, moved: next, void: off });
      },
      /** Gives back what the transfer withdrew, if it did, and refuses it from now on. */
      callOff(ctx, transfer: string) {
        const { balance, moved, void: off } = ctx.get("account");
        if (off[transfer] === true) return;
        const before = moved[transfer] ?? [];
        const back = -before.reduce((sum, amount) => sum + amount, 0);
        const next = back === 0 ? moved : { ...moved, [transfer]: [...before, back] };
        ctx.set("account", {
          balance: balance + back,
          moved: next,
          void: { ...off, [transfer]: true },
        });
      },
      read: shared((ctx) => ctx.get("account")),
    },
  });
  const transfer = workflow("transfer", {
    retention: "1h",
    async run(ctx, { from, to, amount }: { from: string; to: string; amount: number }) {
      const movement = (request: number) => ({ transfer: ctx.key, request, amount });
      const insist = async (work: () => PromiseLike<unknown>): Promise<void> => {
        for (;;) {
          try {
            await work();
            return;
          } catch (error) {
            if (!(error instanceof CancelledError)) throw error;
          }
        }
      };
      try {
        await ctx.call(account, from).withdraw(movement(0));
        if (amount % 3 === 0) {
          await ctx.run("approve", ({ idempotencyKey }) =>
            env.effect(idempotencyKey, () => {
              if (amount % 9 === 0) throw new TerminalError("refused", { code: "refused" });
            }),
          );
        }
      } catch (error) {
        await insist(() => ctx.call(account, from).callOff(ctx.key));
        throw error;
      }
      let request = 0;
      await insist(() => ctx.call(account, to).deposit(movement(request++)));
      return amount;
    },
  });
  return { account, transfer };
}

/** Money moves, and the sum stays the same. */
export function makeTransfers(world: World): Workload {
  return new Transfers(world);
}

interface Attempted {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  outcome: "done" | "failed" | "unknown";
}

class Transfers implements Workload {
  readonly name = "transfers";
  readonly #world: World;
  readonly #client: ReturnType<typeof define>;
  readonly #accounts: string[];
  readonly #transfers = new Map<string, Attempted>();

  constructor(world: World) {
    this.#world = world;
    this.#client = define(new Env(world, null));
    this.#accounts = Array.from({ length: 2 + world.random.below(4) }, (_, at) => `a${at}`);
  }

  definitions(env: Env): ReturnType<typeof define>[keyof ReturnType<typeof define>][] {
    return Object.values(define(env));
  }

  async drive(): Promise<void> {
    const { swarm, random } = this.#world;
    const count = 2 + Math.floor(swarm.load * 14);
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        await this.#world.sleep(random.float() * swarm.spreadMs);
        await this.#transfer(`t${at}`);
      }),
    );
  }

  async #transfer(id: string): Promise<void> {
    const world = this.#world;
    const [from, to] = [world.pick(this.#accounts), world.pick(this.#accounts)];
    if (from === to) return;
    const amount = 1 + world.random.below(70);
    const attempted: Attempted = { from, to, amount, outcome: "unknown" };
    this.#transfers.set(id, attempted);
    const { transfer } = this.#client;
    const partition = world.partitionOf("transfer", id);
    const started = await world.insist(partition, `start transfer ${id}`, async (client) => {
      const sent = await client.send(transfer, id).run({ from, to, amount });
      return sent.id;
    });
    if (started.kind === "ok") world.offers.push({ id: started.value, ways: ["cancel", "pause"] });
    const ended = await world.insist(partition, `transfer ${id}`, (client) =>
      client.get(transfer, id).result(),
    );
    attempted.outcome = ended.kind === "ok" ? "done" : "failed";
  }

  check(): void {
    const world = this.#world;
    let sum = 0;
    const moved = new Map<string, number[]>();
    for (const name of this.#accounts) {
      const state = world.disk.visible.state.get(JSON.stringify(["account", name]));
      const text = state?.get("account");
      const account: Account =
        text === undefined ? { balance: opening, moved: {}, void: {} } : JSON.parse(text);
      if (account.balance < 0) world.violate(`account ${name} has ${account.balance}`);
      sum += account.balance;
      for (const [transfer, amounts] of Object.entries(account.moved)) {
        moved.set(`${transfer} ${name}`, amounts);
      }
    }
    const expected = opening * this.#accounts.length;
    if (sum !== expected) world.violate(`the accounts have ${sum} together, not ${expected}`);
    for (const [id, attempted] of this.#transfers) this.#checkOne(id, attempted, moved);
  }

  #checkOne(
    id: string,
    { from, to, amount, outcome }: Attempted,
    moved: Map<string, number[]>,
  ): void {
    const left = (moved.get(`${id} ${from}`) ?? []).join();
    const came = (moved.get(`${id} ${to}`) ?? []).join();
    const done = left === `${-amount}` && came === `${amount}`;
    const taken = (left === "" || left === `${-amount},${amount}`) && came === "";
    if (outcome === "done" ? done : taken) return;
    const what = `took [${left}] from ${from} and gave [${came}] to ${to}`;
    this.#world.violate(`transfer ${id} of ${amount} is ${outcome}, but ${what}`);
  }
}
