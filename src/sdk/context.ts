import type { Precondition, Verdict } from "../model/authz.ts";
import type { CaveatContext, ObjectRef, Relationship, SubjectRef } from "../model/relationship.ts";
import type { Duration } from "../std/duration.ts";
import type { RetryPolicy } from "./handler.ts";
import type { ArgsOf, Keyed, Keyless, ResultOf, RunResultOf, Workflow } from "./signature.ts";

/**
 * A result that will come, and is durable when it does. It can be awaited like a promise, any number
 * of times, and passed to `Promise.all` and its kind: results reach the code in the order of the
 * journal, one at a time, so a race ends the same way in every replay.
 */
export interface DurableFuture<T> extends Promise<T> {
  /** The same result, or a `TimeoutError` when it takes longer. The timer is durable. */
  orTimeout(duration: Duration): DurableFuture<T>;
  /** The same result, or the fallback when it takes longer. */
  orTimeout<const F>(duration: Duration, fallback: F): DurableFuture<T | F>;
}

/** The future of a call to another handler. */
export interface CallFuture<T> extends DurableFuture<T> {
  /** The id of the invocation that was called. */
  id(): DurableFuture<string>;
  /** Asks for its cancellation. */
  cancel(): void;
}

/** A message that was sent. */
export interface Sent {
  /** The id of the invocation that it became. */
  id(): DurableFuture<string>;
  /** Asks for its cancellation; before it is due, this withdraws it. */
  cancel(): void;
}

/** A durable promise: a named value that somebody else settles, once. */
export interface PromiseFuture<T> extends DurableFuture<T> {
  /** Its id, for whoever is to settle it over HTTP, the CLI or a client. */
  readonly id: string;
  /** Settles it. The first one counts; later ones change nothing. */
  resolve(value?: T): void;
  /** Settles it with an error, which is thrown to whoever awaits it. */
  reject(reason: string): void;
}

/** What a step is given. */
export interface StepInfo {
  /** Aborted on cancellation, on timeout, and when the attempt is given up. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The same for every attempt of this step: pass it on to whoever de-duplicates by key. */
  readonly idempotencyKey: string;
}

export interface StepOptions<T> {
  /**
   * When attempts run out, the error is thrown to the handler as `step-exhausted`. Without a policy
   * a failed step counts as a failed attempt of the handler, whose policy then applies.
   */
  readonly retry?: RetryPolicy;
  /** One attempt must end within this time. */
  readonly timeout?: Duration;
  /**
   * Takes the effect back. Runs as a step of its own when the handler fails for good or is
   * cancelled after this step succeeded, latest step first.
   */
  readonly undo?: (result: T, step: StepInfo) => unknown;
}

/** How a handler calls another. */
export interface CallOptions {
  /** Calls of the target with the same key, by anyone, give one invocation and its one result. */
  readonly idempotencyKey?: string;
}

/** How a handler sends a message to another. */
export interface SendOptions extends CallOptions {
  /** When it is due, counted from now. Default: at once. */
  readonly delay?: Duration;
}

/** Handlers as methods that call: each starts an invocation, and gives the future of its result. */
export type Calls<H> = {
  readonly [K in keyof H]: (...args: ArgsOf<H[K]>) => CallFuture<ResultOf<H[K]>>;
};

/** Handlers as methods that send: each starts an invocation, and does not wait for it. */
export type Sends<H> = { readonly [K in keyof H]: (...args: ArgsOf<H[K]>) => Sent };

/** What a handler changes in the relationships, all of it or nothing. */
export interface Relate {
  /** What is there already is refused: `relationship-exists`. */
  readonly create?: readonly Relationship[];
  /** Put, whether there or not. */
  readonly touch?: readonly Relationship[];
  /** Taken away, if there. */
  readonly delete?: readonly Relationship[];
  /** All must hold, else `precondition-failed`. */
  readonly preconditions?: readonly Precondition[];
  /** Travels with the change to those who watch. */
  readonly metadata?: CaveatContext;
  /** Default: the tenant of the application. */
  readonly tenant?: string;
}

/** What was changed is seen by every question that brings this zookie. */
export interface Related {
  readonly zookie: string;
}

/** For whom, and with what, a handler asks. */
export interface CheckOptions {
  /** Default: the caller of the invocation; without one, `caller-missing`. */
  readonly subject?: SubjectRef;
  /** Values for caveats. */
  readonly context?: CaveatContext;
  /** Relationships that hold for this question alone. */
  readonly contextual?: readonly Relationship[];
  /** Default: the tenant of the application. */
  readonly tenant?: string;
}

/** A decision as it lies in the journal. */
export interface Decision {
  readonly verdict: Verdict;
  /** Caveat parameters that would decide it; empty unless it is `conditional`. */
  readonly missing: readonly string[];
  /** What was decided rests on the relationships as of this. */
  readonly zookie: string;
}

/** What every handler is given. */
export interface Context {
  /** This invocation's id. */
  readonly id: string;
  readonly service: string;
  readonly handler: string;
  /** The key of the actor or workflow; empty for services. */
  readonly key: string;
  /** Who called, as far as the gateway vouches for it. */
  readonly caller: string | undefined;
  /** W3C trace context of the call, if there was one. */
  readonly traceparent: string | undefined;

  /**
   * Runs a step: an effect on the outside world whose result is recorded. It runs at least once; once
   * its result is recorded it never runs again.
   */
  run<T>(
    name: string,
    effect: (step: StepInfo) => T | Promise<T>,
    options?: StepOptions<T>,
  ): DurableFuture<T>;

  /** Waits, through restarts and deploys. Never ends early. */
  sleep(duration: Duration): DurableFuture<void>;
  /** Waits until a time: milliseconds since 1970, or a Date. */
  sleepUntil(time: number | Date): DurableFuture<void>;

  /** A durable promise of this invocation, by name; without a name, a new one each time. */
  promise<T = unknown>(name?: string): PromiseFuture<T>;
  /** The next signal of that name, in order of arrival; those that came before are kept. */
  signal<T = unknown>(name: string): DurableFuture<T>;
  /** All signals of that name, one after another. */
  signals<T = unknown>(name: string): AsyncIterableIterator<T>;

  /** The handlers of a service, to be called: `await ctx.call(mail).send(letter)`. */
  call<H>(service: Keyless<H>, options?: CallOptions): Calls<H>;
  /** The handlers of one actor or workflow: `await ctx.call(counter, "visits").add(1)`. */
  call<H>(target: Keyed<H>, key: string, options?: CallOptions): Calls<H>;
  /** The same, one-way: the message is durable with this invocation, and arrives exactly once. */
  send<H>(service: Keyless<H>, options?: SendOptions): Sends<H>;
  /** One-way, now or later: `ctx.send(counter, "visits", { delay: "1 week" }).add(1)`. */
  send<H>(target: Keyed<H>, key: string, options?: SendOptions): Sends<H>;

  /** The result of another invocation, by its id. */
  attach<T = unknown>(id: string): DurableFuture<T>;
  /** The result of a workflow, by its key. */
  attach<H>(workflow: Workflow<H, unknown>, key: string): DurableFuture<RunResultOf<H>>;
  /** Asks for the cancellation of another invocation, by its id. */
  cancel(id: string): void;
  /** Sends a signal to another invocation, by its id. */
  sendSignal(id: string, name: string, value?: unknown): void;
  /** Settles a durable promise of another invocation, by its id. */
  resolve(promiseId: string, value?: unknown): void;
  reject(promiseId: string, reason: string): void;

  /**
   * Whether the subject has a permission, as of all that is known when it is asked, what this
   * invocation has related included. The decision is recorded: a replay decides the same. What
   * depends on caveat parameters that were not given is no. Errors: `unknown-type`,
   * `unknown-relation`, `caller-missing`, and the others of a question.
   *
   * `if (await ctx.check("edit", { type: "document", id }))`
   */
  check(permission: string, resource: ObjectRef, options?: CheckOptions): DurableFuture<boolean>;
  /** The same with the whole decision: `conditional` as well, and the zookie to store with content. */
  decide(permission: string, resource: ObjectRef, options?: CheckOptions): DurableFuture<Decision>;
  /** The same for those who go on only if it is so: else `permission-denied`, which ends a handler. */
  require(permission: string, resource: ObjectRef, options?: CheckOptions): DurableFuture<Decision>;
  /**
   * Changes relationships. They are durable with what this handler did before it, and on one node in
   * the same commit as the state that it sets in the same breath, without an `await` between. A
   * refusal is final, and is thrown to whoever awaits: `relationship-exists`, `precondition-failed`,
   * `subject-not-allowed` and the others of a write.
   *
   * `await ctx.relate({ create: [{ resource: doc, relation: "owner", subject: user }] })`
   */
  relate(change: Relate): DurableFuture<Related>;

  /** All results, or the first error. */
  all<T extends readonly unknown[]>(
    futures: readonly [...{ [K in keyof T]: PromiseLike<T[K]> }],
  ): DurableFuture<T>;
  /** The first to settle, in the order of the journal. */
  race<const T extends readonly PromiseLike<unknown>[]>(
    futures: T,
  ): DurableFuture<Awaited<T[number]>>;
  /** The first success, or all errors in an `AggregateError`. */
  any<const T extends readonly PromiseLike<unknown>[]>(
    futures: T,
  ): DurableFuture<Awaited<T[number]>>;
  allSettled<T extends readonly unknown[]>(
    futures: readonly [...{ [K in keyof T]: PromiseLike<T[K]> }],
  ): DurableFuture<{ -readonly [K in keyof T]: PromiseSettledResult<T[K]> }>;
  /** The first to settle, with its name: `const first = await ctx.select({ paid, expired })`. */
  select<T extends Record<string, PromiseLike<unknown>>>(futures: T): DurableFuture<Selected<T>>;

  /** Milliseconds since 1970, the same in every replay; moves between turns, not within one. */
  now(): number;
  /** A number in [0, 1), the same in every replay. */
  random(): number;
  /** A version 4 UUID, the same in every replay. */
  uuid(): string;

  /**
   * Guards a change of code: true in invocations that start after it, false in those whose journal
   * was already past this point.
   */
  patched(id: string): boolean;

  /** Logs with the invocation's id; silent during replay. */
  readonly log: ContextLog;
}

export type Selected<T extends Record<string, PromiseLike<unknown>>> = {
  [K in keyof T]: { readonly name: K; readonly value: Awaited<T[K]> };
}[keyof T];

export interface ContextLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What shared handlers of actors and workflows are given besides: state to read. */
export interface SharedContext<S> extends Context {
  /** Exists for the compiler only. */
  readonly "~state"?: S;
  /** A state entry; its declared initial value before it is set. A copy: change it with `set`. */
  get<K extends keyof S & string>(name: K): S[K];
  /** Names of the entries that are set. */
  keys(): string[];
}

/** A value that is there: an entry is taken away with `clear`, not by setting it to undefined. */
export type Defined<T> = Exclude<T, undefined>;

/** What exclusive handlers of actors, and runs of workflows, are given besides: state to write. */
export interface ActorContext<S> extends SharedContext<S> {
  /** @returns the value, so that a handler can end with it. */
  set<K extends keyof S & string>(name: K, value: Defined<S[K]>): Defined<S[K]>;
  /** Back to the initial value; without a name, all entries. */
  clear(name?: keyof S & string): void;
}
