import { fail } from "../../model/errors.ts";
import { makeNumber } from "../../model/ids.ts";
import type { Core } from "../core.ts";
import type { PatchStateCommand } from "../engine.ts";
import { writeEntry } from "./state-write.ts";

/** An operator changes state by hand. Refused while an exclusive handler holds the key. */
export function applyPatchState(core: Core, command: PatchStateCommand): void {
  const { service, reply } = command;
  const key = core.key(service, command.key);
  if (key.holder !== 0) {
    const held = { key: `${service}/${command.key}`, id: core.id(key.holder) };
    core.refuse(reply, fail("key-held", held));
    return;
  }
  const number = makeNumber(0, core.partitionOf(service, command.key));
  for (const [name, value] of command.changes) writeEntry(core, key, number, name, value);
  core.reply(reply, undefined);
}
