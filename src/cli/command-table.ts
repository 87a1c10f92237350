/** The one table of commands: names for the help and for completion; each is loaded when it runs. */
import type { CommandRow } from "./command.ts";
import { authzRows } from "./commands/authz/table.ts";

export const commandTable: readonly CommandRow[] = [
  {
    name: "dev",
    group: "run",
    summary: "run an application, and reload it when its code changes",
    load: () => import("./commands/dev.ts"),
  },
  {
    name: "serve",
    group: "run",
    summary: "run an application in production",
    load: () => import("./commands/serve.ts"),
  },
  {
    name: "start",
    group: "run",
    summary: "run the wallet example with transfers flowing through it",
    load: () => import("./commands/start.ts"),
  },
  {
    name: "call",
    group: "call",
    summary: "call a handler and print its result",
    load: () => import("./commands/call.ts"),
  },
  {
    name: "send",
    group: "call",
    summary: "start a handler, now or later, without waiting for its result",
    load: () => import("./commands/send.ts"),
  },
  {
    name: "result",
    group: "call",
    summary: "wait for an invocation and print its result",
    load: () => import("./commands/result.ts"),
  },
  {
    name: "ls",
    group: "look",
    summary: "list invocations, or the services that are served",
    load: () => import("./commands/ls.ts"),
  },
  {
    name: "show",
    group: "look",
    summary: "show one invocation as a timeline",
    load: () => import("./commands/show.ts"),
  },
  {
    name: "state",
    group: "look",
    summary: "show or change the state of an actor or workflow",
    load: () => import("./commands/state.ts"),
  },
  {
    name: "schedules",
    group: "look",
    summary: "list, pause, resume or trigger schedules",
    load: () => import("./commands/schedules.ts"),
  },
  {
    name: "sql",
    group: "look",
    summary: "ask with SQL over invocations, journals, state, timers and more",
    load: () => import("./commands/sql.ts"),
  },
  {
    name: "cancel",
    group: "control",
    summary: "ask an invocation to end; its clean-up runs",
    load: () => import("./commands/cancel.ts"),
  },
  {
    name: "kill",
    group: "control",
    summary: "end an invocation and all it called at once, without clean-up",
    load: () => import("./commands/kill.ts"),
  },
  {
    name: "pause",
    group: "control",
    summary: "stop an invocation until it is resumed",
    load: () => import("./commands/pause.ts"),
  },
  {
    name: "resume",
    group: "control",
    summary: "let an invocation go on that is paused or waits for a retry",
    load: () => import("./commands/resume.ts"),
  },
  {
    name: "restart",
    group: "control",
    summary: "run an invocation again, keeping what it had done before some entry",
    load: () => import("./commands/restart.ts"),
  },
  {
    name: "purge",
    group: "control",
    summary: "delete an invocation that has ended",
    load: () => import("./commands/purge.ts"),
  },
  {
    name: "signal",
    group: "control",
    summary: "send a signal to an invocation",
    load: () => import("./commands/signal.ts"),
  },
  {
    name: "resolve",
    group: "control",
    summary: "settle a durable promise with a value",
    load: () => import("./commands/resolve.ts"),
  },
  {
    name: "reject",
    group: "control",
    summary: "settle a durable promise with an error",
    load: () => import("./commands/reject.ts"),
  },
  {
    name: "authz",
    group: "authz",
    summary: "schemas, relationships, and who may do what",
    rows: authzRows,
  },
  {
    name: "init",
    group: "shell",
    summary: "make a new project that type-checks and runs",
    load: () => import("./commands/init.ts"),
  },
  {
    name: "completion",
    group: "shell",
    summary: "print what makes bash, zsh or fish complete commands",
    load: () => import("./commands/completion.ts"),
  },
];
