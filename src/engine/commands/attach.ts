import { fail } from "../../model/errors.ts";
import { makeNumber } from "../../model/ids.ts";
import { hasEnded } from "../../model/invocation.ts";
import type { Core } from "../core.ts";
import type { AttachCommand, FindCommand } from "../engine.ts";
import { encodeFailure, tellWaiter } from "../lifecycle.ts";
import type { Live } from "../state.ts";

/** Registers somebody for the outcome of an invocation; answers at once when it has ended. */
export function applyAttach(core: Core, command: AttachCommand): void {
  const live = core.find(command.number);
  if (live !== undefined) {
    attachTo(core, live, command);
    return;
  }
  const error = fail("unknown-invocation", { id: core.id(command.number) });
  core.refuse(command.outcome, error);
  if (command.waiter !== undefined) {
    tellWaiter(core, command.number, command.waiter, encodeFailure(core, error), true);
  }
}

/** Finds the latest run of a workflow's key, and attaches to it. */
export function applyFind(core: Core, command: FindCommand): void {
  const { service, key, waiter } = command;
  const number = core.key(service, key).workflow;
  if (number !== 0) {
    core.reply(command.found, number);
    if (waiter !== undefined) core.internal.push({ kind: "attach", number, waiter });
    return;
  }
  const error = fail("unknown-invocation", { id: `${service}/${key}` });
  core.refuse(command.found, error);
  if (waiter === undefined) return;
  const partition = core.partitionOf(service, key);
  tellWaiter(core, makeNumber(0, partition), waiter, encodeFailure(core, error), true);
}

export function attachTo(
  core: Core,
  live: Live,
  who: Pick<AttachCommand, "waiter" | "outcome" | "peek">,
): void {
  const { row } = live;
  if (who.outcome !== undefined) {
    if (hasEnded(row.status) || who.peek === true) {
      core.reply(who.outcome, { number: row.number, status: row.status, output: row.output });
    } else {
      live.replies ??= [];
      live.replies.push(who.outcome);
    }
  }
  if (who.waiter === undefined) return;
  if (hasEnded(row.status)) {
    tellWaiter(core, row.number, who.waiter, row.output, row.status !== "succeeded");
    return;
  }
  const { extra } = live;
  extra.waiters ??= [];
  if (extra.waiters.length >= core.limits.attached) {
    const max = core.limits.attached;
    const error = fail("limit-exceeded", { limit: "attached", max, what: core.id(row.number) });
    tellWaiter(core, row.number, who.waiter, encodeFailure(core, error), true);
    return;
  }
  extra.waiters.push(who.waiter);
  core.change(live);
}
