import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Holdfast,
  HoldfastError,
  type OpenOptions,
  open,
  PermissionDenied,
  TerminalError,
} from "holdfast";
import { access, account, type Transfer, transfer } from "./app.ts";
import { sumSql } from "./client.ts";
import type { Money } from "./money.ts";

const services = [account, transfer];
const eur = (amount: number): Money => ({ amount, currency: "EUR" });

test("a transfer moves money from one account to the other", async () => {
  await using app = await openApp({ store: ":memory:" });
  const [ann, bob] = [app.as("ann"), app.as("bob")];
  await ann.call(account, "ann").open(eur(500));
  await bob.call(account, "bob").open(eur(0));
  await ann.call(transfer, "t1").run({ from: "ann", to: "bob", money: eur(120) });
  assert.deepEqual(await ann.call(account, "ann").balance(), eur(380));
  assert.deepEqual(await bob.call(account, "bob").balance(), eur(120));
  assert.deepEqual(await app.state(account, "ann"), {
    currency: "EUR",
    balance: 380,
    held: {},
    arrived: {},
  });
});

const refusals: readonly [string, Transfer, string][] = [
  ["a fraction", { from: "ann", to: "bob", money: eur(0.5) }, "amount-not-whole"],
  ["not a number", { from: "ann", to: "bob", money: eur("5" as never) }, "amount-not-whole"],
  ["more than numbers hold", { from: "ann", to: "bob", money: eur(2 ** 53) }, "amount-not-whole"],
  ["less than nothing", { from: "ann", to: "bob", money: eur(-1) }, "amount-negative"],
  ["no money", { from: "ann", to: "bob", money: null as never }, "no-money"],
  [
    "a currency that is none",
    { from: "ann", to: "bob", money: { amount: 1, currency: "XYZ" } },
    "unknown-currency",
  ],
  [
    "another currency than the payer's",
    { from: "ann", to: "bob", money: { amount: 1, currency: "JPY" } },
    "currency-mismatch",
  ],
  [
    "another currency than the payee's",
    { from: "ann", to: "yui", money: eur(1) },
    "currency-mismatch",
  ],
  ["more than there is", { from: "ann", to: "bob", money: eur(501) }, "insufficient-funds"],
  ["to nobody", { from: "ann", to: "nobody", money: eur(1) }, "unknown-account"],
  ["to the payer", { from: "ann", to: "ann", money: eur(1) }, "same-account"],
  ["more than the payee can hold", { from: "ann", to: "max", money: eur(1) }, "balance-too-large"],
];

for (const [what, input, code] of refusals) {
  test(`a transfer of ${what} is refused with ${code}, and nothing has moved`, async () => {
    await using app = await openApp({ store: ":memory:" });
    const ann = app.as("ann");
    await ann.call(account, "ann").open(eur(500));
    await ann.call(account, "bob").open(eur(0));
    await ann.call(account, "max").open(eur(Number.MAX_SAFE_INTEGER));
    await ann.call(account, "yui").open({ amount: 0, currency: "JPY" });
    await assert.rejects(ann.call(transfer, "t1").run(input), isRefusal(code));
    assert.deepEqual(await ann.call(account, "ann").balance(), eur(500));
    assert.deepEqual(await ann.call(account, "bob").balance(), eur(0));
    assert.deepEqual((await app.state(account, "ann")).held, {});
  });
}

test("an account is opened once, and has no balance before", async () => {
  await using app = await openApp({ store: ":memory:" });
  await assert.rejects(app.call(account, "ann").open(eur(5)), isRefusal("no-owner"));
  const ann = app.as("ann").call(account, "ann");
  await assert.rejects(ann.balance(), isDenied);
  await ann.open(eur(5));
  await assert.rejects(ann.open(eur(7)), isRefusal("account-exists"));
  await assert.rejects(
    app.as("eve").call(account, "ann").open(eur(7)),
    isRefusal("account-exists"),
  );
  assert.deepEqual(await ann.balance(), eur(5));
});

test("who cannot own an account opens none", async () => {
  await using app = await openApp({ store: ":memory:" });
  await assert.rejects(app.as("not an id").call(account, "ann").open(eur(5)), HoldfastError);
  assert.equal((await app.state(account, "ann")).currency, "");
});

test("only those who may transfer from an account do, and a refusal says why", async () => {
  await using app = await openApp({ store: ":memory:" });
  const [ann, bob, eve] = [app.as("ann"), app.as("bob"), app.as("eve")];
  await ann.call(account, "ann").open(eur(500));
  await bob.call(account, "bob").open(eur(0));
  const input = { from: "ann", to: "bob", money: eur(100) };
  await assert.rejects(bob.call(transfer, "t1").run(input), (error) => {
    assert.ok(error instanceof PermissionDenied);
    assert.equal(error.message, "user:bob has no permission transfer on account:ann");
    assert.equal(error.explanation?.what, "account:ann#transfer");
    assert.equal(error.explanation.verdict, "no");
    return true;
  });
  await assert.rejects(app.call(transfer, "t1").run(input), HoldfastError);
  await assert.rejects(app.get(transfer, "t1").describe(), HoldfastError);
  await assert.rejects(bob.call(account, "ann").balance(), isDenied);
  await assert.rejects(bob.call(account, "ann").share({ user: "bob", as: "manager" }), isDenied);
  await assert.rejects(ann.call(transfer, "t1").run({ ...input, from: "nobody" }), isDenied);

  await ann.call(account, "ann").share({ user: "bob", as: "manager" });
  await ann.call(account, "ann").share({ user: "eve", as: "auditor" });
  await bob.call(transfer, "t1").run(input);
  assert.deepEqual(await eve.call(account, "ann").balance(), eur(400));
  await assert.rejects(eve.call(transfer, "t2").run(input), isDenied);
  const owner = { user: "bob", as: "owner" as never };
  await assert.rejects(ann.call(account, "ann").share(owner), isRefusal("unknown-role"));

  await ann.call(account, "ann").unshare({ user: "bob", as: "manager" });
  await assert.rejects(bob.call(transfer, "t2").run(input), isDenied);
  assert.deepEqual(await ann.call(account, "ann").balance(), eur(400));
});

test("money moves through transfers alone", async () => {
  await using app = await openApp({ store: ":memory:" });
  const ann = app.as("ann").call(account, "ann");
  await ann.open(eur(5));
  const part = { transfer: "t", money: eur(1) };
  for (const attempt of [
    ann.deposit(part),
    ann.hold(part),
    ann.release("t"),
    ann.settle({ transfer: "t", to: "ann" }),
    ann.forget("t"),
  ]) {
    await assert.rejects(attempt, HoldfastError);
  }
  assert.deepEqual(await ann.balance(), eur(5));
});

const accounts = 6;
const start = 1000;

type Act =
  | { readonly kind: "transfer"; readonly from: number; readonly to: number; readonly by: number }
  | { readonly kind: "cancel"; readonly which: number; readonly times: number }
  | { readonly kind: "look" }
  | { readonly kind: "reopen" };

const index = fc.nat(accounts - 1);
const acts = fc.array(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        kind: fc.constant("transfer" as const),
        from: index,
        to: index,
        by: fc.nat(700),
      }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant("cancel" as const),
        which: fc.nat(3),
        times: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("look" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
  ),
  { minLength: 20, maxLength: 120 },
);

const modes: readonly [string, Partial<OpenOptions>][] = [
  ["as it is", {}],
  ["replaying at every await", { residency: "evict", outboxAlways: true }],
];

for (const [mode, options] of modes) {
  test(`sums stay and no balance is negative, whatever is cancelled or closed, ${mode}`, async () => {
    await fc.assert(
      fc.asyncProperty(acts, (list) => play(list, options)),
      { numRuns: 12 },
    );
  });
}

async function play(list: readonly Act[], options: Partial<OpenOptions>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "wallet-"));
  const store = path.join(folder, "wallet.db");
  let app = await openApp({ ...options, store });
  const sent: string[] = [];
  try {
    for (let i = 0; i < accounts; i++) await app.as("ann").call(account, `a${i}`).open(eur(start));
    for (const act of list) {
      if (act.kind === "reopen") {
        await app.close();
        app = await openApp({ ...options, store });
      } else if (act.kind === "transfer") {
        const id = `t${sent.length}`;
        const input = { from: `a${act.from}`, to: `a${act.to}`, money: eur(act.by) };
        sent.push((await app.as("ann").send(transfer, id).run(input)).id);
      } else if (act.kind === "cancel") {
        await cancel(app, sent.at(-1 - act.which), act.times);
      } else {
        await checkSums(app);
      }
    }
    const results = await Promise.allSettled(sent.map((id) => app.get(id).result()));
    for (const result of results) {
      if (result.status === "rejected") assert.ok(result.reason instanceof TerminalError);
    }
    await checkSums(app);
    await checkRest(app);
  } finally {
    await app.close();
    await rm(folder, { recursive: true });
  }
}

async function cancel(app: Holdfast, id: string | undefined, times: number): Promise<void> {
  if (id === undefined) return;
  for (let i = 0; i < times; i++) {
    try {
      await app.get(id).cancel();
    } catch (error) {
      assert.ok(error instanceof Error && "code" in error && error.code === "invocation-ended");
    }
  }
}

async function checkSums(app: Holdfast): Promise<void> {
  const { rows } = await app.query<{ total: number; lowest: number }>(sumSql, ["%"]);
  assert.equal(rows[0]?.total, accounts * start);
  assert.ok(rows[0].lowest >= 0);
}

/** What was held is given back or settled, as soon as the last messages have arrived. */
async function checkRest(app: Holdfast): Promise<void> {
  for (let i = 0; i < accounts; i++) {
    for (let tries = 0; ; tries++) {
      const { held, arrived } = await app.state(account, `a${i}`);
      if (Object.keys({ ...held, ...arrived }).length === 0) break;
      assert.ok(tries < 200, `something is left of a transfer in account a${i}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

async function openApp(options: Partial<OpenOptions>): Promise<Holdfast & AsyncDisposable> {
  const app = await open({ services, authorization: access, log: () => undefined, ...options });
  return Object.assign(app, { [Symbol.asyncDispose]: () => app.close() });
}

function isDenied(error: unknown): boolean {
  assert.ok(error instanceof PermissionDenied, String(error));
  return true;
}

function isRefusal(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof TerminalError, String(error));
    assert.equal(error.code, code);
    return true;
  };
}
