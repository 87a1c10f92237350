import { fail } from "../../model/errors.ts";
import { partitionOfNumber } from "../../model/ids.ts";
import { hasEnded } from "../../model/invocation.ts";
import type { Core } from "../core.ts";
import type { ExpireCommand, PurgeCommand } from "../engine.ts";
import { addressKey } from "../idempotency.ts";

/** Retention is over. The store says so, so nothing is loaded for it. */
export function applyExpire(core: Core, command: ExpireCommand): void {
  for (const number of command.numbers) {
    const live = core.find(number);
    if (live !== undefined && (live.listed || !hasEnded(live.row.status))) continue;
    forget(core, number);
  }
  for (const address of command.idempotency) {
    core.idempotency.delete(addressKey(address));
    core.touch(command.partition).deleteIdempotency.push(address);
  }
}

function forget(core: Core, number: number): void {
  core.touch(partitionOfNumber(number)).deleteInvocations.push(number);
  core.live.delete(number);
  const key = core.workflows.get(number);
  if (key === undefined) return;
  core.workflows.delete(number);
  if (key.workflow === number) {
    key.workflow = 0;
    key.state.clear();
    key.stateBytes = 0;
    key.batch = core.batchNumber;
  }
}

/** Deletes an invocation that has ended, with its journal and promises. */
export function applyPurge(core: Core, command: PurgeCommand): void {
  const { number, reply } = command;
  const live = core.find(number);
  if (live === undefined) {
    core.refuse(reply, fail("unknown-invocation", { id: core.id(number) }));
    return;
  }
  const { row } = live;
  if (!hasEnded(row.status)) {
    core.refuse(reply, fail("invocation-not-ended", { id: core.id(number), status: row.status }));
    return;
  }
  forget(core, number);
  core.reply(reply, undefined);
}
