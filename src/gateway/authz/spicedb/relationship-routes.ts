import type { Precondition, WriteRelationships } from "../../../model/authz.ts";
import { fail, HoldfastError } from "../../../model/errors.ts";
import {
  formatRelationship,
  type Relationship,
  type RelationshipUpdate,
} from "../../../model/relationship.ts";
import { Message } from "../proto.ts";
import { checkCount } from "../read.ts";
import type { SpiceCall, SpiceOperation } from "./call.ts";
import {
  printRelationship,
  printToken,
  readFilter,
  readRelationship,
  refuseValue,
  required,
  requireFilter,
} from "./nouns.ts";
import { SpiceReason } from "./reasons.ts";
import { splitValues } from "./values.ts";
import { walk } from "./walk.ts";

const importing: SpiceOperation = {
  path: "/relationships/importbulk",
  name: "ImportBulkRelationships",
  summary: "Creates relationships, in as many messages as it takes.",
  right: "write",
  takesLines: true,
  run: importBulk,
};

const exporting: SpiceOperation = {
  path: "/relationships/exportbulk",
  name: "ExportBulkRelationships",
  summary: "All relationships of one revision, many a line.",
  right: "read",
  streams: true,
  run: exportBulk,
};

/** `/v1/relationships/…`. */
export const relationshipOperations: readonly SpiceOperation[] = [
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
    streams: true,
    summary: "The relationships that match a filter, one a line.",
    right: "read",
    run: read,
  },
  importing,
  { ...importing, path: "/experimental/relationships/bulkimport" },
  exporting,
  { ...exporting, path: "/experimental/relationships/bulkexport" },
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

async function write(call: SpiceCall): Promise<unknown> {
  const { ask, tenant, body } = call;
  const { limits } = ask;
  const updates = body.messages("updates", "RelationshipUpdate");
  checkCount(updates.length, "authzUpdates", { limits, what: "one write" });
  const conditions = readConditions(call);
  if (updates.length === 0) return { writtenAt: await writeNothing(call, conditions) };
  const { zookie } = await tenant.write({ updates: updates.map(readUpdate), ...conditions });
  return { writtenAt: printToken(zookie) };
}

/** A write without updates asks whether its preconditions hold, all at one revision. */
async function writeNothing(
  { tenant }: SpiceCall,
  { preconditions = [] }: Conditions,
): Promise<unknown> {
  const { zookie } = await tenant.read({ limit: 1, consistency: { kind: "fully-consistent" } });
  const consistency = { kind: "exact-snapshot", zookie } as const;
  for (const { must, filter } of preconditions) {
    const { items } = await tenant.read({ filter, limit: 1, consistency });
    if (items.length > 0 === (must === "match")) continue;
    const found = must === "match" ? "nothing matches" : "something matches";
    throw fail("precondition-failed", { filter: `${found} ${JSON.stringify(filter)}` });
  }
  return printToken(zookie);
}

type Conditions = Pick<WriteRelationships, "preconditions" | "metadata">;

function readConditions({ ask, body }: SpiceCall): Conditions {
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
  const limit = readDeleteLimit(call);
  const isPartial = body.flag("optionalAllowPartialDeletions");
  const { preconditions, ...metadata } = readConditions(call);
  const request = {
    filter,
    ...metadata,
    ...(limit === 0 ? {} : { limit }),
    ...(limit !== 0 && !isPartial ? { allOrNothing: true } : {}),
  };
  let { zookie, deleted, complete } = await tenant.deleteRelationships({
    ...request,
    ...(preconditions === undefined ? {} : { preconditions }),
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

/** A larger one would promise more than one transaction can keep. */
function readDeleteLimit({ ask, body }: SpiceCall): number {
  const limit = body.count("optionalLimit");
  const max = ask.limits.authzDelete;
  if (limit <= max) return limit;
  const reason = new SpiceReason("EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT", {
    limit_provided: String(limit),
    maximum_limit_allowed: String(max),
  });
  const details = {
    what: "DeleteRelationshipsRequest.optionalLimit",
    reason: `the most is ${max}`,
  };
  throw fail("invalid-argument", details, reason);
}

async function* read({ ask, tenant, body }: SpiceCall): AsyncGenerator<unknown> {
  const filter = requireFilter(required(body, "relationshipFilter", "RelationshipFilter"));
  const pages = walk({
    body,
    limit: body.count("optionalLimit"),
    pageSize: ask.limits.authzPage,
    signal: ask.signal,
    key: (relationship: Relationship) => formatRelationship(relationship),
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
    await tenant.write({ updates: batch }).catch(asRecreated);
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

/** Twice in one import: the second finds the first there, as it would in the batch after. */
function asRecreated(error: unknown): never {
  if (!(error instanceof HoldfastError) || error.code !== "duplicate-update") throw error;
  throw fail("relationship-exists", error.details);
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
    key: (relationship: Relationship) => formatRelationship(relationship),
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
