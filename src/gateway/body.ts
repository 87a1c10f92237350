import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { fail, reasonOf } from "../model/errors.ts";
import type { Connection } from "./connections.ts";
import type { RequestHeaders } from "./headers.ts";

/** One JSON value, as text and parsed; no text when the body was empty. */
export interface Body {
  readonly text: string | null;
  readonly value: unknown;
}

/** What reading fails with when the client has gone: nobody is left to be told. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}

export const noBody: Body = { text: null, value: undefined };

/** Refuses by the headers alone, before a byte of the body is taken. */
export function checkBodyHeaders(headers: RequestHeaders, max: number): void {
  const { contentLength, contentEncoding } = headers;
  if (contentLength !== undefined && Number(contentLength) > max) {
    throw fail("too-large", { what: "The request body", size: Number(contentLength), max });
  }
  if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== "identity") {
    throw fail("unsupported-media-type", { what: `the encoding ${contentEncoding}` });
  }
}

/** Takes the body in, up to `max` bytes. What comes after a refusal is thrown away by Node. */
export function receiveBody(
  request: IncomingMessage,
  connection: Connection,
  max: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let size = 0;
    connection.refuseBody = reject;
    request.on("data", function onData(chunk: Buffer): void {
      size += chunk.length;
      if (size > max) {
        first = more = connection.refuseBody = undefined;
        request.removeListener("data", onData);
        request.resume();
        reject(fail("too-large", { what: "The request body", size, max }));
      } else if (first === undefined) {
        first = chunk;
      } else {
        more ??= [first];
        more.push(chunk);
      }
    });
    request.on("end", () => {
      connection.refuseBody = undefined;
      resolve(more === undefined ? (first ?? empty) : Buffer.concat(more));
    });
    request.on("error", () => reject(new ClientGone("the client has gone")));
  });
}

/** Takes the body in line by line, at the pace of whoever reads; the line ends are left out. */
export async function* receiveLines(
  request: IncomingMessage,
  max: number,
): AsyncGenerator<string, void, undefined> {
  let rest = empty;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
        yield decodeLine(bytes.subarray(from, end), max);
        from = end + 1;
      }
      rest = bytes.subarray(from);
      checkLine(rest, max);
    }
  } catch (error) {
    if (request.destroyed && !request.complete) throw new ClientGone("the client has gone");
    throw error;
  } finally {
    // What is left when the reader stops is thrown away, so that the connection can go on.
    request.resume();
  }
  if (rest.length > 0) yield decodeLine(rest, max);
}

function decodeLine(bytes: Buffer, max: number): string {
  checkLine(bytes, max);
  if (!isUtf8(bytes)) {
    throw fail("invalid-json", { what: "line", reason: "it is not well-formed UTF-8" });
  }
  return bytes.toString("utf8");
}

function checkLine({ length: size }: Buffer, max: number): void {
  if (size > max) throw fail("too-large", { what: "A line of the request body", size, max });
}

/** Checks that a body is one JSON value in UTF-8, and not too deep. Nothing at all is no value. */
export function parseBody(bytes: Buffer, headers: RequestHeaders, depthMax: number): Body {
  if (bytes.length === 0) return noBody;
  checkMediaType(headers.contentType);
  if (!isUtf8(bytes)) {
    throw fail("invalid-json", { what: "request body", reason: "it is not well-formed UTF-8" });
  }
  const text = bytes.toString("utf8");
  // Each level takes two characters, so that short texts need no closer look.
  if (text.length > depthMax * 2 && depthOf(text) > depthMax) {
    throw fail("invalid-json", { what: "request body", reason: `it is deeper than ${depthMax}` });
  }
  try {
    return { text, value: JSON.parse(text) };
  } catch (error) {
    throw fail("invalid-json", { what: "request body", reason: reasonOf(error) });
  }
}

/**
 * How many arrays and objects lie within each other. What prints or checks a value later does so by
 * recursion, and runs out of stack at some thousands.
 */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c) i++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return deepest;
}

const empty: Buffer = Buffer.alloc(0);
const jsonType =
  /^(?:application\/json|[\w.!#$&^-]+\/[\w.!#$&^-]+\+json)\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

function checkMediaType(type: string | undefined): void {
  if (type === undefined || type === "application/json" || jsonType.test(type)) return;
  throw fail("unsupported-media-type", { what: `the type ${type.slice(0, 100)}` });
}
