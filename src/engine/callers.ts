import type { HoldfastError } from "../model/errors.ts";
import type { InvocationNumber } from "../model/ids.ts";
import type { Core } from "./core.ts";
import type { Command, Outcome, Reply } from "./engine.ts";
import type { Flight } from "./flights.ts";

/* Callers outside who wait for the outcomes of invocations, when memory is dropped or the loop ends. */

export type Callers = ReadonlyMap<InvocationNumber, Reply<Outcome>[]>;

/**
 * Those who wait for invocations that the store knows, and so can go on waiting when memory is dropped
 * with the batches that fly; the others are told.
 */
export function keepCallers(core: Core, flying: readonly Flight[], reason: HoldfastError): Callers {
  const keep = new Map(core.waiting);
  const lost = new Set(
    flying.flatMap(({ sealed }) => sealed.batch.insertInvocations.map((row) => row.number)),
  );
  for (const live of core.live.values()) {
    if (live.replies === null) continue;
    if (live.inserted || lost.has(live.row.number)) {
      for (const reply of live.replies) reply.reject(reason);
    } else {
      keep.set(live.row.number, live.replies);
    }
  }
  return keep;
}

/** Callers who kept waiting are attached to what they wait for. */
export function reattachCallers(core: Core, push: (command: Command) => void): void {
  const { waiting } = core;
  for (const [number, replies] of [...waiting]) {
    waiting.delete(number);
    for (const outcome of replies) push({ kind: "attach", number, outcome });
  }
}

/** Those who kept waiting wait no more: nobody will tell them how it ends. */
export function refuseCallers(core: Core, reason: HoldfastError): void {
  for (const replies of core.waiting.values()) {
    for (const reply of replies) reply.reject(reason);
  }
  core.waiting.clear();
}
