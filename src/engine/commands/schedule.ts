import { encodePayload } from "../../model/codec.ts";
import { fail } from "../../model/errors.ts";
import { hasEnded } from "../../model/invocation.ts";
import type { ScheduleDefinition } from "../../sdk/handler.ts";
import { parseCron } from "../../sdk/schedule.ts";
import { unreachable } from "../../std/assert.ts";
import type { Schedule } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { Reply, ScheduleCommand, StartAnswer } from "../engine.ts";

/** A run that is later than this counts as missed, and the backfill policy decides about it. */
const missedAfterMs = 60_000;

export function applySchedule(core: Core, command: ScheduleCommand): void {
  const { name, action } = command;
  if (action === "declare") {
    if (command.definition !== undefined) declare(core, command.definition);
    core.reply(command.reply, undefined);
    return;
  }
  const schedule = core.schedules.get(name);
  if (schedule === undefined) {
    const error = fail("unknown-schedule", { name });
    core.refuse(command.reply, error);
    core.refuse(command.accepted, error);
    return;
  }
  switch (action) {
    case "remove":
      core.schedules.delete(name);
      core.touch(home(core, name)).deleteSchedules.push(name);
      break;
    case "due":
      runDue(core, schedule);
      break;
    case "ended":
      runPending(core, schedule);
      break;
    case "pause":
      schedule.paused = true;
      put(core, schedule);
      break;
    case "resume":
      schedule.paused = false;
      schedule.nextAt = nextRun(schedule.cron, schedule.timeZone, core.now);
      put(core, schedule);
      break;
    case "trigger":
      run(core, schedule, core.now, command.accepted);
      break;
    default:
      unreachable(action);
  }
  core.reply(command.reply, undefined);
}

function declare(core: Core, definition: ScheduleDefinition): void {
  const { name, cron, timeZone, target } = definition;
  const old = core.schedules.get(name);
  const same = old !== undefined && old.cron === cron && old.timeZone === timeZone;
  put(core, {
    name,
    cron,
    timeZone,
    service: target.service,
    handler: target.handler,
    key: target.key ?? null,
    input: encodePayload(target.input, `The input of schedule ${name}`, core.limits.payload),
    overlap: definition.overlap,
    backfill: definition.backfill,
    paused: old?.paused ?? false,
    declared: true,
    createdAt: old?.createdAt ?? core.now,
    lastAt: old?.lastAt ?? null,
    lastNumber: old?.lastNumber ?? null,
    nextAt: same ? old.nextAt : nextRun(cron, timeZone, core.now),
    pending: old?.pending ?? 0,
  });
}

/** Its time has come: runs it, makes up for what was missed as its policy says, and looks ahead. */
function runDue(core: Core, schedule: Schedule): void {
  if (schedule.paused || schedule.nextAt === null || schedule.nextAt > core.now) return;
  const due: number[] = [];
  let at: number | null = schedule.nextAt;
  while (at !== null && at <= core.now) {
    due.push(at);
    if (due.length > core.limits.backfill) due.shift();
    at = nextRun(schedule.cron, schedule.timeZone, at);
  }
  schedule.nextAt = at;
  const onTime = due.filter((time) => core.now - time <= missedAfterMs);
  const runs =
    schedule.backfill === "all" ? due : schedule.backfill === "last" ? due.slice(-1) : onTime;
  put(core, schedule);
  for (const time of runs) run(core, schedule, time, undefined);
}

function run(
  core: Core,
  schedule: Schedule,
  at: number,
  accepted: Reply<StartAnswer> | undefined,
): void {
  const last = schedule.lastNumber === null ? undefined : core.find(schedule.lastNumber);
  const busy = last !== undefined && !hasEnded(last.row.status);
  if (busy && accepted === undefined && schedule.overlap === "skip") return;
  if (busy && accepted === undefined && schedule.overlap === "queue") {
    schedule.pending = Math.min(schedule.pending + 1, core.limits.backfill);
    put(core, schedule);
    return;
  }
  schedule.lastAt = at;
  put(core, schedule);
  const mode = core.deployments.handler(schedule.service, schedule.handler)?.definition.mode;
  // A workflow runs once per id, so each run gets an id of its own: the schedule and the time.
  const own = mode === "workflow" ? `${schedule.name}@${new Date(at).toISOString()}` : null;
  core.internal.push({
    kind: "start",
    service: schedule.service,
    handler: schedule.handler,
    key: schedule.key ?? own,
    input: schedule.input,
    schedule: schedule.name,
    ...(accepted === undefined ? {} : { accepted }),
  });
}

function runPending(core: Core, schedule: Schedule): void {
  if (schedule.pending === 0) return;
  schedule.pending--;
  schedule.lastNumber = null;
  run(core, schedule, core.now, undefined);
}

function nextRun(cron: string, timeZone: string, after: number): number | null {
  return parseCron("", cron, timeZone)(after) ?? null;
}

/** Called by `start`: the run that a schedule began. */
export function noteRun(core: Core, name: string, number: number): void {
  const schedule = core.schedules.get(name);
  if (schedule === undefined) return;
  schedule.lastNumber = number;
  put(core, schedule);
}

function put(core: Core, schedule: Schedule): void {
  core.schedules.set(schedule.name, schedule);
  const { putSchedules } = core.touch(home(core, schedule.name));
  if (!putSchedules.includes(schedule)) putSchedules.push(schedule);
}

/** Schedules lie in the partition of their name. */
function home(core: Core, name: string): number {
  return core.partitionOf("schedule", name);
}
