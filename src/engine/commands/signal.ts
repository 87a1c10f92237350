import { fail } from "../../model/errors.ts";
import { hasEnded } from "../../model/invocation.ts";
import type { Core } from "../core.ts";
import type { SignalCommand } from "../engine.ts";
import { deliver, refuseEnded } from "../lifecycle.ts";

/**
 * A signal goes into the journal as it arrives, whether or not anybody waits: the journal is the
 * buffer, and the code takes signals of a name in the order of arrival.
 */
export function applySignal(core: Core, command: SignalCommand): void {
  const { number, name, reply } = command;
  const live = core.find(number);
  if (live === undefined) {
    core.refuse(reply, fail("unknown-invocation", { id: core.id(number) }));
    return;
  }
  if (refuseEnded(core, live, "signal", reply)) return;
  const max = core.limits.signalsBuffered;
  if (live.signals >= max || live.row.entries >= core.limits.journalEntries) {
    const what = core.id(number);
    core.refuse(reply, fail("limit-exceeded", { limit: "signalsBuffered", max, what }));
    return;
  }
  live.signals++;
  const entry = core.append(live, "signal", -1, name, command.payload, false);
  core.reply(reply, undefined);
  if (!hasEnded(live.row.status)) deliver(core, live, entry);
}
