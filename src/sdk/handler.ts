import type { HandlerMode } from "../model/invocation.ts";
import type { CaveatContext, ObjectRef, SubjectRef } from "../model/relationship.ts";
import type { Duration } from "../std/duration.ts";
import type { StandardSchema } from "./standard-schema.ts";

/** What the engine and the executor know of a handler, with all types erased. */
export interface HandlerDefinition {
  readonly name: string;
  readonly mode: HandlerMode;
  /** The user's function: `(context, input) => result`. */
  readonly invoke: (context: never, input: never) => unknown;
  readonly options: HandlerOptions;
}

/** A named set of handlers, with all types erased. */
export interface Definition {
  readonly kind: "service" | "actor" | "workflow";
  readonly name: string;
  readonly handlers: Readonly<Record<string, HandlerDefinition>>;
  /** Default JSON and schema of each declared state entry. */
  readonly state: Readonly<Record<string, StateEntryDefinition>>;
}

export interface StateEntryDefinition {
  /** JSON of the value that an entry has before it is set; null for none. */
  readonly initial: string | null;
  readonly schema?: StandardSchema;
}

export interface HandlerOptions {
  /** Refuses other inputs at the border, before anything is recorded. */
  readonly input?: StandardSchema;
  /** Checks what the handler returns; a mismatch is a terminal failure. */
  readonly output?: StandardSchema;
  /** How often a failed attempt is repeated before the invocation pauses. */
  readonly retry?: RetryPolicy;
  /** The whole invocation must end within this time of its start; else it fails with `timed-out`. */
  readonly timeout?: Duration;
  /** How long it is kept after its end. Default: 24 hours. */
  readonly retention?: Duration;
  /** Only other handlers may call it. Default: false. */
  readonly private?: boolean;
  /** `"step"` (default): a step starts when all before it is durable. `"pipelined"`: steps run ahead. */
  readonly durability?: "step" | "pipelined";
  /**
   * What the caller must have the right to. Whoever has not is refused with `permission-denied`
   * before anything starts. A name means: on the object of the service's name and the key.
   */
  readonly permission?: string | PermissionRule;
}

/** A permission that a handler asks for, on what, and for whom. */
export interface PermissionRule {
  /** A permission or relation of the schema. */
  readonly name: string;
  /** Default: `{ type: <service>, id: <key> }`. Services have no key, and must say it. */
  resource?(key: string, input: never): ObjectRef;
  /** Default: what the application's `authorization` makes of the caller. */
  subject?(caller: string | undefined, input: never): SubjectRef | undefined;
  /** Values for caveats. */
  context?(key: string, input: never): CaveatContext;
  /** Default: the application's. */
  readonly tenant?: string;
}

/** Exponential backoff. Jitter of up to a tenth is taken off each pause. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly attempts?: number;
  /** Pause before the second attempt. Default: 50 ms. */
  readonly initial?: Duration;
  /** Growth of the pause. Default: 2. */
  readonly factor?: number;
  /** Longest pause. Default: 10 s. */
  readonly max?: Duration;
}

/** A recurring message to a handler. */
export interface ScheduleDefinition {
  readonly kind: "schedule";
  readonly name: string;
  /** Five or six fields, or `@daily` and its kind. */
  readonly cron: string;
  /** IANA name. Default: UTC. */
  readonly timeZone: string;
  readonly target: Message;
  readonly overlap: "allow" | "skip" | "queue";
  readonly backfill: "none" | "last" | "all";
}

/** A message as data: who gets it, and what. */
export interface Message {
  readonly service: string;
  readonly handler: string;
  readonly key?: string;
  readonly input?: unknown;
}
