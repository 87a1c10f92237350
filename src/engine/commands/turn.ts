import { openKinds, type SendPayload } from "../../model/entry.ts";
import { fail } from "../../model/errors.ts";
import { partitionOfNumber } from "../../model/ids.ts";
import { assert, unreachable } from "../../std/assert.ts";
import type { Core } from "../core.ts";
import type { IssuedCommand, TurnCommand, TurnOutcome } from "../engine.ts";
import {
  attempt,
  deliver,
  disarmRetry,
  dropAttempt,
  encodeFailure,
  enterCancel,
  finish,
  suspend,
} from "../lifecycle.ts";
import type { Live, OpenCommand } from "../state.ts";
import { authzPartition } from "./authz.ts";
import { writeState } from "./state-write.ts";

/** Sleeps at least as long as this leave memory at once. */
const longSleepMs = 5_000;

/** Takes in what a handler did in one turn. A turn of an attempt that is over changes nothing. */
export function applyTurn(core: Core, turn: TurnCommand): void {
  const live = core.find(turn.number);
  if (live === undefined || live.attempt !== turn.attempt) return;
  const { row } = live;
  if (row.entries + turn.commands.length > core.limits.journalEntries) {
    const max = core.limits.journalEntries;
    const error = fail("limit-exceeded", {
      limit: "journalEntries",
      max,
      what: core.id(row.number),
    });
    finish(core, live, "failed", encodeFailure(core, error));
    return;
  }
  // Begun and ended within one batch, it can never be replayed: its journal need not be written.
  const ends = turn.outcome?.kind === "returned" || turn.outcome?.kind === "failed";
  const brief = ends && live.inserted && live.row.extra?.restartedFrom === undefined;
  for (const issued of turn.commands) issue(core, live, issued, brief);
  if (turn.outcome !== null) {
    conclude(core, live, turn.outcome);
    return;
  }
  if (turn.stepsWait) core.executor.applied(row.number, live.batch);
  // A cancellation that was asked for meanwhile has its own turn still to come.
  const moves = turn.notified !== live.notified || row.extra?.cancelRequested === true;
  live.idle = turn.idle && !moves;
  if (live.idle && row.status === "running" && (core.evictIdle || sleepsLong(core, live))) {
    suspend(core, live);
  }
}

/** Nothing but time can wake it, and not soon: it is cheaper in the store than in memory. */
function sleepsLong(core: Core, live: Live): boolean {
  if (live.open.size === 0) return false;
  for (const { due } of live.open.values()) {
    if (due === undefined || due - core.now < longSleepMs) return false;
  }
  return true;
}

function issue(core: Core, live: Live, issued: IssuedCommand, brief: boolean): void {
  const { kind, command, name, failed } = issued;
  const { number } = live.row;
  switch (kind) {
    case "run":
    case "check": {
      clearFailure(core, live, command);
      deliver(core, live, core.append(live, kind, command, name, issued.payload, failed));
      return;
    }
    case "cancel":
      enterCancel(core, live);
      return;
    case "await-signal":
      // It takes one, now or when it comes.
      live.signals--;
      break;
    case "send":
    case "call":
      issueStart(core, live, issued);
      return;
    case "set":
    case "clear":
      writeState(core, live, name, issued.payload);
      break;
    case "sleep": {
      if (brief) return;
      assert(issued.due !== undefined, "a sleep has a due time");
      core.arm({ due: issued.due, number, command, kind: "sleep" });
      break;
    }
    default:
      issueToOthers(core, live, issued);
  }
  if (brief) return;
  core.append(live, kind, command, name, issued.payload, failed);
  if (openKinds.has(kind)) {
    const open = kind as OpenCommand["kind"]; // openKinds
    live.wait(command, {
      kind: open,
      ...(issued.due === undefined ? {} : { due: issued.due }),
    });
    if (kind === "id") answerId(core, live, command, Number(issued.payload));
  }
}

/** Commands about other invocations, by number, and about relationships. */
function issueToOthers(core: Core, live: Live, issued: IssuedCommand): void {
  const { kind, command, name, payload, failed } = issued;
  const from = live.row.number;
  const target = issued.number ?? from;
  const to = partitionOfNumber(target);
  const waiter = { number: from, command };
  switch (kind) {
    case "relate": {
      const { change } = issued;
      assert(change !== undefined, "a write of relationships says what");
      core.route(from, authzPartition(core, change.tenant), { kind: "authz", change, waiter });
      return;
    }
    case "attach":
      if (issued.workflow !== undefined) {
        const { service, key } = issued.workflow;
        const partition = core.partitionOf(service, key);
        core.route(from, partition, { kind: "find", service, key, waiter });
        return;
      }
      core.route(from, to, { kind: "attach", number: target, waiter });
      return;
    case "promise":
      core.route(from, to, { kind: "await-promise", number: target, name, waiter });
      return;
    case "settle":
      core.route(from, to, { kind: "settle", number: target, name, payload, failed });
      return;
    case "send-signal":
      core.route(from, to, { kind: "signal", number: target, name, payload });
      return;
    case "send-cancel": {
      // Naming a command instead of a number means: what that command started.
      const child = issued.number ?? live.children?.get(Number(payload));
      if (child !== undefined) {
        core.route(from, partitionOfNumber(child), { kind: "cancel", number: child });
      }
      return;
    }
    default:
    // get, patched, await-signal and id concern nobody else.
  }
}

function issueStart(core: Core, live: Live, issued: IssuedCommand): void {
  const { kind, command, name, target } = issued;
  assert(target !== undefined, "a call or message has a target");
  const payload: { -readonly [K in keyof SendPayload]: SendPayload[K] } = {};
  if (target.key !== null) payload.key = target.key;
  if (target.idempotencyKey !== undefined) payload.idempotencyKey = target.idempotencyKey;
  if (target.due !== undefined) payload.due = target.due;
  const entry = core.append(live, kind, command, name, JSON.stringify(payload), false);
  live.sent ??= new Map();
  live.sent.set(command, entry);
  if (kind === "call") live.wait(command, { kind });
  const { extra } = live.row;
  core.route(live.row.number, core.partitionOf(target.service, target.key), {
    kind: "start",
    service: target.service,
    handler: target.handler,
    key: target.key,
    input: target.input,
    origin: { number: live.row.number, command },
    answer: kind === "call",
    depth: (extra?.depth ?? 0) + 1,
    ...(target.idempotencyKey === undefined ? {} : { idempotencyKey: target.idempotencyKey }),
    ...(target.due === undefined ? {} : { due: target.due }),
    ...(extra?.traceparent === undefined ? {} : { traceparent: extra.traceparent }),
    ...(extra?.caller === undefined ? {} : { caller: extra.caller }),
  });
}

/** `id` of what a command started: answered now if known, else when the target says. */
function answerId(core: Core, live: Live, command: number, of: number): void {
  const child = live.children?.get(of);
  if (child === undefined) {
    live.idWaits ??= new Map();
    const waits = live.idWaits.get(of) ?? [];
    waits.push(command);
    live.idWaits.set(of, waits);
    return;
  }
  live.answered(command);
  const payload = JSON.stringify(core.id(child));
  deliver(core, live, core.append(live, "done", command, "", payload, false));
}

function conclude(core: Core, live: Live, outcome: TurnOutcome): void {
  switch (outcome.kind) {
    case "returned":
      finish(core, live, "succeeded", outcome.payload);
      return;
    case "failed":
      finish(core, live, outcome.cancelled ? "cancelled" : "failed", outcome.payload);
      return;
    case "pause":
      pause(core, live, outcome.failure);
      return;
    case "retry":
      retry(core, live, outcome.failure, outcome.delayMs);
      return;
    case "retry-step": {
      core.counts.retries++;
      live.extra.failure = outcome.failure;
      const due = core.now + Math.max(1, outcome.delayMs);
      live.extra.retryAt = due;
      const command = outcome.failure.command ?? -1;
      core.arm({ due, number: live.row.number, command, kind: "retry" });
      core.change(live);
      return;
    }
    default:
      unreachable(outcome);
  }
}

function pause(core: Core, live: Live, failure: NonNullable<Live["extra"]["failure"]>): void {
  dropAttempt(core, live);
  live.extra.failure = failure;
  if (cancelInstead(core, live)) return;
  live.row.status = "paused";
  core.change(live);
  core.host.log("warn", "an invocation is paused", {
    id: core.id(live.row.number),
    code: failure.code,
    message: failure.message,
  });
}

function retry(
  core: Core,
  live: Live,
  failure: NonNullable<Live["extra"]["failure"]>,
  delayMs: number | null,
): void {
  const { extra } = live;
  extra.attempts = (extra.attempts ?? 0) + 1;
  if (delayMs === null) {
    pause(core, live, failure);
    return;
  }
  core.counts.retries++;
  dropAttempt(core, live);
  extra.failure = failure;
  if (cancelInstead(core, live)) return;
  live.row.status = "backing-off";
  // Never at once: a timer armed again within one batch needs a time of its own to be told apart.
  extra.retryAt = core.now + Math.max(1, delayMs);
  core.arm({ due: extra.retryAt, number: live.row.number, command: -1, kind: "retry" });
  core.change(live);
}

/** A cancellation that was asked for does not wait until it is tried again: the next attempt begins with it. */
function cancelInstead(core: Core, live: Live): boolean {
  if (live.row.extra?.cancelRequested !== true) return false;
  core.change(live);
  attempt(core, live);
  return true;
}

/** Progress: a step that failed before has ended, so its failure is history. */
function clearFailure(core: Core, live: Live, command: number): void {
  const { extra } = live.row;
  if (extra === null) return;
  if (extra.failure?.command === command) {
    disarmRetry(core, live);
    delete extra.failure;
    core.change(live);
  }
  if (extra.attempts === undefined) return;
  delete extra.attempts;
  core.change(live);
}
