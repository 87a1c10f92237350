import type { Deployments, HandlerRuntime } from "../engine/deployments.ts";
import type { Outcome, Reply, StartAnswer, StartCommand } from "../engine/engine.ts";
import type { Engine } from "../engine/loop.ts";
import { rejection } from "../executor/handler-context.ts";
import type { Host } from "../host/host.ts";
import { decodeError, encodeError, encodePayload } from "../model/codec.ts";
import { fail, type HoldfastError } from "../model/errors.ts";
import {
  checkId,
  formatInvocationId,
  type InvocationNumber,
  parseInvocationId,
  parsePromiseId,
} from "../model/ids.ts";
import { hasEnded } from "../model/invocation.ts";
import type { Limits } from "../model/limits.ts";
import type {
  Accepted,
  InvocationAddress,
  InvocationDescription,
  InvocationFilter,
  InvocationPage,
  JournalEntryDescription,
  PromiseAddress,
  QueryAnswer,
  ScheduleDescription,
  StartRequest,
  TextOutcome,
  TextPort,
  TextStartRequest,
  WaitOptions,
} from "../model/port.ts";
import { validateInput } from "../sdk/validate.ts";
import { formatDuration } from "../std/duration.ts";
import type { SqlValue, Store } from "../store/store.ts";
import { readDescription, readEntry, readSchedule, selectInvocations } from "./descriptions.ts";
import type { Guard } from "./guard.ts";

export interface EnginePortOptions {
  readonly engine: Engine;
  readonly store: Store;
  readonly deployments: Deployments;
  readonly host: Host;
  readonly limits: Limits;
  /** Who asks for the permissions that handlers declare. Absent: they are refused. */
  readonly guard?: Guard;
}

/** The Port in front of an engine in this process: checks what comes in, then makes a command of it. */
export function makeEnginePort(options: EnginePortOptions): TextPort {
  return new EnginePort(options);
}

class EnginePort implements TextPort {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #deployments: Deployments;
  readonly #host: Host;
  readonly #limits: Limits;
  readonly #guard: Guard | undefined;

  constructor(options: EnginePortOptions) {
    this.#engine = options.engine;
    this.#store = options.store;
    this.#deployments = options.deployments;
    this.#host = options.host;
    this.#limits = options.limits;
    this.#guard = options.guard;
  }

  // Starting.

  async call(request: StartRequest): Promise<unknown> {
    const target = `${request.service}/${request.handler}`;
    const inputText = encodePayload(request.input, `The input of ${target}`, this.#limits.payload);
    return resultOf(await this.callText({ ...request, inputText }));
  }

  send(request: StartRequest): Promise<Accepted> {
    const target = `${request.service}/${request.handler}`;
    try {
      const inputText = encodePayload(
        request.input,
        `The input of ${target}`,
        this.#limits.payload,
      );
      return this.sendText({ ...request, inputText });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  callText(request: TextStartRequest): Promise<TextOutcome> {
    const { promise, reply } = makeReply<Outcome>();
    const { signal } = request;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    this.#start(request, { outcome: reply });
    return abortable(promise, signal).then((outcome) => this.#text(outcome));
  }

  async sendText(request: TextStartRequest): Promise<Accepted> {
    const { promise, reply } = makeReply<StartAnswer>();
    this.#start(request, { accepted: reply });
    return this.#accepted(await promise);
  }

  #start(request: TextStartRequest, replies: Pick<StartCommand, "accepted" | "outcome">): void {
    const refuse = (error: unknown): void => {
      const reason = error as HoldfastError; // checks throw nothing else
      replies.accepted?.reject(reason);
      replies.outcome?.reject(reason);
    };
    try {
      const handler = this.#handler(request);
      const start = (): void => this.#engine.submit(this.#command(request, replies));
      const submit = (): void => {
        if (handler.definition.options.permission === undefined) start();
        else this.#ask(handler, request, { start, refuse });
      };
      const schema = handler.definition.options.input;
      const checked =
        schema === undefined
          ? undefined
          : validateInput(
              schema,
              request.inputText === null ? undefined : JSON.parse(request.inputText),
              `${request.service}/${request.handler}`,
            );
      if (checked instanceof Promise) checked.then(submit, refuse);
      else submit();
    } catch (error) {
      refuse(error);
    }
  }

  /** Starts what the caller may start. */
  #ask(
    handler: HandlerRuntime,
    request: TextStartRequest,
    { start, refuse }: { readonly start: () => void; readonly refuse: (error: unknown) => void },
  ): void {
    try {
      if (this.#guard === undefined) throw fail("schema-missing", { tenant: "" });
      const { key = null, caller, inputText, mayExplain = always } = request;
      const input = inputText === null ? undefined : JSON.parse(inputText);
      const admitted = this.#guard.admit(handler, { key, caller, input, mayExplain });
      if (admitted === undefined) start();
      else admitted.then(start, refuse);
    } catch (error) {
      refuse(error);
    }
  }

  #handler(request: StartRequest): HandlerRuntime {
    const { service, handler, key, idempotencyKey } = request;
    const { services } = this.#deployments.current;
    const runtime = services.get(service)?.handlers.get(handler);
    if (runtime === undefined) {
      throw services.has(service)
        ? fail("unknown-handler", { service, handler })
        : fail("unknown-service", { service });
    }
    const target = `${service}/${handler}`;
    if (runtime.definition.options.private === true) throw fail("private-handler", { target });
    const max = this.#limits.idLength;
    const keyed = runtime.service.kind !== "service";
    if (keyed) {
      checkId(`The key of ${target}`, key, max);
    } else if (key !== undefined) {
      const reason = "it is a service, which has no keys";
      throw fail("invalid-argument", { what: `The key of ${target}`, reason });
    }
    if (idempotencyKey !== undefined) checkId("The idempotency key", idempotencyKey, max);
    const { delayMs } = request;
    if (delayMs !== undefined && !(delayMs >= 0 && delayMs <= this.#limits.delay)) {
      const reason = `it is not between 0 and ${this.#limits.delay} ms`;
      throw fail("invalid-argument", { what: "The delay", reason });
    }
    return runtime;
  }

  #command(
    request: TextStartRequest,
    replies: Pick<StartCommand, "accepted" | "outcome">,
  ): StartCommand {
    const { service, handler, key, inputText, idempotencyKey, delayMs, caller, traceparent } =
      request;
    return {
      kind: "start",
      service,
      handler,
      key: key ?? null,
      input: inputText,
      ...replies,
      ...(idempotencyKey === undefined ? undefined : { idempotencyKey }),
      ...(delayMs === undefined ? undefined : { due: this.#host.now() + delayMs }),
      ...(caller === undefined ? undefined : { caller }),
      ...(traceparent === undefined ? undefined : { traceparent }),
    };
  }

  #text({ number, status, output }: Outcome): TextOutcome {
    const id = formatInvocationId(this.#engine.tag, number);
    const failed = status !== "succeeded";
    return { id, output: failed ? null : output, error: failed ? output : null };
  }

  #accepted({ number, status }: StartAnswer): Accepted {
    return { id: formatInvocationId(this.#engine.tag, number), status };
  }

  // Results.

  async result(target: InvocationAddress, options: WaitOptions = {}): Promise<unknown> {
    return resultOf(await this.resultText(target, options));
  }

  async resultText(target: InvocationAddress, options: WaitOptions = {}): Promise<TextOutcome> {
    const number = await this.#number(target);
    const { timeoutMs, signal } = options;
    const peek = timeoutMs === 0;
    const { promise, reply } = makeReply<Outcome>();
    this.#engine.submit({ kind: "attach", number, outcome: reply, peek });
    const bounded =
      timeoutMs === undefined || peek ? promise : this.#within(promise, number, timeoutMs);
    const outcome = await abortable(bounded, signal);
    if (hasEnded(outcome.status)) return this.#text(outcome);
    const id = formatInvocationId(this.#engine.tag, number);
    throw fail("invocation-not-ended", { id, status: outcome.status });
  }

  #within<T>(promise: Promise<T>, number: InvocationNumber, ms: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cancel = this.#host.setTimer(ms, () => {
        const what = `Invocation ${formatInvocationId(this.#engine.tag, number)}`;
        reject(fail("timed-out", { what, timeout: formatDuration(ms) }));
      });
      promise.then(resolve, reject).finally(cancel);
    });
  }

  // Looking.

  async describe(target: InvocationAddress): Promise<InvocationDescription> {
    const number = await this.#number(target);
    const { rows } = await this.query(`${selectInvocations} WHERE number = ?`, [number]);
    const row = rows[0];
    if (row === undefined) throw this.#unknown(number);
    return readDescription(row);
  }

  async list(filter: InvocationFilter = {}): Promise<InvocationPage> {
    const limit = Math.min(filter.limit ?? 100, this.#limits.queryRows - 1);
    const conditions: string[] = [];
    const values: SqlValue[] = [];
    const where = (condition: string, value: SqlValue | undefined): void => {
      if (value === undefined) return;
      conditions.push(condition);
      values.push(value);
    };
    where("service = ?", filter.service);
    where("handler = ?", filter.handler);
    where("key = ?", filter.key);
    where("status = ?", filter.status);
    where("number < ?", filter.after === undefined ? undefined : this.#parse(filter.after));
    const clause = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
    const { rows } = await this.query(
      `${selectInvocations}${clause} ORDER BY number DESC LIMIT ${limit + 1}`,
      values,
    );
    const invocations = rows.slice(0, limit).map(readDescription);
    const last = invocations.at(-1);
    return { invocations, next: rows.length > limit && last !== undefined ? last.id : null };
  }

  async journal(target: InvocationAddress): Promise<readonly JournalEntryDescription[]> {
    const number = await this.#number(target);
    await this.#exists(number);
    const loaded = await this.#store.load({ journals: [number] });
    return (loaded.journals[0] ?? []).map(readEntry);
  }

  async readState(service: string, key: string): Promise<Readonly<Record<string, unknown>>> {
    this.#keyed(service, key);
    await this.#engine.barrier();
    const loaded = await this.#store.load({ keys: [{ service, key }] });
    const state = loaded.keys[0]?.state ?? [];
    return Object.fromEntries(state.map(([name, value]) => [name, JSON.parse(value)]));
  }

  async schedules(): Promise<readonly ScheduleDescription[]> {
    await this.#engine.barrier();
    return (await this.#store.loadSchedules()).map(readSchedule);
  }

  async query(sql: string, parameters: readonly SqlValue[] = []): Promise<QueryAnswer> {
    const max = this.#limits.queryLength;
    if (sql.length > max) {
      throw fail("too-large", { what: "The query", size: sql.length, max });
    }
    return this.#store.query(sql, parameters, {
      timeoutMs: this.#limits.queryTime,
      rowsMax: this.#limits.queryRows,
    });
  }

  // Control.

  cancel(target: InvocationAddress): Promise<void> {
    return this.#control(target, (number, reply) => ({ kind: "cancel", number, reply }));
  }

  kill(target: InvocationAddress): Promise<void> {
    return this.#control(target, (number, reply) => ({ kind: "kill", number, reply }));
  }

  pause(target: InvocationAddress): Promise<void> {
    return this.#control(target, (number, reply) => ({ kind: "pause", number, reply }));
  }

  resume(target: InvocationAddress, options?: { deployment?: "current" }): Promise<void> {
    const onCurrent = options?.deployment === "current";
    return this.#control(target, (number, reply) => ({ kind: "resume", number, onCurrent, reply }));
  }

  purge(target: InvocationAddress): Promise<void> {
    return this.#control(target, (number, reply) => ({ kind: "purge", number, reply }));
  }

  async restart(target: InvocationAddress, options: { from?: number } = {}): Promise<Accepted> {
    const from = options.from ?? 0;
    if (!Number.isSafeInteger(from) || from < 0) {
      const reason = "it is not the number of an entry";
      throw fail("invalid-argument", { what: `The entry ${String(from)}`, reason });
    }
    const number = await this.#number(target);
    const { promise, reply } = makeReply<StartAnswer>();
    this.#engine.submit({ kind: "restart", number, from, accepted: reply });
    return this.#accepted(await promise);
  }

  async signal(target: InvocationAddress, name: string, value?: unknown): Promise<void> {
    checkId("The name of the signal", name, this.#limits.idLength);
    const payload = encodePayload(value, `Signal ${name}`, this.#limits.payload);
    return this.#control(target, (number, reply) => ({
      kind: "signal",
      number,
      name,
      payload,
      reply,
    }));
  }

  async resolve(promise: PromiseAddress, value?: unknown): Promise<void> {
    const payload = encodePayload(value, "The value of the promise", this.#limits.payload);
    await this.#settle(promise, payload, false);
  }

  async reject(promise: PromiseAddress, reason: string): Promise<void> {
    await this.#settle(promise, encodeError(rejection(reason), this.#limits.errorText), true);
  }

  async #settle(address: PromiseAddress, payload: string | null, failed: boolean): Promise<void> {
    const { number, name } = await this.#promise(address);
    checkId("The name of the promise", name, this.#limits.idLength);
    const { promise, reply } = makeReply<void>();
    this.#engine.submit({ kind: "settle", number, name, payload, failed, reply });
    await promise;
  }

  async #promise(address: PromiseAddress): Promise<{ number: number; name: string }> {
    if ("of" in address) return { number: await this.#number(address.of), name: address.name };
    const { tag, partitions } = this.#engine;
    const found = parsePromiseId(tag, address.promise, partitions);
    if (found === undefined) throw fail("unknown-promise", { id: address.promise });
    return found;
  }

  async patchState(
    service: string,
    key: string,
    changes: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    this.#keyed(service, key);
    const writes = Object.entries(changes).map(([name, value]): [string, string | null] => {
      checkId("The name of a state entry", name, this.#limits.idLength);
      return [
        name,
        value === null ? null : encodePayload(value, `State ${name}`, this.#limits.payload),
      ];
    });
    const { promise, reply } = makeReply<void>();
    this.#engine.submit({ kind: "patch-state", service, key, changes: writes, reply });
    await promise;
  }

  pauseSchedule(name: string): Promise<void> {
    return this.#schedule(name, "pause");
  }

  resumeSchedule(name: string): Promise<void> {
    return this.#schedule(name, "resume");
  }

  async triggerSchedule(name: string): Promise<Accepted> {
    const { promise, reply } = makeReply<StartAnswer>();
    this.#engine.submit({ kind: "schedule", name, action: "trigger", accepted: reply });
    return this.#accepted(await promise);
  }

  async #schedule(name: string, action: "pause" | "resume"): Promise<void> {
    const { promise, reply } = makeReply<void>();
    this.#engine.submit({ kind: "schedule", name, action, reply });
    await promise;
  }

  async #control(
    target: InvocationAddress,
    make: (number: number, reply: Reply<void>) => Parameters<Engine["submit"]>[0],
  ): Promise<void> {
    const number = await this.#number(target);
    const { promise, reply } = makeReply<void>();
    this.#engine.submit(make(number, reply));
    await promise;
  }

  // Addresses.

  async #number(target: InvocationAddress): Promise<InvocationNumber> {
    if ("id" in target) return this.#parse(target.id);
    this.#keyed(target.service, target.key);
    const { promise, reply } = makeReply<InvocationNumber>();
    const { service, key } = target;
    this.#engine.submit({ kind: "find", service, key, found: reply });
    return promise;
  }

  #parse(id: string): InvocationNumber {
    const { tag, partitions } = this.#engine;
    const number = parseInvocationId(tag, id, partitions);
    if (number === undefined) throw fail("unknown-invocation", { id });
    return number;
  }

  #keyed(service: string, key: string): void {
    const definition = this.#deployments.current.services.get(service)?.definition;
    if (definition === undefined) throw fail("unknown-service", { service });
    checkId(`The key of ${service}`, key, this.#limits.idLength);
  }

  async #exists(number: InvocationNumber): Promise<void> {
    const { promise, reply } = makeReply<Outcome>();
    this.#engine.submit({ kind: "attach", number, outcome: reply, peek: true });
    await promise;
  }

  #unknown(number: InvocationNumber): HoldfastError {
    return fail("unknown-invocation", { id: formatInvocationId(this.#engine.tag, number) });
  }
}

const always = (): boolean => true;

/** The parsed result, or the error with which the invocation failed. */
function resultOf({ output, error }: TextOutcome): unknown {
  if (error !== null) throw decodeError(error);
  return output === null ? undefined : JSON.parse(output);
}

function makeReply<T>(): { promise: Promise<T>; reply: Reply<T> } {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  return { promise, reply: { resolve, reject } };
}

/** Gives up waiting when the signal is aborted; what was started goes on. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
