import type { Precondition, WriteRelationships } from "../../../model/authz.ts";
import { fail } from "../../../model/errors.ts";
import type { RelationshipUpdate } from "../../../model/relationship.ts";
import type { Route } from "../../route.ts";
import { Message } from "../proto.ts";
import { checkCount } from "../read.ts";
import type { AuthzSources } from "../sources.ts";
import { type SpiceCall, type SpiceOperation, spiceRoute } from "./call.ts";
import {
  printRelationship,
  printToken,
  readFilter,
  readRelationship,
  refuseValue,
  required,
  requireFilter,
} from "./nouns.ts";
import { splitValues } from "./values.ts";
import { walk } from "./walk.ts";

/** `/v1/relationships/…`. */
export function spiceRelationshipRoutes(sources: AuthzSources): Route[] {
  return operations.map((operation) => spiceRoute(operation, sources));
}

const operations: readonly SpiceOperation[] = [
  {
    path: "/relationships/write",
    name: "WriteRelationships",
    summary: "Creates, touches and deletes relationships: all of it, or nothing.",
    right: "write",
    run: write,
  },
  {
    path: "/relationships/delete",
    name: "DeleteRelationships",
    summary: "Deletes the relationships that match a filter.",
    right: "write",
    run: deleteMatching,
  },
  {
    path: "/relationships/read",
    name: "ReadRelationships",
    summary: "The relationships that match a filter, one a line.",
    right: "read",
    run: read,
  },
  {
    path: "/relationships/importbulk",
    name: "ImportBulkRelationships",
    summary: "Creates relationships, in as many messages as it takes.",
    right: "write",
    takesLines: true,
    run: importBulk,
  },
  {
    path: "/relationships/exportbulk",
    name: "ExportBulkRelationships",
    summary: "All relationships of one revision, many a line.",
    right: "read",
    run: exportBulk,
  },
];

const updateOperations = {
  OPERATION_CREATE: "create",
  OPERATION_TOUCH: "touch",
  OPERATION_DELETE: "delete",
} as const;

function readUpdate(message: Message): RelationshipUpdate {
  const operation = message.choice("operation", [
    "OPERATION_UNSPECIFIED",
    "OPERATION_CREATE",
    "OPERATION_TOUCH",
    "OPERATION_DELETE",
  ]);
  if (operation === "OPERATION_UNSPECIFIED") {
    throw refuseValue("RelationshipUpdate.operation", "value must not be in list [0]");
  }
  return {
    operation: updateOperations[operation],
    relationship: readRelationship(required(message, "relationship", "Relationship")),
  };
}

async function write({ ask, tenant, body }: SpiceCall): Promise<unknown> {
  const { limits } = ask;
  const updates = body.messages("updates", "RelationshipUpdate");
  checkCount(updates.length, "authzUpdates", { limits, what: "one write" });
  const request: WriteRelationships = {
    updates: updates.map(readUpdate),
    ...readConditions({ ask, tenant, body }),
  };
  const { zookie } = await tenant.write(request);
  return { writtenAt: printToken(zookie) };
}

function readConditions({
  ask,
  body,
}: SpiceCall): Pick<WriteRelationships, "preconditions" | "metadata"> {
  const { limits } = ask;
  const preconditions = body.messages("optionalPreconditions", "Precondition");
  checkCount(preconditions.length, "authzPreconditions", { limits, what: "one write" });
  const metadata = body.struct("optionalTransactionMetadata");
  return {
    ...(preconditions.length === 0 ? {} : { preconditions: preconditions.map(readPrecondition) }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function readPrecondition(message: Message): Precondition {
  const operation = message.choice("operation", [
    "OPERATION_UNSPECIFIED",
    "OPERATION_MUST_NOT_MATCH",
    "OPERATION_MUST_MATCH",
  ]);
  if (operation === "OPERATION_UNSPECIFIED") {
    throw refuseValue("Precondition.operation", "value must not be in list [0]");
  }
  return {
    must: operation === "OPERATION_MUST_MATCH" ? "match" : "not-match",
    filter: requireFilter(required(message, "filter", "RelationshipFilter")),
  };
}

async function deleteMatching(call: SpiceCall): Promise<unknown> {
  const { tenant, body } = call;
  const filter = requireFilter(required(body, "relationshipFilter", "RelationshipFilter"));
  const limit = body.count("optionalLimit");
  const isPartial = body.flag("optionalAllowPartialDeletions");
  const conditions = readConditions(call);
  const request = {
    filter,
    ...(limit === 0 ? {} : { limit: Math.min(limit, call.ask.limits.authzDelete) }),
    ...(limit !== 0 && !isPartial ? { allOrNothing: true } : {}),
  };
  let { zookie, deleted, complete } = await tenant.deleteRelationships({
    ...request,
    ...conditions,
  });
  // Without a limit all of them go there; here it may take more than one transaction.
  while (!complete && limit === 0) {
    const more = await tenant.deleteRelationships(request);
    zookie = more.zookie;
    deleted += more.deleted;
    complete = more.complete;
  }
  return {
    deletedAt: printToken(zookie),
    deletionProgress: complete ? "DELETION_PROGRESS_COMPLETE" : "DELETION_PROGRESS_PARTIAL",
    relationshipsDeletedCount: String(deleted),
  };
}

async function* read({ ask, tenant, body }: SpiceCall): AsyncGenerator<unknown> {
  const filter = requireFilter(required(body, "relationshipFilter", "RelationshipFilter"));
  const pages = walk({
    body,
    limit: body.count("optionalLimit"),
    pageSize: ask.limits.authzPage,
    signal: ask.signal,
    next: (page) => tenant.read({ filter, ...page }),
  });
  for await (const { items, zookie, cursor } of pages) {
    yield items.map((relationship, index) => ({
      readAt: printToken(zookie),
      relationship: printRelationship(relationship),
      afterResultCursor: cursor(index),
    }));
  }
}

async function importBulk({ ask, tenant }: SpiceCall): Promise<unknown> {
  const { limits } = ask;
  let loaded = 0;
  let batch: RelationshipUpdate[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    await tenant.write({ updates: batch });
    loaded += batch.length;
    batch = [];
  };
  for await (const text of splitValues(ask.lines(limits.requestBody), limits.requestBody)) {
    const message = new Message(parse(text), "ImportBulkRelationshipsRequest");
    for (const each of message.messages("relationships", "Relationship")) {
      batch.push({ operation: "create", relationship: readRelationship(each) });
      if (batch.length >= limits.authzUpdates) await flush();
    }
  }
  await flush();
  return { numLoaded: String(loaded) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "it cannot be read";
    throw fail("invalid-json", { what: "request body", reason });
  }
}

async function* exportBulk({ ask, tenant, body }: SpiceCall): AsyncGenerator<unknown> {
  const message = body.message("optionalRelationshipFilter", "RelationshipFilter");
  const filter = message === undefined ? undefined : readFilter(message);
  const size = body.count("optionalLimit");
  const pages = walk({
    body,
    limit: 0,
    pageSize: size === 0 ? ask.limits.authzPage : Math.min(size, ask.limits.authzPage),
    signal: ask.signal,
    next: (page) => tenant.read(filter === undefined ? page : { filter, ...page }),
  });
  for await (const { items, cursor } of pages) {
    if (items.length === 0) continue;
    yield {
      afterResultCursor: cursor(items.length - 1),
      relationships: items.map(printRelationship),
    };
  }
}
