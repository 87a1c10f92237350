import type { Entry } from "../../model/entry.ts";
import { openKinds } from "../../model/entry.ts";
import { fail } from "../../model/errors.ts";
import { partitionOfNumber } from "../../model/ids.ts";
import { hasEnded, type Invocation } from "../../model/invocation.ts";
import type { Core } from "../core.ts";
import type { RestartCommand } from "../engine.ts";
import { encodeFailure, enqueue, finish } from "../lifecycle.ts";
import type { Live } from "../state.ts";
import { killChildren } from "./kill.ts";

/**
 * Starts an invocation again under a new id, with the first entries of its journal, its seed and its
 * input. Waits that are open where the journal is cut are opened anew: timers with their old times,
 * calls by calling again. A paused invocation is killed in favour of its successor.
 */
export function applyRestart(core: Core, command: RestartCommand): void {
  const { number, accepted } = command;
  const old = core.find(number);
  if (old === undefined) {
    core.refuse(accepted, fail("unknown-invocation", { id: core.id(number) }));
    return;
  }
  const { status } = old.row;
  if (!hasEnded(status) && status !== "paused") {
    core.refuse(accepted, fail("invocation-not-ended", { id: core.id(number), status }));
    return;
  }
  const prefix = (old.loaded ?? []).slice(0, command.from);
  if (status === "paused") {
    killChildren(core, old);
    finish(core, old, "killed", encodeFailure(core, fail("killed")));
  }
  const next = core.nextNumber(partitionOfNumber(number));
  const live = core.insert(successor(core, old.row, next));
  const { row } = live;
  live.loaded = [];
  for (const entry of keep(prefix)) copyEntry(core, live, entry);
  if (row.mode === "workflow" && row.key !== null) {
    core.setWorkflow(core.key(row.service, row.key), next);
  }
  core.reply(accepted, { number: next, status: "accepted" });
  enqueue(core, live);
}

function successor(core: Core, old: Invocation, number: number): Invocation {
  return {
    ...old,
    number,
    status: "queued",
    output: null,
    createdAt: core.now,
    endedAt: null,
    expiresAt: null,
    deployment: "",
    position: number,
    entries: 0,
    extra: { restartedFrom: core.id(old.number) },
  };
}

/**
 * What the successor takes over: all before a cancellation, but for open waits. Those waited for
 * something that belonged to the old invocation, so the code issues them again; only timers keep their
 * time.
 */
function keep(entries: readonly Entry[]): Entry[] {
  // What follows a cancellation answers to it, and the successor is not cancelled.
  const cancel = entries.findIndex(({ kind }) => kind === "cancel");
  const prefix = cancel < 0 ? entries : entries.slice(0, cancel);
  const answered = new Set<number>();
  for (const { kind, command } of prefix) if (kind === "done") answered.add(command);
  const gone = new Set<number>();
  for (const { kind, command } of prefix) {
    if (openKinds.has(kind) && kind !== "sleep" && !answered.has(command)) gone.add(command);
  }
  return prefix.filter(({ command }) => !gone.has(command));
}

function copyEntry(core: Core, live: Live, entry: Entry): void {
  const { kind, command, name, payload, failed } = entry;
  core.append(live, kind, command, name, payload, failed);
  if (kind === "sleep") {
    const due = Number(payload);
    live.wait(command, { kind, due });
    core.arm({ due, number: live.row.number, command, kind });
  } else if (kind === "done") {
    live.answered(command);
  }
}
