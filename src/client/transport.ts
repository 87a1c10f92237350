/** How one HTTP request is carried: by `fetch` anywhere, by Node's own client where it is there. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query, encoded, to be appended to the base address. */
  readonly path: string;
  /** Names in lower case; each value's bytes as characters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly text: string;
}

/** Rejects with a `TransportError`, or with the signal's reason if that is aborted. */
export type Transport = (request: HttpRequest) => Promise<HttpReply>;

/** No reply came. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  /** Whether a connection kept from earlier broke, which the server may just have closed as idle. */
  readonly wasIdle: boolean;

  constructor(message: string, cause: unknown, wasIdle = false) {
    super(message, { cause });
    this.wasIdle = wasIdle;
  }
}
