import type { Definition } from "./handler.ts";
import type { StandardSchema } from "./standard-schema.ts";

/**
 * How the types of a definition travel to whoever calls it: each definition carries the types of its
 * handlers in a property that exists for the compiler only. One flat conditional type per handler
 * reads them, so that type-checking stays cheap.
 */

/** A service as `service(…)` makes it; `H` are its handlers. */
export interface Service<H> extends Definition {
  readonly kind: "service";
  readonly "~handlers"?: H;
}

/** An actor as `actor(…)` makes it; `S` is its state. */
export interface Actor<H, S> extends Definition {
  readonly kind: "actor";
  readonly "~handlers"?: H;
  readonly "~state"?: S;
}

/** A workflow as `workflow(…)` makes it; its `run` is one of the handlers. */
export interface Workflow<H, S> extends Definition {
  readonly kind: "workflow";
  readonly "~handlers"?: H;
  readonly "~state"?: S;
}

/** What is called without a key. */
export interface Keyless<H> extends Definition {
  readonly kind: "service";
  readonly "~handlers"?: H;
}

/** What is called by key: actors, and workflows by the key that they run under. */
export interface Keyed<H> extends Definition {
  readonly kind: "actor" | "workflow";
  readonly "~handlers"?: H;
}

/** What is called by key and has state of type `S`. */
export interface Stateful<S> extends Definition {
  readonly kind: "actor" | "workflow";
  readonly "~state"?: S;
}

/** What a caller passes to a handler: nothing, or one input. */
export type ArgsOf<F> = F extends (ctx: never, ...args: infer A) => unknown ? A : never;

/** What a caller gets from a handler. */
export type ResultOf<F> = F extends (...args: never) => infer R ? Awaited<R> : never;

/** What the `run` of a workflow results in. */
export type RunResultOf<H> = H extends { readonly run: infer F } ? ResultOf<F> : never;

/** What a schema takes, before it converts anything. */
export type SchemaInput<T> = T extends StandardSchema<infer I, unknown> ? I : never;

/** What a schema gives. */
export type SchemaOutput<T> = T extends StandardSchema<unknown, infer O> ? O : never;

/** The arguments that a schema stands for: one, which may be left out if the schema allows it. */
export type SchemaArgs<T> =
  undefined extends SchemaInput<T> ? [input?: SchemaInput<T>] : [input: SchemaInput<T>];

/**
 * State types from a declaration, which has for each entry an initial value or a schema. An entry
 * whose schema has no default reads as `undefined` until it is set.
 */
export type StateOf<D> = { [K in keyof D]: StateValue<D[K]> };

type StateValue<T> =
  T extends StandardSchema<infer I, infer O> ? (undefined extends I ? O : O | undefined) : T;
