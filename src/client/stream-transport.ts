import { reasonOf } from "../model/errors.ts";
import type { Fetch } from "./fetch-transport.ts";
import type { NodeModules } from "./node-transport.ts";
import { type HttpRequest, TransportError } from "./transport.ts";

/** An answer of which the text is taken in piece by piece. */
export interface StreamReply {
  readonly status: number;
  readonly text: AsyncIterable<string>;
}

/** Rejects as a `Transport` does, and so does the text that it gives. */
export type StreamTransport = (request: HttpRequest) => Promise<StreamReply>;

export function makeFetchStream(base: string, fetch: Fetch): StreamTransport {
  return async ({ method, path, headers, body, signal }) => {
    const reply = await carried(
      fetch(base + path, {
        method,
        headers: { ...headers },
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      }),
      signal,
    );
    return { status: reply.status, text: readBody(reply, signal) };
  };
}

async function* readBody(
  reply: Response,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  if (reply.body === null) return;
  const reader = reply.body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await carried(reader.read(), signal);
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    // Whoever stops early has no use for what is still to come.
    await reader.cancel().catch(() => {});
  }
}

async function carried<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new TransportError(reasonOf(cause), error);
  }
}

/** A connection for each: it is busy for as long as the answer goes on. */
export function makeNodeStream(base: string, { http, https }: NodeModules): StreamTransport {
  const url = new URL(base);
  const module = url.protocol === "https:" ? https : http;
  const prefix = url.pathname === "/" ? "" : url.pathname;
  return async ({ method, path, headers, body, signal }) => {
    const { promise, resolve, reject } = Promise.withResolvers<StreamReply>();
    const request = module.request(url.origin, {
      method,
      path: prefix + path,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { "content-length": byteLength(body) }),
      },
      agent: false,
      ...(signal === undefined ? {} : { signal }),
    });
    request.on("error", (error) =>
      reject(signal?.aborted ? signal.reason : new TransportError(reasonOf(error), error)),
    );
    request.on("response", (response) => {
      response.setEncoding("utf8");
      resolve({ status: response.statusCode ?? 0, text: readPieces(response, signal) });
    });
    request.end(body);
    return promise;
  };
}

async function* readPieces(
  response: AsyncIterable<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  try {
    yield* response;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new TransportError(reasonOf(error), error);
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
