import { fail } from "../../model/errors.ts";
import type { Core } from "../core.ts";
import type { PauseCommand, ResumeCommand } from "../engine.ts";
import { attempt, disarmRetry, dropAttempt, refuseEnded } from "../lifecycle.ts";
import type { Live } from "../state.ts";

/** Stops an invocation where it is. Running steps are aborted, and run again when it is resumed. */
export function applyPause(core: Core, command: PauseCommand): void {
  const { number, reply } = command;
  const live = core.find(number);
  if (live === undefined) {
    core.refuse(reply, fail("unknown-invocation", { id: core.id(number) }));
    return;
  }
  if (refuseEnded(core, live, "pause", reply)) return;
  const { row } = live;
  if (row.status === "scheduled" || row.status === "queued") {
    // It holds nothing and runs nothing: there is nothing to stop yet.
    core.refuse(
      reply,
      fail("invalid-argument", { what: "The pause", reason: `the invocation is ${row.status}` }),
    );
    return;
  }
  core.reply(reply, undefined);
  if (row.status === "paused") return;
  dropAttempt(core, live);
  disarmRetry(core, live);
  row.status = "paused";
  live.extra.failure = { code: "paused", message: "Somebody paused it", at: core.now };
  live.idle = true;
  core.change(live);
}

/** Lets a paused invocation go on, or one that waits for a retry try at once. */
export function applyResume(core: Core, command: ResumeCommand): void {
  const { number, reply } = command;
  const live = core.find(number);
  if (live === undefined) {
    core.refuse(reply, fail("unknown-invocation", { id: core.id(number) }));
    return;
  }
  if (refuseEnded(core, live, "resume", reply)) return;
  const { row } = live;
  if (command.onCurrent !== true && live.attempt !== 0 && row.extra?.retryAt !== undefined) {
    retryStep(core, live, row.extra.failure?.command ?? -1);
    core.reply(reply, undefined);
    return;
  }
  const stranded = row.status === "running" && row.extra?.failure?.code === "deployment-gone";
  if (row.status !== "paused" && row.status !== "backing-off" && !stranded) {
    core.refuse(reply, fail("not-paused", { id: core.id(number), status: row.status }));
    return;
  }
  disarmRetry(core, live);
  if (row.extra !== null) {
    delete row.extra.failure;
    delete row.extra.attempts;
  }
  if (command.onCurrent) row.deployment = core.deployments.current.id;
  row.status = "running";
  core.change(live);
  core.reply(reply, undefined);
  attempt(core, live);
}

/** A step waits for its next attempt, and gets it now. Others that wait as well keep their times. */
function retryStep(core: Core, live: Live, command: number): void {
  disarmRetry(core, live);
  core.change(live);
  core.executor.retryStep(live.row.number, command);
}
