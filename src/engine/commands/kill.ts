import { encodeError } from "../../model/codec.ts";
import { fail } from "../../model/errors.ts";
import { partitionOfNumber } from "../../model/ids.ts";
import type { Core } from "../core.ts";
import type { KillCommand } from "../engine.ts";
import { finish, refuseEnded } from "../lifecycle.ts";
import type { Live } from "../state.ts";

/** Ends an invocation and everything it called, at once; none of its code runs again. */
export function applyKill(core: Core, command: KillCommand): void {
  const { number, reply } = command;
  const live = core.find(number);
  if (live === undefined) {
    core.refuse(reply, fail("unknown-invocation", { id: core.id(number) }));
    return;
  }
  if (refuseEnded(core, live, "kill", reply)) return;
  killChildren(core, live);
  finish(core, live, "killed", encodeError(fail("killed"), core.limits.errorText));
  core.reply(reply, undefined);
}

export function killChildren(core: Core, live: Live): void {
  for (const [command, { kind }] of live.open) {
    if (kind !== "call") continue;
    const child = live.children?.get(command);
    if (child === undefined) {
      // `accepted` tells the number, and catches up.
      live.uncancelled ??= new Set();
      live.uncancelled.add(command);
      continue;
    }
    core.route(live.row.number, partitionOfNumber(child), { kind: "kill", number: child });
  }
}
