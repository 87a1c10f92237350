import { type ErrorCode, errorTable } from "../model/errors.ts";
import type { Definition, HandlerDefinition } from "../sdk/handler.ts";
import type { StandardSchema } from "../sdk/standard-schema.ts";
import { authzSchemas } from "./authz/schemas.ts";
import { moveReferences, toJsonSchema } from "./json-schema.ts";
import type { AnswerRule, JsonSchema, Route } from "./route.ts";
import { ref, schemas } from "./schemas.ts";

/** OpenAPI 3.1 of what is served: the handlers of the application, and the operations on them. */
export function makeOpenApi(sources: {
  readonly routes: readonly Route[];
  readonly definitions: readonly Definition[];
  readonly version: string;
}): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  const components = new Components();
  for (const definition of sources.definitions) addHandlers(paths, components, definition);
  for (const route of sources.routes.filter(({ foreign }) => foreign !== true)) {
    const methods = paths[route.path] ?? {};
    methods[route.method.toLowerCase()] = operationOf(route);
    paths[route.path] = methods;
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Holdfast",
      version: sources.version,
      description: "Durable services, actors and workflows over HTTP.",
    },
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    servers: [{ url: "/" }],
    // With or without a token: it depends on whether the server was configured with some.
    security: [{}, { token: [] }],
    tags: [
      ...sources.definitions.map(({ name, kind }) => ({
        name,
        description: `The ${kind} ${name}.`,
      })),
      { name: "holdfast", description: "Operations on invocations, promises, state, schedules." },
      { name: "authz", description: "Authorization: tenants, schemas, relationships, questions." },
    ],
    paths,
    components: {
      schemas: { ...schemas, ...authzSchemas, ...components.schemas },
      responses: {
        Problem: {
          description: "Problem details (RFC 9457). `code` is stable.",
          content: { "application/problem+json": { schema: ref("Problem") } },
        },
      },
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

/** Schemas of the application, each under a name of its own. */
class Components {
  readonly schemas: Record<string, JsonSchema> = {};

  /** @returns a reference to it; `{}` where nothing is known. */
  add(name: string, schema: StandardSchema | undefined, side: "input" | "output"): JsonSchema {
    const converted = schema === undefined ? {} : toJsonSchema(schema, side);
    if (Object.keys(converted).length === 0) return {};
    const base = name.replace(/[^a-zA-Z0-9._-]/g, "_");
    let unique = base;
    for (let i = 2; unique in this.schemas || isTaken(unique); i++) unique = `${base}.${i}`;
    const pointer = `#/components/schemas/${unique}`;
    this.schemas[unique] = moveReferences(converted, pointer);
    return { $ref: pointer };
  }
}

function isTaken(name: string): boolean {
  return name in schemas || name in authzSchemas;
}

function addHandlers(
  paths: Record<string, Record<string, unknown>>,
  components: Components,
  definition: Definition,
): void {
  const { name: service } = definition;
  for (const handler of Object.values(definition.handlers)) {
    if (handler.options.private === true) continue;
    const key = handler.mode === "stateless" ? "" : "/{key}";
    const target = `${encodeURIComponent(service)}${key}/${encodeURIComponent(handler.name)}`;
    const name = `${service}.${handler.name}`;
    const input = components.add(`${name}.input`, handler.options.input, "input");
    const output = components.add(`${name}.output`, handler.options.output, "output");
    const answers: Readonly<Record<number, AnswerRule>> = {
      200: { description: "The result.", schema: output },
      204: { description: "It has ended, and has no result." },
    };
    const common = { definition, handler, input };
    paths[`/call/${target}`] = { post: startOperation({ ...common, verb: "call", answers }) };
    paths[`/send/${target}`] = { post: startOperation({ ...common, verb: "send", answers: sent }) };
  }
}

const sent: Readonly<Record<number, AnswerRule>> = {
  202: { description: "It is accepted, and durable.", schema: ref("Accepted") },
};

function startOperation(given: {
  readonly verb: "call" | "send";
  readonly definition: Definition;
  readonly handler: HandlerDefinition;
  readonly input: JsonSchema;
  readonly answers: Readonly<Record<number, AnswerRule>>;
}): unknown {
  const { verb, definition, handler, input, answers } = given;
  const name = `${definition.name}.${handler.name}`;
  const parameters: unknown[] = [];
  if (handler.mode !== "stateless") parameters.push(pathParameter("key"));
  parameters.push({
    name: "Idempotency-Key",
    in: "header",
    description: "The same key gives the same invocation.",
    schema: { type: "string" },
  });
  if (verb === "send") {
    parameters.push({
      name: "delay",
      in: "query",
      description: "When to start it, from now on, such as `10s` or `1h 30m`.",
      schema: { type: "string" },
    });
  }
  return {
    operationId: `${verb}:${name}`,
    tags: [definition.name],
    summary: verb === "call" ? `Calls ${name} and waits for its result.` : `Starts ${name}.`,
    parameters,
    requestBody: {
      required: handler.options.input !== undefined,
      content: { "application/json": { schema: input } },
    },
    responses: responsesOf(answers, [
      "invalid-json",
      "invalid-input",
      ...(handler.options.permission === undefined ? [] : denials),
      "handler-failed",
    ]),
  };
}

/** Of handlers that ask for a permission. */
const denials: readonly ErrorCode[] = ["permission-denied", "caller-missing", "schema-missing"];

function operationOf(route: Route): unknown {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const parameters = [
    ...names.map(pathParameter),
    ...(route.query ?? []).map((parameter) => ({ ...parameter, in: "query" })),
  ];
  return {
    operationId: route.name,
    tags: [route.path.startsWith("/authz/") ? "authz" : "holdfast"],
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: bodyOf(route.body) }),
    ...(route.open === true ? { security: [{}] } : {}),
    responses: responsesOf(route.answers, route.errors),
  };
}

function pathParameter(name: string): unknown {
  return { name, in: "path", required: true, schema: { type: "string", minLength: 1 } };
}

function bodyOf({ required, description, schema, isLines }: NonNullable<Route["body"]>): unknown {
  const type = isLines === true ? "application/x-ndjson" : "application/json";
  return { required, description, content: { [type]: { schema } } };
}

function responsesOf(
  answers: Readonly<Record<number, AnswerRule>>,
  errors: readonly ErrorCode[],
): Record<string, unknown> {
  const responses: Record<string, unknown> = {};
  for (const [status, { description, schema, type = "application/json" }] of Object.entries(
    answers,
  )) {
    responses[status] =
      schema === undefined ? { description } : { description, content: { [type]: { schema } } };
  }
  const byStatus = Map.groupBy(errors, (code) => errorTable[code].status);
  for (const [status, codes] of byStatus) {
    responses[status] = {
      description: codes.map((code) => `\`${code}\``).join(", "),
      content: { "application/problem+json": { schema: ref("Problem") } },
    };
  }
  responses["default"] = { $ref: "#/components/responses/Problem" };
  return responses;
}
