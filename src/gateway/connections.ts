import { setMaxListeners } from "node:events";
import { type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { fail, type HoldfastError } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import { formatDuration } from "../std/duration.ts";
import { problemOf, problemType } from "./problem.ts";

/** What is kept for one open connection. */
export interface Connection {
  /** Aborted when the client has gone, or when waiting must end because the server does. */
  readonly signal: AbortSignal;
  /** The latest request. */
  request: IncomingMessage | undefined;
  /** Ends the receiving of a body. Only one request of a connection can be at that point. */
  refuseBody: ((error: HoldfastError) => void) | undefined;
  /** Requests not answered yet. */
  open: number;
  /** What followed could not be read: the next answer is the last. */
  broken: boolean;
}

/** Waiting for a result was ended because the server is going. */
export const pollEnded: Error = new Error("the wait was ended");

/**
 * The connections of a server. One abort signal serves all requests of a connection, since they lose
 * their client together; one for each request would be a good part of what a call costs.
 */
export class Connections {
  readonly #known = new WeakMap<Duplex, Connection & { readonly controller: AbortController }>();
  readonly #live = new Set<AbortController>();
  readonly #polls = new Set<AbortController>();
  readonly #limits: Limits;

  constructor(server: Server, limits: Limits) {
    this.#limits = limits;
    server.on("clientError", (error: Error & { code?: string }, socket) => {
      this.#refuseMalformed(error.code ?? "", socket);
    });
    server.on("connect", (_request, socket) => {
      writeProblem(socket, fail("method-not-allowed", { method: "CONNECT", what: "this server" }));
    });
  }

  get count(): number {
    return this.#live.size;
  }

  of(socket: Duplex): Connection {
    return this.#known.get(socket) ?? this.#add(socket);
  }

  #add(socket: Duplex): Connection {
    const controller = new AbortController();
    const { signal } = controller;
    setMaxListeners(0, signal); // as many as requests were sent ahead
    const connection = {
      controller,
      signal,
      request: undefined,
      refuseBody: undefined,
      open: 0,
      broken: false,
    };
    this.#known.set(socket, connection);
    this.#live.add(controller);
    socket.once("close", () => {
      this.#live.delete(controller);
      controller.abort();
    });
    return connection;
  }

  /** Waits for something as long as the client does, and the server can. */
  async poll<T>(signal: AbortSignal, wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const abort = (): void => controller.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    this.#polls.add(controller);
    try {
      return await wait(controller.signal);
    } catch (error) {
      throw controller.signal.reason === pollEnded ? pollEnded : error;
    } finally {
      this.#polls.delete(controller);
      signal.removeEventListener("abort", abort);
    }
  }

  /** Ends waiting that can begin anew elsewhere. */
  endPolls(): void {
    for (const controller of this.#polls) controller.abort(pollEnded);
  }

  /** Ends all waiting, for this reason. */
  endWaits(reason: HoldfastError): void {
    for (const controller of this.#live) controller.abort(reason);
  }

  #refuseMalformed(code: string, socket: Duplex): void {
    const connection = this.#known.get(socket);
    if (!socket.writable || code === "ECONNRESET") {
      socket.destroy();
    } else if (connection === undefined) {
      writeProblem(socket, this.#problem(code));
    } else if (!connection.broken) {
      connection.broken = true;
      const { request, refuseBody } = connection;
      // Whole requests that came before are answered as ever; the first answer ends the connection.
      if (refuseBody !== undefined && request?.complete === false) refuseBody(this.#problem(code));
      else if (connection.open > 0)
        return; // their answers come first, and the first ends it
      // What was being thrown away belongs to a request that has had its answer.
      else if (request?.complete === false) socket.destroy();
      else writeProblem(socket, this.#problem(code));
    }
  }

  #problem(code: string): HoldfastError {
    if (code === "HPE_HEADER_OVERFLOW") {
      return fail("headers-too-large", { max: this.#limits.requestHeaders });
    }
    if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
      return fail("request-too-slow", { timeout: formatDuration(this.#limits.requestTime) });
    }
    return fail("malformed-request", { reason: code === "" ? "it cannot be parsed" : code });
  }
}

/** For when there is no request to answer through: writes the whole response, and closes. */
function writeProblem(socket: Duplex, error: HoldfastError): void {
  const { status, text } = problemOf(error);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    ...(status === 405 ? ["Allow: GET, HEAD, POST, PATCH, DELETE"] : []),
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`, () => socket.destroy());
}
