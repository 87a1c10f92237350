import { setTimeout as sleep } from "node:timers/promises";
import { HoldfastError, TerminalError } from "holdfast/client";
import { count, type Finding, type Found } from "../ledger.ts";
import type { Account, Stage, View, Workload } from "../workload.ts";

const accounts = 8;
const start = 100_000;
/** Owns all accounts. */
const caller = "bank";

const clientUrl = new URL("../../../examples/wallet/client.ts", import.meta.url).href;
const { sumSql }: { sumSql: string } = await import(clientUrl);

/** The wallet: its balances are the sum of what was acknowledged, to the cent. */
export function makeTransfers(): Workload {
  const expected = new Map<string, number>();

  let opened: Promise<unknown> | undefined;

  async function openAccount({ link }: Stage, key: string): Promise<void> {
    expected.set(key, start);
    const input = { amount: start, currency: "EUR" };
    const request = { service: "account", key, handler: "open", input, caller };
    await link.insist((port) => port.call({ ...request, idempotencyKey: `open ${key}` }));
  }

  async function round(stage: Stage): Promise<void> {
    const { link, ledger, random } = stage;
    const keys = Array.from({ length: accounts }, (_, i) => `w${i}`);
    opened ??= Promise.all(keys.map((key) => openAccount(stage, key)));
    await opened;
    const [from, to] = [`w${random.below(accounts)}`, `w${random.below(accounts)}`];
    const key = `x${stage.next()}`;
    const amount = 1 + random.below(40_000);
    const input = { from, to, money: { amount, currency: "EUR" } };
    const target = { service: "transfer", key };
    const request = { ...target, handler: "run", input, idempotencyKey: key, caller };
    ledger.begin(`transfer ${key}`);
    if (random.below(5) === 0) {
      await link.insist((port) => port.send(request));
      await sleep(random.below(10));
      await cancel(stage, target);
    }
    if (await succeeds(link.insist((port) => port.call(request)))) {
      expected.set(from, (expected.get(from) ?? 0) - amount);
      expected.set(to, (expected.get(to) ?? 0) + amount);
    }
    ledger.acknowledge(`transfer ${key}`);
    if (random.below(20) === 0) await checkSums(stage);
  }

  async function find({ port, ledger }: View): Promise<Account> {
    const findings: Finding[] = [];
    const found = new Map<string, Found>();
    for (const [key, balance] of expected) {
      const { held = {}, arrived = {}, ...state } = await port.readState("account", key);
      const left = JSON.stringify([held, arrived]);
      if (state["balance"] !== balance || left !== "[{},{}]") {
        const detail = `has ${state["balance"]} and ${left}, and the ledger says ${balance}`;
        findings.push({ kind: "wrong", what: `account ${key}`, detail });
      }
    }
    // Each transfer is in the balances, and is not kept for as long as they are.
    for (const what of ledger.entries().keys()) {
      if (what.startsWith("transfer ")) count(found, what);
    }
    return { found, findings };
  }

  return { name: "transfers", width: 6, round, find };
}

/** At any moment: what is in balances and on its way is what was paid in. */
async function checkSums({ link }: Stage): Promise<void> {
  const { rows } = await link.insist((port) => port.query(sumSql, ["w%"]));
  const [, lowest, total] = rows[0] ?? [];
  if (total === accounts * start && Number(lowest) >= 0) return;
  throw new Error(`the accounts have ${total} together, and the poorest has ${lowest}`);
}

async function cancel({ link }: Stage, target: { service: string; key: string }): Promise<void> {
  await link.insist((port) =>
    port.cancel(target).catch((error: unknown) => {
      if (error instanceof HoldfastError && error.code === "invocation-ended") return;
      throw error;
    }),
  );
}

const refusals = ["insufficient-funds", "same-account", "cancelled"];

async function succeeds(result: Promise<unknown>): Promise<boolean> {
  try {
    await result;
    return true;
  } catch (error) {
    if (error instanceof TerminalError && refusals.includes(error.code)) return false;
    throw error;
  }
}
