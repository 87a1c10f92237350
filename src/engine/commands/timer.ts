import { partitionOfNumber } from "../../model/ids.ts";
import { hasEnded } from "../../model/invocation.ts";
import { unreachable } from "../../std/assert.ts";
import type { Core } from "../core.ts";
import type { TimerCommand } from "../engine.ts";
import { answer, attempt, cancellation, encodeFailure, enqueue, finish } from "../lifecycle.ts";
import type { Live } from "../state.ts";
import { requestCancel } from "./cancel.ts";
import { killChildren } from "./kill.ts";

/** A timer is due. One whose cause is gone is only removed. */
export function applyTimer(core: Core, command: TimerCommand): void {
  const { number, due, timer } = command;
  core.disarm({ due, number, command: command.command, kind: timer });
  const live = core.find(number);
  if (live === undefined || hasEnded(live.row.status)) return;
  switch (timer) {
    case "sleep":
      if (live.open.get(command.command)?.due === due) {
        answer(core, live, command.command, null, false);
      }
      return;
    case "start":
      if (live.row.status === "scheduled") {
        live.row.position = core.nextNumber(partitionOfNumber(number));
        core.change(live);
        enqueue(core, live);
      }
      return;
    case "retry":
      retry(core, live, command);
      return;
    case "deadline":
      expire(core, live, due);
      return;
    default:
      unreachable(timer);
  }
}

function retry(core: Core, live: Live, { command, due }: TimerCommand): void {
  const { row } = live;
  const { extra } = row;
  const latest = extra?.retryAt === due;
  if (latest) {
    delete extra.retryAt;
    core.change(live);
  }
  if (live.attempt !== 0) {
    // Several steps may wait for their next attempt, while the record names the latest of them.
    core.executor.retryStep(row.number, command);
    return;
  }
  if (!latest || (row.status !== "backing-off" && row.status !== "running")) return;
  row.status = "running";
  attempt(core, live);
}

/**
 * Its time is over. The code is told like of a cancellation, so that it can clean up and undo; when
 * that takes too long as well, or nothing can tell it, the invocation ends here.
 */
function expire(core: Core, live: Live, due: number): void {
  const { row, extra } = live;
  if (extra.deadline !== due) return;
  if (extra.timedOutAt !== undefined || row.status === "paused") {
    extra.timedOutAt ??= due;
    killChildren(core, live);
    finish(core, live, "failed", encodeFailure(core, cancellation(live)));
    return;
  }
  extra.timedOutAt = due;
  extra.deadline = core.now + core.limits.cleanupTime;
  core.arm({ due: extra.deadline, number: row.number, command: -1, kind: "deadline" });
  core.change(live);
  requestCancel(core, live);
}
