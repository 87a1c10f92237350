import { type ErrorCode, fail, HoldfastError } from "../model/errors.ts";
import { hasEnded, type Status } from "../model/invocation.ts";
import type { Accepted, InvocationAddress, InvocationFilter } from "../model/port.ts";
import { pollEnded } from "./connections.ts";
import { type Answer, done, json } from "./exchange.ts";
import { readCount, readFields, readText } from "./fields.ts";
import type { Ask, Reply, Route } from "./route.ts";
import { ref, statuses } from "./schemas.ts";
import { parseTime } from "./start.ts";
import { printable } from "./target.ts";

/** Everything about invocations but starting them. */
export function invocationRoutes(): readonly Route[] {
  return [
    listRoute,
    ...addressed("/invocations/{id}", "Invocation", (ask) => ({
      id: ask.parameter("id", idExtra),
    })),
    ...addressed("/workflows/{service}/{key}", "Workflow", (ask) => ({
      service: ask.parameter("service"),
      key: ask.parameter("key"),
    })),
  ];
}

/** Ids that Holdfast makes are longer than the names they may contain. */
export const idExtra = 64;

const listMax = 1000;

const listRoute: Route = {
  method: "GET",
  path: "/invocations",
  name: "listInvocations",
  summary: "Lists invocations, the latest first.",
  query: [
    { name: "service", description: "Only of this service.", schema: { type: "string" } },
    { name: "handler", description: "Only of this handler.", schema: { type: "string" } },
    { name: "key", description: "Only of this key.", schema: { type: "string" } },
    { name: "status", description: "Only with this status.", schema: { enum: statuses } },
    {
      name: "limit",
      description: "How many at most.",
      schema: { type: "integer", minimum: 1, maximum: listMax, default: 100 },
    },
    { name: "after", description: "`next` of the page before.", schema: { type: "string" } },
  ],
  answers: { 200: { description: "One page.", schema: ref("InvocationPage") } },
  errors: ["invalid-argument"],
  run: async (ask) => json(200, await ask.port.list(readFilter(ask.query))),
};

function readFilter(query: ReadonlyMap<string, string>): InvocationFilter {
  const filter: { -readonly [K in keyof InvocationFilter]: InvocationFilter[K] } = {};
  for (const [name, value] of query) {
    if (name === "status") filter.status = readStatus(value);
    else if (name === "limit") {
      const limit = /^\d{1,9}$/.test(value) ? Number(value) : undefined;
      filter.limit = readCount(limit, "The query parameter limit", [1, listMax]);
    } else if (name === "service" || name === "handler" || name === "key" || name === "after") {
      filter[name] = value;
    }
  }
  return filter;
}

function readStatus(text: string): Status {
  const status = statuses.find((known) => known === text);
  if (status !== undefined) return status;
  const reason = `${printable(text)} is not one of ${statuses.join(", ")}`;
  throw fail("invalid-argument", { what: "The query parameter status", reason });
}

type AddressOf = (ask: Ask) => InvocationAddress;

function addressed(path: string, noun: string, addressOf: AddressOf): Route[] {
  const thing = noun.toLowerCase();
  const unknown: ErrorCode[] = ["unknown-invocation"];
  return [
    {
      method: "GET",
      path,
      name: `get${noun}`,
      summary: `Describes the ${thing}.`,
      answers: { 200: { description: "The description.", schema: ref("Invocation") } },
      errors: unknown,
      run: async (ask) => json(200, await ask.port.describe(addressOf(ask))),
    },
    {
      method: "DELETE",
      path,
      name: `purge${noun}`,
      summary: `Deletes the ${thing} with all that is kept of it, once it has ended.`,
      answers: { 204: { description: "It is deleted." } },
      errors: [...unknown, "invocation-not-ended"],
      run: (ask) => ask.port.purge(addressOf(ask)).then(() => done),
    },
    resultRoute(path, noun, addressOf),
    {
      method: "GET",
      path: `${path}/journal`,
      name: `get${noun}Journal`,
      summary: `Lists the journal of the ${thing}.`,
      answers: {
        200: { description: "Its entries.", schema: { type: "array", items: ref("JournalEntry") } },
      },
      errors: unknown,
      run: async (ask) => json(200, await ask.port.journal(addressOf(ask))),
    },
    ...lifecycleRoutes(path, noun, addressOf),
    ...deliveryRoutes(path, noun, addressOf),
  ];
}

function resultRoute(path: string, noun: string, addressOf: AddressOf): Route {
  return {
    method: "GET",
    path: `${path}/result`,
    name: `get${noun}Result`,
    summary: `Gives the result of the ${noun.toLowerCase()}, waiting for it if asked to.`,
    query: [
      {
        name: "wait",
        description: "How long to wait for the end, such as `30s`. Default: not at all.",
        schema: { type: "string" },
      },
    ],
    answers: {
      200: { description: "The result.", schema: {} },
      202: { description: "It has not ended yet.", schema: ref("Pending") },
      204: { description: "It has ended, and has no result." },
    },
    errors: ["unknown-invocation", "handler-failed", "cancelled", "killed"],
    run: (ask) => waitForResult(ask, addressOf(ask)),
  };
}

async function waitForResult(ask: Ask, address: InvocationAddress): Promise<Reply> {
  const wait = ask.query.get("wait");
  const timeoutMs = wait === undefined ? 0 : parseTime("wait", wait, ask.limits.longPoll);
  try {
    const { port } = ask;
    const outcome = await ask.wait((signal) => port.resultText(address, { timeoutMs, signal }));
    return { outcome };
  } catch (error) {
    if (error !== pollEnded && !isNotYet(error)) throw error;
  }
  const { id, status } = await ask.port.describe(address);
  // It may have ended between the two questions.
  if (statuses.some((known) => known === status && hasEnded(known))) {
    return { outcome: await ask.port.resultText({ id }, { timeoutMs: 0 }) };
  }
  return { ...json(202, { id, status }), id };
}

function isNotYet(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false;
  return error.code === "timed-out" || error.code === "invocation-not-ended";
}

function lifecycleRoutes(path: string, noun: string, addressOf: AddressOf): Route[] {
  const thing = noun.toLowerCase();
  const done204 = { 204: { description: "It is recorded." } };
  const post = { method: "POST" } as const;
  const simple = (verb: "cancel" | "kill" | "pause", summary: string): Route => ({
    ...post,
    path: `${path}/${verb}`,
    name: `${verb}${noun}`,
    summary,
    answers: done204,
    errors: ["unknown-invocation", "invocation-ended"],
    run: (ask) => ask.port[verb](addressOf(ask)).then(() => done),
  });
  return [
    simple("cancel", `Asks the ${thing} to end: its handler gets an error, and cleans up.`),
    simple("kill", `Ends the ${thing} and all it called at once, without clean-up.`),
    simple("pause", `Stops the ${thing} until it is resumed.`),
    {
      ...post,
      path: `${path}/resume`,
      name: `resume${noun}`,
      summary: `Lets the ${thing} go on, if it is paused or waits for a retry.`,
      body: {
        required: false,
        description: "Where it goes on: on the deployment that started it, or the current one.",
        schema: { type: "object", properties: { deployment: { const: "current" } } },
      },
      answers: done204,
      errors: ["unknown-invocation", "not-paused", "invocation-ended"],
      run: (ask) => resume(ask, addressOf(ask)),
    },
    {
      ...post,
      path: `${path}/restart`,
      name: `restart${noun}`,
      summary: `Starts the ${thing} again under a new id, keeping a prefix of its journal.`,
      body: {
        required: false,
        description: "How many entries of the journal to keep; none by default.",
        schema: { type: "object", properties: { from: { type: "integer", minimum: 0 } } },
      },
      answers: { 202: { description: "It is started.", schema: ref("Accepted") } },
      errors: ["unknown-invocation", "invocation-not-ended", "invalid-argument"],
      run: (ask) => restart(ask, addressOf(ask)),
    },
  ];
}

async function resume(ask: Ask, address: InvocationAddress): Promise<Answer> {
  const { deployment } = readFields(ask.body, ["deployment"]) as { deployment?: unknown }; // as read
  if (deployment !== undefined && deployment !== "current") {
    throw fail("invalid-argument", {
      what: "The field deployment",
      reason: '"current" is all it can be',
    });
  }
  await ask.port.resume(address, deployment === undefined ? {} : { deployment });
  return done;
}

async function restart(ask: Ask, address: InvocationAddress): Promise<Answer> {
  const { from } = readFields(ask.body, ["from"]) as { from?: unknown }; // as read
  const bounds = [0, ask.limits.journalEntries] as const;
  const options = from === undefined ? {} : { from: readCount(from, "The field from", bounds) };
  return accepted(await ask.port.restart(address, options));
}

/** What `send` and its kind answer. */
export function accepted({ id, status }: Accepted): Answer {
  const headers = ["Location", `/invocations/${encodeURIComponent(id)}`];
  return { ...json(202, { id, status }), id, headers };
}

function deliveryRoutes(path: string, noun: string, addressOf: AddressOf): Route[] {
  const thing = noun.toLowerCase();
  const post = { method: "POST" } as const;
  const name = (ask: Ask): string => ask.parameter("name");
  return [
    {
      ...post,
      path: `${path}/signals/{name}`,
      name: `signal${noun}`,
      summary: `Sends the ${thing} a signal, which is kept until it takes it.`,
      body: { required: false, description: "The value that comes with it.", schema: {} },
      answers: { 204: { description: "It is recorded." } },
      errors: ["unknown-invocation", "invocation-ended", "limit-exceeded"],
      run: (ask) => ask.port.signal(addressOf(ask), name(ask), ask.body.value).then(() => done),
    },
    ...settleRoutes(`${path}/promises/{name}`, noun, (ask) => ({
      of: addressOf(ask),
      name: name(ask),
    })),
  ];
}

/** Resolve and reject of a durable promise, however it is addressed. */
export function settleRoutes(
  path: string,
  noun: string,
  addressOf: (ask: Ask) => Parameters<Ask["port"]["resolve"]>[0],
): Route[] {
  const method = "POST" as const;
  const answers = { 204: { description: "It is settled." } };
  const errors: ErrorCode[] = ["unknown-promise", "already-settled"];
  const suffix = noun === "" ? "Promise" : `${noun}Promise`;
  return [
    {
      method,
      path: `${path}/resolve`,
      name: `resolve${suffix}`,
      summary: "Resolves a durable promise with the body.",
      body: { required: false, description: "The value.", schema: {} },
      answers,
      errors,
      run: (ask) => ask.port.resolve(addressOf(ask), ask.body.value).then(() => done),
    },
    {
      method,
      path: `${path}/reject`,
      name: `reject${suffix}`,
      summary: "Rejects a durable promise.",
      body: {
        required: true,
        description: "Why.",
        schema: {
          type: "object",
          properties: { reason: { type: "string" } },
          required: ["reason"],
        },
      },
      answers,
      errors,
      run: (ask) => {
        const reason = readText(readFields(ask.body, ["reason"]), "reason");
        return ask.port.reject(addressOf(ask), reason).then(() => done);
      },
    },
  ];
}
