import { partitionOfNumber } from "../../model/ids.ts";
import { assert } from "../../std/assert.ts";
import type { Core } from "../core.ts";
import type { Key, Live } from "../state.ts";

/** Writes state entries of the key that an invocation holds. An empty name with null clears all. */
export function writeState(core: Core, live: Live, name: string, value: string | null): void {
  const { row } = live;
  assert(row.key !== null && row.mode !== "shared", "only exclusive handlers write state");
  const key = core.key(row.service, row.key);
  if (name === "" && value === null) {
    for (const entry of [...key.state.keys()]) writeEntry(core, key, row.number, entry, null);
  } else {
    writeEntry(core, key, row.number, name, value);
  }
}

export function writeEntry(
  core: Core,
  key: Key,
  number: number,
  name: string,
  value: string | null,
): void {
  const before = key.state.get(name);
  if (before !== undefined) key.stateBytes -= name.length + before.length;
  if (value === null) {
    if (before === undefined) return;
    key.state.delete(name);
  } else {
    key.state.set(name, value);
    key.stateBytes += name.length + value.length;
    core.batchBytes += value.length;
  }
  key.batch = core.batchNumber;
  // Of several writes of an entry in one batch the last one counts, and is the only one written.
  if (key.freshBatch !== core.batchNumber) {
    key.freshBatch = core.batchNumber;
    key.fresh = null;
  }
  key.fresh ??= new Map();
  const earlier = key.fresh.get(name);
  if (earlier !== undefined) {
    earlier.value = value;
    return;
  }
  const write = { service: key.service, key: key.key, name, value };
  key.fresh.set(name, write);
  core.touch(partitionOfNumber(number)).writeState.push(write);
}
