/**
 * W3C Trace Context, level 1 and 2 (https://www.w3.org/TR/trace-context/). What is malformed is
 * ignored, as the recommendation asks, since tracing must never fail a request.
 */
const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** A `traceparent` of version 00 to pass on, or `undefined` if the header is not one. */
export function parseTraceparent(header: string): string | undefined {
  const found = pattern.exec(header);
  if (found === null) return undefined;
  const [, version = "", trace = "", parent = "", flags = "", rest] = found;
  if (version === "ff" || /^0+$/.test(trace) || /^0+$/.test(parent)) return undefined;
  if (version === "00") return rest === undefined ? header : undefined;
  // A later version is read like 00, and of its flags only those that 00 knows.
  const known = (Number.parseInt(flags, 16) & 0x03).toString(16).padStart(2, "0");
  return `00-${trace}-${parent}-${known}`;
}
