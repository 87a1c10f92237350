/**
 * The application that the torture kills. Everything it does can be counted afterwards: in its state,
 * and for steps in a file outside, whose lines survive the process that wrote them.
 */
import { appendFileSync } from "node:fs";
import {
  type Authorization,
  actor,
  type Context,
  type StepInfo,
  TerminalError,
  workflow,
} from "holdfast";
import type { Definition } from "../../src/sdk/handler.ts";

/** One line of the effects file. */
export interface Effect {
  readonly of: string;
  readonly step: string;
  /** Tells one run of a step from another run of the same step. */
  readonly token: string;
  /** The result of the step before, as this one saw it. */
  readonly before: string;
}

/** Keys of tallies are shared by so many operations, so that their state stays small. */
export const operationsPerTally = 40;

const effectsFile = process.env["TORTURE_EFFECTS"] ?? "effects.jsonl";

let effects = 0;

function effect(of: string, step: string, before = ""): string {
  const token = `${process.pid}.${Date.now().toString(36)}.${effects++}`;
  const line: Effect = { of, step, token, before };
  appendFileSync(effectsFile, `${JSON.stringify(line)}\n`);
  return token;
}

interface Tick {
  readonly operation: string;
  /** Milliseconds since 1970 before which it must not arrive. */
  readonly notBefore?: number;
}

/** Keeps what arrived, in order. */
const tally = actor("tally", {
  state: { operations: [] as string[], early: [] as string[] },
  handlers: {
    /** @returns how many came before it. */
    add: (ctx, { operation, notBefore = 0 }: Tick) => {
      const before = ctx.get("operations");
      ctx.set("operations", [...before, operation]);
      if (ctx.now() < notBefore) ctx.set("early", [...ctx.get("early"), operation]);
      return before.length;
    },
  },
});

interface ChainInput {
  readonly steps: number;
  readonly sleepMs: number;
  readonly tallyKey: string;
}

/** Steps that each see the one before, then a call, then three messages. */
const chain = workflow("chain", {
  async run(ctx, { steps, sleepMs, tallyKey }: ChainInput) {
    const tokens: string[] = [];
    for (let i = 0; i < steps; i++) {
      const before = tokens.at(-1) ?? "";
      tokens.push(await ctx.run(`step ${i}`, () => effect(ctx.key, `step ${i}`, before)));
      if (i === 1) await ctx.sleep(sleepMs);
    }
    await ctx.call(tally, tallyKey).add({ operation: `${ctx.key} call` });
    for (const part of ["a", "b", "c"]) {
      ctx.send(tally, tallyKey).add({ operation: `${ctx.key} send ${part}` });
    }
    return tokens;
  },
});

/** Collects notes until it has the answer and the last of them. */
const inbox = workflow("inbox", {
  async run(ctx) {
    const notes: string[] = [];
    for await (const note of ctx.signals<string>("note")) {
      if (note === "end") break;
      notes.push(note);
    }
    return { notes, answer: await ctx.promise<string>("answer") };
  },
});

interface SagaInput {
  readonly fails: boolean;
}

/** Three steps, each of which can be undone; then it fails, or waits to be cancelled. */
const saga = workflow("saga", {
  async run(ctx, { fails }: SagaInput) {
    for (let i = 0; i < 3; i++) await undoable(ctx, i);
    if (fails) throw new TerminalError("It was meant to fail", { code: "meant-to-fail" });
    await ctx.sleep("1 s");
    return "not cancelled in time";
  },
});

function undoable(ctx: Context, i: number): PromiseLike<string> {
  const undo = (token: string, _: StepInfo): string => effect(ctx.key, `undo ${i}`, token);
  return ctx.run(`do ${i}`, () => effect(ctx.key, `do ${i}`), { undo });
}

// By name and not by import, since it is checked as a program of a user's and not as one of ours.
const walletUrl = new URL("../../examples/wallet/app.ts", import.meta.url).href;
const wallet: { access: Authorization; account: Definition; transfer: Definition } = await import(
  walletUrl
);

export const access: Authorization = wallet.access;

export const services: readonly Definition[] = [
  tally,
  chain,
  inbox,
  saga,
  wallet.account,
  wallet.transfer,
];
