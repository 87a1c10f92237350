import assert from "node:assert/strict";
import { connect as connectSocket, type Socket } from "node:net";
import { type Gateway, type GatewayOptions, makeGateway } from "../../src/gateway/gateway.ts";
import { makeNodeHost } from "../../src/host/node-host.ts";
import { defaultLimits, type Limits } from "../../src/model/limits.ts";
import type { InvocationDescription, TextPort } from "../../src/model/port.ts";
import type { Definition } from "../../src/sdk/handler.ts";

/** What the tests of this folder share: a listening gateway in front of a scripted port. */
export interface Stage extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly url: string;
  readonly port: number;
  /** What reached the port, in order: method and arguments. */
  readonly asked: unknown[][];
  readonly logged: unknown[][];
  fetch(path: string, options?: RequestInit): Promise<Response>;
  /** POST with a JSON body, already text. */
  post(path: string, body?: string, headers?: Record<string, string>): Promise<Response>;
}

export interface StageOptions {
  /** What the port answers, instead of what is plausible. */
  readonly port?: Partial<TextPort>;
  readonly limits?: Partial<Limits>;
  readonly definitions?: readonly Definition[];
  readonly gateway?: Partial<GatewayOptions>;
  readonly address?: { readonly hostname: string; readonly port: number };
}

export async function makeStage(options: StageOptions = {}): Promise<Stage> {
  const asked: unknown[][] = [];
  const logged: unknown[][] = [];
  const gateway = makeGateway({
    port: makeScriptedPort(asked, options.port),
    definitions: () => options.definitions ?? [],
    limits: { ...defaultLimits, ...options.limits },
    host: makeNodeHost((...line) => void logged.push(line)),
    tokens: [],
    metrics: () => [],
    ready: () => true,
    version: "1.2.3",
    ...options.gateway,
  });
  const { url } = await gateway.listen(options.address ?? { hostname: "127.0.0.1", port: 0 });
  const ask = (path: string, init?: RequestInit): Promise<Response> => fetch(`${url}${path}`, init);
  return {
    gateway,
    url,
    port: Number(new URL(url).port),
    asked,
    logged,
    fetch: ask,
    post: (path, body, headers = {}) =>
      ask(path, {
        method: "POST",
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
      }),
    [Symbol.asyncDispose]: () => gateway.close({ drainMs: 0 }),
  };
}

export const description: InvocationDescription = {
  id: "inv_1",
  service: "greeter",
  handler: "hello",
  key: null,
  mode: "stateless",
  status: "running",
  input: "Ada",
  output: undefined,
  error: undefined,
  createdAt: 1,
  endedAt: null,
  deployment: "d1",
  entries: 0,
  attempts: 0,
  failure: undefined,
  waitingFor: null,
  waitingSince: null,
  parent: null,
};

const plausible: Readonly<Record<keyof TextPort, unknown>> = {
  call: undefined,
  callText: { id: "inv_1", output: "null", error: null },
  send: undefined,
  sendText: { id: "inv_1", status: "accepted" },
  result: undefined,
  resultText: { id: "inv_1", output: '"done"', error: null },
  describe: description,
  list: { invocations: [description], next: null },
  journal: [],
  cancel: undefined,
  kill: undefined,
  pause: undefined,
  resume: undefined,
  restart: { id: "inv_2", status: "accepted" },
  purge: undefined,
  signal: undefined,
  resolve: undefined,
  reject: undefined,
  readState: { balance: 7 },
  patchState: undefined,
  schedules: [],
  pauseSchedule: undefined,
  resumeSchedule: undefined,
  triggerSchedule: { id: "inv_3", status: "accepted" },
  query: { columns: ["n"], rows: [[1]], truncated: false },
};

function makeScriptedPort(asked: unknown[][], answers: Partial<TextPort> = {}): TextPort {
  const methods = Object.entries(plausible).map(([name, answer]) => {
    const scripted = answers[name as keyof TextPort] as
      | ((...given: unknown[]) => unknown)
      | undefined;
    const method = async (...given: unknown[]): Promise<unknown> => {
      asked.push([name, ...given.map(plain)]);
      return scripted === undefined ? answer : scripted(...given);
    };
    return [name, method];
  });
  return Object.fromEntries(methods) as TextPort; // a method for each of its names
}

/** Without signals, so that arguments can be compared. */
function plain(given: unknown): unknown {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => !(value instanceof AbortSignal)),
  );
}

/** What a problem says, checked to be one. */
export async function problem(response: Response): Promise<Record<string, unknown>> {
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const body = (await response.json()) as Record<string, unknown>; // a problem is an object
  assert.equal(body["status"], response.status);
  assert.equal(body["type"], `urn:holdfast:error:${String(body["code"])}`);
  for (const name of ["title", "detail", "action"]) assert.equal(typeof body[name], "string");
  return body;
}

export interface RawResponse {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A connection that sends bytes as they are. */
export class RawClient implements Disposable {
  readonly #socket: Socket;
  readonly #events: (() => void)[] = [];
  text = "";
  closed = false;

  constructor(port: number) {
    this.#socket = connectSocket(port, "127.0.0.1");
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (chunk) => {
      this.text += chunk.toString("latin1");
      this.#wake();
    });
    this.#socket.on("close", () => {
      this.closed = true;
      this.#wake();
    });
    this.#socket.on("error", () => {});
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Resolves when the condition holds, or the server has closed; fails after a while. */
  async until(condition: () => boolean, ms = 5000): Promise<void> {
    const deadline = performance.now() + ms;
    while (!condition() && !this.closed) {
      const left = deadline - performance.now();
      assert.ok(left > 0, `no more came in ${ms} ms; so far: ${JSON.stringify(this.text)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#events.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** The next whole response, taken out of what came. Undefined if the server closed instead. */
  async response(to: "HEAD" | "other" = "other"): Promise<RawResponse | undefined> {
    let found: RawResponse | undefined;
    await this.until(() => {
      found ??= this.#takeResponse(to === "HEAD");
      return found !== undefined;
    });
    return found ?? this.#takeResponse(to === "HEAD");
  }

  #takeResponse(isHead: boolean): RawResponse | undefined {
    const end = this.text.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const head = this.text.slice(0, end);
    const length = isHead ? 0 : Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
    if (this.text.length < end + 4 + length) return undefined;
    const body = this.text.slice(end + 4, end + 4 + length);
    this.text = this.text.slice(end + 4 + length);
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, body };
  }

  end(): void {
    this.#socket.end();
  }

  /** Takes in no more. */
  pause(): void {
    this.#socket.pause();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #wake(): void {
    for (const resolve of this.#events.splice(0)) resolve();
  }
}
