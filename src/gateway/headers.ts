import { fail } from "../model/errors.ts";
import { checkId } from "../model/ids.ts";

/** The headers that the gateway looks at, each at most once. */
export interface RequestHeaders {
  host: string | undefined;
  authorization: string | undefined;
  contentType: string | undefined;
  contentLength: string | undefined;
  contentEncoding: string | undefined;
  idempotencyKey: string | undefined;
  traceparent: string | undefined;
  origin: string | undefined;
  fetchSite: string | undefined;
  accept: string | undefined;
  /** `x-request-id`: AuthZEN has it echoed. */
  requestId: string | undefined;
  /** `x-holdfast-tenant`: for APIs that have no place for a tenant. */
  tenant: string | undefined;
  /** `x-holdfast-caller`: who calls, where there are no tokens to say it. */
  caller: string | undefined;
  /** `last-event-id`: where a browser's EventSource goes on. */
  lastEventId: string | undefined;
}

/**
 * Picks them out of the list that Node received. A header that is given twice has two readings, and
 * proxies choose differently (RFC 9110 §5.3), so that is refused; but a bad trace context never
 * fails a request.
 */
export function readHeaders(raw: readonly string[]): RequestHeaders {
  const headers: RequestHeaders = {
    host: undefined,
    authorization: undefined,
    contentType: undefined,
    contentLength: undefined,
    contentEncoding: undefined,
    idempotencyKey: undefined,
    traceparent: undefined,
    origin: undefined,
    fetchSite: undefined,
    accept: undefined,
    requestId: undefined,
    tenant: undefined,
    caller: undefined,
    lastEventId: undefined,
  };
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const field = fieldOf(raw[i] ?? "");
    if (field === undefined) continue;
    const value = raw[i + 1] ?? "";
    if (headers[field] === undefined) headers[field] = value;
    else if (field === "traceparent") headers.traceparent = "";
    // A list by nature: what is given twice is one list (RFC 9110 §5.3).
    else if (field === "accept") headers.accept = `${headers.accept}, ${value}`;
    else throw fail("malformed-request", { reason: `the header ${raw[i]} is given twice` });
  }
  return headers;
}

/** By length first, so that the many other headers cost one comparison. */
function fieldOf(name: string): keyof RequestHeaders | undefined {
  switch (name.length) {
    case 4:
      return isName(name, "host") ? "host" : undefined;
    case 6:
      if (isName(name, "accept")) return "accept";
      return isName(name, "origin") ? "origin" : undefined;
    case 11:
      return isName(name, "traceparent") ? "traceparent" : undefined;
    case 12:
      if (isName(name, "x-request-id")) return "requestId";
      return isName(name, "content-type") ? "contentType" : undefined;
    case 13:
      if (isName(name, "last-event-id")) return "lastEventId";
      return isName(name, "authorization") ? "authorization" : undefined;
    case 14:
      if (isName(name, "content-length")) return "contentLength";
      return isName(name, "sec-fetch-site") ? "fetchSite" : undefined;
    case 15:
      return isName(name, "idempotency-key") ? "idempotencyKey" : undefined;
    case 16:
      return isName(name, "content-encoding") ? "contentEncoding" : undefined;
    case 17:
      if (isName(name, "x-holdfast-caller")) return "caller";
      return isName(name, "x-holdfast-tenant") ? "tenant" : undefined;
    default:
      return undefined;
  }
}

function isName(given: string, name: string): boolean {
  return given === name || given.toLowerCase() === name;
}

/**
 * The value of `Idempotency-Key`. The IETF draft makes it a quoted string (RFC 8941 §3.3.3), most
 * clients send it bare: both mean the same. Bytes outside of ASCII are UTF-8.
 */
export function readIdempotencyKey(header: string, max: number): string {
  const key = unquote(decodeBytes(keyName, header.trim(), max), max);
  checkId(keyName, key, max);
  return key;
}

/** The value of `x-holdfast-caller`: the name as it is. Bytes outside of ASCII are UTF-8. */
export function readCaller(header: string, max: number): string {
  const caller = decodeBytes(callerName, header.trim(), max);
  checkId(callerName, caller, max);
  return caller;
}

const keyName = "The idempotency key";
const callerName = "The header x-holdfast-caller";

function unquote(text: string, max: number): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  const inner = text.slice(1, -1);
  if (/^(?:[^"\\]|\\["\\])*$/.test(inner)) return inner.replace(/\\(["\\])/g, "$1");
  throw fail("invalid-id", { what: keyName, reason: "its quotes do not match", max });
}

function decodeBytes(what: string, value: string, max: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII, all of it
  if (/^[\x00-\x7f]*$/.test(value)) return value;
  try {
    // Node hands over each byte of a header as one character.
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(value, "latin1"));
  } catch {
    throw fail("invalid-id", { what, reason: "it is not well-formed UTF-8", max });
  }
}
