import type { HoldfastError } from "../../../model/errors.ts";
import type { Answer } from "../../exchange.ts";

/**
 * Errors as AuthZEN 1.0 has them (§10.1.3): a status out of few, and a message as text. The message
 * begins with the stable code.
 */
export function authzenShape({ code, status, message, action }: HoldfastError): Answer {
  return {
    status: code === "rate-exceeded" ? status : statusOf(status),
    text: `${code}: ${message}. ${action}\n`,
    type: "text/plain; charset=utf-8",
  };
}

/** Whatever is wrong with a request is 400 there, its media type included. */
function statusOf(status: number): number {
  const isKnown = status === 401 || status === 403 || status === 404 || status === 405;
  return status >= 500 || isKnown ? status : 400;
}
