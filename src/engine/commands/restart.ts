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
  const reissue: Entry[] = [];
  for (const entry of prefix) copyEntry(core, live, entry, reissue);
  for (const entry of reissue) reopen(core, live, entry);
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

/** Copies an entry; what the cut leaves unanswered is collected, to be opened anew. */
function copyEntry(core: Core, live: Live, entry: Entry, reissue: Entry[]): void {
  if (entry.kind === "cancel") return;
  const copy = core.append(
    live,
    entry.kind,
    entry.command,
    entry.name,
    entry.payload,
    entry.failed,
  );
  live.loaded?.push(copy);
  if (openKinds.has(entry.kind)) {
    reissue.push(copy);
  } else if (entry.kind === "done") {
    const at = reissue.findIndex((open) => open.command === entry.command);
    if (at >= 0) reissue.splice(at, 1);
  }
}

function reopen(core: Core, live: Live, entry: Entry): void {
  const { number } = live.row;
  const { command } = entry;
  if (entry.kind === "sleep") {
    const due = Number(entry.payload);
    live.open.set(command, { kind: "sleep", due });
    core.arm({ due, number, command, kind: "sleep" });
    return;
  }
  // The rest waited for something that belonged to the old invocation's time: the code asks again.
  const error = fail("cancelled");
  live.loaded?.push(core.append(live, "done", command, "", encodeFailure(core, error), true));
}
