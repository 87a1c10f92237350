/** What programs import from `holdfast/client`: a server from outside, in Node as in browsers. */
export { connectAuthz } from "../client/authz-client.ts";
export { connect } from "../client/http-client.ts";
export type { ConnectOptions } from "../client/http-link.ts";
export { CancelledError, TerminalError, TimeoutError } from "../model/codec.ts";
export { type ErrorCode, HoldfastError } from "../model/errors.ts";
export type {
  Accepted,
  InvocationAddress,
  InvocationDescription,
  InvocationFilter,
  InvocationPage,
  JournalEntryDescription,
  Port,
  PromiseAddress,
  QueryAnswer,
  ScheduleDescription,
  StartRequest,
  WaitOptions,
} from "../model/port.ts";
export {
  type Client,
  type ClientCallOptions,
  type ClientCalls,
  type ClientSchedules,
  type ClientSendOptions,
  type ClientSends,
  type Handle,
  type IdHandle,
  makeClient,
  type QueryRows,
  type ResultOptions,
  type SentHandle,
} from "../sdk/client.ts";
export type { Duration } from "../std/duration.ts";
