/**
 * Assertions that stay on in production. A failed one is a bug in Holdfast, never a user's mistake:
 * whoever owns the partition drops its memory and rebuilds from the store instead of carrying on.
 */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(`Holdfast bug: ${message}`);
}

/** Ends every exhaustive switch: the compiler rejects a missing case, and so does the run. */
export function unreachable(value: never): never {
  throw new AssertionError(`Holdfast bug: unexpected value ${JSON.stringify(value)}`);
}
