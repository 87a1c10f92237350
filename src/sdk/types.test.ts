/**
 * What the compiler makes of definitions and clients. The checks are made by `npm run check`; run,
 * this file only proves that the definitions themselves can be made.
 */
import { test } from "node:test";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import type { Client, SentHandle } from "./client.ts";
import type { ActorContext, CallFuture, Context, DurableFuture, Sent } from "./context.ts";
import { actor, handler, service, shared, workflow } from "./definition.ts";
import { message, schedule } from "./schedule.ts";

/** Compiles only if the value has exactly the type. */
function expectType<Expected>() {
  return <Actual>(
    _value: Actual,
    ..._same: Same<Actual, Expected> extends true ? [] : ["is not", Expected]
  ): void => undefined;
}

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const order = z.object({ id: z.string(), quantity: z.number().default(1) });
interface Order {
  readonly id: string;
  readonly quantity: number;
}
type Status = "new" | "paid" | "failed";

const counter = actor("counter", {
  state: { count: 0, limit: z.number().default(10), owner: v.string(), tags: [] as string[] },
  handlers: {
    add: (ctx, by: number) => ctx.set("count", ctx.get("count") + by),
    async addMore(ctx, by = 1) {
      expectType<number>()(ctx.get("limit"));
      expectType<string | undefined>()(ctx.get("owner"));
      expectType<string[]>()(ctx.get("tags"));
      // @ts-expect-error: there is no such entry
      ctx.get("cuont");
      // @ts-expect-error: of another type
      ctx.set("count", "1");
      // @ts-expect-error: an entry is taken away by clear
      ctx.set("owner", undefined);
      return String(ctx.get("count") + by);
    },
    value: shared((ctx) => ctx.get("count")),
    above: shared((ctx, limit: number) => {
      // @ts-expect-error: shared handlers read
      ctx.set("count", 1);
      return ctx.get("count") > limit;
    }),
    order: handler({ input: order, retry: { attempts: 3 } }, async (ctx, input) => {
      expectType<Order>()(input satisfies Order as Order);
      return ctx.set("count", ctx.get("count") + input.quantity);
    }),
    peek: shared({ input: type({ "verbose?": "boolean" }) }, (ctx, { verbose }) =>
      verbose === true ? ctx.keys() : [],
    ),
    untyped: (_ctx, input) => expectType<never>()(input),
  },
});

const mail = service("mail", {
  timeout: "1 minute",
  handlers: {
    send: handler({ input: z.object({ to: z.string(), at: z.coerce.date() }) }, (ctx, letter) => {
      expectType<Date>()(letter.at);
      return ctx.run("smtp", ({ attempt }) => attempt);
    }),
    later: handler({ input: z.string().optional() }, async (_ctx, text) => text?.length),
    rendered: handler({ output: z.object({ html: z.string() }) }, async (_ctx, name: string) => ({
      html: `<p>${name}`,
    })),
    ping: async () => {},
  },
});

const checkout = workflow("checkout", {
  state: { status: "new" as Status },
  async run(ctx, input: Order) {
    ctx.set("status", "paid");
    const count = await ctx.call(counter, input.id).add(input.quantity);
    expectType<number>()(count);
    return { count };
  },
  handlers: {
    status: (ctx) => ctx.get("status"),
    isPaid: shared((ctx) => ctx.get("status") === "paid"),
    // @ts-expect-error: beside the run, a workflow has only shared handlers
    change: (ctx) => ctx.set("status", "failed"),
  },
});

const bare = workflow("bare", {
  run: handler({ input: order, timeout: "2 days" }, async (ctx, input) => {
    const { data } = await ctx.run("fetch", async () => ({ data: input.id }), {
      undo: (result, step) => expectType<string>()(result.data + step.idempotencyKey),
    });
    return data;
  }),
});

/** Handlers written apart, asking for no more context than they need. */
const log = async (ctx: Context, line: string): Promise<void> => ctx.log.info(line);
const bump = handler({}, (ctx: ActorContext<{ n: number }>) => ctx.set("n", ctx.get("n") + 1));
const mixed = actor("mixed", {
  state: { n: 0 },
  handlers: { log, bump, sharedLog: shared(log), apart: handler({ private: true }, log) },
});

/** A handler that calls its own definition states its result. */
const tree = actor("tree", {
  handlers: {
    async grow(ctx, depth: number): Promise<number> {
      return depth === 0 ? 1 : ctx.call(tree, ctx.key).grow(depth - 1);
    },
  },
});

async function insideAHandler(ctx: Context): Promise<void> {
  expectType<CallFuture<number>>()(ctx.call(counter, "k").add(1));
  expectType<CallFuture<string>>()(ctx.call(counter, "k").addMore());
  expectType<CallFuture<boolean>>()(ctx.call(counter, "k").above(2));
  expectType<CallFuture<number>>()(ctx.call(counter, "k").order({ id: "1" }));
  expectType<CallFuture<string[]>>()(ctx.call(counter, "k").peek({}));
  expectType<CallFuture<number>>()(ctx.call(mail).send({ to: "x", at: new Date(0) }));
  expectType<CallFuture<number | undefined>>()(ctx.call(mail).later());
  expectType<CallFuture<{ html: string }>>()(ctx.call(mail).rendered("x"));
  expectType<CallFuture<void>>()(ctx.call(mail).ping());
  expectType<CallFuture<{ count: number }>>()(
    ctx.call(checkout, "o").run({ id: "1", quantity: 2 }),
  );
  expectType<CallFuture<Status>>()(ctx.call(checkout, "o").status());
  expectType<CallFuture<boolean>>()(ctx.call(checkout, "o").isPaid());
  expectType<CallFuture<string>>()(ctx.call(bare, "b").run({ id: "1" }));
  expectType<CallFuture<number>>()(ctx.call(tree, "t").grow(3));
  expectType<CallFuture<void>>()(ctx.call(mixed, "m").sharedLog("x"));
  expectType<CallFuture<number>>()(ctx.call(mixed, "m").bump());
  expectType<Sent>()(ctx.send(counter, "k", { delay: "1 week", idempotencyKey: "i" }).add(1));
  expectType<Sent>()(ctx.send(mail, { delay: 5 }).ping());
  expectType<DurableFuture<{ count: number }>>()(ctx.attach(checkout, "o"));
  expectType<DurableFuture<unknown>>()(ctx.attach("inv_1"));
  expectType<DurableFuture<number>>()(ctx.attach<number>("inv_1"));

  const answer = ctx.promise<"yes" | "no">("answer");
  expectType<DurableFuture<"yes" | "no">>()(answer.orTimeout("1 week"));
  expectType<DurableFuture<"yes" | "no" | "late">>()(answer.orTimeout("1 week", "late"));
  expectType<DurableFuture<"yes" | "no" | undefined>>()(answer.orTimeout("1 week", undefined));

  // @ts-expect-error: an actor needs a key
  ctx.call(counter);
  // @ts-expect-error: a service has none
  ctx.call(mail, "key");
  // @ts-expect-error: no such handler
  ctx.call(counter, "k").subtract(1);
  // @ts-expect-error: no such handler, of a workflow with nothing but a run
  ctx.call(bare, "b").status();
  // @ts-expect-error: input of another type
  ctx.call(counter, "k").add("1");
  // @ts-expect-error: input is missing
  ctx.call(counter, "k").add();
  // @ts-expect-error: it takes none
  ctx.call(counter, "k").value(1);
  // @ts-expect-error: what the schema takes, not what it gives
  ctx.call(mail).later(1);
  // @ts-expect-error: only workflows are attached to by key
  ctx.attach(counter, "k");
  // @ts-expect-error: a call is not delayed
  ctx.call(counter, "k", { delay: 1 });
}

async function outside(client: Client): Promise<void> {
  expectType<Promise<number>>()(client.call(counter, "k").add(1));
  expectType<Promise<void>>()(client.call(mail).ping());
  expectType<Promise<SentHandle<number>>>()(client.send(counter, "k", { delay: "1h" }).add(1));
  expectType<Promise<{ count: number }>>()(client.get(checkout, "o").result({ timeout: "1s" }));
  expectType<Promise<string>>()(client.get<string>("inv_1").result());
  expectType<number>()((await client.state(counter, "k")).count);
  expectType<string | undefined>()((await client.state(counter, "k")).owner);
  expectType<Status>()((await client.state(checkout, "o")).status);
  await client.patchState(counter, "k", { count: 3, owner: null });
  expectType<readonly { n: number }[]>()((await client.query<{ n: number }>("select 1")).rows);

  // @ts-expect-error: a service has no state
  client.state(mail, "k");
  // @ts-expect-error: an entry of another type
  client.patchState(counter, "k", { count: "3" });
  // @ts-expect-error: a workflow is looked up by key
  client.get(checkout);
}

function refusedShapes(): void {
  // @ts-expect-error: services have no state to share
  service("x", { handlers: { bad: shared((ctx) => ctx.id) } });
  // @ts-expect-error: a run is not shared
  workflow("x", { run: shared((ctx: Context) => ctx.id) });
  // @ts-expect-error: unknown option
  workflow("x", { run: async () => 1, retyr: { attempts: 1 } });
  // @ts-expect-error: unknown option of a handler
  handler({ retry: { atempts: 1 } }, async () => 1);
  // @ts-expect-error: the result is not what the schema takes
  handler({ output: z.object({ html: z.string() }) }, async () => ({ html: 1 }));
  // @ts-expect-error: a handler is a function
  actor("x", { handlers: { bad: 1 } });
  // @ts-expect-error: a handler has one input
  service("x", { handlers: { bad: (_ctx: Context, _a: string, _b: string) => 1 } });
  // @ts-expect-error: a message has the input of its handler
  message(counter, "k").add("1");
  schedule("x", {
    cron: "@daily",
    target: message(mail).ping(),
    // @ts-expect-error: not a way to overlap
    overlap: "sometimes",
  });
}

test("definitions of all shapes can be made", () => {
  // Checked by the compiler, not run.
  void [insideAHandler, outside, refusedShapes];
});
