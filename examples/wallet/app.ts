/**
 * A wallet. Accounts are actors, so each has one owner of its balance; a transfer is a workflow over
 * two of them. Money is in exactly one place at any time: in a balance, or held for one transfer.
 */
import { actor, CancelledError, shared, workflow } from "holdfast";
import { checkMoney, type Money, refuse } from "./money.ts";

/** What is held or has arrived, by transfer. */
type ByTransfer = Readonly<Record<string, number>>;

export interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly money: Money;
}

interface Part {
  readonly transfer: string;
  readonly money: Money;
}

export const account = actor("account", {
  retention: "1 minute",
  state: {
    /** Empty until it is opened. */
    currency: "",
    balance: 0,
    /** Taken from the balance and not yet settled. */
    held: {} as ByTransfer,
    /** Paid in by transfers that are not yet settled. */
    arrived: {} as ByTransfer,
  },
  handlers: {
    open: (ctx, money: Money) => {
      const { amount, currency } = checkMoney(money);
      if (ctx.get("currency") !== "") {
        refuse("account-exists", `Account ${ctx.key} is open already`, { account: ctx.key });
      }
      ctx.set("currency", currency);
      ctx.set("balance", amount);
    },

    balance: shared((ctx): Money => {
      const currency = ctx.get("currency");
      if (currency === "") refuseUnknown(ctx.key);
      return { amount: ctx.get("balance"), currency };
    }),

    /** Takes the money out of the balance and keeps it aside. */
    hold: (ctx, { transfer, money }: Part) => {
      checkCurrency(ctx.key, ctx.get("currency"), money);
      const balance = ctx.get("balance");
      if (balance < money.amount) {
        const details = { account: ctx.key, balance, amount: money.amount };
        refuse("insufficient-funds", `Account ${ctx.key} has only ${balance}`, details);
      }
      ctx.set("balance", balance - money.amount);
      ctx.set("held", { ...ctx.get("held"), [transfer]: money.amount });
    },

    deposit: (ctx, { transfer, money }: Part) => {
      checkCurrency(ctx.key, ctx.get("currency"), money);
      const balance = ctx.get("balance") + money.amount;
      if (!Number.isSafeInteger(balance)) {
        refuse("balance-too-large", `Account ${ctx.key} cannot hold more`, { account: ctx.key });
      }
      ctx.set("balance", balance);
      ctx.set("arrived", { ...ctx.get("arrived"), [transfer]: money.amount });
    },

    /** Not shared: it waits its turn behind the deposit that it asks about. */
    hasArrived: (ctx, transfer: string) => ctx.get("arrived")[transfer] !== undefined,

    /** Undoes `hold`. Does nothing where nothing is held. */
    release: (ctx, transfer: string) => {
      const { [transfer]: amount, ...others } = ctx.get("held");
      if (amount === undefined) return;
      ctx.set("balance", ctx.get("balance") + amount);
      ctx.set("held", others);
    },

    /** The money has arrived: forgets it here, then there. */
    settle: (ctx, { transfer, to }: { transfer: string; to: string }) => {
      const { [transfer]: _, ...others } = ctx.get("held");
      ctx.set("held", others);
      ctx.send(account, to).forget(transfer);
    },

    forget: (ctx, transfer: string) => {
      const { [transfer]: _, ...others } = ctx.get("arrived");
      ctx.set("arrived", others);
    },
  },
});

export const transfer = workflow("transfer", {
  retention: "10 minutes",
  async run(ctx, { from, to, money }: Transfer) {
    const part = { transfer: ctx.key, money: checkMoney(money) };
    if (from === to) refuse("same-account", `${from} cannot pay itself`, { account: from });
    try {
      await ctx.call(account, from).hold(part);
      await ctx.call(account, to).deposit(part);
    } catch (error) {
      // Refused, or cancelled at a moment when the deposit may or may not have been made.
      if (!(await insist(() => ctx.call(account, to).hasArrived(ctx.key)))) {
        await insist(() => ctx.call(account, from).release(ctx.key));
        throw error;
      }
    }
    ctx.send(account, from).settle({ transfer: ctx.key, to });
    return money;
  },
});

/** Asks until it has an answer: another cancellation cannot stop the clean-up after the first. */
async function insist<T>(ask: () => PromiseLike<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
  }
}

function checkCurrency(key: string, own: string, { currency }: Money): void {
  if (own === "") refuseUnknown(key);
  if (own !== currency) {
    const details = { account: key, has: own, given: currency };
    refuse("currency-mismatch", `Account ${key} is in ${own}, not ${currency}`, details);
  }
}

function refuseUnknown(key: string): never {
  refuse("unknown-account", `There is no account ${key}`, { account: key });
}
