/** What programs import from `holdfast`. */
export { CancelledError, TerminalError, TimeoutError } from "../model/codec.ts";
export { HoldfastError } from "../model/errors.ts";
export type { Client, Handle } from "../sdk/client.ts";
export type {
  ActorContext,
  CallFuture,
  Context,
  DurableFuture,
  PromiseFuture,
  Sent,
  SharedContext,
  StepInfo,
  StepOptions,
} from "../sdk/context.ts";
export { actor, handler, service, shared, workflow } from "../sdk/definition.ts";
export type { HandlerOptions, RetryPolicy } from "../sdk/handler.ts";
export { message, schedule } from "../sdk/schedule.ts";
export { type Holdfast, open, type OpenOptions } from "../server/open.ts";
export type { Duration } from "../std/duration.ts";
