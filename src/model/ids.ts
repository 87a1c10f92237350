import { decodeBase32, encodeBase32 } from "../std/base32.ts";
import { hash32 } from "../std/hash.ts";
import { fail } from "./errors.ts";

/**
 * Inside, an invocation is one integer: `counter * 4096 + partition`. It grows with time, so journals
 * that are written together lie together in the store, and it says by itself where it lives.
 */
export type InvocationNumber = number;

/** Outside, the same number as text: `inv_`, the tag of the store, the number in base 32. */
export type InvocationId = string & { readonly __id: "invocation" };

/** How many partitions a store can have at most; their number is fixed when a store is made. */
export const partitionsMax = 4096;

export function makeNumber(counter: number, partition: number): InvocationNumber {
  return counter * partitionsMax + partition;
}

export function partitionOfNumber(number: InvocationNumber): number {
  return number % partitionsMax;
}

/** Where a key lives. Part of the store's format: it never changes. */
export function partitionOfKey(service: string, key: string, partitions: number): number {
  return hash32(key, hash32(service)) % partitions;
}

export function formatInvocationId(tag: string, number: InvocationNumber): InvocationId {
  return `inv_${tag}${encodeBase32(number)}` as InvocationId; // the only place that makes one
}

/** @returns the number, or `undefined` if the text cannot be an invocation id of this store. */
export function parseInvocationId(
  tag: string,
  id: string,
  partitions: number = partitionsMax,
): InvocationNumber | undefined {
  const prefix = `inv_${tag}`;
  if (!id.startsWith(prefix)) return undefined;
  const number = decodeBase32(id.slice(prefix.length));
  if (number === undefined || formatInvocationId(tag, number) !== id) return undefined;
  return partitionOfNumber(number) < partitions ? number : undefined;
}

/** A durable promise as others name it: `prm_`, tag and number of its invocation, `.`, its name. */
export function formatPromiseId(tag: string, number: InvocationNumber, name: string): string {
  return `prm_${tag}${encodeBase32(number)}.${name}`;
}

export function parsePromiseId(
  tag: string,
  id: string,
  partitions: number = partitionsMax,
): { number: InvocationNumber; name: string } | undefined {
  const dot = id.indexOf(".");
  if (!id.startsWith("prm_") || dot < 0) return undefined;
  const number = parseInvocationId(tag, `inv_${id.slice(4, dot)}`, partitions);
  return number === undefined ? undefined : { number, name: id.slice(dot + 1) };
}

/** Refuses what cannot be a key, name or idempotency key: `invalid-id`. */
export function checkId(what: string, id: unknown, max: number): asserts id is string {
  if (typeof id !== "string") throw fail("invalid-id", { what, reason: "it is not text", max });
  if (id.length > max)
    throw fail("invalid-id", { what, reason: `it has ${id.length} characters`, max });
  if (id.trim() === "") throw fail("invalid-id", { what, reason: "it is empty or blank", max });
  if (!id.isWellFormed())
    throw fail("invalid-id", { what, reason: "it is not well-formed Unicode", max });
  if (/\p{Cc}/u.test(id))
    throw fail("invalid-id", { what, reason: "it has control characters", max });
}
