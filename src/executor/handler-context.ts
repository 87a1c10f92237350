import type { IssuedTarget } from "../engine/engine.ts";
import type { LogLevel } from "../host/host.ts";
import { encodeError, encodePayload, TerminalError } from "../model/codec.ts";
import { fail } from "../model/errors.ts";
import { checkId, formatPromiseId, parseInvocationId, parsePromiseId } from "../model/ids.ts";
import type { ObjectRef } from "../model/relationship.ts";
import type {
  ActorContext,
  CheckOptions,
  ContextLog,
  Decision,
  DurableFuture,
  PromiseFuture,
  Relate,
  Related,
  Selected,
  SendOptions,
  StepInfo,
  StepOptions,
} from "../sdk/context.ts";
import type { Definition } from "../sdk/handler.ts";
import { makeHandlerProxy } from "../sdk/proxy.ts";
import { validate } from "../sdk/validate.ts";
import type { Duration } from "../std/duration.ts";
import { Prng } from "../std/prng.ts";
import { derive, observe, PromiseHandle } from "./future.ts";
import { decisionOf, readQuestion, readRelate, requireYes, type Speaker } from "./questions.ts";
import type { Decided, HandlerQuestion } from "./relations.ts";
import type { Run } from "./run.ts";

type State = Record<string, unknown>;

/** The context of one attempt, with its types erased: the SDK's types are laid over it. */
export function makeContext(run: Run): object {
  return new HandlerContext(run);
}

/** What user code holds. Everything durable goes through the run, which keeps order and records. */
class HandlerContext
  implements Omit<ActorContext<State>, "call" | "send" | "attach" | "all" | "allSettled" | "select">
{
  readonly #run: Run;
  #random: Prng | null = null;
  #log: ContextLog | null = null;

  constructor(run: Run) {
    this.#run = run;
  }

  get id(): string {
    return this.#run.id;
  }

  get service(): string {
    return this.#run.attempt.invocation.service;
  }

  get handler(): string {
    return this.#run.attempt.invocation.handler;
  }

  get key(): string {
    return this.#run.attempt.invocation.key ?? "";
  }

  get caller(): string | undefined {
    return this.#run.attempt.invocation.extra?.caller;
  }

  get traceparent(): string | undefined {
    return this.#run.attempt.invocation.extra?.traceparent;
  }

  run<T>(
    name: string,
    effect: (step: StepInfo) => T | Promise<T>,
    options?: StepOptions<T>,
  ): DurableFuture<T> {
    const run = this.#run;
    this.#checkId("The name of a step", name);
    if (typeof effect !== "function") {
      const reason = "a step is a function that has the effect";
      throw fail("invalid-argument", { what: `Step ${name}`, reason });
    }
    if (options?.timeout !== undefined)
      run.parseDuration(options.timeout, `The timeout of ${name}`);
    return run.step<T>(name, effect, options as StepOptions<never> | undefined); // undo gets its result
  }

  sleep(duration: Duration): DurableFuture<void> {
    const run = this.#run;
    return run.commands.sleepUntil(run.now + run.parseDuration(duration, "The sleep"));
  }

  sleepUntil(time: number | Date): DurableFuture<void> {
    const run = this.#run;
    const due = typeof time === "number" ? time : time.getTime();
    if (!Number.isFinite(due) || due > run.now + run.executor.limits.delay) {
      const reason = "it is no time, or too far ahead";
      throw fail("invalid-argument", { what: `The time ${String(time)}`, reason });
    }
    return run.commands.sleepUntil(Math.max(0, Math.ceil(due)));
  }

  promise<T = unknown>(name?: string): PromiseFuture<T> {
    const run = this.#run;
    if (name !== undefined) this.#checkId("The name of a promise", name);
    const own = name ?? `#${run.commands.nextPromise()}`;
    const number = run.attempt.promises;
    const id = formatPromiseId(run.executor.engine.tag, number, own);
    return new PromiseHandle<T>(
      id,
      () => run.commands.ask<T>("promise", own, null, { number }),
      (value, failed) => this.#settle(number, own, value, failed),
    );
  }

  signal<T = unknown>(name: string): DurableFuture<T> {
    this.#checkId("The name of a signal", name);
    return this.#run.commands.signal<T>(name);
  }

  async *signals<T = unknown>(name: string): AsyncIterableIterator<T> {
    for (;;) yield await this.signal<T>(name);
  }

  call(target: Definition, ...rest: readonly unknown[]): object {
    const { key, options } = readTarget(target, rest);
    const run = this.#run;
    return makeHandlerProxy(target, (handler, input) =>
      run.commands.call(this.#target(target, handler, key, input, options)),
    );
  }

  send(target: Definition, ...rest: readonly unknown[]): object {
    const { key, options } = readTarget(target, rest);
    const run = this.#run;
    return makeHandlerProxy(target, (handler, input) =>
      run.commands.send(this.#target(target, handler, key, input, options)),
    );
  }

  attach(target: string | Definition, key?: string): DurableFuture<unknown> {
    if (typeof target === "string") {
      return this.#run.commands.ask("attach", target, null, { number: this.#number(target) });
    }
    this.#checkId("The key", key);
    const workflow = { service: target.name, key };
    return this.#run.commands.ask("attach", `${target.name}/${key}`, null, { workflow });
  }

  cancel(id: string): void {
    this.#run.commands.tell("send-cancel", id, null, { number: this.#number(id) });
  }

  sendSignal(id: string, name: string, value?: unknown): void {
    this.#checkId("The name of a signal", name);
    const payload = this.#encode(value, `Signal ${name}`);
    this.#run.commands.tell("send-signal", name, payload, { number: this.#number(id) });
  }

  resolve(promiseId: string, value?: unknown): void {
    const { number, name } = this.#promise(promiseId);
    this.#settle(number, name, value, false);
  }

  reject(promiseId: string, reason: string): void {
    const { number, name } = this.#promise(promiseId);
    this.#settle(number, name, reason, true);
  }

  check(permission: string, resource: ObjectRef, options?: CheckOptions): DurableFuture<boolean> {
    return this.#check({ permission, resource, options }, ({ verdict }) => verdict === "yes");
  }

  decide(permission: string, resource: ObjectRef, options?: CheckOptions): DurableFuture<Decision> {
    return this.#check({ permission, resource, options }, decisionOf);
  }

  require(
    permission: string,
    resource: ObjectRef,
    options?: CheckOptions,
  ): DurableFuture<Decision> {
    return this.#check({ permission, resource, options }, requireYes);
  }

  #check<T>(
    asked: { permission: string; resource: ObjectRef; options: CheckOptions | undefined },
    read: (decided: Decided, question: HandlerQuestion) => T,
  ): DurableFuture<T> {
    const { permission, resource, options } = asked;
    const { name, question } = readQuestion(this.#speaker(), permission, resource, options);
    return this.#run.commands.check(name, question, (decided: Decided) => read(decided, question));
  }

  relate(change: Relate): DurableFuture<Related> {
    const { name, change: write } = readRelate(this.#speaker(), change);
    return this.#run.commands.relate(name, write, ({ zookie }: Related) => ({ zookie }));
  }

  #speaker(): Speaker {
    const { target, limits, relations } = this.#run;
    return {
      target,
      limits,
      tenant: relations.tenant,
      subject: () => relations.subjectOf(this.caller),
    };
  }

  all(futures: readonly PromiseLike<unknown>[]): DurableFuture<unknown[]> {
    return derive(this.#run, Promise.all(futures.map(observe)));
  }

  race<const T extends readonly PromiseLike<unknown>[]>(
    futures: T,
  ): DurableFuture<Awaited<T[number]>> {
    return derive(this.#run, Promise.race(futures.map(observe))) as DurableFuture<
      Awaited<T[number]>
    >; // observe keeps the type of each
  }

  any<const T extends readonly PromiseLike<unknown>[]>(
    futures: T,
  ): DurableFuture<Awaited<T[number]>> {
    return derive(this.#run, Promise.any(futures.map(observe))) as DurableFuture<
      Awaited<T[number]>
    >; // likewise
  }

  allSettled(
    futures: readonly PromiseLike<unknown>[],
  ): DurableFuture<PromiseSettledResult<unknown>[]> {
    return derive(this.#run, Promise.allSettled(futures.map(observe)));
  }

  select(futures: Record<string, PromiseLike<unknown>>): DurableFuture<Selected<typeof futures>> {
    const named = Object.entries(futures).map(([name, future]) =>
      observe(future).then((value) => ({ name, value })),
    );
    return derive(this.#run, Promise.race(named));
  }

  now(): number {
    return this.#run.now;
  }

  random(): number {
    return this.#prng().float();
  }

  uuid(): string {
    return this.#prng().uuid();
  }

  patched(id: string): boolean {
    this.#checkId("The id of a patch", id);
    return this.#run.commands.patched(id);
  }

  get log(): ContextLog {
    this.#log ??= makeLog(this.#run);
    return this.#log;
  }

  // State.

  get(name: string): unknown {
    this.#checkState(name);
    const run = this.#run;
    const payload = run.commands.read(name) ?? run.handler.service.state[name]?.initial ?? null;
    return payload === null ? undefined : JSON.parse(payload);
  }

  keys(): string[] {
    return JSON.parse(this.#run.commands.read("") ?? "[]");
  }

  set<T>(name: string, value: T): T {
    this.#checkState(name);
    this.#checkWritable();
    const schema = this.#run.handler.service.state[name]?.schema;
    const what = `State ${name} of ${this.service}`;
    let checked: unknown = value;
    if (schema !== undefined) {
      checked = validate(schema, value, (reason) => fail("invalid-argument", { what, reason }));
      if (checked instanceof Promise) {
        throw fail("invalid-argument", { what, reason: "schemas of state must be synchronous" });
      }
    }
    if (checked === undefined) {
      throw fail("invalid-argument", { what, reason: "undefined is no value; use clear" });
    }
    this.#run.commands.write(name, this.#encode(checked, what));
    return value;
  }

  clear(name?: string): void {
    if (name !== undefined) this.#checkState(name);
    this.#checkWritable();
    this.#run.commands.write(name ?? "", null);
  }

  #checkState(name: string): void {
    this.#checkId("The name of a state entry", name);
    if (this.#run.attempt.state !== null) return;
    const reason = "services have no state; use an actor or a workflow";
    throw fail("context-misused", { target: this.#run.target, reason });
  }

  #checkWritable(): void {
    if (this.#run.attempt.invocation.mode !== "shared") return;
    const reason = "a shared handler reads state and never writes it";
    throw fail("context-misused", { target: this.#run.target, reason });
  }

  // Helpers.

  #prng(): Prng {
    this.#random ??= new Prng(this.#run.attempt.invocation.seed);
    return this.#random;
  }

  #checkId(what: string, id: unknown): asserts id is string {
    checkId(what, id, this.#run.executor.limits.idLength);
  }

  #encode(value: unknown, what: string): string | null {
    return encodePayload(value, what, this.#run.executor.limits.payload);
  }

  #number(id: string): number {
    const { tag, partitions } = this.#run.executor.engine;
    const number = parseInvocationId(tag, id, partitions);
    if (number === undefined) throw fail("unknown-invocation", { id: String(id) });
    return number;
  }

  #promise(id: string): { number: number; name: string } {
    const { tag, partitions } = this.#run.executor.engine;
    const promise = parsePromiseId(tag, id, partitions);
    if (promise === undefined) throw fail("unknown-promise", { id: String(id) });
    return promise;
  }

  #settle(number: number, name: string, value: unknown, failed: boolean): void {
    const run = this.#run;
    const payload = failed
      ? encodeError(rejection(value), run.executor.limits.errorText)
      : this.#encode(value, `The value of promise ${name}`);
    run.commands.tell("settle", name, payload, { number, failed });
  }

  #target(
    target: Definition,
    handler: string,
    key: string | null,
    input: unknown,
    options: SendOptions | undefined,
  ): IssuedTarget {
    const run = this.#run;
    const name = `${target.name}/${handler}`;
    if (key !== null) this.#checkId("The key", key);
    const { idempotencyKey, delay } = options ?? {};
    if (idempotencyKey !== undefined) this.#checkId("The idempotency key", idempotencyKey);
    return {
      service: target.name,
      handler,
      key,
      input: this.#encode(input, `The input of ${name}`),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(delay === undefined ? {} : { due: run.now + run.parseDuration(delay, "The delay") }),
    };
  }
}

/** What a rejected durable promise throws to whoever awaits it. */
export function rejection(reason: unknown): Error {
  return new TerminalError(String(reason), { code: "rejected" });
}

/** `(service, options?)` or `(keyed, key, options?)`. */
function readTarget(
  target: Definition,
  rest: readonly unknown[],
): { key: string | null; options: SendOptions | undefined } {
  const keyed = target.kind !== "service";
  const key = keyed ? (rest[0] as string) : null; // checked before it is used
  return { key, options: rest[keyed ? 1 : 0] as SendOptions | undefined }; // typed by the SDK
}

function makeLog(run: Run): ContextLog {
  const write =
    (level: LogLevel) =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void => {
      if (run.replaying) return;
      run.executor.host.log(level, message, { ...fields, invocation: run.id });
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
