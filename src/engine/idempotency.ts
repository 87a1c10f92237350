import { partitionOfNumber } from "../model/ids.ts";
import type { Invocation } from "../model/invocation.ts";
import { hash32 } from "../std/hash.ts";
import type { Idempotency, IdempotencyAddress } from "../store/store.ts";
import type { Core } from "./core.ts";

/** Scope of an idempotency key: one handler of one key. */
export function idempotencyAddress(command: {
  readonly service: string;
  readonly handler: string;
  readonly key: string | null;
  readonly idempotencyKey?: string;
}): IdempotencyAddress | null {
  if (command.idempotencyKey === undefined) return null;
  const key = command.key === null ? "" : `/${command.key}`;
  return {
    scope: `${command.service}/${command.handler}${key}`,
    idempotencyKey: command.idempotencyKey,
  };
}

export function addressKey(address: IdempotencyAddress): string {
  return `${address.scope}\n${address.idempotencyKey}`;
}

/** Makes a key known. It is kept as long as its invocation: while that runs, without end. */
export function putIdempotency(
  core: Core,
  invocation: Invocation,
  address: IdempotencyAddress,
  expiresAt: number,
): void {
  const key = addressKey(address);
  const known = core.idempotency.get(key);
  if (known?.batch === core.batchNumber && known.row.number === invocation.number) {
    known.row.expiresAt = expiresAt;
    return;
  }
  const { number, input } = invocation;
  const partition = partitionOfNumber(number);
  const inputHash = hash32(input ?? "");
  const row: Idempotency = { ...address, partition, number, inputHash, expiresAt };
  core.touch(partition).putIdempotency.push(row);
  core.idempotency.set(key, { row, batch: core.batchNumber });
}
