import { fail, type HoldfastError } from "../../model/errors.ts";
import { partitionOfNumber } from "../../model/ids.ts";
import type { Extra, Invocation } from "../../model/invocation.ts";
import { hash32 } from "../../std/hash.ts";
import type { Core } from "../core.ts";
import type { HandlerRuntime } from "../deployments.ts";
import type { StartCommand } from "../engine.ts";
import { addressKey, idempotencyAddress, putIdempotency } from "../idempotency.ts";
import { encodeFailure, enqueue, tellWaiter } from "../lifecycle.ts";
import { attachTo } from "./attach.ts";
import { noteRun } from "./schedule.ts";

/** Starts an invocation, or finds the one that the same request started before. */
export function applyStart(core: Core, command: StartCommand): void {
  const handler = core.deployments.handler(command.service, command.handler);
  if (handler === undefined) {
    refuse(core, command, unknown(core, command));
    return;
  }
  const guarded = guardedHandler(core, command);
  const denial = guarded === undefined ? null : (core.guard?.refusal(command, guarded) ?? null);
  if (denial !== null) {
    refuse(core, command, denial);
    return;
  }
  const { mode } = handler.definition;
  const address = idempotencyAddress(command);
  const known = address === null ? undefined : core.idempotency.get(addressKey(address));
  // An invocation with a short retention may be gone before its key: then the key means nothing.
  if (known !== undefined && core.find(known.row.number) !== undefined) {
    repeat(core, command, known.row.number, known.row.inputHash);
    return;
  }
  const partition = core.partitionOf(command.service, command.key);
  const error = checkRoom(core, command, mode);
  if (error !== null) {
    refuse(core, command, error);
    return;
  }
  const number = core.nextNumber(partition);
  const live = core.insert(makeRow(core, command, handler, number));
  if (address !== null) {
    putIdempotency(core, live.row, address, Number.MAX_SAFE_INTEGER);
  }
  if (mode === "workflow" && command.key !== null) {
    core.setWorkflow(core.key(command.service, command.key), number);
  }
  if (command.outcome !== undefined) live.replies = [command.outcome];
  if (command.schedule !== undefined) noteRun(core, command.schedule, number);
  core.reply(command.accepted, { number, status: "accepted" });
  tellOrigin(core, command, number);
  if (command.due !== undefined && command.due > core.now) {
    live.row.status = "scheduled";
    core.arm({ due: command.due, number, command: -1, kind: "start" });
  } else {
    enqueue(core, live);
  }
}

/** The handler, where it asks for a permission that was not asked for at the door. */
export function guardedHandler(core: Core, command: StartCommand): HandlerRuntime | undefined {
  if (command.origin === undefined && command.schedule === undefined) return undefined;
  const handler = core.deployments.handler(command.service, command.handler);
  return handler?.definition.options.permission === undefined ? undefined : handler;
}

function makeRow(
  core: Core,
  command: StartCommand,
  handler: HandlerRuntime,
  number: number,
): Invocation {
  return {
    number,
    service: command.service,
    handler: command.handler,
    mode: handler.definition.mode,
    key: command.key,
    status: "queued",
    input: command.input,
    output: null,
    createdAt: core.now,
    endedAt: null,
    expiresAt: null,
    deployment: "",
    seed: core.random(),
    position: number,
    entries: 0,
    extra: makeExtra(command),
  };
}

function makeExtra(command: StartCommand): Extra | null {
  const extra: Extra = {};
  if (command.idempotencyKey !== undefined) extra.idempotencyKey = command.idempotencyKey;
  if (command.origin !== undefined && command.answer === true) extra.parent = command.origin;
  if (command.depth !== undefined && command.depth > 0) extra.depth = command.depth;
  if (command.traceparent !== undefined) extra.traceparent = command.traceparent;
  if (command.caller !== undefined) extra.caller = command.caller;
  if (command.due !== undefined) extra.due = command.due;
  if (command.schedule !== undefined) extra.schedule = command.schedule;
  for (const _ in extra) return extra;
  return null;
}

function checkRoom(core: Core, command: StartCommand, mode: string): HoldfastError | null {
  const { limits } = core;
  if ((command.depth ?? 0) > limits.callDepth) {
    return fail("limit-exceeded", {
      limit: "callDepth",
      max: limits.callDepth,
      what: `${command.service}/${command.handler}`,
    });
  }
  if (command.key === null) return null;
  const key = core.key(command.service, command.key);
  if (mode === "workflow" && key.workflow !== 0) {
    return fail("already-started", { service: command.service, key: command.key });
  }
  // A message of a handler was acknowledged with its journal: it is not dropped for want of room.
  const refusable = command.origin === undefined;
  if (mode === "exclusive" && refusable && key.queue.size >= limits.keyQueue) {
    return fail("limit-exceeded", {
      limit: "keyQueue",
      max: limits.keyQueue,
      what: `${command.service}/${command.key}`,
    });
  }
  return null;
}

/** The same idempotency key again: the same invocation, unless the input differs. */
function repeat(core: Core, command: StartCommand, number: number, inputHash: number): void {
  if (hash32(command.input ?? "") !== inputHash) {
    const target = `${command.service}/${command.handler}`;
    refuse(core, command, fail("idempotency-conflict", { target }));
    return;
  }
  core.reply(command.accepted, { number, status: "previously-accepted" });
  tellOrigin(core, command, number);
  const live = core.find(number);
  if (live === undefined) return;
  if (command.outcome !== undefined) attachTo(core, live, { outcome: command.outcome });
  if (command.origin !== undefined && command.answer === true) {
    attachTo(core, live, { waiter: command.origin });
  }
}

function tellOrigin(core: Core, command: StartCommand, number: number): void {
  const { origin } = command;
  if (origin === undefined) return;
  core.route(number, partitionOfNumber(origin.number), {
    kind: "accepted",
    number: origin.number,
    command: origin.command,
    child: number,
  });
}

function refuse(core: Core, command: StartCommand, error: HoldfastError): void {
  core.refuse(command.accepted, error);
  core.refuse(command.outcome, error);
  const { origin } = command;
  if (origin === undefined) return;
  if (command.answer === true) {
    tellWaiter(core, origin.number, origin, encodeFailure(core, error), true);
  } else {
    core.host.log("error", "a message could not be delivered", {
      code: error.code,
      from: core.id(origin.number),
      target: `${command.service}/${command.handler}`,
    });
  }
}

function unknown(core: Core, command: StartCommand): HoldfastError {
  const { service, handler } = command;
  return core.deployments.current.services.has(service)
    ? fail("unknown-handler", { service, handler })
    : fail("unknown-service", { service });
}
