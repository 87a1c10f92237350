import { CancelledError, encodeError, TimeoutError } from "../model/codec.ts";
import type { Entry } from "../model/entry.ts";
import { fail } from "../model/errors.ts";
import { partitionOfNumber } from "../model/ids.ts";
import { hasEnded, type Status } from "../model/invocation.ts";
import { defaultRetention } from "../model/limits.ts";
import { assert } from "../std/assert.ts";
import { formatDuration } from "../std/duration.ts";
import type { Core } from "./core.ts";
import type { Reply } from "./engine.ts";
import { idempotencyAddress, putIdempotency } from "./idempotency.ts";
import type { Live } from "./state.ts";

/**
 * The life of an invocation, as steps that several commands share. Each changes memory and the open
 * batch, and nothing else.
 */

/** It is due: begins at once, or joins the queue of its key. */
export function enqueue(core: Core, live: Live): void {
  const { row } = live;
  if (row.mode !== "exclusive" || row.key === null) {
    begin(core, live);
    return;
  }
  const key = core.key(row.service, row.key);
  // A free key with a queue is about to advance: nobody overtakes those who wait.
  if (key.holder !== 0 || key.queue.size > 0) {
    row.status = "queued";
    core.change(live);
    key.queue.push(row.number);
    key.batch = core.batchNumber;
    return;
  }
  begin(core, live);
}

/** Takes its key and starts its first attempt, pinned to the current deployment. */
export function begin(core: Core, live: Live): void {
  const { row } = live;
  if (row.key !== null) {
    const key = core.key(row.service, row.key);
    key.batch = core.batchNumber;
    if (row.mode === "exclusive") {
      assert(key.holder === 0, "an exclusive handler begins only when its key is free");
      key.holder = row.number;
    }
  }
  row.status = "running";
  if (row.deployment === "") row.deployment = core.deployments.current.id;
  core.change(live);
  const handler = core.handlerOf(row);
  if (handler !== undefined && handler.timeoutMs !== null) {
    const deadline = core.now + handler.timeoutMs;
    live.extra.deadline = deadline;
    core.arm({ due: deadline, number: row.number, command: -1, kind: "deadline" });
  }
  attempt(core, live);
}

/** Starts an attempt from the journal. The invocation must be `running`. */
export function attempt(core: Core, live: Live): void {
  const { row } = live;
  assert(row.status === "running", "only a running invocation has attempts");
  const handler = core.handlerOf(row);
  if (handler === undefined) {
    waitForDeployment(core, live);
    return;
  }
  if (live.loaded === null && row.entries > 0) {
    // Another command of this batch has ended the last attempt: the journal must be loaded again.
    core.internal.push({ kind: "recover", number: row.number });
    return;
  }
  if (row.extra?.failure?.code === "deployment-gone") {
    delete row.extra.failure;
    core.change(live);
  }
  live.loaded ??= [];
  // No step runs yet, so there is nothing to wait for.
  if (row.extra?.cancelRequested === true) enterCancel(core, live);
  const entries = live.loaded;
  assert(entries.length === row.entries, "an attempt starts from the whole journal");
  const key = row.key === null ? null : core.key(row.service, row.key);
  if (row.mode === "shared" && key !== null) {
    key.readers ??= new Set();
    key.readers.add(row.number);
  }
  if (entries.length > 0) core.counts.replays++;
  live.loaded = null;
  live.attempt = core.nextAttempt();
  live.notified = 0;
  live.idle = false;
  core.executor.start({
    number: row.number,
    attempt: live.attempt,
    invocation: row,
    handler,
    entries,
    state: key,
    promises:
      row.mode === "shared" && key !== null && key.workflow !== 0 ? key.workflow : row.number,
    batch: live.batch,
  });
}

/**
 * A cancellation that was asked for enters the journal, before all that comes after it. Not while a
 * step runs: that is told to stop first.
 */
export function enterCancel(core: Core, live: Live): void {
  const payload = encodeFailure(core, cancellation(live));
  delete live.extra.cancelRequested;
  core.change(live);
  deliver(core, live, core.append(live, "cancel", -1, "", payload, true));
  propagateCancel(core, live);
}

/** What the code gets: that somebody cancelled it, or that its time is over. */
export function cancellation(live: Live): Error {
  const { service, handler, extra, createdAt } = live.row;
  if (extra?.timedOutAt === undefined) return new CancelledError();
  const allowed = formatDuration(extra.timedOutAt - createdAt);
  return new TimeoutError(`${service}/${handler} did not end within ${allowed}`);
}

/** Cancellation goes down the tree of calls that are still open; messages are on their own. */
export function propagateCancel(core: Core, live: Live): void {
  live.cancelled = true;
  for (const [command, open] of live.open) {
    if (open.kind !== "call") continue;
    const child = live.children?.get(command);
    if (child === undefined) continue; // `accepted` catches up with it
    core.route(live.row.number, partitionOfNumber(child), { kind: "cancel", number: child });
  }
}

/** Nothing here can run it: it stays where it is, and says so, until its deployment comes back. */
function waitForDeployment(core: Core, live: Live): void {
  const { row } = live;
  const known = row.extra?.failure?.code === "deployment-gone";
  if (known) return;
  const error = fail("deployment-gone", { deployment: row.deployment });
  live.extra.failure = { code: error.code, message: error.message, at: core.now };
  core.change(live);
  live.idle = true;
}

/** Ends the attempt in memory, if there is one: whatever it still does counts for nothing. */
export function dropAttempt(core: Core, live: Live): void {
  if (live.attempt === 0) return;
  const { row } = live;
  live.attempt = 0;
  if (row.mode === "shared" && row.key !== null) {
    core.findKey(row.service, row.key)?.readers?.delete(row.number);
  }
  core.executor.drop(row.number);
}

/**
 * Leaves memory: its attempt ends here, and the completion that wakes it starts another one from the
 * journal. Only for what is idle.
 */
export function suspend(core: Core, live: Live): void {
  assert(live.row.status === "running", "only a running invocation is suspended");
  dropAttempt(core, live);
  live.row.status = "suspended";
  core.change(live);
}

/** Gives a new entry to the code: to the attempt in memory, or by starting one. */
export function deliver(core: Core, live: Live, entry: Entry): void {
  const { row } = live;
  live.idle = false;
  if (live.attempt !== 0) {
    live.notified++;
    core.executor.notify(row.number, entry, core.batchNumber);
    return;
  }
  if (row.status === "suspended") {
    row.status = "running";
    core.change(live);
    attempt(core, live);
  }
  // Paused, backing off, or its deployment is gone: the next attempt finds it in the journal.
}

/** Answers an open command; an answer that nothing waits for is dropped. */
export function answer(
  core: Core,
  live: Live,
  command: number,
  payload: string | null,
  failed: boolean,
): void {
  if (hasEnded(live.row.status) || !live.answered(command)) return;
  // Asked for before a crash: a timer that was due since then does not overtake it.
  if (live.attempt === 0 && live.row.extra?.cancelRequested === true) enterCancel(core, live);
  deliver(core, live, core.append(live, "done", command, "", payload, failed));
}

/** The end: result to whoever waits, key to the next, timers gone. */
export function finish(core: Core, live: Live, status: Status, output: string | null): void {
  const { row } = live;
  assert(!hasEnded(row.status), "an invocation ends once");
  const begun = row.status !== "scheduled" && row.status !== "queued";
  if (row.status === "scheduled") disarmStart(core, live);
  dropAttempt(core, live);
  row.status = status;
  row.output = output;
  row.endedAt = core.now;
  row.expiresAt = core.now + (core.handlerOf(row)?.retentionMs ?? defaultRetention.invocation);
  if (output !== null) core.batchBytes += output.length;
  core.change(live);
  if (status === "succeeded") core.counts.succeeded++;
  else core.counts.failed++;
  disarmAll(core, live);
  live.waitNoMore();
  keepKey(core, live);
  tell(core, live);
  if (row.extra?.schedule !== undefined) {
    core.internal.push({ kind: "schedule", name: row.extra.schedule, action: "ended" });
  }
  if (row.key !== null && begun) release(core, live);
}

function disarmStart(core: Core, live: Live): void {
  const due = live.row.extra?.due;
  if (due !== undefined) core.disarm({ due, number: live.row.number, command: -1, kind: "start" });
}

/** Takes back every timer that the invocation has armed. */
function disarmAll(core: Core, live: Live): void {
  const { row } = live;
  for (const [command, open] of live.open) {
    if (open.kind === "sleep" && open.due !== undefined) {
      core.disarm({ due: open.due, number: row.number, command, kind: "sleep" });
    }
  }
  const { extra } = row;
  if (extra === null) return;
  if (extra.deadline !== undefined) {
    core.disarm({ due: extra.deadline, number: row.number, command: -1, kind: "deadline" });
  }
  disarmRetry(core, live);
}

export function disarmRetry(core: Core, live: Live): void {
  const { extra, number } = live.row;
  if (extra?.retryAt === undefined) return;
  const command = extra.failure?.command ?? -1;
  core.disarm({ due: extra.retryAt, number, command, kind: "retry" });
  delete extra.retryAt;
}

/** The idempotency key goes with its invocation. */
function keepKey(core: Core, live: Live): void {
  const { row } = live;
  const idempotencyKey = row.extra?.idempotencyKey;
  if (idempotencyKey === undefined || row.expiresAt === null) return;
  const address = idempotencyAddress({ ...row, idempotencyKey });
  if (address !== null) putIdempotency(core, row, address, row.expiresAt);
}

/** Passes the outcome on: to the caller, to those attached, and to replies outside. */
function tell(core: Core, live: Live): void {
  const { row } = live;
  const failed = row.status !== "succeeded";
  const { extra } = row;
  if (extra?.parent !== undefined) {
    tellWaiter(core, row.number, extra.parent, row.output, failed);
  }
  for (const waiter of extra?.waiters ?? []) {
    tellWaiter(core, row.number, waiter, row.output, failed);
  }
  if (live.replies !== null) {
    const outcome = { number: row.number, status: row.status, output: row.output };
    for (const reply of live.replies) core.reply(reply, outcome);
    live.replies = null;
  }
}

export function tellWaiter(
  core: Core,
  from: number,
  waiter: { number: number; command: number },
  payload: string | null,
  failed: boolean,
): void {
  core.route(from, partitionOfNumber(waiter.number), {
    kind: "done",
    number: waiter.number,
    command: waiter.command,
    payload,
    failed,
  });
}

/** Lets go of the key; the next in its queue begins within this batch. */
function release(core: Core, live: Live): void {
  const { row } = live;
  const key = core.findKey(row.service, row.key as string); // the caller has checked
  if (key === undefined) return;
  key.batch = core.batchNumber;
  if (key.holder === row.number) {
    key.holder = 0;
    if (key.queue.size > 0) {
      core.internal.push({ kind: "advance", service: row.service, key: key.key });
    }
  }
}

/** Refuses a command for an invocation that has ended; true if it was refused. */
export function refuseEnded<T>(
  core: Core,
  live: Live,
  what: string,
  reply: Reply<T> | undefined,
): boolean {
  if (!hasEnded(live.row.status)) return false;
  const { status, number } = live.row;
  core.refuse(reply, fail("invocation-ended", { id: core.id(number), status, what }));
  return true;
}

/** Encodes an error of the table as the outcome of an invocation or an answer. */
export function encodeFailure(core: Core, error: Error): string {
  return encodeError(error, core.limits.errorText);
}
