import type { Core } from "../core.ts";
import type { DoneCommand } from "../engine.ts";
import { answer } from "../lifecycle.ts";

/** The result of a call, an attached invocation or a promise reaches the command that waits for it. */
export function applyDone(core: Core, command: DoneCommand): void {
  const live = core.find(command.number);
  if (live === undefined) return;
  answer(core, live, command.command, command.payload, command.failed);
}
