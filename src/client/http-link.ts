/** What all clients over HTTP share: where they call and as whom, and what an answer means. */
import { fail } from "../model/errors.ts";
import { checkId } from "../model/ids.ts";
import { defaultLimits } from "../model/limits.ts";
import { type Fetch, makeFetchTransport } from "./fetch-transport.ts";
import { makeNodeTransport, type NodeModules } from "./node-transport.ts";
import { errorOf } from "./problem.ts";
import { makeFetchStream, makeNodeStream, type StreamTransport } from "./stream-transport.ts";
import { type HttpReply, type HttpRequest, type Transport, TransportError } from "./transport.ts";

/** Where and as whom to call. */
export interface ConnectOptions {
  /** Of the server, with a path if it is served under one: `http://127.0.0.1:7400`. */
  readonly url: string | URL;
  /** An access token that the server was configured with. */
  readonly token?: string;
  /** Carries the requests. Default: Node's own client with kept connections, else `fetch`. */
  readonly fetch?: Fetch;
}

/** What one request has besides method and path. */
export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, unless undefined. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Whether it changes nothing, so that it may be sent again; a GET always may. */
  readonly isSafe?: boolean;
}

/** Throws `invalid-configuration` for a URL or a token that is none. */
export function openLink(options: ConnectOptions): HttpLink {
  const base = checkUrl(options.url);
  if (options.token !== undefined && !/^[!-~]+$/.test(options.token)) {
    const reason = "an access token is visible ASCII without spaces";
    throw fail("invalid-configuration", { name: "token", reason });
  }
  const carriers = chooseTransports(base, options.fetch);
  return new HttpLink(base, carriers, options.token);
}

interface Carriers {
  readonly whole: Transport;
  readonly streamed: StreamTransport;
}

/** Rejects with `unreachable`, or with the error that the server reports. */
export class HttpLink {
  readonly #url: string;
  readonly #carriers: Carriers;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, carriers: Carriers, token: string | undefined) {
    this.#url = url;
    this.#carriers = carriers;
    this.#headers = {
      accept: "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  async do(method: string, path: string, body?: unknown): Promise<void> {
    await this.ask(method, path, { body });
  }

  async json<T>(method: string, path: string, ask: Ask = {}): Promise<T> {
    return parseReply(await this.ask(method, path, ask)) as T; // the server's answer to this path
  }

  /** Any reply but a refusal. */
  async ask(method: string, path: string, ask: Ask): Promise<HttpReply> {
    const request = this.#request(method, path, ask);
    const carry = this.#carriers.whole;
    let reply: HttpReply;
    try {
      reply = await carry(request).catch((error: unknown) => {
        // Only what changes nothing when it is done twice is done twice.
        const isSafe =
          method === "GET" ||
          ask.isSafe === true ||
          request.headers["idempotency-key"] !== undefined;
        if (isSafe && error instanceof TransportError && error.wasIdle) return carry(request);
        throw error;
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
    if (isSuccess(reply)) return reply;
    throw errorOf(reply, this.#url);
  }

  /** The lines of an answer, as they come. Ends when the server ends it, or the signal is aborted. */
  async *lines(method: string, path: string, ask: Ask): AsyncGenerator<string, void, undefined> {
    const request = this.#request(method, path, ask);
    try {
      const reply = await this.#carriers.streamed(request);
      if (!isSuccess(reply))
        throw errorOf({ status: reply.status, text: await whole(reply.text) }, this.#url);
      let rest = "";
      for await (const text of reply.text) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        yield* lines.filter((line) => line !== "");
      }
      if (rest !== "") yield rest;
    } catch (error) {
      if (ask.signal?.aborted) return;
      throw this.#unreachable(error);
    }
  }

  #request(method: string, path: string, { body, headers: own, signal }: Ask): HttpRequest {
    const text = body === undefined ? undefined : encode(body);
    const headers: Record<string, string> = { ...this.#headers, ...own };
    if (text !== undefined) headers["content-type"] = "application/json";
    return { method, path, headers, body: text, signal };
  }

  #unreachable(error: unknown): unknown {
    if (!(error instanceof TransportError)) return error;
    return fail("unreachable", { url: this.#url, reason: error.message }, error);
  }
}

function isSuccess({ status }: { readonly status: number }): boolean {
  return status >= 200 && status < 300;
}

async function whole(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

function checkUrl(url: string | URL): string {
  const reason = "it is not an http: or https: URL";
  if (!URL.canParse(url)) throw fail("invalid-configuration", { name: "url", reason });
  const parsed = new URL(url);
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw fail("invalid-configuration", { name: "url", reason });
  }
  return parsed.origin + parsed.pathname.replace(/\/+$/, "");
}

function chooseTransports(base: string, fetch: Fetch | undefined): Carriers {
  const node = fetch === undefined ? nodeModules() : undefined;
  if (node !== undefined) {
    return { whole: makeNodeTransport(base, node), streamed: makeNodeStream(base, node) };
  }
  const carrier = fetch ?? globalThis.fetch.bind(globalThis);
  return { whole: makeFetchTransport(base, carrier), streamed: makeFetchStream(base, carrier) };
}

/** Node's HTTP clients where there are some: asked for, and not imported, for the sake of bundlers. */
function nodeModules(): NodeModules | undefined {
  const { process } = globalThis as { process?: Partial<NodeJS.Process> }; // absent in browsers
  const load = process?.getBuiltinModule;
  if (load === undefined) return undefined;
  const [http, https] = [load("node:http"), load("node:https")];
  return http === undefined || https === undefined ? undefined : { http, https };
}

function encode(body: unknown): string {
  try {
    const text: unknown = JSON.stringify(body);
    if (typeof text === "string") return text;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw fail("not-serialisable", { what: "The value to send", reason }, error);
  }
  throw fail("not-serialisable", { what: "The value to send", reason: `it is a ${typeof body}` });
}

/** The value of an answer; none for one without a body. */
export function parseReply({ status, text }: HttpReply): unknown {
  if (status === 204 || text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw fail("internal", { reason: "the server's answer is not JSON" }, error);
  }
}

/** Refused here as the server would refuse it, where it can be put into a path at all. */
export function segment(what: string, text: string): string {
  // Promise ids are made of two ids.
  checkId(what, text, defaultLimits.idLength * 2);
  return encodeURIComponent(text);
}
