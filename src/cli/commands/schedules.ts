import type { Command } from "commander";
import { makeNodeHost } from "../../host/node-host.ts";
import type { ScheduleDescription } from "../../model/port.ts";
import {
  addConnectionOptions,
  type ConnectionOptions,
  openPort,
  reportDone,
} from "../connection.ts";
import { usageError } from "../failure.ts";
import { formatTable } from "../table.ts";
import { print, say, stderr, stdout } from "../terminal.ts";
import { formatAgo, formatTime } from "../time.ts";

export const examples: readonly (readonly [string, string])[] = [
  ["", "list them with their next and last runs"],
  ["pause nightly-report", "no more runs until it is resumed"],
  ["resume nightly-report", "runs again at its times"],
  ["trigger nightly-report", "run it now, besides its times"],
];

export function define(command: Command): void {
  command
    .argument("[action]", "pause, resume or trigger; without it they are listed")
    .argument("[name]", "the schedule");
  addConnectionOptions(command).action(schedules);
}

async function schedules(
  action: string | undefined,
  name: string | undefined,
  options: ConnectionOptions,
): Promise<void> {
  const port = openPort(options);
  if (action === undefined) {
    list(await port.schedules(), options);
    return;
  }
  if (action !== "pause" && action !== "resume" && action !== "trigger") {
    throw usageError(`${JSON.stringify(action)} is none of pause, resume and trigger`, "schedules");
  }
  if (name === undefined) throw usageError(`which schedule to ${action} is missing`, "schedules");
  if (action === "trigger") {
    const accepted = await port.triggerSchedule(name);
    print(options.json === true ? JSON.stringify(accepted) : accepted.id);
    return;
  }
  if (action === "pause") await port.pauseSchedule(name);
  else await port.resumeSchedule(name);
  reportDone(`${name} is ${action}d`, { schedule: name, done: action }, options);
}

function list(all: readonly ScheduleDescription[], { json }: ConnectionOptions): void {
  if (json === true) {
    print(JSON.stringify(all));
    return;
  }
  if (all.length === 0) {
    say(stderr.style.dim("no schedules"));
    return;
  }
  const now = makeNodeHost().now();
  const { yellow } = stdout.style;
  const columns = [
    { title: "name", cell: (row: ScheduleDescription) => row.name },
    { title: "cron", cell: (row: ScheduleDescription) => row.cron },
    { title: "time zone", cell: (row: ScheduleDescription) => row.timeZone },
    { title: "target", cell: (row: ScheduleDescription) => row.target, flexible: true },
    {
      title: "next",
      cell: ({ paused, nextAt }: ScheduleDescription) =>
        paused ? "paused" : nextAt === null ? "never" : formatTime(nextAt),
      paint: (text: string, row: ScheduleDescription) => (row.paused ? yellow(text) : text),
    },
    {
      title: "last",
      cell: ({ lastAt }: ScheduleDescription) => (lastAt === null ? "" : formatAgo(lastAt, now)),
    },
  ];
  print(formatTable(columns, all));
}
