/**
 * Keeps real transfers flowing through a server and prints what it sees. Stop it with Ctrl-C; kill
 * the server under it and start it again: the sum stays what it was.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Client, connect, HoldfastError, makeClient, TerminalError } from "holdfast/client";
import { account, transfer } from "./app.ts";
import type { Money } from "./money.ts";

export interface FlowOptions {
  readonly url: string;
  /** Transfers begun per second. Default: 50. */
  readonly rate?: number;
  /** Accounts of each currency. Default: 20. */
  readonly accounts?: number;
  /** Ends it. Default: never. */
  readonly signal?: AbortSignal;
  /** Called twice a second, and at the end. Default: prints a line. */
  readonly report?: (seen: Seen) => void;
}

/** What the client has seen so far. */
export interface Seen {
  readonly perSecond: number;
  readonly inFlight: number;
  readonly done: number;
  readonly refused: number;
  readonly sums: "as paid in" | "WRONG" | "not yet known" | "server is away";
}

const paidIn: readonly Money[] = [
  { amount: 1_000_00, currency: "EUR" },
  { amount: 100_000, currency: "JPY" },
];

/** Resolves when `signal` is aborted and no transfer is in flight. */
export async function keepFlowing(options: FlowOptions): Promise<Seen> {
  const { url, rate = 50, accounts = 20, signal, report = print } = options;
  const flow = new Flow(makeClient(connect({ url })).as("example"), accounts, signal);
  const timer = setInterval(() => report(flow.look()), 500);
  try {
    await flow.openAccounts();
    await Promise.all([flow.begin(rate), flow.watchSums()]);
  } finally {
    clearInterval(timer);
  }
  const seen = flow.look();
  report(seen);
  return seen;
}

class Flow {
  readonly #client: Client;
  readonly #accounts: number;
  readonly #signal: AbortSignal | undefined;
  /** Of this run: accounts and transfers of earlier ones stay as they are. */
  readonly #run: string = Date.now().toString(36);
  readonly #open = new Set<Promise<void>>();
  /** When the latest transfers ended, for the rate. */
  #ends: number[] = [];
  #done = 0;
  #refused = 0;
  #sums: Seen["sums"] = "not yet known";

  constructor(client: Client, accounts: number, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#accounts = accounts;
    this.#signal = signal;
  }

  async openAccounts(): Promise<void> {
    for (const money of paidIn) {
      for (let i = 0; i < this.#accounts; i++) {
        const key = this.#account(money.currency, i);
        const idempotencyKey = `open ${key}`;
        await this.#persist(() => this.#client.call(account, key, { idempotencyKey }).open(money));
      }
    }
  }

  async begin(rate: number): Promise<void> {
    for (let n = 0; !this.#ended; n++) {
      const id = `${this.#run}-${n}`;
      const one = this.#transfer(id).finally(() => this.#open.delete(one));
      this.#open.add(one);
      await this.#rest(1000 / rate);
      // A slow server is not buried: it gets no more than two seconds' worth at once.
      while (this.#open.size > rate * 2) await Promise.race(this.#open);
    }
    await Promise.all(this.#open);
  }

  async watchSums(): Promise<void> {
    while (!this.#ended) {
      await this.#rest(500);
      try {
        this.#sums = (await this.#areSumsRight()) ? "as paid in" : "WRONG";
      } catch (error) {
        if (!isAway(error)) throw error;
        this.#sums = "server is away";
      }
    }
  }

  look(): Seen {
    const now = performance.now();
    this.#ends = this.#ends.filter((end) => end > now - 2000);
    return {
      perSecond: Math.round(this.#ends.length / 2),
      inFlight: this.#open.size,
      done: this.#done,
      refused: this.#refused,
      sums: this.#sums,
    };
  }

  async #transfer(id: string): Promise<void> {
    const { currency } = pick(paidIn);
    const from = this.#account(currency, pick(this.#accounts));
    // Now and then to an account in another currency, which is refused and undone.
    const other = Math.random() < 0.02 ? pick(paidIn).currency : currency;
    const to = this.#account(other, pick(this.#accounts));
    const money = { amount: 1 + pick(20_000), currency };
    try {
      const options = { idempotencyKey: id };
      await this.#persist(() => this.#client.call(transfer, id, options).run({ from, to, money }));
      this.#done++;
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      this.#refused++;
    }
    this.#ends.push(performance.now());
  }

  /** All in one query, so that it sees one moment: balances, and what is held and has not arrived. */
  async #areSumsRight(): Promise<boolean> {
    const { rows } = await this.#client.query<{ currency: string; total: number; lowest: number }>(
      sumSql,
      [`${this.#run}-%`],
    );
    return paidIn.every(({ currency, amount }) => {
      const row = rows.find((each) => each.currency === currency);
      return row !== undefined && row.total === amount * this.#accounts && row.lowest >= 0;
    });
  }

  /** Again and again while the server is away: the idempotency key makes it one request. */
  async #persist<T>(request: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await request();
      } catch (error) {
        if (!isAway(error)) throw error;
        await sleep(250);
      }
    }
  }

  async #rest(ms: number): Promise<void> {
    await sleep(ms, undefined, this.#signal && { signal: this.#signal }).catch(() => undefined);
  }

  get #ended(): boolean {
    return this.#signal?.aborted === true;
  }

  #account(currency: string, number: number): string {
    return `${this.#run}-${currency}-${number}`;
  }
}

export const sumSql = `
  with accounts as (
    select key, max(value ->> '$') filter (where name = 'currency') as currency,
      coalesce(max(value ->> '$') filter (where name = 'balance'), 0) as balance
    from state where service = 'account' and key like ? group by key
  ), held as (
    select s.key, h.key as transfer, h.value as amount
    from state s, json_each(s.value) h where s.service = 'account' and s.name = 'held'
  ), arrived as (
    select a.key as transfer
    from state s, json_each(s.value) a where s.service = 'account' and s.name = 'arrived'
  )
  select currency, min(balance) as lowest, sum(balance + coalesce((
      select sum(amount) from held
      where held.key = accounts.key and transfer not in (select transfer from arrived)
    ), 0)) as total
  from accounts group by currency`;

const awayCodes: readonly string[] = [
  "unreachable",
  "shutting-down",
  "not-ready",
  "overloaded",
  "store-failed",
  "store-full",
];

function isAway(error: unknown): boolean {
  return error instanceof HoldfastError && awayCodes.includes(error.code);
}

function pick(from: number): number;
function pick<T>(from: readonly T[]): T;
function pick(from: number | readonly unknown[]): unknown {
  const size = typeof from === "number" ? from : from.length;
  const index = Math.floor(Math.random() * size);
  return typeof from === "number" ? index : from[index];
}

let printed = 0;

/** One line that is written over on a terminal; elsewhere a line every ten seconds. */
function print({ perSecond, inFlight, done, refused, sums }: Seen): void {
  const line =
    `${perSecond} transfers/s, ${inFlight} in flight, ${done} done, ${refused} refused; ` +
    `sums: ${sums}`;
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
  else if (printed++ % 20 === 0) console.log(line);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      url: { type: "string", default: "http://127.0.0.1:7400" },
      rate: { type: "string", default: "50" },
    },
  });
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  const seen = await keepFlowing({
    url: values.url,
    rate: Number(values.rate),
    signal: stop.signal,
  });
  if (process.stdout.isTTY) console.log();
  process.exitCode = seen.sums === "WRONG" ? 1 : 0;
}
