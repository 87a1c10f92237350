/**
 * A wallet. Accounts are actors, so each has one owner of its balance; a transfer is a workflow over
 * two of them. Money is in exactly one place at any time: in a balance, or held for one transfer.
 *
 * Whoever opens an account owns it. Only owners and those whom they make managers may transfer from
 * it; auditors may look. All other handlers are for the workflow alone.
 */
import { actor, authorization, CancelledError, handler, shared, workflow } from "holdfast";
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

interface Settle {
  readonly transfer: string;
  readonly to: string;
}

export const access = authorization({
  schema: `
    definition user {}

    definition account {
      relation owner: user
      relation manager: user
      relation auditor: user
      permission share = owner
      permission transfer = owner + manager
      permission view = transfer + auditor
    }`,
});

/** What an owner lets somebody else do. */
export interface Share {
  readonly user: string;
  readonly as: "manager" | "auditor";
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
    async open(ctx, money: Money) {
      const { amount, currency } = checkMoney(money);
      const owner = ctx.caller;
      if (owner === undefined) {
        refuse("no-owner", "Whoever opens an account has to say who they are", {});
      }
      if (ctx.get("currency") !== "") {
        refuse("account-exists", `Account ${ctx.key} is open already`, { account: ctx.key });
      }
      // First, so that a refusal leaves nothing: owner and account are one commit.
      await ctx.relate({ touch: [{ ...ofAccount(ctx.key, "owner"), subject: user(owner) }] });
      ctx.set("currency", currency);
      ctx.set("balance", amount);
    },

    share: handler({ permission: "share" }, async (ctx, share: Share) => {
      await ctx.relate({ touch: [readShare(ctx.key, share)] });
    }),

    unshare: handler({ permission: "share" }, async (ctx, share: Share) => {
      await ctx.relate({ delete: [readShare(ctx.key, share)] });
    }),

    balance: shared({ permission: "view" }, (ctx): Money => {
      const currency = ctx.get("currency");
      if (currency === "") refuseUnknown(ctx.key);
      return { amount: ctx.get("balance"), currency };
    }),

    /** Takes the money out of the balance and keeps it aside. */
    hold: handler({ private: true }, (ctx, { transfer, money }: Part) => {
      checkCurrency(ctx.key, ctx.get("currency"), money);
      const balance = ctx.get("balance");
      if (balance < money.amount) {
        const details = { account: ctx.key, balance, amount: money.amount };
        refuse("insufficient-funds", `Account ${ctx.key} has only ${balance}`, details);
      }
      ctx.set("balance", balance - money.amount);
      ctx.set("held", { ...ctx.get("held"), [transfer]: money.amount });
    }),

    deposit: handler({ private: true }, (ctx, { transfer, money }: Part) => {
      checkCurrency(ctx.key, ctx.get("currency"), money);
      const balance = ctx.get("balance") + money.amount;
      if (!Number.isSafeInteger(balance)) {
        refuse("balance-too-large", `Account ${ctx.key} cannot hold more`, { account: ctx.key });
      }
      ctx.set("balance", balance);
      ctx.set("arrived", { ...ctx.get("arrived"), [transfer]: money.amount });
    }),

    /** Not shared: it waits its turn behind the deposit that it asks about. */
    hasArrived: handler(
      { private: true },
      (ctx, transfer: string) => ctx.get("arrived")[transfer] !== undefined,
    ),

    /** Undoes `hold`. Does nothing where nothing is held. */
    release: handler({ private: true }, (ctx, transfer: string) => {
      const { [transfer]: amount, ...others } = ctx.get("held");
      if (amount === undefined) return;
      ctx.set("balance", ctx.get("balance") + amount);
      ctx.set("held", others);
    }),

    /** The money has arrived: forgets it here, then there. */
    settle: handler({ private: true }, (ctx, { transfer, to }: Settle) => {
      const { [transfer]: _, ...others } = ctx.get("held");
      ctx.set("held", others);
      ctx.send(account, to).forget(transfer);
    }),

    forget: handler({ private: true }, (ctx, transfer: string) => {
      const { [transfer]: _, ...others } = ctx.get("arrived");
      ctx.set("arrived", others);
    }),
  },
});

export const transfer = workflow("transfer", {
  retention: "10 minutes",
  permission: {
    name: "transfer",
    resource: (_, { from }: Transfer) => ({ type: "account", id: from }),
  },
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

function user(id: string): { type: string; id: string } {
  return { type: "user", id };
}

/** Nobody is made an owner: an account has one. */
function readShare(account: string, { user: whom, as }: Share) {
  if (as !== "manager" && as !== "auditor") {
    refuse("unknown-role", `${String(as)} is neither manager nor auditor`, { account });
  }
  return { ...ofAccount(account, as), subject: user(whom) };
}

function ofAccount(id: string, relation: string) {
  return { resource: { type: "account", id }, relation };
}

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
