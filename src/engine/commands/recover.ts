import type { Core } from "../core.ts";
import type { RecoverCommand } from "../engine.ts";
import { attempt } from "../lifecycle.ts";

/** An invocation that the store calls running, and that nothing here runs, starts a new attempt. */
export function applyRecover(core: Core, command: RecoverCommand): void {
  const live = core.find(command.number);
  if (live === undefined || live.attempt !== 0 || live.row.status !== "running") return;
  attempt(core, live);
}
