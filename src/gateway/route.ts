import type { ErrorCode } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import type { TextOutcome, TextPort } from "../model/port.ts";
import type { Body } from "./body.ts";
import type { Answer, StreamedAnswer } from "./exchange.ts";
import type { RequestHeaders } from "./headers.ts";
import type { Rights } from "./rights.ts";
import { decodeId } from "./target.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** JSON Schema of draft 2020-12, which OpenAPI 3.1 uses. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * One operation. The table of them is what requests are routed by and what /openapi.json is made
 * from, so that neither can know of something that the other does not.
 */
export interface Route {
  readonly method: Method;
  /** With `{name}` for each parameter. */
  readonly path: string;
  /** `operationId`. */
  readonly name: string;
  readonly summary: string;
  readonly query?: readonly QueryParameter[];
  /** Absent: a body is refused. */
  readonly body?: BodyRule;
  readonly answers: Readonly<Record<number, AnswerRule>>;
  readonly errors: readonly ErrorCode[];
  /** Whether it needs no access token, nor that the server takes work. */
  readonly open?: boolean;
  /** Whether its body or its answer comes in pieces, for as long as client and server go on. */
  readonly streams?: boolean;
  /** Of an API that others define: left out of /openapi.json, and no field is unknown to it. */
  readonly foreign?: boolean;
  run(ask: Ask): Reply | Promise<Reply>;
}

export interface QueryParameter {
  readonly name: string;
  readonly description: string;
  readonly schema: JsonSchema;
}

export interface BodyRule {
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
  /** Newline-delimited JSON, each line of it by the schema; only where the route `streams`. */
  readonly isLines?: boolean;
}

export interface AnswerRule {
  readonly description: string;
  readonly schema?: JsonSchema;
  /** Media type, when not JSON. */
  readonly type?: string;
}

/** An answer, whole or in pieces, or how an invocation ended. */
export type Reply = Answer | StreamedAnswer | { readonly outcome: TextOutcome };

export type Wait = <T>(run: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** What a route is asked. */
export class Ask {
  readonly port: TextPort;
  readonly limits: Limits;
  readonly query: ReadonlyMap<string, string>;
  readonly body: Body;
  /** Waits as long as the client does; fails with `pollEnded` when the server is going. */
  readonly wait: Wait;
  readonly headers: RequestHeaders;
  /** What the caller may do with authorization. */
  readonly rights: Rights;
  /** Aborted when the client has gone; for a route that `streams`, also when the server is going. */
  readonly signal: AbortSignal;
  /** The body in lines of at most so many bytes, for a route that `streams`: `body` is empty. */
  readonly lines: (max: number) => AsyncIterable<string>;
  readonly #parameters: Readonly<Record<string, string>>;

  constructor(given: {
    readonly port: TextPort;
    readonly limits: Limits;
    readonly parameters: Readonly<Record<string, string>>;
    readonly query: ReadonlyMap<string, string>;
    readonly body: Body;
    readonly wait: Wait;
    readonly headers: RequestHeaders;
    readonly rights: Rights;
    readonly signal: AbortSignal;
    readonly lines: (max: number) => AsyncIterable<string>;
  }) {
    this.port = given.port;
    this.limits = given.limits;
    this.query = given.query;
    this.body = given.body;
    this.wait = given.wait;
    this.headers = given.headers;
    this.rights = given.rights;
    this.signal = given.signal;
    this.lines = given.lines;
    this.#parameters = given.parameters;
  }

  /** An id out of the path, decoded and checked. */
  parameter(name: string, extra = 0): string {
    return decodeId(`The ${name}`, this.segment(name), this.limits.idLength + extra);
  }

  /** A part of the path as it was sent. */
  segment(name: string): string {
    return this.#parameters[name] ?? "";
  }
}
