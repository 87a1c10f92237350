import { defaultRetention } from "../model/limits.ts";
import type { Definition, HandlerDefinition, RetryPolicy } from "../sdk/handler.ts";
import { type Duration, parseDuration } from "../std/duration.ts";

/** Retry policy with everything filled in; times in milliseconds. */
export interface Retry {
  readonly attempts: number;
  readonly initial: number;
  readonly factor: number;
  readonly max: number;
}

/** A handler, ready to be run: options parsed once. */
export interface HandlerRuntime {
  readonly definition: HandlerDefinition;
  readonly service: Definition;
  readonly deployment: string;
  readonly retry: Retry;
  readonly retentionMs: number;
  readonly timeoutMs: number | null;
  readonly pipelined: boolean;
}

/** One immutable version of user code. */
export interface Deployment {
  readonly id: string;
  readonly services: ReadonlyMap<string, ServiceRuntime>;
}

export interface ServiceRuntime {
  readonly definition: Definition;
  readonly handlers: ReadonlyMap<string, HandlerRuntime>;
}

/** Sixteen attempts take about a minute and a half; then the invocation pauses and waits for people. */
export const defaultRetry: Retry = { attempts: 16, initial: 50, factor: 2, max: 10_000 };

export function fillRetry(policy: RetryPolicy | undefined, base: Retry = defaultRetry): Retry {
  if (policy === undefined) return base;
  return {
    attempts: policy.attempts ?? base.attempts,
    initial: milliseconds(policy.initial) ?? base.initial,
    factor: policy.factor ?? base.factor,
    max: milliseconds(policy.max) ?? base.max,
  };
}

/** Pause before the attempt after `attempts` failed ones, or null when there is to be none. */
export function retryDelay(retry: Retry, attempts: number): number | null {
  if (attempts >= retry.attempts) return null;
  return Math.min(retry.max, retry.initial * retry.factor ** (attempts - 1));
}

export function makeDeployment(id: string, definitions: readonly Definition[]): Deployment {
  const services = new Map<string, ServiceRuntime>();
  for (const definition of definitions) {
    const handlers = new Map<string, HandlerRuntime>();
    for (const handler of Object.values(definition.handlers)) {
      handlers.set(handler.name, {
        definition: handler,
        service: definition,
        deployment: id,
        retry: fillRetry(handler.options.retry),
        retentionMs: milliseconds(handler.options.retention) ?? defaultRetention.invocation,
        timeoutMs: milliseconds(handler.options.timeout) ?? null,
        pipelined: handler.options.durability === "pipelined",
      });
    }
    services.set(definition.name, { definition, handlers });
  }
  return { id, services };
}

/** The deployments that run here: new invocations start on the current one, old ones stay on theirs. */
export class Deployments {
  readonly #byId = new Map<string, Deployment>();
  #current: Deployment = makeDeployment("none", []);

  get current(): Deployment {
    return this.#current;
  }

  /** Adds a deployment; the one added last is the current one. */
  add(deployment: Deployment): void {
    this.#byId.set(deployment.id, deployment);
    this.#current = deployment;
  }

  handler(service: string, handler: string, id?: string): HandlerRuntime | undefined {
    const deployment = id === undefined ? this.#current : this.#byId.get(id);
    return deployment?.services.get(service)?.handlers.get(handler);
  }
}

function milliseconds(duration: Duration | undefined): number | undefined {
  // Definitions are checked when they are made, so this cannot fail any more.
  return duration === undefined ? undefined : parseDuration(duration);
}
