/** What handlers and definitions may look like as they are written: shapes for the compiler. */
import type { ActorContext, Context, SharedContext } from "./context.ts";
import type { HandlerOptions } from "./handler.ts";
import type { SchemaInput } from "./signature.ts";
import type { StandardSchema } from "./standard-schema.ts";

/**
 * A handler of a service: a function, or one with options made by `handler(…)`.
 * `~shared` exists for the compiler only, here and below: it tells it what the `ctx` of a shared
 * handler is.
 */
export interface ServiceHandler {
  (ctx: Context, input: never): unknown;
  readonly "~shared"?: never;
}

/** A handler of an actor: exclusive, unless it is made by `shared(…)`. */
export interface ActorHandler<S> {
  (ctx: ActorContext<S>, input: never): unknown;
  readonly "~shared"?: (ctx: SharedContext<S>) => void;
}

/** A handler of a workflow beside its `run`: always shared. */
export interface WorkflowHandler<S> {
  (ctx: SharedContext<S>, input: never): unknown;
  readonly "~shared"?: (ctx: SharedContext<S>) => void;
}

/** The `run` of a workflow. */
export interface WorkflowRun<S, A extends readonly unknown[], R> {
  (ctx: ActorContext<S>, ...args: A): R;
  readonly "~shared"?: never;
}

/** What `handler(…)` gives: the handler, remembering its options. */
export type HandlerWithOptions<C, A extends readonly unknown[], R> = (ctx: C, ...args: A) => R;

/** What `shared(…)` gives. The first line does not name `C`, so that it is inferred from the other. */
export interface SharedHandler<C, A extends readonly unknown[], R> {
  (ctx: unknown, ...args: A): R;
  readonly "~shared": (ctx: C) => void;
}

/** What may be set for all handlers of a definition at once; a handler's own options win. */
export type CommonOptions = Omit<HandlerOptions, "input" | "output">;

export type AnySchema = StandardSchema<unknown, unknown>;
export type WithInput<I> = CommonOptions & { readonly input: I; readonly output?: undefined };
export type WithOutput<O> = CommonOptions & { readonly input?: undefined; readonly output: O };
export type WithBoth<I, O> = CommonOptions & { readonly input: I; readonly output: O };
export type WithNeither = CommonOptions & {
  readonly input?: undefined;
  readonly output?: undefined;
};
export type Returns<O> = SchemaInput<O> | Promise<SchemaInput<O>>;

/** What `service(…)` is given. */
export interface ServiceSpec<H> extends CommonOptions {
  readonly handlers: H;
}

/** What `actor(…)` is given. */
export interface ActorSpec<D, H> extends CommonOptions {
  /** For each state entry its initial value, or a Standard Schema, whose default is the initial. */
  readonly state: D;
  readonly handlers: H;
}

/** What `workflow(…)` is given. */
export interface WorkflowSpec<D, R, H> extends CommonOptions {
  /** For each state entry its initial value, or a Standard Schema, whose default is the initial. */
  readonly state: D;
  /** Runs once per key. */
  readonly run: R;
  /** All shared: they run beside `run`, and read the state that it writes. */
  readonly handlers?: H;
}

/** The same without state. */
export type Stateless<T> = Omit<T, "state"> & { readonly state?: undefined };

/** All handlers of a workflow. Without others, `H` is no more than its constraint, and left out. */
export type RunAnd<H, A extends readonly unknown[], R> = {
  readonly run: (ctx: never, ...args: A) => R;
} & { readonly [K in keyof H as string extends K ? never : K]: H[K] };

/** Of a definition without state. */
export type NoState = Record<never, never>;
