import { partitionOfNumber } from "../../model/ids.ts";
import type { KeyAddress } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { Command, CommandKind } from "../engine.ts";
import { idempotencyAddress } from "../idempotency.ts";
import type { Needs } from "../prefetch.ts";
import { applyAccepted } from "./accepted.ts";
import { applyAdvance } from "./advance.ts";
import { applyAttach, applyFind } from "./attach.ts";
import { applyAuthz, authzPartition } from "./authz.ts";
import { applyCancel } from "./cancel.ts";
import { applyDeliver, applyReceipt } from "./deliver.ts";
import { applyDone } from "./done.ts";
import { applyKill } from "./kill.ts";
import { applyPatchState } from "./patch-state.ts";
import { applyPause, applyResume } from "./pause.ts";
import { applyExpire, applyPurge } from "./purge.ts";
import { applyRecover } from "./recover.ts";
import { applyRestart } from "./restart.ts";
import { applySchedule } from "./schedule.ts";
import { applyAwaitPromise, applySettle } from "./settle.ts";
import { applySignal } from "./signal.ts";
import { applyStart, guardedHandler } from "./start.ts";
import { applyTimer } from "./timer.ts";
import { applyTurn } from "./turn.ts";

/** What the engine does with each kind of command, and what must be in memory before. */
export interface CommandRow<C extends Command> {
  readonly needs: (needs: Needs, command: C) => void;
  readonly apply: (core: Core, command: C) => void;
  /** The partition that takes it. */
  readonly partition: (core: Core, command: C) => number;
}

type Table = { readonly [K in CommandKind]: CommandRow<Extract<Command, { kind: K }>> };

const ofNumber = {
  needs: (needs: Needs, command: { readonly number: number }) => needs.invocation(command.number),
  partition: (_: Core, command: { readonly number: number }) => partitionOfNumber(command.number),
};

const ofKey = {
  needs: (needs: Needs, command: KeyAddress) => needs.key(command.service, command.key),
  partition: (core: Core, command: KeyAddress) => core.partitionOf(command.service, command.key),
};

export const commandTable: Table = {
  start: {
    needs(needs, command) {
      if (command.key !== null) needs.key(command.service, command.key);
      const address = idempotencyAddress(command);
      if (address !== null) needs.idempotency(address);
      const guarded = guardedHandler(needs.core, command);
      if (guarded !== undefined) needs.guard(command, guarded);
    },
    apply: applyStart,
    partition: (core, command) => core.partitionOf(command.service, command.key),
  },
  turn: { ...ofNumber, needs: () => {}, apply: applyTurn },
  done: { ...ofNumber, apply: applyDone },
  timer: { ...ofNumber, apply: applyTimer },
  advance: {
    ...ofKey,
    needs: (needs, command) => needs.queueHead(command.service, command.key),
    apply: applyAdvance,
  },
  recover: { ...ofNumber, apply: applyRecover },
  attach: { ...ofNumber, apply: applyAttach },
  find: { ...ofKey, apply: applyFind },
  accepted: { ...ofNumber, apply: applyAccepted },
  signal: { ...ofNumber, apply: applySignal },
  settle: {
    ...ofNumber,
    needs(needs, command) {
      needs.invocation(command.number);
      needs.promise(command.number, command.name);
    },
    apply: applySettle,
  },
  "await-promise": {
    ...ofNumber,
    needs(needs, command) {
      needs.invocation(command.number);
      needs.promise(command.number, command.name);
    },
    apply: applyAwaitPromise,
  },
  cancel: { ...ofNumber, apply: applyCancel },
  kill: { ...ofNumber, apply: applyKill },
  pause: { ...ofNumber, apply: applyPause },
  resume: { ...ofNumber, apply: applyResume },
  restart: {
    ...ofNumber,
    needs: (needs, command) => needs.journal(command.number),
    apply: applyRestart,
  },
  purge: { ...ofNumber, apply: applyPurge },
  expire: {
    needs: () => {},
    apply: applyExpire,
    partition: (_, command) => command.partition,
  },
  "patch-state": { ...ofKey, apply: applyPatchState },
  schedule: {
    needs(needs, command) {
      const last = needs.core.schedules.get(command.name)?.lastNumber;
      if (last !== undefined && last !== null) needs.invocation(last);
    },
    apply: applySchedule,
    partition: (core, command) => core.partitionOf("schedule", command.name),
  },
  deliver: {
    needs: () => {},
    apply: applyDeliver,
    partition: (_, command) => command.destination,
  },
  receipt: {
    needs: () => {},
    apply: applyReceipt,
    partition: (_, command) => command.source,
  },
  authz: {
    needs: (needs, command) => needs.relations(command.change),
    apply: applyAuthz,
    partition: (core, command) => authzPartition(core, command.change.tenant),
  },
};

export function rowOf(kind: CommandKind): CommandRow<Command> {
  return commandTable[kind] as unknown as CommandRow<Command>; // a row takes its own kind only
}
