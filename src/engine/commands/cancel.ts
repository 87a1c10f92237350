import { CancelledError, encodeError } from "../../model/codec.ts";
import { fail } from "../../model/errors.ts";
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
  requestCancel(core, live);
}

/** The attempt in memory stops its steps and answers; without one, a new one does. */
export function requestCancel(core: Core, live: Live): void {
  const { row } = live;
  if (row.extra?.cancelRequested === true) return;
  live.extra.cancelRequested = true;
  core.change(live);
  live.idle = false;
  if (live.attempt !== 0) {
    core.executor.cancel(row.number);
    return;
  }
  if (row.status === "backing-off") disarmRetry(core, live);
  row.status = "running";
  attempt(core, live);
}
