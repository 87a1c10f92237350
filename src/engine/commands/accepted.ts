import type { SendPayload } from "../../model/entry.ts";
import { partitionOfNumber } from "../../model/ids.ts";
import { hasEnded } from "../../model/invocation.ts";
import type { Core } from "../core.ts";
import type { AcceptedCommand } from "../engine.ts";
import { answer } from "../lifecycle.ts";
import type { Live } from "../state.ts";

/** The number of what a command started: kept for its id, its cancellation and for people. */
export function applyAccepted(core: Core, accepted: AcceptedCommand): void {
  const live = core.find(accepted.number);
  if (live === undefined) return;
  const { command, child } = accepted;
  const sent = live.sent?.get(command);
  if (sent !== undefined) {
    // The entry is still on its way to the store: it takes the number along.
    const payload: SendPayload = JSON.parse(sent.payload ?? "{}");
    const filled: { payload: string | null } = sent as { payload: string | null }; // not yet sealed
    filled.payload = JSON.stringify({ ...payload, number: child });
  } else if (!hasEnded(live.row.status)) {
    const payload = JSON.stringify({ number: child });
    // No completion, so it wakes nobody.
    core.append(live, "accepted", command, "", payload, false);
  }
  live.children ??= new Map();
  live.children.set(command, child);
  const waits = live.idWaits?.get(command);
  if (waits !== undefined) {
    live.idWaits?.delete(command);
    for (const wait of waits) answer(core, live, wait, JSON.stringify(core.id(child)), false);
  }
  catchUp(core, live, command, child);
}

/** Cancelled or killed before it was known what to cancel or kill. */
function catchUp(core: Core, live: Live, command: number, child: number): void {
  const { number, status } = live.row;
  const missed = live.uncancelled?.delete(command) === true;
  const open = live.open.get(command);
  // A killed caller that had left memory has only its journal to tell which calls were open.
  if (status === "killed" && (missed || open?.kind === "call")) {
    core.route(number, partitionOfNumber(child), { kind: "kill", number: child });
  } else if (missed && open !== undefined) {
    core.route(number, partitionOfNumber(child), { kind: "cancel", number: child });
  }
}
