import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../host/host.ts";
import { fail, HoldfastError, reasonOf } from "../model/errors.ts";
import { ClientGone, checkBodyHeaders, receiveBody } from "./body.ts";
import type { Connection } from "./connections.ts";
import type { RequestHeaders } from "./headers.ts";
import {
  isHandlerFailure,
  type Problem,
  problemOf,
  problemOfThrown,
  problemType,
} from "./problem.ts";
import { parseTraceparent } from "./trace-context.ts";

/** What an operation answers. */
export interface Answer {
  readonly status: number;
  /** Absent: no body. */
  readonly text?: string;
  readonly type?: string;
  /** The invocation that it is about. */
  readonly id?: string;
  /** Further headers: name, value, name, value. */
  readonly headers?: readonly string[];
}

/** What all exchanges of one gateway share. */
export interface Hall {
  readonly log: Log;
  /** Once true, each answer ends its connection. */
  draining: boolean;
  /** Exchanges that have begun and not been answered. */
  open: number;
  /** Told when `open` has come down to 0 while draining. */
  emptied: () => void;
  /** Answers by status, for the metrics. */
  readonly answered: Map<number, number>;
}

/** One request and its answer, which is given once. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly headers: RequestHeaders;
  readonly connection: Connection;
  readonly traceparent: string | undefined;
  caller: string | undefined;
  /** The client holds its body back until it is told to go on. */
  expectsContinue = false;
  readonly #response: ServerResponse;
  readonly #hall: Hall;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    { headers, connection, hall }: { headers: RequestHeaders; connection: Connection; hall: Hall },
  ) {
    this.request = request;
    this.headers = headers;
    const { traceparent } = headers;
    this.traceparent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    this.connection = connection;
    this.#response = response;
    this.#hall = hall;
    hall.open++;
    connection.open++;
    connection.request = request;
  }

  /** Takes in the body. */
  receive(max: number): Promise<Buffer> {
    checkBodyHeaders(this.headers, max);
    if (this.expectsContinue) this.#response.writeContinue();
    return receiveBody(this.request, this.connection, max);
  }

  /** A result: the JSON goes out as it is. */
  succeed(output: string | null, id: string): void {
    if (output === null) this.#send(204, undefined, ["Holdfast-Invocation-Id", id]);
    else this.#send(200, output, ["Content-Type", jsonType, "Holdfast-Invocation-Id", id]);
  }

  answer({ status, text, type, id, headers }: Answer): void {
    const all = ["Cache-Control", "no-store"];
    if (text !== undefined) all.push("Content-Type", type ?? jsonType);
    if (id !== undefined) all.push("Holdfast-Invocation-Id", id);
    if (headers !== undefined) all.push(...headers);
    this.#send(status, text, all);
  }

  report({ status, code, text }: Problem, id?: string, headers: readonly string[] = []): void {
    const all = ["Content-Type", problemType, ...headers];
    if (id !== undefined) all.push("Holdfast-Invocation-Id", id);
    if (code === "unauthorized") all.push("WWW-Authenticate", 'Bearer realm="holdfast"');
    if (status === 503) all.push("Retry-After", "1");
    this.#send(status, text, all);
  }

  /** Whatever was thrown, as problem details; unless there is nobody left to read them. */
  refuse(thrown: unknown, options: { target?: string; headers?: readonly string[] } = {}): void {
    const { aborted, reason } = this.connection.signal;
    // Waiting was ended from here: then what counts is why, however the port puts it.
    const error: unknown = aborted && reason instanceof HoldfastError ? reason : thrown;
    if (error instanceof ClientGone || this.#response.destroyed) {
      this.#end();
    } else if (error instanceof HoldfastError) {
      this.report(problemOf(error), undefined, options.headers);
    } else if (isHandlerFailure(error)) {
      this.report(problemOfThrown(error, options.target ?? "The handler"));
    } else {
      // What it says may be meant for nobody outside, so that goes to the log alone.
      this.#hall.log("error", "a request failed unexpectedly", {
        method: this.request.method,
        error: error instanceof Error ? (error.stack ?? error.message) : reasonOf(error),
      });
      this.report(problemOf(fail("internal", { reason: "the server's log says what" })));
    }
  }

  #send(status: number, text: string | undefined, headers: string[]): void {
    const response = this.#response;
    const hall = this.#hall;
    hall.answered.set(status, (hall.answered.get(status) ?? 0) + 1);
    if (!response.destroyed) {
      if (this.traceparent !== undefined) headers.push("traceparent", this.traceparent);
      if (hall.draining || this.connection.broken) headers.push("Connection", "close");
      if (text !== undefined) headers.push("Content-Length", String(Buffer.byteLength(text)));
      response.writeHead(status, headers);
      response.end(text);
    }
    this.#end();
  }

  #end(): void {
    this.connection.open--;
    if (--this.#hall.open === 0 && this.#hall.draining) this.#hall.emptied();
  }
}

export function json(status: number, value: unknown): Answer {
  return { status, text: JSON.stringify(value) };
}

export const done: Answer = { status: 204 };

const jsonType = "application/json";
