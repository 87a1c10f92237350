/** The typed client: the handlers of definitions, called from outside, over any `Port`. */
import { fail } from "../model/errors.ts";
import { checkId } from "../model/ids.ts";
import { defaultLimits } from "../model/limits.ts";
import type {
  InvocationAddress,
  InvocationDescription,
  InvocationFilter,
  InvocationPage,
  JournalEntryDescription,
  Port,
  ScheduleDescription,
  StartRequest,
} from "../model/port.ts";
import type { Duration } from "../std/duration.ts";
import { checkDuration } from "./check.ts";
import type { Definition, ScheduleDefinition } from "./handler.ts";
import { makeHandlerProxy } from "./proxy.ts";
import type {
  ArgsOf,
  Keyed,
  Keyless,
  ResultOf,
  RunResultOf,
  Stateful,
  Workflow,
} from "./signature.ts";

/** How a client calls. */
export interface ClientCallOptions {
  /** The same key within the retention time gives the same invocation and its one result. */
  readonly idempotencyKey?: string;
  /** Gives up waiting. The invocation goes on. */
  readonly signal?: AbortSignal;
  /** W3C trace context of whoever calls. */
  readonly traceparent?: string;
}

/** How a client sends. */
export interface ClientSendOptions extends ClientCallOptions {
  /** When it is due, counted from now. Default: at once. */
  readonly delay?: Duration;
}

/** How long to wait for a result. */
export interface ResultOptions {
  /** Rejects with `timed-out` after so long; 0 asks without waiting. Default: no limit. */
  readonly timeout?: Duration;
  /** Gives up waiting. The invocation goes on. */
  readonly signal?: AbortSignal;
}

/** Handlers as methods that start an invocation and wait for its result. */
export type ClientCalls<H> = {
  readonly [K in keyof H]: (...args: ArgsOf<H[K]>) => Promise<ResultOf<H[K]>>;
};

/** Handlers as methods that start an invocation; the handle comes when the start is durable. */
export type ClientSends<H> = {
  readonly [K in keyof H]: (...args: ArgsOf<H[K]>) => Promise<SentHandle<ResultOf<H[K]>>>;
};

/**
 * One invocation, seen from outside. All methods reject with `unknown-invocation` when it does not
 * exist or its retention is over.
 */
export interface Handle<T> {
  /** Its result, once it has ended; rejects with the error that it failed with. */
  result(options?: ResultOptions): Promise<T>;
  /** What it is, how it is, and what it waits for. */
  describe(): Promise<InvocationDescription>;
  journal(): Promise<readonly JournalEntryDescription[]>;
  /** Asks for cancellation: the handler gets a catchable error, and what it undoes is undone. */
  cancel(): Promise<void>;
  /** Ends it and all that it called at once. Nothing is undone. */
  kill(): Promise<void>;
  pause(): Promise<void>;
  /** Goes on after a pause or between attempts, on its own deployment or on the current one. */
  resume(options?: { readonly deployment?: "current" }): Promise<void>;
  /** Runs it again under a new id, keeping the first `from` entries of its journal. Default: 0. */
  restart(options?: { readonly from?: number }): Promise<SentHandle<T>>;
  /** Deletes it; `invocation-not-ended` before its end. */
  purge(): Promise<void>;
  /** Sends a signal, which is kept until the handler takes it; `invocation-ended` after its end. */
  signal(name: string, value?: unknown): Promise<void>;
  /** Settles one of its durable promises by name; `already-settled` if it is. */
  resolve(promise: string, value?: unknown): Promise<void>;
  /** The same, with an error. */
  reject(promise: string, reason: string): Promise<void>;
}

/** A handle that knows its id. */
export interface IdHandle<T> extends Handle<T> {
  readonly id: string;
}

/** The handle of what was just sent. */
export interface SentHandle<T> extends IdHandle<T> {
  /** Whether an earlier request with the same idempotency key started it. */
  readonly wasKnown: boolean;
}

/** The answer to a query, its rows as objects. */
export interface QueryRows<R> {
  readonly columns: readonly string[];
  readonly rows: readonly R[];
  /** Whether there were more rows than the limit `queryRows`. */
  readonly truncated: boolean;
}

/** Schedules by name, or by the definition that they have in the application. */
export interface ClientSchedules {
  list(): Promise<readonly ScheduleDescription[]>;
  /** `unknown-schedule` if there is none, here and below. */
  pause(schedule: string | ScheduleDefinition): Promise<void>;
  resume(schedule: string | ScheduleDefinition): Promise<void>;
  /** Runs it now, besides its times. */
  trigger(schedule: string | ScheduleDefinition): Promise<SentHandle<unknown>>;
}

/** Holdfast from outside. Rejects with a `HoldfastError`, or with the error of the invocation. */
export interface Client {
  /**
   * The same client, whose calls and messages are made as this caller. In the process that is taken
   * as said; a server takes it without tokens only, from this machine.
   */
  as(caller: string): Client;

  /** The handlers of a service, to be called: `await client.call(mail).send(letter)`. */
  call<H>(service: Keyless<H>, options?: ClientCallOptions): ClientCalls<H>;
  /** Those of one actor or workflow: `await client.call(counter, "visits").add(1)`. */
  call<H>(target: Keyed<H>, key: string, options?: ClientCallOptions): ClientCalls<H>;
  /** The same, without waiting for the result. */
  send<H>(service: Keyless<H>, options?: ClientSendOptions): ClientSends<H>;
  send<H>(target: Keyed<H>, key: string, options?: ClientSendOptions): ClientSends<H>;

  /** An invocation by its id. Asks nothing yet. */
  get<T = unknown>(id: string): IdHandle<T>;
  /** The run of a workflow, by its key. */
  get<H>(workflow: Workflow<H, unknown>, key: string): Handle<RunResultOf<H>>;
  /** Invocations, the latest first, a page at a time. */
  list(filter?: InvocationFilter): Promise<InvocationPage>;

  /** Settles a durable promise by its id; `already-settled` if it is. */
  resolve(promiseId: string, value?: unknown): Promise<void>;
  reject(promiseId: string, reason: string): Promise<void>;

  /** The state of an actor or workflow, as committed; entries not yet set have their initial value. */
  state<S>(target: Stateful<S>, key: string): Promise<S>;
  /**
   * Changes state from outside, for operators. `null` takes an entry away. Refused with `key-held`
   * while an exclusive handler runs, which may be changing it as well.
   */
  patchState<S>(
    target: Stateful<S>,
    key: string,
    changes: { readonly [K in keyof S]?: S[K] | null },
  ): Promise<void>;

  /** Read-only SQL over the documented views; `invalid-query` or `query-timed-out`. */
  query<R = Readonly<Record<string, string | number | null>>>(
    sql: string,
    parameters?: readonly (string | number | null)[],
  ): Promise<QueryRows<R>>;

  readonly schedules: ClientSchedules;
}

/**
 * Makes the typed client over a way in: that of an embedded engine, or `connect(…)` for a server.
 *
 * @example
 * ```ts
 * import { actor } from "holdfast";
 * import { connect, makeClient } from "holdfast/client";
 *
 * const counter = actor("counter", {
 *   state: { count: 0 },
 *   handlers: { add: (ctx, by: number) => ctx.set("count", ctx.get("count") + by) },
 * });
 * const client = makeClient(connect({ url: "http://127.0.0.1:7400" }));
 * const count = () => client.call(counter, "visits").add(1);
 * ```
 */
export function makeClient(port: Port): Client {
  return new PortClient(port);
}

type KeyOrOptions = string | ClientSendOptions | undefined;

// The types of the handlers are known to the caller's compiler alone, so in here all is `unknown`,
// and the interface is claimed at one place.
class PortClient implements Client {
  readonly schedules: ClientSchedules;
  readonly #port: Port;
  /** As whom. */
  readonly #caller: { readonly caller?: string };

  constructor(port: Port, caller: { readonly caller?: string } = {}) {
    this.#port = port;
    this.#caller = caller;
    this.schedules = makeSchedules(port);
  }

  as(caller: string): Client {
    checkId("The caller", caller, defaultLimits.idLength);
    return new PortClient(this.#port, { caller });
  }

  // biome-ignore lint/suspicious/noExplicitAny: both overloads at once; see above
  call(target: Definition, second?: KeyOrOptions, third?: ClientCallOptions): any {
    const port = this.#port;
    const base = { ...requestBase(target, second, third), ...this.#caller };
    return makeHandlerProxy(target, (handler, input) => port.call({ ...base, handler, input }));
  }

  // biome-ignore lint/suspicious/noExplicitAny: both overloads at once; see above
  send(target: Definition, second?: KeyOrOptions, third?: ClientSendOptions): any {
    const port = this.#port;
    const base = { ...requestBase(target, second, third), ...this.#caller };
    return makeHandlerProxy(target, async (handler, input) => {
      const { id, status } = await port.send({ ...base, handler, input });
      return new SentInvocation(port, id, status === "previously-accepted");
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: both overloads at once; see above
  get(target: string | Definition, key?: string): any {
    return typeof target === "string"
      ? new IdInvocation(this.#port, target)
      : new Invocation(this.#port, { service: target.name, key: key ?? "" });
  }

  list(filter?: InvocationFilter): Promise<InvocationPage> {
    return this.#port.list(filter);
  }

  resolve(promiseId: string, value?: unknown): Promise<void> {
    return this.#port.resolve({ promise: promiseId }, value);
  }

  reject(promiseId: string, reason: string): Promise<void> {
    return this.#port.reject({ promise: promiseId }, reason);
  }

  async state<S>(target: Stateful<S>, key: string): Promise<S> {
    const state: Record<string, unknown> = {};
    for (const [name, { initial }] of Object.entries(target.state)) {
      state[name] = initial === null ? undefined : JSON.parse(initial);
    }
    Object.assign(state, await this.#port.readState(target.name, key));
    return state as S; // what the handlers have set, who are bound by its type
  }

  patchState(target: Definition, key: string, changes: object): Promise<void> {
    return this.#port.patchState(target.name, key, { ...changes });
  }

  async query<R>(
    sql: string,
    parameters?: readonly (string | number | null)[],
  ): Promise<QueryRows<R>> {
    const { columns, rows, truncated } = await this.#port.query(sql, parameters);
    const objects = rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
    return { columns, rows: objects as R[], truncated }; // the caller says what was selected
  }
}

function requestBase(
  target: Definition,
  second: KeyOrOptions,
  third: ClientSendOptions = {},
): Omit<StartRequest, "handler"> {
  const isKeyed = target.kind !== "service";
  if (isKeyed !== (typeof second === "string")) {
    const what = `The call of ${target.kind} ${target.name}`;
    throw fail("invalid-argument", {
      what,
      reason: isKeyed ? "it needs a key" : "it takes no key",
    });
  }
  const { delay, ...options } = typeof second === "string" ? third : (second ?? {});
  return {
    service: target.name,
    ...(typeof second === "string" ? { key: second } : {}),
    ...(delay === undefined ? {} : { delayMs: checkDuration("The delay", delay) }),
    ...options,
  };
}

class Invocation implements Handle<unknown> {
  readonly #port: Port;
  readonly #at: InvocationAddress;

  constructor(port: Port, at: InvocationAddress) {
    this.#port = port;
    this.#at = at;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the caller's compiler knows the type of the result
  result({ timeout, ...options }: ResultOptions = {}): Promise<any> {
    if (timeout === undefined) return this.#port.result(this.#at, options);
    const timeoutMs = checkDuration("The timeout", timeout);
    return this.#port.result(this.#at, { ...options, timeoutMs });
  }

  describe(): Promise<InvocationDescription> {
    return this.#port.describe(this.#at);
  }

  journal(): Promise<readonly JournalEntryDescription[]> {
    return this.#port.journal(this.#at);
  }

  cancel(): Promise<void> {
    return this.#port.cancel(this.#at);
  }

  kill(): Promise<void> {
    return this.#port.kill(this.#at);
  }

  pause(): Promise<void> {
    return this.#port.pause(this.#at);
  }

  resume(options?: { readonly deployment?: "current" }): Promise<void> {
    return this.#port.resume(this.#at, options);
  }

  async restart(options?: { readonly from?: number }): Promise<SentInvocation> {
    const { id, status } = await this.#port.restart(this.#at, options);
    return new SentInvocation(this.#port, id, status === "previously-accepted");
  }

  purge(): Promise<void> {
    return this.#port.purge(this.#at);
  }

  signal(name: string, value?: unknown): Promise<void> {
    return this.#port.signal(this.#at, name, value);
  }

  resolve(promise: string, value?: unknown): Promise<void> {
    return this.#port.resolve({ of: this.#at, name: promise }, value);
  }

  reject(promise: string, reason: string): Promise<void> {
    return this.#port.reject({ of: this.#at, name: promise }, reason);
  }
}

class IdInvocation extends Invocation implements IdHandle<unknown> {
  readonly id: string;

  constructor(port: Port, id: string) {
    super(port, { id });
    this.id = id;
  }
}

class SentInvocation extends IdInvocation implements SentHandle<unknown> {
  readonly wasKnown: boolean;

  constructor(port: Port, id: string, wasKnown: boolean) {
    super(port, id);
    this.wasKnown = wasKnown;
  }
}

function makeSchedules(port: Port): ClientSchedules {
  const nameOf = (schedule: string | ScheduleDefinition): string =>
    typeof schedule === "string" ? schedule : schedule.name;
  return {
    list: () => port.schedules(),
    pause: (schedule) => port.pauseSchedule(nameOf(schedule)),
    resume: (schedule) => port.resumeSchedule(nameOf(schedule)),
    async trigger(schedule) {
      const { id, status } = await port.triggerSchedule(nameOf(schedule));
      return new SentInvocation(port, id, status === "previously-accepted");
    },
  };
}
