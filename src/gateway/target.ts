import { fail } from "../model/errors.ts";
import { checkId } from "../model/ids.ts";

/** A request target, cut in two: path as sent, and query without its `?`. */
export interface Target {
  readonly path: string;
  readonly query: string;
}

/** Takes the origin form and the absolute form of RFC 9112 §3.2; others have no path here. */
export function parseTarget(target: string): Target {
  let rest = target;
  if (!rest.startsWith("/")) {
    const found = /^https?:\/\/[^/?#]*(.*)$/i.exec(rest);
    if (found === null) throw fail("not-found", { what: printable(target) });
    rest = found[1]?.startsWith("/") ? found[1] : `/${found[1] ?? ""}`;
  }
  const end = rest.indexOf("?");
  return end < 0
    ? { path: rest, query: "" }
    : { path: rest.slice(0, end), query: rest.slice(end + 1) };
}

/**
 * An id out of a path: percent-encoded UTF-8. What has no escapes is known to be visible ASCII, so
 * only its length is left to check.
 */
export function decodeId(what: string, text: string, max: number): string {
  if (text.length > 0 && text.length <= max && isPlain(text)) return text;
  const id = decodePercent(text);
  if (id === undefined) {
    const reason = "it is not percent-encoded UTF-8";
    throw fail("invalid-id", { what, reason, max });
  }
  checkId(what, id, max);
  return id;
}

/** Only what needs neither decoding nor a closer look. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || code === 0x25) return false;
  }
  return true;
}

function decodePercent(text: string): string | undefined {
  // A byte that a client left unescaped reaches here as one Latin-1 character: it has no meaning.
  if (!/^[\x21-\x7e]*$/.test(text)) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * Query parameters by name. Refuses those that are not allowed, doubled, or not decodable; without a
 * list of those that are, all are.
 */
export function parseQuery(
  query: string,
  allowed: readonly string[] | undefined,
): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  if (query === "") return parameters;
  for (const part of query.split("&")) {
    if (part === "") continue;
    const end = part.indexOf("=");
    const name = decodePercent((end < 0 ? part : part.slice(0, end)).replaceAll("+", "%20"));
    const value = decodePercent(end < 0 ? "" : part.slice(end + 1).replaceAll("+", "%20"));
    const what = `The query parameter ${printable(name ?? part)}`;
    if (name === undefined || value === undefined) {
      throw fail("invalid-argument", { what, reason: "it is not percent-encoded UTF-8" });
    }
    if (allowed?.includes(name) === false) {
      const known = allowed.length === 0 ? "none are" : `known are ${allowed.join(", ")}`;
      throw fail("invalid-argument", { what, reason: `it is not known here; ${known}` });
    }
    if (parameters.has(name)) {
      throw fail("invalid-argument", { what, reason: "it is given twice" });
    }
    parameters.set(name, value);
  }
  return parameters;
}

/** A short quote of what a client sent, fit for a message. */
export function printable(text: string): string {
  const cut = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return cut.toWellFormed().replace(/\p{Cc}/gu, "?");
}
