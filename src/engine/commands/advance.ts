import { assert } from "../../std/assert.ts";
import type { Core } from "../core.ts";
import type { AdvanceCommand } from "../engine.ts";
import { begin } from "../lifecycle.ts";

/** The next invocation in the queue of a free key begins. */
export function applyAdvance(core: Core, command: AdvanceCommand): void {
  const key = core.findKey(command.service, command.key);
  if (key === undefined || key.holder !== 0) return;
  for (;;) {
    const number = key.queue.shift();
    if (number === undefined) return;
    const live = core.find(number);
    assert(live !== undefined, "the head of a queue is loaded before its key advances");
    // It may have been cancelled while it waited.
    if (live.row.status !== "queued") {
      const next = key.queue.peek();
      if (next !== undefined && core.find(next) === undefined) {
        core.internal.push(command);
        return;
      }
      continue;
    }
    begin(core, live);
    return;
  }
}
