import { fail } from "../../model/errors.ts";
import { formatPromiseId, partitionOfNumber } from "../../model/ids.ts";
import type { DurablePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { AwaitPromiseCommand, SettleCommand } from "../engine.ts";
import { encodeFailure, refuseEnded, tellWaiter } from "../lifecycle.ts";

/** Settles a durable promise, once. It may be settled before anybody waits for it. */
export function applySettle(core: Core, command: SettleCommand): void {
  const { number, name, reply } = command;
  const live = core.find(number);
  const id = formatPromiseId(core.tag, number, name);
  if (live === undefined) {
    core.refuse(reply, fail("unknown-promise", { id }));
    return;
  }
  const promise = core.promises.get(promiseKey(number, name))?.row;
  if (promise !== undefined && promise.status !== "pending") {
    core.refuse(reply, fail("already-settled", { id }));
    return;
  }
  if (refuseEnded(core, live, "promise", reply)) return;
  const settled = promise ?? makePromise(core, number, name);
  settled.status = command.failed ? "rejected" : "resolved";
  settled.value = command.payload;
  settled.settledAt = core.now;
  const { waiters } = settled;
  settled.waiters = [];
  put(core, settled);
  for (const waiter of waiters) {
    tellWaiter(core, number, waiter, command.payload, command.failed);
  }
  core.reply(reply, undefined);
}

/** Somebody waits for a promise: answered at once if it is settled. */
export function applyAwaitPromise(core: Core, command: AwaitPromiseCommand): void {
  const { number, name, waiter } = command;
  const id = formatPromiseId(core.tag, number, name);
  const live = core.find(number);
  if (live === undefined) {
    const error = fail("unknown-promise", { id });
    tellWaiter(core, number, waiter, encodeFailure(core, error), true);
    return;
  }
  const known = core.promises.get(promiseKey(number, name))?.row;
  const promise = known ?? makePromise(core, number, name);
  if (promise.status !== "pending") {
    tellWaiter(core, number, waiter, promise.value, promise.status === "rejected");
    return;
  }
  const max = core.limits.promiseWaiters;
  if (promise.waiters.length >= max) {
    const error = fail("limit-exceeded", { limit: "promiseWaiters", max, what: id });
    tellWaiter(core, number, waiter, encodeFailure(core, error), true);
    return;
  }
  promise.waiters.push(waiter);
  put(core, promise);
}

export function promiseKey(number: number, name: string): string {
  return `${number}.${name}`;
}

function makePromise(core: Core, number: number, name: string): DurablePromise {
  return {
    number,
    name,
    status: "pending",
    value: null,
    waiters: [],
    createdAt: core.now,
    settledAt: null,
  };
}

function put(core: Core, row: DurablePromise): void {
  core.touch(partitionOfNumber(row.number)).putPromises.push(row);
  core.promises.set(promiseKey(row.number, row.name), { row, batch: core.batchNumber });
}
