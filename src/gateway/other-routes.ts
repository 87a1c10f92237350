import { checkSize } from "../model/codec.ts";
import { fail } from "../model/errors.ts";
import { checkId } from "../model/ids.ts";
import { type Answer, done, json } from "./exchange.ts";
import { readFields, readObject, readText } from "./fields.ts";
import { accepted, idExtra, settleRoutes } from "./invocation-routes.ts";
import type { Ask, Route } from "./route.ts";
import { ref } from "./schemas.ts";

/** Promises by id, state, schedules and SQL. */
export function otherRoutes(): readonly Route[] {
  return [
    ...settleRoutes("/promises/{promiseId}", "", (ask) => ({
      promise: ask.parameter("promiseId", idExtra),
    })),
    ...stateRoutes,
    ...scheduleRoutes(),
    queryRoute,
  ];
}

const stateRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/state/{service}/{key}",
    name: "readState",
    summary: "Reads the state of an actor or workflow as it was last committed.",
    answers: { 200: { description: "Its entries.", schema: ref("State") } },
    errors: ["unknown-service"],
    run: async (ask) =>
      json(200, await ask.port.readState(ask.parameter("service"), ask.parameter("key"))),
  },
  {
    method: "PATCH",
    path: "/state/{service}/{key}",
    name: "patchState",
    summary: "Sets entries of the state; null deletes one. Waits its turn at the key.",
    body: { required: true, description: "The entries that change.", schema: ref("State") },
    answers: { 204: { description: "They are changed." } },
    errors: ["unknown-service", "invalid-argument", "limit-exceeded"],
    run: patchState,
  },
];

async function patchState(ask: Ask): Promise<Answer> {
  const changes = readObject(ask.body.value);
  for (const name of Object.keys(changes)) {
    checkId("The name of a state entry", name, ask.limits.idLength);
  }
  await ask.port.patchState(ask.parameter("service"), ask.parameter("key"), changes);
  return done;
}

function scheduleRoutes(): Route[] {
  const method = "POST" as const;
  const name = (ask: Ask): string => ask.parameter("name");
  return [
    {
      method: "GET",
      path: "/schedules",
      name: "listSchedules",
      summary: "Lists the schedules.",
      answers: {
        200: { description: "All of them.", schema: { type: "array", items: ref("Schedule") } },
      },
      errors: [],
      run: async (ask) => json(200, await ask.port.schedules()),
    },
    {
      method,
      path: "/schedules/{name}/pause",
      name: "pauseSchedule",
      summary: "Stops the schedule until it is resumed.",
      answers: { 204: { description: "It is paused." } },
      errors: ["unknown-schedule"],
      run: (ask) => ask.port.pauseSchedule(name(ask)).then(() => done),
    },
    {
      method,
      path: "/schedules/{name}/resume",
      name: "resumeSchedule",
      summary: "Lets the schedule go on.",
      answers: { 204: { description: "It goes on." } },
      errors: ["unknown-schedule"],
      run: (ask) => ask.port.resumeSchedule(name(ask)).then(() => done),
    },
    {
      method,
      path: "/schedules/{name}/trigger",
      name: "triggerSchedule",
      summary: "Runs what is scheduled now, besides its times.",
      answers: { 202: { description: "It is started.", schema: ref("Accepted") } },
      errors: ["unknown-schedule"],
      run: async (ask) => accepted(await ask.port.triggerSchedule(name(ask))),
    },
  ];
}

const queryRoute: Route = {
  method: "POST",
  path: "/query",
  name: "query",
  summary: "Runs one SELECT over the documented views.",
  body: { required: true, description: "The statement.", schema: ref("Query") },
  answers: { 200: { description: "The rows.", schema: ref("QueryAnswer") } },
  errors: ["invalid-query", "query-timed-out", "too-large"],
  run: runQuery,
};

async function runQuery(ask: Ask): Promise<Answer> {
  const fields = readFields(ask.body, ["sql", "parameters"]);
  const sql = readText(fields, "sql");
  checkSize(sql, "The text of the query", ask.limits.queryLength);
  return json(200, await ask.port.query(sql, readParameters(fields)));
}

function readParameters(fields: Readonly<Record<string, unknown>>): (string | number | null)[] {
  const { parameters = [] } = fields as { parameters?: unknown }; // as read
  const isList = Array.isArray(parameters) && parameters.every(isSqlValue);
  if (isList) return parameters;
  throw fail("invalid-argument", {
    what: "The field parameters",
    reason: "it is not a list of text, numbers and nulls",
  });
}

function isSqlValue(value: unknown): value is string | number | null {
  return value === null || typeof value === "string" || typeof value === "number";
}
