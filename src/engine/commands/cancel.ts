import { CancelledError, encodeError } from "../../model/codec.ts";
import { fail } from "../../model/errors.ts";
import { partitionOfNumber } from "../../model/ids.ts";
import type { Core } from "../core.ts";
import type { CancelCommand } from "../engine.ts";
import { attempt, disarmRetry, finish, refuseEnded } from "../lifecycle.ts";
import type { Live } from "../state.ts";

/**
 * Asks for cancellation. What has not begun ends at once. What has begun gets a `cancel` entry as
 * soon as its running steps have ended, so that an undo never meets a step that still works.
 */
export function applyCancel(core: Core, command: CancelCommand): void {
  const { number, reply } = command;
  const live = core.find(number);
  if (live === undefined) {
    core.refuse(reply, fail("unknown-invocation", { id: core.id(number) }));
    return;
  }
  if (refuseEnded(core, live, "cancellation", reply)) return;
  core.reply(reply, undefined);
  const { row } = live;
  if (row.status === "scheduled" || row.status === "queued") {
    finish(core, live, "cancelled", encodeError(new CancelledError(), core.limits.errorText));
    return;
  }
  if (row.extra?.cancelRequested === true) return;
  live.extra.cancelRequested = true;
  core.change(live);
  live.idle = false;
  if (live.attempt !== 0) {
    core.executor.cancel(number);
    return;
  }
  if (row.status === "backing-off") disarmRetry(core, live);
  row.status = "running";
  attempt(core, live);
}

/** Cancellation goes down the tree of calls that are still open; messages are on their own. */
export function propagateCancel(core: Core, live: Live): void {
  live.cancelled = true;
  for (const [command, open] of live.open) {
    if (open.kind !== "call") continue;
    const child = live.children?.get(command);
    if (child === undefined) continue; // `accepted` catches up with it
    core.route(live.row.number, partitionOfNumber(child), { kind: "cancel", number: child });
  }
}
