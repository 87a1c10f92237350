import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../host/host.ts";
import { fail, HoldfastError, reasonOf } from "../model/errors.ts";
import { ClientGone, checkBodyHeaders, receiveBody, receiveLines } from "./body.ts";
import type { Connection } from "./connections.ts";
import type { RequestHeaders } from "./headers.ts";
import {
  isHandlerFailure,
  type Problem,
  problemOf,
  problemOfThrown,
  problemType,
} from "./problem.ts";
import { allRights, type Rights } from "./rights.ts";
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

/** An answer that comes in pieces; each is sent when it is there, at the pace of the client. */
export interface StreamedAnswer {
  readonly pieces: AsyncIterable<string>;
  /** Media type. */
  readonly type: string;
  /** What is sent as the last piece when it fails after the first. */
  readonly failure: (error: HoldfastError) => string;
}

/** How an API that others define reports an error. */
export type ErrorShape = (error: HoldfastError) => Answer;

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
  rights: Rights = allRights;
  /** How errors are reported, when not as problem details. */
  shape: ErrorShape | undefined;
  /** Headers of every answer: name, value, name, value. */
  ownHeaders: readonly string[] | undefined;
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

  /** Takes in the body line by line, none longer than `max`. */
  receiveLines(max: number): AsyncIterable<string> {
    checkBodyHeaders(this.headers, Number.POSITIVE_INFINITY);
    if (this.expectsContinue) this.#response.writeContinue();
    return receiveLines(this.request, max);
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

  /**
   * Resolves when all was sent, or the client has gone. What fails before the first piece is thrown;
   * the head leaves with that piece, or after `patience` without one.
   */
  async stream(answer: StreamedAnswer, patience: Promise<void>): Promise<void> {
    const pieces = answer.pieces[Symbol.asyncIterator]();
    let next = pieces.next();
    const isQuiet = await Promise.race([next.then(() => false), patience.then(() => true)]);
    const response = this.#response;
    this.#writeHead(200, ["Cache-Control", "no-store", "Content-Type", answer.type]);
    if (isQuiet) response.flushHeaders();
    try {
      if (this.request.method !== "HEAD") {
        for (let piece = await next; piece.done !== true; piece = await next) {
          if (response.destroyed) break;
          if (!response.write(piece.value)) await drained(response);
          next = pieces.next();
        }
      }
    } catch (error) {
      if (!response.destroyed) response.write(answer.failure(this.#known(error)));
    } finally {
      // Not waited for: a source that is in the middle of something ends when that does.
      void pieces.return?.().catch(() => {});
      response.end();
      this.#end();
    }
  }

  report({ status, code, text }: Problem, id?: string, headers: readonly string[] = []): void {
    const all = ["Content-Type", problemType, ...headers];
    if (id !== undefined) all.push("Holdfast-Invocation-Id", id);
    if (code === "unauthorized") all.push("WWW-Authenticate", challenge);
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
    } else if (isHandlerFailure(error)) {
      this.report(problemOfThrown(error, options.target ?? "The handler"));
    } else {
      const known = this.#known(error);
      const headers = [...(options.headers ?? []), ...pauseOf(known)];
      if (this.shape === undefined) this.report(problemOf(known), undefined, headers);
      else this.#answerInShape(this.shape(known), known, headers);
    }
  }

  #answerInShape(answer: Answer, { code }: HoldfastError, headers: readonly string[] = []): void {
    const all = [...(answer.headers ?? []), ...headers];
    if (code === "unauthorized") all.push("WWW-Authenticate", challenge);
    if (answer.status === 503) all.push("Retry-After", "1");
    this.answer({ ...answer, headers: all });
  }

  /** What can be told of an error. */
  #known(error: unknown): HoldfastError {
    if (error instanceof HoldfastError) return error;
    // What it says may be meant for nobody outside, so that goes to the log alone.
    this.#hall.log("error", "a request failed unexpectedly", {
      method: this.request.method,
      error: error instanceof Error ? (error.stack ?? error.message) : reasonOf(error),
    });
    return fail("internal", { reason: "the server's log says what" });
  }

  #send(status: number, text: string | undefined, headers: string[]): void {
    if (!this.#response.destroyed && text !== undefined) {
      headers.push("Content-Length", String(Buffer.byteLength(text)));
    }
    this.#writeHead(status, headers);
    if (!this.#response.destroyed) this.#response.end(text);
    this.#end();
  }

  #writeHead(status: number, headers: string[]): void {
    const hall = this.#hall;
    hall.answered.set(status, (hall.answered.get(status) ?? 0) + 1);
    if (this.#response.destroyed) return;
    if (this.ownHeaders !== undefined) headers.push(...this.ownHeaders);
    if (this.traceparent !== undefined) headers.push("traceparent", this.traceparent);
    if (hall.draining || this.connection.broken) headers.push("Connection", "close");
    this.#response.writeHead(status, headers);
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

/** When more can be written, or it will never be. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.removeListener("drain", go);
      response.removeListener("close", go);
      resolve();
    };
    response.on("drain", go);
    response.on("close", go);
  });
}

const jsonType = "application/json";
const challenge = 'Bearer realm="holdfast"';

/** The header that says when to ask again, where an error knows that. */
export function pauseOf({ code, details }: HoldfastError): readonly string[] {
  return code === "rate-exceeded" ? ["Retry-After", String(details["seconds"])] : [];
}
