/** What programs import from `holdfast`. */
export {
  CancelledError,
  TerminalError,
  type TerminalErrorOptions,
  TimeoutError,
} from "../model/codec.ts";
export { ExplainedError, PermissionDenied } from "../model/denial.ts";
export { HoldfastError } from "../model/errors.ts";
export {
  type Authorization,
  type AuthorizationSpec,
  authorization,
} from "../sdk/authorization.ts";
export type {
  Client,
  ClientCallOptions,
  ClientCalls,
  ClientSchedules,
  ClientSendOptions,
  ClientSends,
  Handle,
  IdHandle,
  QueryRows,
  ResultOptions,
  SentHandle,
} from "../sdk/client.ts";
export type {
  ActorContext,
  CallFuture,
  CallOptions,
  Calls,
  CheckOptions,
  Context,
  ContextLog,
  Decision,
  DurableFuture,
  PromiseFuture,
  Relate,
  Related,
  Selected,
  SendOptions,
  Sends,
  Sent,
  SharedContext,
  StepInfo,
  StepOptions,
} from "../sdk/context.ts";
export { actor, handler, service, shared, workflow } from "../sdk/definition.ts";
export type {
  Definition,
  HandlerDefinition,
  HandlerOptions,
  Message,
  PermissionRule,
  RetryPolicy,
  ScheduleDefinition,
} from "../sdk/handler.ts";
export { type Messages, message, type ScheduleSpec, schedule } from "../sdk/schedule.ts";
export type {
  ActorHandler,
  ActorSpec,
  HandlerWithOptions,
  NoState,
  RunAnd,
  ServiceHandler,
  ServiceSpec,
  SharedHandler,
  WorkflowHandler,
  WorkflowRun,
  WorkflowSpec,
} from "../sdk/shapes.ts";
export type { Actor, ArgsOf, ResultOf, Service, StateOf, Workflow } from "../sdk/signature.ts";
export type { StandardSchema } from "../sdk/standard-schema.ts";
export { type Holdfast, type OpenOptions, open } from "../server/open.ts";
export { type ServeOptions, type Server, serve } from "../server/serve.ts";
export type { Duration } from "../std/duration.ts";
