import { HoldfastError } from "../../model/errors.ts";
import { makeNumber } from "../../model/ids.ts";
import type { Core } from "../core.ts";
import type { AuthzCommand } from "../engine.ts";
import { encodeFailure, tellWaiter } from "../lifecycle.ts";

/** A change of relationships or schemas, in the batch of whatever caused it. */
export function applyAuthz(core: Core, command: AuthzCommand): void {
  const { change, reply, waiter } = command;
  const partition = authzPartition(core, change.tenant);
  const from = makeNumber(0, partition);
  try {
    const stamp = { now: core.now, batch: core.batchNumber, writes: core.touch(partition) };
    const outcome = core.relations.apply(change, stamp);
    if (outcome === null) {
      core.internal.push(command);
      return;
    }
    core.reply(reply, outcome);
    if (waiter !== undefined) tellWaiter(core, from, waiter, JSON.stringify(outcome), false);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    core.refuse(reply, error);
    if (waiter !== undefined) tellWaiter(core, from, waiter, encodeFailure(core, error), true);
  }
}

/** The one writer of a tenant. */
export function authzPartition(core: Core, tenant: string): number {
  return core.partitionOf("authz", tenant);
}
