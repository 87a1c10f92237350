import type { AuthzChange, AuthzOutcome } from "../model/authz.ts";
import type { Entry, EntryKind } from "../model/entry.ts";
import type { HoldfastError } from "../model/errors.ts";
import type { InvocationNumber } from "../model/ids.ts";
import type { Failure, Invocation, Status } from "../model/invocation.ts";
import type { ScheduleDefinition } from "../sdk/handler.ts";
import type { RelationWrites } from "../store/relations.ts";
import type { IdempotencyAddress } from "../store/store.ts";
import type { HandlerRuntime } from "./deployments.ts";

/**
 * The engine in types: commands go in, replies come out when what they say is durable, and the
 * executor is the only other party, with three messages: start, commands out, completions in.
 */

/** The only ways anything changes. Each has one file in commands/. */
export type Command =
  | StartCommand
  | TurnCommand
  | DoneCommand
  | TimerCommand
  | AdvanceCommand
  | RecoverCommand
  | AttachCommand
  | FindCommand
  | AcceptedCommand
  | SignalCommand
  | SettleCommand
  | AwaitPromiseCommand
  | CancelCommand
  | KillCommand
  | PauseCommand
  | ResumeCommand
  | RestartCommand
  | PurgeCommand
  | ExpireCommand
  | PatchStateCommand
  | ScheduleCommand
  | DeliverCommand
  | ReceiptCommand
  | AuthzCommand;

export type CommandKind = Command["kind"];

/** Who waits for what a command leads to. Called once, after the gate. */
export interface Reply<T> {
  resolve(value: T): void;
  reject(error: HoldfastError): void;
}

export interface Origin {
  readonly number: InvocationNumber;
  readonly command: number;
}

/** Start an invocation. */
export interface StartCommand {
  readonly kind: "start";
  readonly service: string;
  readonly handler: string;
  readonly key: string | null;
  readonly input: string | null;
  readonly idempotencyKey?: string;
  /** Milliseconds since 1970. */
  readonly due?: number;
  /** The command that sent it. */
  readonly origin?: Origin;
  /** Whether the origin waits for the result (a call) or not (a message). */
  readonly answer?: boolean;
  readonly depth?: number;
  readonly caller?: string;
  readonly traceparent?: string;
  readonly schedule?: string;
  /** Told when the start is durable. */
  readonly accepted?: Reply<StartAnswer>;
  /** Told the outcome. */
  readonly outcome?: Reply<Outcome>;
}

export interface StartAnswer {
  readonly number: InvocationNumber;
  readonly status: "accepted" | "previously-accepted";
}

export interface Outcome {
  readonly number: InvocationNumber;
  readonly status: Status;
  /** JSON of the result or of the encoded error. */
  readonly output: string | null;
}

/** What a handler did in one turn. A stale attempt's turns are dropped. */
export interface TurnCommand {
  readonly kind: "turn";
  readonly number: InvocationNumber;
  readonly attempt: number;
  readonly commands: readonly IssuedCommand[];
  readonly outcome: TurnOutcome | null;
  /** Steps wait for what the turn did to become durable. */
  readonly stepsWait: boolean;
  /** Nothing runs: only a completion can move it, so its memory may be taken. */
  readonly idle: boolean;
  /** How many completions the attempt had been told of: later ones make `idle` untrue. */
  readonly notified: number;
}

export interface IssuedCommand {
  readonly kind: EntryKind;
  readonly command: number;
  readonly name: string;
  readonly payload: string | null;
  readonly failed: boolean;
  /** For `send` and `call`. */
  readonly target?: IssuedTarget;
  /** For `sleep`. */
  readonly due?: number;
  /** For `attach` by key. */
  readonly workflow?: { readonly service: string; readonly key: string };
  /** For `relate`. */
  readonly change?: AuthzChange;
  /** For `attach`, `send-cancel`, `send-signal`, `settle`, `promise`: whose. */
  readonly number?: InvocationNumber;
}

export interface IssuedTarget {
  readonly service: string;
  readonly handler: string;
  readonly key: string | null;
  readonly input: string | null;
  readonly idempotencyKey?: string;
  readonly due?: number;
}

export type TurnOutcome =
  | { readonly kind: "returned"; readonly payload: string | null }
  /** A terminal error: the invocation ends. */
  | { readonly kind: "failed"; readonly payload: string; readonly cancelled: boolean }
  /** The attempt failed, and may be repeated. `step` when a step did. */
  | { readonly kind: "retry"; readonly failure: Failure; readonly delayMs: number | null }
  /** It cannot go on by itself: diverged, foreign await, retries exhausted. */
  | { readonly kind: "pause"; readonly failure: Failure }
  /** A step failed and is repeated after a while; the handler itself goes on. */
  | { readonly kind: "retry-step"; readonly failure: Failure; readonly delayMs: number };

/** The answer to an open command of an invocation. */
export interface DoneCommand {
  readonly kind: "done";
  readonly number: InvocationNumber;
  readonly command: number;
  readonly payload: string | null;
  readonly failed: boolean;
}

export interface TimerCommand {
  readonly kind: "timer";
  readonly number: InvocationNumber;
  readonly command: number;
  readonly due: number;
  readonly timer: "sleep" | "start" | "retry" | "deadline";
}

/** The key is free: the next in its queue begins. Never leaves the batch that caused it. */
export interface AdvanceCommand {
  readonly kind: "advance";
  readonly service: string;
  readonly key: string;
}

/** An invocation that was running when the node stopped goes on. */
export interface RecoverCommand {
  readonly kind: "recover";
  readonly number: InvocationNumber;
}

/** Somebody wants the result: another invocation's command, or a reply. */
export interface AttachCommand {
  readonly kind: "attach";
  readonly number: InvocationNumber;
  readonly waiter?: Origin;
  readonly outcome?: Reply<Outcome>;
  /** For `outcome`: answer at once, also when it has not ended. */
  readonly peek?: boolean;
}

/** Who is the latest run of a workflow's key? */
export interface FindCommand {
  readonly kind: "find";
  readonly service: string;
  readonly key: string;
  readonly found?: Reply<InvocationNumber>;
  /** Attaches this command to it. */
  readonly waiter?: Origin;
}

/** The number that a started invocation got, told to the command that sent it. */
export interface AcceptedCommand {
  readonly kind: "accepted";
  readonly number: InvocationNumber;
  readonly command: number;
  readonly child: InvocationNumber;
}

export interface SignalCommand {
  readonly kind: "signal";
  readonly number: InvocationNumber;
  readonly name: string;
  readonly payload: string | null;
  readonly reply?: Reply<void>;
}

export interface SettleCommand {
  readonly kind: "settle";
  readonly number: InvocationNumber;
  readonly name: string;
  readonly payload: string | null;
  readonly failed: boolean;
  readonly reply?: Reply<void>;
}

export interface AwaitPromiseCommand {
  readonly kind: "await-promise";
  readonly number: InvocationNumber;
  readonly name: string;
  readonly waiter: Origin;
}

interface ControlCommand {
  readonly number: InvocationNumber;
  readonly reply?: Reply<void>;
}

export interface CancelCommand extends ControlCommand {
  readonly kind: "cancel";
}

export interface KillCommand extends ControlCommand {
  readonly kind: "kill";
}

export interface PauseCommand extends ControlCommand {
  readonly kind: "pause";
}

export interface ResumeCommand extends ControlCommand {
  readonly kind: "resume";
  readonly onCurrent: boolean;
}

export interface PurgeCommand extends ControlCommand {
  readonly kind: "purge";
}

/** Retention of these is over. */
export interface ExpireCommand {
  readonly kind: "expire";
  readonly partition: number;
  readonly numbers: readonly InvocationNumber[];
  readonly idempotency: readonly IdempotencyAddress[];
}

export interface RestartCommand {
  readonly kind: "restart";
  readonly number: InvocationNumber;
  /** How many entries to keep. */
  readonly from: number;
  readonly accepted?: Reply<StartAnswer>;
}

export interface PatchStateCommand {
  readonly kind: "patch-state";
  readonly service: string;
  readonly key: string;
  readonly changes: readonly (readonly [name: string, value: string | null])[];
  readonly reply?: Reply<void>;
}

export interface ScheduleCommand {
  readonly kind: "schedule";
  readonly name: string;
  readonly action: "declare" | "remove" | "due" | "ended" | "pause" | "resume" | "trigger";
  /** For `declare`. */
  readonly definition?: ScheduleDefinition;
  readonly reply?: Reply<void>;
  readonly accepted?: Reply<StartAnswer>;
}

/** A message from another partition; `inner` is applied once per (source, destination, sequence). */
export interface DeliverCommand {
  readonly kind: "deliver";
  readonly source: number;
  readonly destination: number;
  readonly sequence: number;
  readonly inner: Command;
  /** Called when the message and its effect are durable. */
  readonly reply?: Reply<void>;
}

/** The destination has everything up to this row of the source's outbox. */
export interface ReceiptCommand {
  readonly kind: "receipt";
  readonly source: number;
  readonly destination: number;
  readonly row: number;
}

/** A change of relationships or schemas: all of a tenant come through one partition, in order. */
export interface AuthzCommand {
  readonly kind: "authz";
  readonly change: AuthzChange;
  readonly reply?: Reply<AuthzOutcome>;
  /** The command of an invocation that waits for what it comes to. */
  readonly waiter?: Origin;
}

/**
 * Who keeps relationships, as the engine sees it: memory that runs ahead of the store like that of
 * the engine, and is written in the batch of whatever caused a change.
 */
export interface RelationKeeper {
  /** Loads what applying will look at, if that is not in memory. `now` is that of its stamp. */
  prepare(change: AuthzChange, now: number): void | Promise<void>;
  /**
   * Changes memory and says what to write, synchronously; or throws, and nothing has changed. Null:
   * nothing has either, and it is to be prepared and applied again.
   */
  apply(change: AuthzChange, stamp: RelationStamp): AuthzOutcome | null;
  /** Everything up to this batch is durable. */
  durable(batch: number): void;
  /** What is not durable may not have been written: memory is rebuilt from the store. */
  reset(): Promise<void>;
}

/**
 * Decides whether handlers, and schedules, may start what asks for a permission. Those from outside
 * were asked at the door.
 */
export interface StartGuard {
  /** Loads what deciding will look at, if that is not in memory. */
  prepare(command: StartCommand, handler: HandlerRuntime): void | Promise<void>;
  /** Why it may not, as of all that was applied; null: it may. */
  refusal(command: StartCommand, handler: HandlerRuntime): HoldfastError | null;
}

export interface RelationStamp {
  readonly now: number;
  readonly batch: number;
  readonly writes: RelationWrites;
}

/** What lies in the payload of an outbox row: its place in the order of one destination. */
export interface Parcel {
  readonly sequence: number;
  readonly command: Command;
}

/** Runs handlers. Called only by the loop, in the thread of the loop. */
export interface Executor {
  /** Begins an attempt from a journal. */
  start(attempt: Attempt): void;
  /** A new entry of a running attempt: a completion, a signal or a cancellation. */
  notify(number: InvocationNumber, entry: Entry, batch: number): void;
  /** The turn's commands were applied in this batch; its steps may start when that is durable. */
  applied(number: InvocationNumber, batch: number): void;
  /** Cancellation was asked for: abort steps, and answer with a `cancel` entry when they ended. */
  cancel(number: InvocationNumber): void;
  /** The pause of a failed step is over. */
  retryStep(number: InvocationNumber, command: number): void;
  /** Forgets an attempt: its steps are aborted, and nothing it does counts any more. */
  drop(number: InvocationNumber): void;
  dropAll(): void;
  /** Whether anything waits for its turn. */
  readonly ready: boolean;
  /** Lets everything that is ready take one turn. It ends when the microtask queue is empty. */
  openTurns(): void;
  /** The microtask queue is empty: hands over what the turns did. */
  closeTurns(): void;
  /** Everything up to this batch is durable. */
  durable(batch: number): void;
}

/** State of a key, as the engine keeps it: JSON by entry name. */
export interface StateView {
  readonly state: ReadonlyMap<string, string>;
  readonly stateBytes: number;
}

export interface Attempt {
  readonly number: InvocationNumber;
  /** Tells this attempt from earlier ones of the same invocation. */
  readonly attempt: number;
  readonly invocation: Invocation;
  readonly handler: HandlerRuntime;
  readonly entries: readonly Entry[];
  /** State of the key as it is now; the executor reads it and never changes it. */
  readonly state: StateView | null;
  /** Whose durable promises it means by name: its own, or those of the workflow it belongs to. */
  readonly promises: InvocationNumber;
  /** The batch that has its latest entry. */
  readonly batch: number;
}

/** What the executor needs of the engine. */
export interface ExecutorHost {
  /** Takes a turn, or the end of a step, from the executor. */
  submitTurn(turn: TurnCommand): void;
  /** Asks for the loop to run soon. */
  wake(): void;
  readonly tag: string;
  /** How many there are: ids of others cannot exist. */
  readonly partitions: number;
}
