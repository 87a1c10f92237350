/**
 * `service`, `actor` and `workflow`: what user code is made of. A definition is a plain frozen
 * object; making one registers nothing and starts nothing. Whatever is wrong with it is refused
 * here, when the module is loaded, and not when the first call arrives.
 */
import { fail } from "../model/errors.ts";
import type { HandlerMode } from "../model/invocation.ts";
import { defaultLimits } from "../model/limits.ts";
import { checkName, checkObject, checkOptions } from "./check.ts";
import type { HandlerDefinition, HandlerOptions } from "./handler.ts";
import type {
  ActorHandler,
  ActorSpec,
  AnySchema,
  HandlerWithOptions,
  NoState,
  Returns,
  RunAnd,
  ServiceHandler,
  ServiceSpec,
  SharedHandler,
  Stateless,
  WithBoth,
  WithInput,
  WithNeither,
  WithOutput,
  WorkflowHandler,
  WorkflowRun,
  WorkflowSpec,
} from "./shapes.ts";
import type { Actor, SchemaArgs, SchemaOutput, Service, StateOf, Workflow } from "./signature.ts";
import { declareState } from "./state.ts";

/**
 * A service: handlers without key or state, any number at once.
 *
 * Throws `invalid-id` for a name that cannot be used and `invalid-argument` for handlers that are
 * not functions, unknown options and values out of bounds.
 *
 * @example
 * ```ts
 * import { service } from "holdfast";
 *
 * export const greeter = service("greeter", {
 *   handlers: { hello: async (ctx, name: string) => `Hello ${name}` },
 * });
 * ```
 */
export function service<H extends Record<string, ServiceHandler>>(
  name: string,
  spec: ServiceSpec<H>,
): Service<H> {
  const parts = open("service", name, spec, ["handlers"]);
  const handlers = makeHandlers(parts, spec.handlers, "stateless");
  return Object.freeze({ kind: "service", name, handlers, state: Object.freeze({}) });
}

/**
 * An actor: for each key, state and handlers that run one at a time, in order of arrival. Handlers
 * made by `shared(…)` run concurrently and read committed state.
 *
 * Throws as `service` does, and `not-serialisable` for an initial value that is not plain data.
 *
 * @example
 * ```ts
 * import { actor, shared } from "holdfast";
 *
 * export const counter = actor("counter", {
 *   state: { count: 0 },
 *   handlers: {
 *     add: (ctx, by: number) => ctx.set("count", ctx.get("count") + by),
 *     value: shared((ctx) => ctx.get("count")),
 *   },
 * });
 * ```
 */
export function actor<H extends Record<string, ActorHandler<NoState>>>(
  name: string,
  spec: Stateless<ActorSpec<NoState, H>>,
): Actor<H, NoState>;
export function actor<D extends object, H extends Record<string, ActorHandler<StateOf<D>>>>(
  name: string,
  spec: ActorSpec<D, H>,
): Actor<H, StateOf<D>>;
export function actor(name: string, spec: Stateless<ActorSpec<never, unknown>>): unknown {
  const parts = open("actor", name, spec, ["state", "handlers"]);
  const state = declareState(parts.of, spec.state ?? {});
  const handlers = makeHandlers(parts, spec.handlers, "exclusive");
  return Object.freeze({ kind: "actor", name, handlers, state });
}

/**
 * A workflow: `run` runs once per key, from start to end, and has state that other handlers of the
 * same key may read meanwhile and after.
 *
 * Throws as `actor` does.
 *
 * @example
 * ```ts
 * import { workflow } from "holdfast";
 *
 * export const signup = workflow("signup", {
 *   state: { step: "new" },
 *   async run(ctx, email: string) {
 *     ctx.set("step", "waiting");
 *     await ctx.promise("confirmed").orTimeout("1 day");
 *     ctx.set("step", "done");
 *     return email;
 *   },
 *   handlers: { step: (ctx) => ctx.get("step") },
 * });
 * ```
 */
export function workflow<
  A extends readonly unknown[],
  R,
  H extends Record<string, WorkflowHandler<NoState>>,
>(
  name: string,
  spec: Stateless<WorkflowSpec<NoState, WorkflowRun<NoState, A, R>, H>>,
): Workflow<RunAnd<H, A, R>, NoState>;
export function workflow<
  D extends object,
  A extends readonly unknown[],
  R,
  H extends Record<string, WorkflowHandler<StateOf<D>>>,
>(
  name: string,
  spec: WorkflowSpec<D, WorkflowRun<StateOf<D>, A, R>, H>,
): Workflow<RunAnd<H, A, R>, StateOf<D>>;
export function workflow(
  name: string,
  spec: Stateless<WorkflowSpec<never, unknown, unknown>>,
): unknown {
  const parts = open("workflow", name, spec, ["state", "run", "handlers"]);
  const state = declareState(parts.of, spec.state ?? {});
  const others = spec.handlers ?? {};
  checkObject(`The handlers of ${parts.of}`, others);
  if (Object.hasOwn(others, "run")) throw fail("duplicate-definition", { what: `${name}/run` });
  const handlers = makeHandlers(parts, { run: spec.run, ...others }, "workflow");
  return Object.freeze({ kind: "workflow", name, handlers, state });
}

/**
 * Gives a handler options: schemas for its input and result, retry policy, timeout, retention.
 * With an input schema the handler's input has the type that the schema gives, and callers pass what
 * the schema takes.
 *
 * @example
 * ```ts
 * import { handler, service } from "holdfast";
 * import { z } from "zod";
 *
 * export const mail = service("mail", {
 *   handlers: {
 *     send: handler(
 *       { input: z.object({ to: z.email(), text: z.string() }), retry: { attempts: 5 } },
 *       async (ctx, letter) => ctx.run("smtp", () => `sent to ${letter.to}`),
 *     ),
 *   },
 * });
 * ```
 */
export function handler<C, A extends readonly unknown[], R>(
  options: WithNeither,
  fn: (ctx: C, ...args: A) => R,
): HandlerWithOptions<C, A, R>;
export function handler<C, I extends AnySchema, R>(
  options: WithInput<I>,
  fn: (ctx: C, input: SchemaOutput<I>) => R,
): HandlerWithOptions<C, SchemaArgs<I>, R>;
export function handler<C, A extends readonly unknown[], O extends AnySchema>(
  options: WithOutput<O>,
  fn: (ctx: C, ...args: A) => Returns<O>,
): HandlerWithOptions<C, A, SchemaOutput<O>>;
export function handler<C, I extends AnySchema, O extends AnySchema>(
  options: WithBoth<I, O>,
  fn: (ctx: C, input: SchemaOutput<I>) => Returns<O>,
): HandlerWithOptions<C, SchemaArgs<I>, SchemaOutput<O>>;
export function handler(options: object, fn: HandlerFunction): unknown {
  return wrap("handler", { options, shared: false, fn });
}

/**
 * Makes a handler of an actor shared: it runs concurrently with all others and reads committed state,
 * which it cannot change. Takes the options of `handler` as well: `shared(options, fn)`.
 *
 * @example
 * ```ts
 * import { actor, shared } from "holdfast";
 *
 * export const cart = actor("cart", {
 *   state: { items: [] as string[] },
 *   handlers: {
 *     put: (ctx, item: string) => void ctx.set("items", [...ctx.get("items"), item]),
 *     size: shared((ctx) => ctx.get("items").length),
 *   },
 * });
 * ```
 */
export function shared<C, A extends readonly unknown[], R>(
  fn: (ctx: C, ...args: A) => R,
): SharedHandler<C, A, R>;
export function shared<C, A extends readonly unknown[], R>(
  options: WithNeither,
  fn: (ctx: C, ...args: A) => R,
): SharedHandler<C, A, R>;
export function shared<C, I extends AnySchema, R>(
  options: WithInput<I>,
  fn: (ctx: C, input: SchemaOutput<I>) => R,
): SharedHandler<C, SchemaArgs<I>, R>;
export function shared<C, A extends readonly unknown[], O extends AnySchema>(
  options: WithOutput<O>,
  fn: (ctx: C, ...args: A) => Returns<O>,
): SharedHandler<C, A, SchemaOutput<O>>;
export function shared<C, I extends AnySchema, O extends AnySchema>(
  options: WithBoth<I, O>,
  fn: (ctx: C, input: SchemaOutput<I>) => Returns<O>,
): SharedHandler<C, SchemaArgs<I>, SchemaOutput<O>>;
export function shared(first: object | HandlerFunction, second?: HandlerFunction): unknown {
  return typeof first === "function"
    ? wrap("shared", { options: {}, shared: true, fn: first })
    : wrap("shared", { options: first, shared: true, fn: second });
}

type HandlerFunction = (ctx: never, ...args: never) => unknown;

/** What a wrapped handler remembers. Under a registered symbol, so that copies of this package agree. */
interface Wrapped {
  readonly options: HandlerOptions;
  readonly shared: boolean;
  readonly fn: unknown;
}

const wrapped: unique symbol = Symbol.for("holdfast.handler") as typeof wrapped;

/** A function of its own, so that the user's may serve elsewhere with other options. */
function wrap(by: string, parts: Wrapped): HandlerFunction {
  const { fn } = parts;
  if (typeof fn !== "function") {
    throw fail("invalid-argument", {
      what: `The handler given to ${by}(…)`,
      reason: notFunction(fn),
    });
  }
  if (wrapped in fn) {
    const reason = "it has options already; give all of them at once";
    throw fail("invalid-argument", { what: `The handler given to ${by}(…)`, reason });
  }
  const call = (...args: never): unknown => Reflect.apply(fn, undefined, args);
  return Object.assign(call, { [wrapped]: parts });
}

interface Opened {
  /** Names the definition in errors. */
  readonly of: string;
  readonly name: string;
  readonly common: HandlerOptions;
}

/** Checks what all definitions have in common. */
function open(kind: string, name: string, spec: object, own: readonly string[]): Opened {
  checkName(`The ${kind} name`, name);
  const of = `${kind} ${name}`;
  checkObject(`The definition of ${of}`, spec);
  const common: Record<string, unknown> = { ...spec };
  for (const part of own) delete common[part];
  for (const schema of ["input", "output"]) {
    if (common[schema] === undefined) continue;
    const reason = "schemas belong to single handlers";
    throw fail("invalid-argument", { what: `The ${schema} of ${of}`, reason });
  }
  checkOptions(of, common);
  return { of, name, common };
}

/** `mode` is that of plain functions; in a workflow, that of `run`. */
function makeHandlers(
  { of, name, common }: Opened,
  given: unknown,
  mode: HandlerMode,
): Readonly<Record<string, HandlerDefinition>> {
  checkObject(`The handlers of ${of}`, given);
  // Without a prototype, so that a look-up by a name from outside finds handlers only.
  const handlers: Record<string, HandlerDefinition> = Object.create(null);
  const entries = Object.entries(given);
  if (entries.length === 0) {
    throw fail("invalid-argument", {
      what: `The definition of ${of}`,
      reason: "it has no handlers",
    });
  }
  if (entries.length > defaultLimits.handlers) {
    const max = defaultLimits.handlers;
    throw fail("limit-exceeded", { limit: "handlers", max, what: of });
  }
  for (const [handlerName, value] of entries) {
    const target = `${name}/${handlerName}`;
    checkHandlerName(of, handlerName);
    const { options, shared: isShared, fn } = unwrap(target, value);
    checkOptions(target, options);
    const actual = modeOf(target, handlerName, mode, isShared);
    const all = Object.freeze({ ...common, ...options });
    checkResource(target, actual, all);
    handlers[handlerName] = Object.freeze({
      name: handlerName,
      mode: actual,
      // What the user wrote; its types are known where it is called only through a typed client.
      invoke: fn as HandlerDefinition["invoke"],
      options: all,
    });
  }
  return Object.freeze(handlers);
}

/** What has no key has no object of its own. */
function checkResource(target: string, mode: HandlerMode, { permission }: HandlerOptions): void {
  if (mode !== "stateless" || permission === undefined) return;
  if (typeof permission !== "string" && permission.resource !== undefined) return;
  const reason = "a service has no key, so the permission has to name its resource";
  throw fail("invalid-argument", { what: `The permission of ${target}`, reason });
}

function checkHandlerName(of: string, name: string): void {
  checkName(`The handler name of ${of}`, name);
  if (name !== "then") return;
  const reason = 'an object with a "then" is taken for a promise when it is awaited';
  throw fail("invalid-id", { what: `${of}, handler "then"`, reason, max: defaultLimits.idLength });
}

function unwrap(target: string, value: unknown): Wrapped {
  if (typeof value !== "function") {
    throw fail("invalid-argument", { what: `The handler ${target}`, reason: notFunction(value) });
  }
  const parts = (value as Partial<Record<typeof wrapped, Wrapped>>)[wrapped]; // put there by wrap
  return parts ?? { options: {}, shared: false, fn: value };
}

function modeOf(target: string, name: string, mode: HandlerMode, isShared: boolean): HandlerMode {
  if (mode === "workflow" && name !== "run") return "shared";
  if (!isShared) return mode;
  if (mode === "exclusive") return "shared";
  const reason =
    "it has no state to share; only other handlers of actors and workflows can be shared";
  throw fail("invalid-argument", { what: `The handler ${target}`, reason });
}

function notFunction(value: unknown): string {
  return `it is ${value === null ? "null" : value === undefined ? "missing" : `a ${typeof value}`}, not a function`;
}
