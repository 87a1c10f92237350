import type { FoundSubject, LookupResources, LookupSubjects } from "../../../model/authz.ts";
import { HoldfastError } from "../../../model/errors.ts";
import { type Answer, json, type StreamedAnswer } from "../../exchange.ts";
import type { Route } from "../../route.ts";
import type { Message } from "../proto.ts";
import type { AuthzSources } from "../sources.ts";
import { type FgaCall, type FgaOperation, storeRoute } from "./call.ts";
import { UndecidedConditions } from "./conditions.ts";
import { FgaRefusal, fgaRefusalOf, invalid, toFga } from "./errors.ts";
import {
  isAllowed,
  readContextualKeys,
  readFgaQuestion,
  readRequired,
  refuseContextual,
} from "./query-routes.ts";
import { matching, patterns, readFgaUser, readTupleKey, type TupleKey } from "./tuples.ts";

/** Lists of objects and of users: whole, for there is no page to cut them into. */
export function listRoutes(sources: AuthzSources): Route[] {
  const conditions = new UndecidedConditions(sources.limits);
  return operationsWith(conditions).map((operation) => storeRoute(operation, sources));
}

const operationsWith = (conditions: UndecidedConditions): readonly FgaOperation[] => [
  {
    method: "POST",
    path: "/list-objects",
    name: "ListObjects",
    summary: "The objects of a type that a user has a relation with.",
    right: "check",
    run: listObjects,
  },
  {
    method: "POST",
    path: "/streamed-list-objects",
    name: "StreamedListObjects",
    summary: "The same, one a line, as they are found.",
    right: "check",
    streams: true,
    run: streamObjects,
  },
  {
    method: "POST",
    path: "/list-users",
    name: "ListUsers",
    summary: "The users of a type that have a relation with an object.",
    right: "check",
    run: (call) => listUsers(call, conditions),
  },
];

async function listObjects(call: FgaCall): Promise<Answer> {
  const objects: string[] = [];
  for await (const page of objectPages(call)) objects.push(...page);
  return json(200, { objects });
}

function streamObjects(call: FgaCall): StreamedAnswer {
  return {
    type: "application/json",
    pieces: printObjects(call),
    // In the middle of a stream an error is a status of gRPC.
    failure: (error) => {
      const { message, status } = fgaRefusalOf(error);
      const code = grpcCodes.get(status) ?? 13;
      return `${JSON.stringify({ error: { code, message, details: [] } })}\n`;
    },
  };
}

/** By the status that the error would have had as an answer; all others are INTERNAL. */
const grpcCodes: ReadonlyMap<number, number> = new Map([
  [400, 3],
  [401, 16],
  [403, 7],
  [404, 5],
  [409, 10],
  [422, 8],
  [429, 8],
]);

async function* printObjects(call: FgaCall): AsyncGenerator<string, void, undefined> {
  for await (const page of objectPages(call)) {
    const lines = page.map((object) => `${JSON.stringify({ result: { object } })}\n`);
    if (lines.length > 0) yield lines.join("");
  }
}

async function* objectPages({ ask, tenant, body }: FgaCall): AsyncGenerator<string[]> {
  const contextual = readContextualKeys(body);
  const resourceType = readType(body);
  const permission = matching(body, "relation", patterns.relation);
  const subject = readListUser(body);
  let after: string | undefined;
  for (;;) {
    const request: LookupResources = {
      ...readFgaQuestion(body, contextual),
      resourceType,
      permission,
      subject,
      limit: ask.limits.authzPage,
      ...(after === undefined ? {} : { after }),
    };
    const page = await tenant
      .lookupResources(request)
      .catch(async (error: unknown) => refuseList({ ask, tenant, body }, error, contextual));
    yield page.items
      .filter((found) => isAllowed(found, `${resourceType}:${found.id}`))
      .map(({ id }) => `${resourceType}:${id}`);
    if (page.next === null || ask.signal.aborted) return;
    after = page.next;
  }
}

function readType(body: Message): string {
  const type = body.text("type");
  if (/^[^:#@\s]{1,254}$/u.test(type)) return type;
  throw new FgaRefusal(
    "type_invalid_pattern",
    `invalid ${body.type}.Type: value does not match regex pattern "^[^:#@\\\\s]{1,254}$"`,
  );
}

function readListUser(body: Message): LookupResources["subject"] {
  const user = body.text("user");
  if (user === "" || user.length > 512) {
    throw invalid(
      `invalid ${body.type}.User: value length must be between 1 and 512 bytes, inclusive`,
    );
  }
  try {
    return readFgaUser(user);
  } catch (error) {
    throw invalid(`invalid 'user' value: ${fgaRefusalOf(error).message}`);
  }
}

/** An unknown type of the user is a matter of the request; one of the object has its own code. */
async function refuseList(
  { ask, tenant, body }: Pick<FgaCall, "ask" | "tenant" | "body">,
  error: unknown,
  contextual: readonly TupleKey[],
): Promise<never> {
  const model = body.text("authorization_model_id");
  const found = await refuseContextual(error, contextual, { tenant, model, limits: ask.limits });
  if (found !== undefined) throw found;
  if (!(error instanceof HoldfastError)) throw error;
  const [userType = "", userRelation] = body.text("user").split(/:[^#]*#?/);
  const { code, details } = error;
  const isOfUser =
    body.has("user") &&
    details["type"] === userType &&
    (code === "unknown-type"
      ? userType !== body.text("type")
      : code === "unknown-relation" &&
        details["relation"] === userRelation &&
        !(userType === body.text("type") && userRelation === body.text("relation")));
  throw isOfUser ? invalid(`invalid 'user' value: ${toFga(error).message}`) : error;
}

async function listUsers(call: FgaCall, conditions: UndecidedConditions): Promise<Answer> {
  const { ask, tenant, body } = call;
  const object = readRequired(body, "object", "Object");
  const resource = { type: object.text("type"), id: object.text("id") };
  if (resource.type === "" || resource.id === "") {
    throw invalid("invalid Object.Id: value length must be at least 1 runes");
  }
  const filters = body.messages("user_filters", "UserTypeFilter");
  const [filter] = filters;
  if (filter === undefined || filters.length > 1) {
    throw invalid("invalid ListUsersRequest.UserFilters: value must contain exactly 1 item(s)");
  }
  const subjectType = matching(filter, "type", patterns.type);
  const subjectRelation = filter.text("relation");
  const contextual = body.messages("contextual_tuples", "TupleKey").map(readTupleKey);
  const request: LookupSubjects = {
    ...readFgaQuestion(body, contextual),
    resource,
    permission: matching(body, "relation", patterns.relation),
    subjectType,
    ...(subjectRelation === "" ? {} : { subjectRelation }),
    limit: ask.limits.authzPage,
  };
  const users: unknown[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await tenant
      .lookupSubjects(after === undefined ? request : { ...request, after })
      .catch(async (error: unknown) => refuseList({ ask, tenant, body }, error, contextual));
    for (const found of page.items) {
      if (isAllowed(found, `${resource.type}:${resource.id}`)) {
        users.push(printFound(found, { type: subjectType, relation: subjectRelation }));
      }
    }
    if (page.next === null) {
      await conditions.refuse(tenant, request, page);
      return json(200, { users });
    }
    after = page.next;
  }
}

function printFound(
  { id }: FoundSubject,
  { type, relation }: { readonly type: string; readonly relation: string },
): unknown {
  if (id === "*") return { wildcard: { type } };
  return relation === "" ? { object: { type, id } } : { userset: { type, id, relation } };
}
